"""Which submitted cell is which template cell: by grade id, then cell id, then what it defines, then its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from autograder.intake.document import Cell
from autograder.intake.limits import DEFAULT_NOTEBOOK
from autograder.intake.syntax import Facts, facts_of, is_blank, is_comment, normalised
from autograder.intake.template import Kind, Template, TemplateCell


@dataclass
class Matching:
    """Result of matching one submission.

    Args:
        facts: of each submitted cell; of a text cell they say what its text would define as code.
        chosen: template index to the index of the submitted cell that stands for it.
        copies: template index of a restored cell to further submitted copies of it, which add nothing.
        swapped: submitted cells that are an exercise's own but hold no answer, while another cell does, to the template index.
    """

    facts: list[Facts]
    chosen: dict[int, int] = field(default_factory=dict)
    copies: dict[int, list[int]] = field(default_factory=dict)
    swapped: dict[int, int] = field(default_factory=dict)

    @property
    def taken(self) -> set[int]:
        return {*self.chosen.values(), *(index for copies in self.copies.values() for index in copies)}


class _Matcher:
    def __init__(self, template: Template, cells: Sequence[Cell], syntax_bytes: int, known: dict[str, Facts]) -> None:
        self.template, self.cells = template, cells
        for cell in cells:
            if cell.source not in known:
                known[cell.source] = facts_of(cell.source, syntax_bytes)
        self.facts = [known[cell.source] for cell in cells]
        self.text = [normalised(cell.source) for cell in cells]
        self.template_text = [normalised(each.cell.source) for each in template.cells]
        self.known_texts = {text for text in self.template_text if text}
        self.claims: dict[int, list[int]] = {}
        # the claims of the most trusted kind that a template cell has.
        self.trusted: dict[int, list[int]] = {}
        self.claimed: set[int] = set()

    def run(self) -> Matching:
        # the order is the order of trust: nbgrader's own ids first, a mere likeness of text last.
        self._claim_by(self.template.by_grade_id, lambda cell: cell.grade_id)
        self._claim_by(self.template.by_cell_id, lambda cell: cell.cell_id)
        self._claim_restored()
        self._claim_equal_text()
        self._claim_exercises()
        self._claim_questions()
        result = Matching(self.facts)
        for index, claims in sorted(self.claims.items()):
            made = self.template.cells[index]
            result.chosen[index] = self._choose(index, made, claims)
            others = [each for each in claims if each != result.chosen[index]]
            if made.is_restored:
                # a copy that defines something is kept as a cell of the student's.
                result.copies[index] = [each for each in others if not self._adds_something(each)]
        self._swap_stubs(result)
        return result

    def _claim_by(self, known: dict[str, int], key: Callable[[Cell], str | None]) -> None:
        by_key: dict[int, list[int]] = {}
        for position, cell in enumerate(self.cells):
            index = known.get(key(cell) or "")
            if index is not None and position not in self.claimed and index not in self.claims and not self._contradicts(index, position):
                by_key.setdefault(index, []).append(position)
        for index, positions in by_key.items():
            self._claim(index, positions)

    def _claim(self, index: int, positions: Iterable[int]) -> None:
        positions = list(positions)
        self.trusted.setdefault(index, positions)
        self.claims.setdefault(index, []).extend(positions)
        self.claimed.update(positions)

    def _contradicts(self, index: int, position: int) -> bool:
        """Say whether a cell's content refutes the id it carries: ids are easily swapped, by tools and by hand."""
        made, cell, facts = self.template.cells[index], self.cells[position], self.facts[position]
        if self.text[position] != self.template_text[index] and self.text[position] in self.known_texts:
            return True
        if made.kind is Kind.EXERCISE:
            others = self.template.symbols - {made.symbol}
            return bool(facts.checks) or (made.symbol is not None and made.symbol not in facts.defined and bool(facts.defined & others))
        # an answer that carries the id of a check or a question is still an answer.
        return cell.cell_type == "code" and bool(facts.defined & (self.template.symbols - made.facts.defined))

    def _claim_restored(self) -> None:
        for index, made in enumerate(self.template.cells):
            if not made.is_restored:
                continue
            free = [position for position in range(len(self.cells)) if position not in self.claimed]
            same = [position for position in free if self.text[position] == self.template_text[index] and self.text[position]]
            if made.kind is Kind.CHECK:
                same += [
                    position
                    for position in free
                    if position not in same and self.cells[position].cell_type == "code" and self.facts[position].checks == {made.name}
                ]
            if same:
                self._claim(index, sorted(same))

    def _claim_exercises(self) -> None:
        for index, made in enumerate(self.template.cells):
            if made.kind is not Kind.EXERCISE or made.symbol is None or index in self.claims:
                continue
            free = [position for position in range(len(self.cells)) if position not in self.claimed]
            in_code = [position for position in free if self.cells[position].cell_type == "code"]
            # the last resort is text that would define it: an answer whose cell was turned into text by accident.
            found = (
                [position for position in in_code if made.symbol in self.facts[position].defined]
                or [position for position in in_code if made.symbol in self.facts[position].bound]
                or [position for position in free if self.facts[position].is_python and made.symbol in self.facts[position].defined]
            )
            # one alone: a cell that also defines another exercise's name must stay free for that one.
            if found:
                self._claim(index, [self._choose(index, made, found)])

    def _claim_equal_text(self) -> None:
        for index, made in enumerate(self.template.cells):
            if index in self.claims or made.is_restored or not self.template_text[index]:
                continue
            for position, text in enumerate(self.text):
                if position not in self.claimed and text == self.template_text[index]:
                    self._claim(index, [position])
                    break

    def _claim_questions(self) -> None:
        for index, made in enumerate(self.template.cells):
            if made.kind is not Kind.QUESTION or index in self.claims:
                continue
            between = self._between_neighbours(index)
            answers = [each for each in between if self.cells[each].cell_type != "code" and self.text[each] not in {"", *self.known_texts}]
            # two candidates would be a guess; the student's text stays in the notebook either way.
            if len(answers) == 1:
                self._claim(index, answers)

    def _between_neighbours(self, index: int) -> list[int]:
        earlier = [each for each in self.claims if each < index]
        later = [each for each in self.claims if each > index]
        before = max(self.claims[max(earlier)]) if earlier else -1
        after = min(self.claims[min(later)]) if later else len(self.cells)
        return [position for position in range(before + 1, after) if position not in self.claimed]

    def _choose(self, index: int, made: TemplateCell, claims: list[int]) -> int:
        """Return the claim that stands for the template cell: the last sound one, as the last definition wins in Python."""
        if made.kind is Kind.EXERCISE:
            ranks: list[Callable[[int], bool]] = [
                lambda each: self._answers(index, each) and self.cells[each].cell_type == "code",
                lambda each: self._answers(index, each),
                lambda each: not is_blank(self.cells[each].source) and self.cells[each].cell_type == "code",
            ]
        elif made.kind is Kind.QUESTION:
            ranks = [lambda each: not is_blank(self.cells[each].source) and self.text[each] != self.template_text[index]]
        else:
            ranks = []
        for rank in ranks:
            if good := [each for each in claims if rank(each)]:
                return good[-1]
        return self.trusted.get(index, claims)[-1]

    def _answers(self, index: int, position: int) -> bool:
        symbol = self.template.cells[index].symbol
        named = symbol is None or symbol in self.facts[position].bound
        return named and self.text[position] != self.template_text[index]

    def _adds_something(self, position: int) -> bool:
        facts, cell = self.facts[position], self.cells[position]
        if cell.cell_type != "code":
            return False
        return bool(facts.bound) or (not facts.is_python and not is_comment(cell.source))

    def _swap_stubs(self, result: Matching) -> None:
        """Where the exercise's own cell was left as it is (or emptied) and another cell holds the answer, take that one."""
        for index, made in enumerate(self.template.cells):
            position = result.chosen.get(index)
            if made.kind is not Kind.EXERCISE or made.symbol is None or position is None:
                continue
            is_text = self.cells[position].cell_type != "code"
            if self.text[position] != self.template_text[index] and not is_comment(self.cells[position].source) and not is_text:
                continue
            free = sorted(set(range(len(self.cells))) - result.taken)
            answers = [
                each
                for each in free
                if self.cells[each].cell_type == "code"
                and made.symbol in self.facts[each].defined
                and self.text[each] != self.template_text[index]
            ]
            if answers:
                result.chosen[index] = answers[-1]
                # an answer that was turned into text on purpose is nothing to speak of.
                if not is_text:
                    result.swapped[position] = index


def match(
    template: Template, cells: Sequence[Cell], syntax_bytes: int = DEFAULT_NOTEBOOK.syntax_bytes, known: dict[str, Facts] | None = None
) -> Matching:
    """Match submitted cells to a template's cells; each submitted cell stands for at most one of them.

    Args:
        template: the release notebook.
        cells: submitted cells in order.
        syntax_bytes: a longer source is searched for definitions line by line.
        known: facts of sources seen before, which are not worked out again; new ones are added.
    """
    return _Matcher(template, cells, syntax_bytes, {} if known is None else known).run()
