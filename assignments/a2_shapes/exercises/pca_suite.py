"""A test, written by students, of the PCA shape space."""

from __future__ import annotations

from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfFitPca(Exercise):
    """What a test must catch: a mean, modes, variances and a share that do not belong together, and sizes and dtypes that are rarer."""

    name = "shapes.test_fit_pca"
    title = "A test of the PCA shape space"
    symbol = "test_fit_pca"
    points = {Family.VALUE: 3.25, Family.EDGE: 0.5, Family.DTYPE: 0.25}
    probe = SuiteProbe(of="shapes.fit_pca")

    def cases(self) -> list[Suspect]:
        return [
            Suspect("everything twice as large", Family.VALUE, public=True, spoiler=("scaled", {"by": 2.0})),
            Suspect("a constant added", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.125})),
            Suspect("rounded to whole numbers", Family.VALUE, public=True, spoiler=("rounded", {})),
            Suspect("float64 whatever comes in", Family.VALUE, public=True, spoiler=("widened", {})),
            Suspect("modes about the origin", Family.VALUE, mutant="not_centred"),
            Suspect("variances divided by M - 1", Family.VALUE, mutant="one_less"),
            Suspect("singular values for variances", Family.VALUE, mutant="sizes_for_variances"),
            Suspect("modes of every sign", Family.VALUE, mutant="sign_left_open"),
            Suspect("the smallest modes", Family.VALUE, mutant="smallest_first"),
            Suspect("modes scaled by their deviation", Family.VALUE, mutant="modes_scaled"),
            Suspect("x and y in turn", Family.VALUE, mutant="interleaved"),
            Suspect("the share among the modes kept", Family.VALUE, mutant="share_of_the_kept"),
            Suspect("fewer outlines than numbers", Family.VALUE, mutant="needs_many_outlines"),
            Suspect("the share when there are no modes", Family.EDGE, mutant="all_without_modes"),
            Suspect("digits lost for float64", Family.DTYPE, mutant="single_precision"),
        ]
