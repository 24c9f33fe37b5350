"""nbgrader's settings for this course: everything else is nbgrader as you know it.

nbgrader reads this file when it is started in this folder. To run a course in a folder of its own, put an ``nbgrader_config.py`` there
with the one line  load_subconfig("nbgrader_config.py", path="/the/folder/of/this/file")  and add what differs below it.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from autograder.gradebook.hooks import prepare_nbgrader, require_intake  # noqa: E402 - found through the line above

c = get_config()  # noqa: F821 - nbgrader provides it

c.CourseDirectory.course_id = "vislab"
# assignment.toml of each assignment says when it is due and what a late day costs.
c.CoursePart.assignments_root = str(HERE / "assignments")

# what arrives
# submitted/ stays as it arrived; `python -m autograder intake` writes the cleaned copies that nbgrader grades.
c.CourseDirectory.submitted_directory = "intake"
c.ZipCollectApp.CourseDirectory.submitted_directory = "submitted"
# understands the downloads of Canvas, Moodle and Blackboard.
c.ZipCollectApp.extractor_plugin = "autograder.gradebook.collector.SafeExtractor"
c.ZipCollectApp.collector_plugin = "autograder.gradebook.collector.LmsCollector"
# nbgrader collect and release_feedback, where the course has an exchange.
c.ExchangeFactory.collect = "autograder.gradebook.exchange.Collect"
c.ExchangeFactory.release_feedback = "autograder.gradebook.exchange.ReleaseFeedback"

# nbgrader autograde
c.Autograde.pre_convert_hook = "autograder.gradebook.hooks.refresh_intake"
c.Autograde.autograde_preprocessors = [
    "autograder.gradebook.execute.Execute",  # runs the notebook in the sandbox beside the judge, or takes the stored result
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "autograder.gradebook.save.SaveAutoGrades",  # the judge's points; plain test cells and questions are scored nbgrader's way
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.AssignLatePenalties.plugin_class = "autograder.gradebook.late.LatePenalty"
c.LatePenalty.grace_minutes = 10

# what people see
# a student's text must not run in a grader's browser, nor a grader's page in a student's.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.preprocessors = ["autograder.gradebook.feedback.GraderView"]
c.GenerateFeedback.preprocessors = [
    "autograder.gradebook.late.RefreshPenalty",
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    "autograder.gradebook.feedback.FeedbackView",
]
# True shows what the graded run printed; it may have printed the hidden inputs.
c.FeedbackView.show_outputs = False
# --Export.form=canvas or moodle writes what these systems import.
c.ExportApp.plugin_class = "autograder.gradebook.exporter.Export"

prepare_nbgrader()
require_intake(sys.argv, Path.cwd())
