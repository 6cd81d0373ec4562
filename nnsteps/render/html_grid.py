"""Grids and frames as HTML tables. Knows no spine.

Theory of operation. A cell is as wide as its place asks for, never as its number does: a key and its worksheet have the
same geometry, and an empty cell betrays nothing. A number that is too long for its cell is set smaller. Every table has
a caption and headers for rows and columns, of which a screen reader says what the eye sees from the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from nnsteps import document as doc
from nnsteps.document import Cell, Frame, Grid
from nnsteps.render.html_links import Links
from nnsteps.render.html_text import breadth, hidden, maths, rem, tag, text
from nnsteps.rounding import style_for

DIGIT, PAD = 0.6, 0.9  # rem: a digit with some room, and what a cell has around its number
GIVEN, ONE, SEVERAL = 2, 6, 5  # digits: the least for given numbers; for a single computed column; for several
MOST = 8  # digits of a cell; longer numbers are set smaller
GAP = 1.2  # rem between columns that are values of their own

ROLES = {
    doc.GIVEN: "given", doc.WEIGHT: "learnable", doc.BIAS: "bias", doc.PASSING: "passing through", doc.OUTPUT: "output",
    doc.LOSS: "loss", doc.GRADIENT: "gradient", doc.NEW: "new value",
}  # fmt: skip
MARKS = {
    doc.CROSSED: "crossed out", doc.ZEROED: "set to 0", doc.UNCHANGED: "unchanged", doc.BLANK: "to fill in",
    doc.CHOSEN: "chosen",
}  # fmt: skip
KINDS = {"learnable": "Learnable frame: ", "gradient": "Gradient frame: "}


@dataclass(frozen=True, slots=True)
class Tables:
    """Writes the tables of one page."""

    links: Links

    # --- widths ---

    def digits(self, grid: Grid) -> int:
        """How many digits the cells of a grid have room for: by what is given, else by how many columns there are."""
        cells = [cell for row in grid.cells if row for cell in row]
        refs = [cell.ref for cell in cells if cell.ref is not None]
        words = any(cell.text[-1:].isalpha() for cell in cells)
        if self.links.numbers is None or not refs or words:
            longest = max((len(cell.text) for cell in cells), default=1)
            return max(GIVEN, longest if words else min(MOST, longest))
        if not self.links.is_given(refs[0]):
            return ONE if grid.width == 1 else SEVERAL
        values = [self.links.numbers.value(ref) for ref in refs]
        style = style_for(values)
        return min(MOST, max(GIVEN, *(len(style.write(value)) for value in values)))

    def width(self, grid: Grid, *, named: bool = False) -> float:
        """The width of a column, in rem; what stands over it fits, its name too if that is `named` there."""
        own = self.digits(grid) * DIGIT + PAD
        tops = max((breadth(top) * DIGIT + PAD for top in grid.tops), default=0.0)
        name = (breadth(grid.name) * DIGIT + 0.6) / max(1, grid.width) if named else 0.0
        return round(max(own, tops, name) + (GAP if grid.spaced else 0.0), 2)

    def widths(self, frame: Frame) -> list[float]:
        """The widths of a frame's columns, part by part."""
        return [self.width(part, named=True) for part in frame.parts]

    def side(self, grid: Grid) -> float:
        """The width of the words left of the rows."""
        return max((breadth(side) for side in grid.sides), default=0.0) * DIGIT + (0.6 if grid.sides else 0.0)

    # --- tables ---

    def grid(self, grid: Grid, width: float, *, named: bool = False, topped: bool = False) -> str:
        """One grid; its name, or what stands over its columns, above it where that is wanted."""
        return self._table((grid,), (width,), "grid", named=named, topped=topped)

    def frame(self, frame: Frame, widths: Sequence[float]) -> str:
        """Grids of equal height in one frame, with their names above."""
        return self._table(frame.parts, widths, f"frame {frame.kind}", named=True)

    def _table(
        self, parts: Sequence[Grid], widths: Sequence[float], kind: str, *, named: bool = False, topped: bool = False
    ) -> str:
        is_frame = kind.startswith("frame")
        side = 0.0 if is_frame else self.side(parts[0])  # in a frame, words beside the rows are only heard
        each = [width for part, width in zip(parts, widths, strict=True) for _ in range(part.width)]
        columns = "".join(tag("col", style=f"width:{rem(width)}") for width in (side, *each))
        head = _names(parts) if named else ""
        head += _tops(parts, seen=topped and any(part.tops for part in parts))
        settings = [_Setting.of(part, self.digits(part)) for part in parts]
        body = "".join(self._row(parts, settings, i, is_frame) for i in range(len(parts[0].cells)))
        return tag(
            "table",
            tag("caption", hidden(_caption(parts, kind))),
            tag("colgroup", columns),
            tag("thead", head),
            tag("tbody", body),
            class_=kind + (" spaced" if parts[0].spaced else ""),
            style=f"width:{rem(sum(each) + side)}" + (f";margin-left:-{rem(side)}" if side else ""),
        )

    def _row(self, parts: Sequence[Grid], settings: Sequence[_Setting], i: int, is_frame: bool) -> str:
        first = parts[0]
        row = first.cells[i]
        if row is None:
            fold = tag("td", "⋮", hidden(first.folded), colspan=sum(part.width for part in parts))
            return tag("tr", tag("th"), fold, class_="fold")
        side = first.sides[i] if i < len(first.sides) else ""
        cells = "".join(
            self._cell(part, cell, setting, (i, j), begins=bool(k) and j == 0)
            for k, (part, setting) in enumerate(zip(parts, settings, strict=True))
            for j, cell in enumerate(part.cells[i] or ())
        )
        plane = len(first.shape) > 2 and i and i % first.shape[-2] == 0 and None not in first.cells
        said = (
            hidden(side)
            if side and is_frame
            else text(side)
            if side
            else hidden(_row_words(first, _at(first, row[0], (i, 0))))
        )
        return tag("tr", tag("th", said, scope="row"), cells, class_="plane" if plane else "")

    def _cell(self, part: Grid, cell: Cell, setting: _Setting, drawn: tuple[int, int], *, begins: bool) -> str:
        about = (_place(part, cell, drawn), MARKS.get(cell.mark, ""))
        return tag(
            "td",
            _inside(cell),
            class_=" ".join([part.role, *([cell.mark] if cell.mark else []), *(["part"] if begins else [])]),
            title=", ".join(word for word in about if word),
            style=setting.style(cell),
            **(self.links.attributes(cell.ref) if cell.ref is not None else {}),
        )


def _caption(parts: Sequence[Grid], kind: str) -> str:
    said = [f"{part.title} {part.name}".strip() + f" ({ROLES.get(part.role, 'activation')})" for part in parts]
    rows, columns = len(parts[0].cells), sum(part.width for part in parts)
    return KINDS.get(kind.split()[-1], "") + f"{', '.join(said)}; {_count(rows, 'row')}, {_count(columns, 'column')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _names(parts: Sequence[Grid]) -> str:
    cells = (tag("th", maths(part.name), scope="colgroup", colspan=max(1, part.width)) for part in parts)
    return tag("tr", tag("td"), *cells, class_="names")


def _tops(parts: Sequence[Grid], *, seen: bool) -> str:
    """What the columns are called: seen where it was given and is wanted, always heard."""
    cells = []
    for part in parts:
        for j in range(part.width):
            top = part.tops[j] if j < len(part.tops) else ""
            drawn = tag("span", text(top), aria_hidden="true") if seen and top else ""
            cells.append(tag("th", hidden(f"{part.name} {top or f'column {j + 1}'}"), drawn, scope="col"))
    return tag("tr", tag("td"), *cells, class_="tops" if seen else "unseen")


def _inside(cell: Cell) -> str:
    match cell.mark:
        case doc.BLANK:
            return hidden("to fill in")
        case doc.CROSSED:
            return tag("s", text(cell.text)) + hidden(" crossed out")
        case doc.CHOSEN:
            return text(cell.text) + tag("span", "◂", class_="won", aria_hidden="true") + hidden(" chosen")
    return text(cell.text)


# --- what a cell is called ---------------------------------------------------------------------------------------


def _at(part: Grid, cell: Cell, drawn: tuple[int, int]) -> tuple[int, ...]:
    """The place of a cell in its value: as it is drawn, or, where some are left out, as it was recorded."""
    height = prod(part.shape[:-1])
    if len(part.cells) != height and cell.ref is not None:
        return cell.ref.at
    row = drawn[0]
    at: list[int] = []
    for length in reversed(part.shape[:-1]):
        row, k = divmod(row, max(1, length))
        at.insert(0, k)
    if part.width != part.shape[-1] and cell.ref is not None:
        return (*at, cell.ref.at[-1])
    return (*at, drawn[1])


def _row_words(part: Grid, at: Sequence[int]) -> str:
    lead = ", ".join(str(k + 1) for k in at[:-2])
    return (f"matrix {lead} " if lead else "") + f"row {at[-2] + 1}"


def _place(part: Grid, cell: Cell, drawn: tuple[int, int]) -> str:
    """The name of a cell: W₁[2,1]; z₁[2] in a column; the bare name of a single number; h[t][2], t = 3."""
    if cell.ref is None or not part.name:
        return ""
    at = _at(part, cell, drawn)
    if part.spaced:
        row = f"[{at[0] + 1}]" if part.shape[0] > 1 else ""
        return f"{part.name}{row}" + (f", {part.tops[drawn[1]]}" if drawn[1] < len(part.tops) else "")
    if set(part.shape) == {1}:
        return part.name
    if len(part.shape) == 2 and part.shape[1] == 1:
        return f"{part.name}[{at[0] + 1}]"
    return f"{part.name}[{','.join(str(k + 1) for k in at)}]"


# --- where a number stands in its cell ---------------------------------------------------------------------------


class _Setting(NamedTuple):
    """How the numbers of a grid stand in their cells: decimal points under each other, the widest in the middle."""

    before: int
    after: int
    room: int
    is_words: bool

    @classmethod
    def of(cls, grid: Grid, room: int) -> _Setting:
        texts = [cell.text for row in grid.cells if row for cell in row if cell.mark != doc.BLANK]
        halves = [_halves(one) for one in texts]
        before, after = (max((len(half[k]) for half in halves), default=0) for k in (0, 1))
        return cls(before, after, room, any(one[-1:].isalpha() for one in texts))

    def style(self, cell: Cell) -> str:
        """What is missing left and right of a number, and how far it is shrunk."""
        if cell.mark == doc.BLANK or self.is_words:
            return ""
        whole, rest = _halves(cell.text)
        left, right = self.before - len(whole), self.after - len(rest) - (0.5 if self.after and not rest else 0)
        wide = self.before + self.after - (0.5 if self.after else 0)  # a point is half as wide as a digit
        style = [f"--l:{left:g}"] if left else []
        style += [f"--r:{right:g}"] if right else []
        style += [f"--s:{(self.room + 1) / wide:.2f}"] if wide > self.room + 1 else []
        return ";".join(style)


def _halves(number: str) -> tuple[str, str]:
    """What stands before the decimal point, and the rest with the point."""
    whole, point, rest = number.partition(".")
    return whole, point + rest
