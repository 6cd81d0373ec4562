"""Squared paper: what stands in each cell of a sheet and how it looks, before anything is written. Knows no file.

A cell's look is made of properties by the names that XlsxWriter uses. Blocks that touch add their borders to the same
cells, which is why a look is only finished when the whole page is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nnsteps.document import Cell
from nnsteps.render.xlsx_formula import Address
from nnsteps.scalar import Ref, Tree

Look = Mapping[str, str | int | bool | float]
THIN, MEDIUM, DOUBLE = 1, 2, 6


@dataclass
class Square:
    """One cell of the sheet."""

    runs: tuple[tuple[str, Look], ...] = ()  # text, in parts that look different
    ref: Ref | None = None  # the recorded cell that it shows
    is_answer: bool = False
    is_word: bool = False
    claim: tuple[Tree, str, str] | None = None  # a condition, and what is said where it holds and where not
    look: dict[str, str | int | bool | float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.runs)


@dataclass
class Squares:
    """All cells of a sheet that hold or look like something."""

    squares: dict[Address, Square] = field(default_factory=dict)
    drawn: dict[Ref, Address] = field(default_factory=dict)  # where each number stands first
    results: dict[Ref, Address] = field(default_factory=dict)  # where it stands first as the result of a step
    words: set[Ref] = field(default_factory=set)  # cells that show a word
    asked: set[Ref] = field(default_factory=set)
    gates: list[tuple[int, int, int, int]] = field(default_factory=list)  # first and last cell: a 0 is marked
    widest: int = 0  # the last column that a text reaches into

    def at(self, row: int, column: int) -> Square:
        """The cell at a place."""
        return self.squares.setdefault((row, column), Square())

    def write(self, row: int, column: int, text: str, *looks: Look) -> None:
        """A text."""
        if text:
            square = self.at(row, column)
            square.runs = ((text, {}),)
            for look in looks:
                square.look.update(look)

    def say(self, row: int, column: int, *runs: tuple[str, Look]) -> None:
        """A text of parts that look different."""
        self.at(row, column).runs = tuple((text, look) for text, look in runs if text)

    def show(
        self, row: int, column: int, cell: Cell, *looks: Look, is_answer: bool = False, is_word: bool = False,
        is_result: bool = False,
    ) -> None:  # fmt: skip
        """A recorded cell."""
        square = self.at(row, column)
        for look in looks:
            square.look.update(look)
        if cell.ref is None:
            square.runs = ((cell.text, {}),)
            return
        square.ref, square.is_answer, square.is_word = cell.ref, is_answer, is_word
        square.runs = ((cell.text, {}),)
        if is_word:
            self.words.add(cell.ref)
        elif not is_answer:
            self.drawn.setdefault(cell.ref, (row, column))
            if is_result:
                self.results.setdefault(cell.ref, (row, column))

    def frame(self, first: Address, last: Address, kind: int, colour: str) -> None:
        """A border around a block."""
        for row in range(first[0], last[0] + 1):
            for side, column in (("left", first[1]), ("right", last[1])):
                self.at(row, column).look.update({side: kind, f"{side}_color": colour})
        for column in range(first[1], last[1] + 1):
            for side, row in (("top", first[0]), ("bottom", last[0])):
                self.at(row, column).look.update({side: kind, f"{side}_color": colour})

    @property
    def places(self) -> dict[Ref, Address]:
        """Where each number lives: where it is the result of a step, else where it is drawn first."""
        return self.drawn | self.results

    @property
    def last_row(self) -> int:
        return max((row for row, _ in self.squares), default=0)

    @property
    def last_column(self) -> int:
        return max((column for _, column in self.squares), default=0)
