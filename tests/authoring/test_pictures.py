"""Pictures come from functions beside the lessons and out of the lessons themselves."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest

from autograder.authoring.pictures import PictureError, draw_pictures

DRAWN = """
import matplotlib.pyplot as plt
from matplotlib.pyplot import figure


def two_bars():
    made, panel = plt.subplots()
    panel.bar([0, 1], _heights())
    return made


def _heights():
    return [1, 2]
"""
LESSON = """
import matplotlib.pyplot as plt
from vislab.check import check

check("no.such.exercise", None)
plt.figure(num="finished")
plt.plot([0, 1], [1, {height}])
plt.show()
print("a lesson's own words")
"""


@pytest.fixture
def assignment(tmp_path):
    for folder in ("figures", "lessons"):
        (tmp_path / folder).mkdir()
    (tmp_path / "figures" / "drawn.py").write_text(DRAWN)
    (tmp_path / "lessons" / "1_first.py").write_text(LESSON.format(height=2))
    return SimpleNamespace(folder=tmp_path, name="a9_test", notebooks=("1_first",))


def test_every_public_function_and_every_lesson_is_drawn(assignment, capsys):
    written = draw_pictures(assignment)
    assert [path.name for path in written] == ["two_bars.png", "1_first.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
    assert capsys.readouterr().out == "" and plt.get_fignums() == []


def test_the_picture_is_what_the_lesson_draws_and_is_the_same_twice(assignment):
    (path,) = draw_pictures(assignment, ["1_first"])
    before = path.read_bytes()
    draw_pictures(assignment, ["1_first"])
    assert path.read_bytes() == before
    (assignment.folder / "lessons" / "1_first.py").write_text(LESSON.format(height=3))
    draw_pictures(assignment, ["1_first"])
    assert path.read_bytes() != before


def test_an_unknown_name_is_refused_before_anything_is_drawn(assignment):
    with pytest.raises(PictureError, match="no picture of a9_test is called figure, three_bars; there are 1_first, two_bars"):
        draw_pictures(assignment, ["two_bars", "three_bars", "figure"])
    assert not (assignment.folder / "figures" / "two_bars.png").exists()


def test_a_lesson_without_a_finished_figure_is_told(assignment):
    (assignment.folder / "lessons" / "1_first.py").write_text("import matplotlib.pyplot as plt\nplt.figure(num='begun')\n")
    with pytest.raises(PictureError, match=r'1_first\.py draws no figure with num="finished"'):
        draw_pictures(assignment)
    assert plt.get_fignums() == []
