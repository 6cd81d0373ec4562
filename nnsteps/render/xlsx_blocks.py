"""Grids, frames and captions on squared paper. Knows no spine and no page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from nnsteps import document as doc
from nnsteps.document import Caption, Cell, Frame, Grid
from nnsteps.render.xlsx_looks import (
    ASKED,
    BIAS_GRADIENT,
    BY_HAND,
    CHOSEN,
    FRAMES,
    GLOSS,
    INKS,
    LABEL,
    SIGN,
    SMALL,
    caption_look,
    columns_for,
    number_format,
    role_look,
)
from nnsteps.render.xlsx_squares import THIN, Look, Squares

MOST_LETTERS = 70  # of one line of a note


def width_of(grid: Grid) -> int:
    """How many columns a grid takes: a spaced one has gaps."""
    return 2 * grid.width - 1 if grid.spaced and grid.width else grid.width


def columns_of(grid: Grid, first: int) -> list[int]:
    """The columns of a grid's numbers."""
    return [first + k * (2 if grid.spaced else 1) for k in range(grid.width)]


def name_look(grid: Grid, unit: float) -> Look:
    """How the name above a grid is set: over its middle where it is one column, smaller where it is too long."""
    look: dict[str, str | int | bool | float] = {"align": "center"} if width_of(grid) == 1 else {}
    return look | ({"shrink": True} if len(grid.name) > unit * width_of(grid) + 2 else {})


def frame_width(frame: Frame) -> int:
    """How many columns a frame takes."""
    return sum(width_of(grid) for grid in frame.parts)


@dataclass
class Blocks:
    """Draws on squares. Where `is_blank`, asked cells stay empty."""

    squares: Squares
    unit: float
    is_blank: bool
    kind: str = doc.FORWARD  # of the section: the colour of its arrows and captions

    # --- numbers ---

    def grid(self, grid: Grid, row: int, column: int, *, is_answer: bool = False, is_result: bool = False) -> int:
        """The numbers of a grid; gives the first row below."""
        columns = columns_of(grid, column)
        look = role_look(grid.role)
        for i, cells in enumerate(grid.cells):
            if cells is None:
                self.squares.write(row + i, column, "⋮", SIGN)
                continue
            for cell, here in zip(cells, columns, strict=False):
                self.cell(cell, row + i, here, look, is_answer=is_answer, is_result=is_result)
        return row + len(grid.cells)

    def cell(
        self, cell: Cell, row: int, column: int, look: Look, *, is_answer: bool = False, is_result: bool = False
    ) -> None:  # fmt: skip
        """One number: given or computed, asked, chosen."""
        form = number_format(cell.text)
        looks: list[Look] = [look, {"num_format": form} if form else {}]
        if cell.mark == doc.BLANK and self.is_blank:
            looks.append(ASKED)
            if cell.ref is not None:
                self.squares.asked.add(cell.ref)
        elif cell.mark == doc.CHOSEN:
            looks.append(CHOSEN)
        self.squares.show(row, column, cell, *looks, is_answer=is_answer, is_word=form is None, is_result=is_result)

    def names(self, grid: Grid, row: int, column: int) -> None:
        """What stands over the columns of a grid, on the row above it."""
        for text, here in zip(grid.tops, columns_of(grid, column), strict=False):
            self.squares.write(row, here, text, SMALL, {"align": "center"})

    def sides(self, grid: Grid, row: int, column: int, *, left: bool) -> int:
        """What stands beside the rows of a grid; gives how many columns that takes."""
        for i, text in enumerate(grid.sides):
            self.squares.write(row + i, column, text, SMALL, {"align": "right" if left else "left"})
        return max((columns_for(text, self.unit, 9) for text in grid.sides), default=0)

    def frame(self, frame: Frame, row: int, column: int) -> int:
        """Grids in one frame, their names above them on the row before; gives the first column to the right."""
        line, colour = FRAMES[frame.kind]
        here = column
        for place, grid in enumerate(frame.parts):
            self.names(grid, row - 1, here)
            self.squares.write(row - 1, here, grid.name, LABEL, name_look(grid, self.unit))
            is_sum = frame.kind == "gradient" and grid.role == doc.BIAS
            self.grid(
                grid._replace(role=BIAS_GRADIENT) if is_sum else grid, row, here, is_result=frame.kind == "gradient"
            )
            if place:
                self.squares.frame((row, here), (row + len(grid.cells) - 1, here), THIN, "#000000")
            here += width_of(grid)
        height = max((len(grid.cells) for grid in frame.parts), default=1)
        if here > column:
            self.squares.frame((row, column), (row + height - 1, here - 1), line, colour)
        return here

    def ones(self, row: int, columns: Sequence[int]) -> None:
        """A row of ones, which the bias is multiplied with."""
        for column in columns:
            self.squares.write(row, column, "1", SIGN)

    def signs(self, text: str, rows: Sequence[int], columns: Sequence[int]) -> None:
        """Arrows and operators in the colour of the section."""
        colour = INKS[doc.BACKWARD] if self.kind == doc.BACKWARD else "#000000"
        for row in rows:
            for column in columns:
                self.squares.write(row, column, text, SIGN, {"font_color": colour})

    # --- words ---

    def caption(self, caption: Caption, row: int, column: int) -> int:
        """The number and formula of a step, and what is said of it; gives the first free row."""
        runs: list[tuple[str, Look]] = []
        if caption.number:
            runs.append((f"{caption.number}  ", {**SIGN, "bold": True, "font_color": INKS[self.kind]}))
        runs.append((caption.text, caption_look(self.kind)))
        if caption.by_hand:
            runs.append((f"   {caption.by_hand}", BY_HAND))
        said = [text for text in (caption.note, caption.gloss) if text]
        if said:
            runs.append((f"   {'   '.join(said)}", GLOSS))
        return self.say(row, column, *runs)

    def say(self, row: int, column: int, *runs: tuple[str, Look]) -> int:
        """A line of parts that look different; gives the next row."""
        self.squares.say(row, column, *runs)
        length = sum(len(text) for text, _ in runs)
        self.squares.widest = max(self.squares.widest, column + columns_for("x" * length, self.unit, 8))
        return row + 1

    def paragraph(self, text: str, row: int, column: int, look: Look, letters: int = MOST_LETTERS) -> int:
        """A longer text, line by line; gives the next row."""
        for line in textwrap.wrap(text, letters) or [""]:
            row = self.say(row, column, (line, look)) if line else row
        return row


__all__ = ["Blocks", "columns_of", "frame_width", "width_of"]
