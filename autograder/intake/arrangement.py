"""The order of the clean notebook: the student's, with every check after the definition it is to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.intake.document import Cell
from autograder.intake.matching import Matching
from autograder.intake.note import Note
from autograder.intake.syntax import is_blank, is_comment, normalised
from autograder.intake.template import Kind, Template, TemplateCell


# eq=False: two slots are the same only when they are the same object.
@dataclass(eq=False)
class Slot:
    """One cell of the clean notebook.

    Args:
        template: index of the template cell that it is; None for a cell of the student's own.
        cell: index of the submitted cell whose text it carries; None for a cell that was put back.
    """

    template: int | None
    cell: int | None


class Arrangement:
    """Puts the slots of one submission in order.

    Args:
        template: the release notebook.
        cells: submitted cells in order.
        matching: which of them is which template cell.

    Attributes:
        slots: the result, in order.
        notes: what was put back, moved or dropped, in the template's order.
    """

    def __init__(self, template: Template, cells: Sequence[Cell], matching: Matching) -> None:
        self.template, self.cells, self.matching = template, cells, matching
        self.slots: list[Slot] = []
        self.notes: list[Note] = []
        self._keep_students_order()
        # in this order: a check needs its exercise in place, a set-up cell needs to know the first check.
        self._restore_texts_and_stubs()
        self._restore_checks()
        self._move_checks_behind_definitions()
        self._restore_setup()

    def _keep_students_order(self) -> None:
        of_cell = {position: index for index, position in self.matching.chosen.items()}
        dropped = {position for copies in self.matching.copies.values() for position in copies}
        # a stub would only override the answer that stands elsewhere.
        dropped |= {position for position, index in self.matching.swapped.items() if self._is_stub(index, position)}
        for position, cell in enumerate(self.cells):
            index = of_cell.get(position)
            if index is not None:
                if self._is_own_work_in_locked_cell(index, position):
                    self.slots.append(Slot(None, position))
                    self.slots.append(Slot(index, None))
                else:
                    self.slots.append(Slot(index, position))
            elif position not in dropped and not (is_blank(cell.source) and not cell.attachments):
                self.slots.append(Slot(None, position))

    def _is_stub(self, index: int, position: int) -> bool:
        return normalised(self.cells[position].source) == normalised(self.template.cells[index].cell.source)

    def _is_own_work_in_locked_cell(self, index: int, position: int) -> bool:
        made, facts = self.template.cells[index], self.matching.facts[position]
        same = normalised(self.cells[position].source) == normalised(made.cell.source)
        return made.is_restored and made.is_code and not same and self.cells[position].cell_type == "code" and bool(facts.bound)

    def _slot_of(self, index: int) -> int | None:
        return next((place for place, slot in enumerate(self.slots) if slot.template == index), None)

    def _early(self, index: int) -> int:
        """Place right behind the template's predecessor, so that whatever the student wrote by other means comes later and wins."""
        for before in range(index - 1, -1, -1):
            place = self._slot_of(before)
            if place is not None:
                return place + 1
        return 0

    def _late(self, start: int) -> int:
        """Place behind ``start`` and the student's own cells that follow it, up to the next cell known from the template."""
        place = start + 1
        while place < len(self.slots) and self.slots[place].template is None:
            place += 1
        return place

    def _text(self, slot: Slot) -> str:
        if slot.cell is not None:
            made = None if slot.template is None else self.template.cells[slot.template]
            source = self.cells[slot.cell].source
            return exercise_source(made, source) if made is not None and made.kind is Kind.EXERCISE else source
        return str(self.template.cells[slot.template].cell.source) if slot.template is not None else ""

    def _binds(self, slot: Slot, name: str) -> bool:
        made = None if slot.template is None else self.template.cells[slot.template]
        if slot.cell is None or (made is not None and made.is_restored):
            return made is not None and name in made.facts.bound
        bound = self.matching.facts[slot.cell].bound
        if made is not None and made.kind is Kind.EXERCISE:
            # it becomes code again whatever it was turned into, and holds the stub again where it was emptied.
            return name in (made.facts.bound if is_comment(self.cells[slot.cell].source) else bound)
        return self.cells[slot.cell].cell_type == "code" and name in bound

    def _definitions(self, exercise: TemplateCell, real: bool) -> list[int]:
        """Places of the cells that define the exercise's name.

        Args:
            real: leave out untouched stubs, and imports outside the exercise's cells: an import made for comparison is no answer.
        """
        if exercise.symbol is None:
            return []
        stub = normalised(exercise.cell.source)
        found = []
        for place, slot in enumerate(self.slots):
            # a text of ours that binds the name, such as a later import of the shipped version, is no answer.
            if slot.template is not None and self.template.cells[slot.template].kind is not Kind.EXERCISE:
                continue
            if not self._binds(slot, exercise.symbol) or (real and normalised(self._text(slot)) == stub):
                continue
            if real and slot.template is None and slot.cell is not None and exercise.symbol not in self.matching.facts[slot.cell].defined:
                continue
            found.append(place)
        return found

    def _restore_texts_and_stubs(self) -> None:
        for index, made in enumerate(self.template.cells):
            if self._slot_of(index) is not None:
                continue
            if made.kind is Kind.EXERCISE:
                if self._definitions(made, real=False):
                    continue
                self.slots.insert(self._early(index), Slot(index, None))
                text = f"The cell of {made.name} was missing; the untouched stub was put in its place, which counts as not attempted."
                self._note("exercise_missing", text, made)
            elif made.kind is Kind.QUESTION:
                self.slots.insert(self._early(index), Slot(index, None))
                self._note("question_missing", f"The answer to {made.name} was missing; the unanswered question was put back.", made)
            elif made.kind is Kind.LOCKED and not made.is_code:
                self.slots.insert(self._early(index), Slot(index, None))
                self._note("locked_missing", f"The locked cell {made.name} was missing; it was put back.", made)

    def _restore_checks(self) -> None:
        for index, made in enumerate(self.template.cells):
            if not (made.is_restored and made.is_code) or self._slot_of(index) is not None:
                continue
            self.slots.insert(self._place_of_check(index), Slot(index, None))
            self._note(f"{made.kind}_missing", f"The {_called(made)} was missing; it was put back.", made)

    def _place_of_check(self, index: int) -> int:
        exercise = self.template.exercise_of(index) if self.template.cells[index].kind is Kind.CHECK else None
        if exercise is None:
            return self._late(self._early(index) - 1)
        own = self._slot_of(exercise)
        real = self._definitions(self.template.cells[exercise], real=True)
        if own is not None and (own in real or not real):
            return self._late(own)
        return self._late(real[-1]) if real else self._late(self._early(index) - 1)

    def _move_checks_behind_definitions(self) -> None:
        for index, made in enumerate(self.template.cells):
            exercise = self.template.exercise_of(index) if made.kind is Kind.CHECK else None
            if exercise is None:
                continue
            place, asked = self._slot_of(index), self.template.cells[exercise]
            answers = self._definitions(asked, real=True) or self._definitions(asked, real=False)
            if place is None or not answers or answers[0] < place:
                continue
            slot = self.slots.pop(place)
            # the check stood before every answer, so popping it moved them all up by one.
            self.slots.insert(self._late(answers[-1] - 1), slot)
            self._note("check_moved", f"The {_called(made)} stood before the definition it checks; it was moved behind it.", made)

    def _restore_setup(self) -> None:
        """Put back what checks and stubs need: a notebook without its import of ``check`` would fail in every check."""
        for index, made in enumerate(self.template.cells):
            if made.kind is not Kind.PLAIN or not made.is_code:
                continue
            place = self._slot_of(index)
            lacking = self._lacking(index)
            if place is None and (lacking or made.facts.only_imports):
                self.slots.insert(self._place_of_setup(index), Slot(index, None))
                self._note("setup_missing", f"A set-up cell was missing ({_first_line(made)}); it was put back.", made)
            elif place is not None and lacking:
                slot = self.slots[place]
                changed = any(not self._binds(slot, name) for name in lacking)
                if changed:
                    # the student's version follows, so that what it binds still counts.
                    own = [] if slot.cell is None or is_blank(self.cells[slot.cell].source) else [Slot(None, slot.cell)]
                    self.slots[place : place + 1] = own
                    self.slots.insert(min(place, self._place_of_setup(index)), Slot(index, None))
                    text = f"A set-up cell had lost what later cells need ({_first_line(made)}); the original was put before it."
                    self._note("setup_changed", text, made)
                else:
                    self.slots.pop(place)
                    self.slots.insert(self._place_of_setup(index), slot)
                    text = f"A set-up cell stood behind the cells that need it ({_first_line(made)}); it was moved up."
                    self._note("setup_moved", text, made)

    def _lacking(self, index: int) -> set[str]:
        """Names that the template cell binds for checks and stubs, and that nothing binds before the first of these runs."""
        made = self.template.cells[index]
        lacking = set()
        for name in made.facts.bound - self.template.symbols:
            first = next((place for place, slot in enumerate(self.slots) if self._is_reader(slot, name)), None)
            if first is not None and not any(self._binds(slot, name) for slot in self.slots[:first]):
                lacking.add(name)
        return lacking

    def _is_reader(self, slot: Slot, name: str) -> bool:
        made = None if slot.template is None else self.template.cells[slot.template]
        return made is not None and name in made.reads

    def _place_of_setup(self, index: int) -> int:
        graded = (place for place, slot in enumerate(self.slots) if slot.template is not None and self._is_graded_code(slot.template))
        return min(self._early(index), next(graded, len(self.slots)))

    def _is_graded_code(self, index: int) -> bool:
        made = self.template.cells[index]
        return made.is_code and made.kind is not Kind.PLAIN

    def _note(self, code: str, text: str, made: TemplateCell) -> None:
        self.notes.append(Note(code, text, made.name))


def exercise_source(made: TemplateCell, own: str) -> str:
    """Return what an exercise's cell holds: the student's text, with the stub below it where nothing but remarks are left."""
    stub = str(made.cell.source)
    if not is_comment(own):
        return own
    return stub if is_blank(own) else f"{own.rstrip()}\n{stub}"


def _called(made: TemplateCell) -> str:
    return f"check cell of {made.name}" if made.kind is Kind.CHECK else f"locked cell {made.name}"


def _first_line(made: TemplateCell) -> str:
    return next((line.strip()[:60] for line in str(made.cell.source).split("\n") if not is_comment(line)), "")
