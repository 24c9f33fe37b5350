"""A grader marks a question in the formgrader, and students open their feedback: a course of two, judged behind the walls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nbgrader.api import Gradebook
from small_course import ANSWER, ASSIGNMENT, NOTEBOOK, PRINTED, TOKEN, feedback, feedback_page, jupyter_lab

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.needs_walls]
CHECK, QUESTION = "check-boxes-box_iou", "question-boxes-q_gradient"
COMMENT = "Right. And what would you do about it?"


def test_the_formgrader_shows_the_judges_points_and_takes_a_mark(
    marked: Path, tmp_path: Path, page: Page, picture: Callable[[str], None]
) -> None:
    from playwright.sync_api import expect

    with jupyter_lab(marked, tmp_path / "lab") as address:
        # by its front door: nbgrader's pages keep the token for the addresses below the first one.
        page.goto(f"{address}formgrader/gradebook?token={TOKEN}")
        for name in (ASSIGNMENT, NOTEBOOK):
            page.locator("tbody").get_by_role("link", name=name).click()
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.filter(has_text="4 / 7")).to_have_count(1)
        # ben's: half of the points for edges are gone.
        rows.filter(has_text="3.5 / 7").get_by_role("link").first.click()
        expect(page.locator(f"[id='{CHECK}']")).to_have_attribute("placeholder", "3.5")
        expect(page.locator("body")).to_contain_text("3 of 3 elements of the answer are NaN or infinite")
        score = page.locator(f"[id='{QUESTION}']")
        expect(score).to_have_class("score tabbable needs_manual_grade")
        with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT") as saved:
            score.fill("2")
            score.press("Tab")
        assert saved.value.ok
        comment = page.locator(f"[id='{QUESTION}-comment']")
        with page.expect_response(lambda answer: "/api/comment/" in answer.url and answer.request.method == "PUT") as saved:
            comment.fill(COMMENT)
            comment.press("Tab")
        assert saved.value.ok
        page.reload()
        expect(score).to_have_value("2")
        expect(comment).to_have_value(COMMENT)
        expect(score).not_to_have_class("score tabbable needs_manual_grade")
        comment.scroll_into_view_if_needed()
        picture("formgrader")

    with Gradebook(f"sqlite:///{marked / 'gradebook.db'}", "vislab") as gradebook:
        grade = gradebook.find_grade(QUESTION, NOTEBOOK, ASSIGNMENT, "ben")
        assert (grade.manual_score, grade.needs_manual_grade) == (2.0, False)
        assert gradebook.find_submission(ASSIGNMENT, "ben").score == 5.5
        other = gradebook.find_grade(QUESTION, NOTEBOOK, ASSIGNMENT, "ada")
        assert (other.manual_score, other.needs_manual_grade) == (None, True)
    # and the student is told.
    feedback(marked)
    page.goto(feedback_page(marked, "ben").as_uri())
    expect(page.locator("body")).to_contain_text(COMMENT)
    expect(page.locator("body")).to_contain_text("(Score: 5.5 / 7.0)")
    page.get_by_text("Intersection over union", exact=True).last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 560)
    page.wait_for_timeout(500)
    picture("feedback_page")


def test_a_feedback_page_shows_ledger_and_source_and_nothing_that_was_printed(marked: Path, page: Page) -> None:
    from playwright.sync_api import expect

    feedback(marked)
    page.goto(feedback_page(marked, "ben").as_uri())
    # the mutant's own line, and what the judge says of it.
    expect(page.locator("body")).to_contain_text("return inner / (areas - inner)")
    expect(page.locator("body")).to_contain_text("NOT_FINITE")
    page.goto(feedback_page(marked, "ada").as_uri())
    shown = page.locator("body")
    for text in (ANSWER, "return wide * tall / (union + (union == 0))", "2 / 2", "3 of 3 cases"):
        expect(shown).to_contain_text(text)
    assert PRINTED not in shown.inner_text() and PRINTED not in page.content()
    # it was printed, and where outputs are asked for it is seen.
    feedback(marked, outputs=True)
    page.reload()
    expect(shown).to_contain_text(PRINTED)
