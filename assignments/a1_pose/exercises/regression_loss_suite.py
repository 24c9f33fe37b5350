"""A test of the masked regression loss, which students write."""

from __future__ import annotations

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfJointLoss(Exercise):
    """Passes every right masked loss and fails the wrong ones. Gradients do not cross to a test, so no suspect is wrong in these alone."""

    name = "pose.test_joint_loss"
    title = "A test of the masked loss"
    symbol = "test_joint_loss"
    points = {Family.VALUE: 2.0, Family.STABILITY: 0.75, Family.EDGE: 0.75, Family.DTYPE: 0.5}
    probe = SuiteProbe(of="pose.joint_loss")

    def cases(self) -> list[Case]:
        return [
            Suspect("half of the right loss", Family.VALUE, public=True, spoiler=("scaled", {"by": 0.5})),
            Suspect("zero, whatever comes in", Family.VALUE, public=True, spoiler=("constant", {})),
            Suspect("a quarter too much", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.25})),
            Suspect("rounded to a whole number", Family.VALUE, public=True, spoiler=("rounded", {})),
            Suspect("divided by all joints, hidden ones too", Family.VALUE, mutant="divides_by_all_joints"),
            Suspect("every person's mean first, then the mean of these", Family.VALUE, mutant="mean_of_means"),
            Suspect("hidden joints counted", Family.VALUE, mutant="mask_ignored"),
            Suspect("the mask not read: what is not NaN counts as visible", Family.VALUE, mutant="mask_from_the_nans"),
            Suspect("l2 without the square", Family.VALUE, mutant="not_squared"),
            Suspect("l2 where l1 is asked", Family.VALUE, mutant="kind_ignored"),
            Suspect("Huber's loss where l1 is asked", Family.VALUE, mutant="huber"),
            Suspect("the first person alone", Family.VALUE, mutant="first_person_only"),
            Suspect("hidden joints multiplied by zero", Family.STABILITY, mutant="multiplies_by_the_mask"),
            Suspect("hidden labels that are NaN taken out, others multiplied by zero", Family.STABILITY, mutant="nan_labels_replaced"),
            Suspect("zero over zero where no joint is visible", Family.EDGE, mutant="mean_of_nothing"),
            Suspect("all joints counted where none is visible", Family.EDGE, mutant="nothing_visible_counts_all"),
            Suspect("right for contiguous memory only", Family.EDGE, mutant="contiguous_only"),
            Suspect("single precision for double", Family.DTYPE, mutant="single_precision"),
            Suspect("an epsilon in the denominator", Family.DTYPE, mutant="epsilon_in_the_denominator"),
        ]
