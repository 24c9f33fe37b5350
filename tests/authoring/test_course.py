from __future__ import annotations

import pytest

from autograder.authoring.course import DEFAULT_ADDRESS, Course, read_course
from autograder.authoring.fault import AuthoringError

GITHUB = Course("Vislab", "vislab", "https://github.com/some-org/some.repo")
ELSEWHERE = Course("Vislab", "vislab", "https://www.example.edu/courses/vislab")


def test_links_on_github():
    assert GITHUB.repository == "some-org/some.repo"
    assert GITHUB.bundle_link("a1_pose") == "https://github.com/some-org/some.repo/releases/latest/download/a1_pose.zip"
    assert GITHUB.release_link("a1_pose", "figures/x y.png") == (
        "https://github.com/some-org/some.repo/blob/main/release/a1_pose/figures/x%20y.png"
    )
    assert GITHUB.colab_link("a1_pose", "regression") == (
        "https://colab.research.google.com/github/some-org/some.repo/blob/main/release/a1_pose/regression.ipynb"
    )


def test_elsewhere_only_the_bundle_has_a_link():
    assert ELSEWHERE.repository is None
    assert ELSEWHERE.bundle_link("a1_pose") == "https://www.example.edu/courses/vislab/a1_pose.zip"
    assert ELSEWHERE.release_link("a1_pose", "x.png") is None
    assert ELSEWHERE.colab_link("a1_pose", "regression") is None


def test_the_shipped_course_reads(request):
    course = read_course(request.config.rootpath / "assignments" / "course.toml")
    assert course.course_id == "vislab"
    assert course.address == DEFAULT_ADDRESS


def test_the_address_has_a_default(tmp_path):
    path = tmp_path / "course.toml"
    path.write_text('title = "T"\ncourse_id = "t"\n', encoding="utf-8")
    assert read_course(path) == Course("T", "t", DEFAULT_ADDRESS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "T"', "key 'course_id' is missing; add it"),
        ('title = "T"\ncourse_id = "t"\nadress = "x"', r"unknown keys \['adress'\]; the known ones are"),
        ('title = "T"\ncourse_id = 3', "course_id 3 must be a string in quotes"),
        ('title = "T"\ncourse_id = "a b"', "course_id 'a b' must be letters, digits"),
        ('title = " "\ncourse_id = "t"', "course title is empty"),
        ("title = ", "is not valid TOML"),
        ('title = "T"\ncourse_id = "t"\naddress = "github.com/a/b"', "must be a full web address"),
        ('title = "T"\ncourse_id = "t"\naddress = "ftp://github.com/a/b"', "must be a full web address"),
        ('title = "T"\ncourse_id = "t"\naddress = "https://github.com/a/b/"', "must end without slash"),
        ('title = "T"\ncourse_id = "t"\naddress = "https://x.org/a?b=c"', "must end without slash, query or fragment"),
        ('title = "T"\ncourse_id = "t"\naddress = "https://github.com/a"', "must name one repository, such as 'https://github.com/"),
        ('title = "T"\ncourse_id = "t"\naddress = "https://github.com/a/b/tree/main"', "must name one repository"),
    ],
)
def test_faults_name_file_value_and_remedy(text, message, tmp_path):
    path = tmp_path / "course.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AuthoringError, match=message) as caught:
        read_course(path)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(AuthoringError, match=r"course\.toml is missing; write one with title, course_id and address"):
        read_course(tmp_path / "course.toml")
