"""Grids and frames as lines of text: widths, alignment, borders. Knows no page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nnsteps import document as doc
from nnsteps.document import Cell, Frame, Grid
from nnsteps.render.canvas import GAP, Segment, columns
from nnsteps.render.symbols import Border, Symbols

INK = {"learnable": "learnable", "gradient": "backward", "plain": "bar"}


class Field(NamedTuple):
    """How wide the numbers of a column are: before the decimal point, and from it on."""

    whole: int
    part: int

    @property
    def width(self) -> int:
        return self.whole + self.part

    def fit(self, text: str) -> str:
        """The text with its decimal point in place."""
        whole, part = split(text)
        return " " * (self.whole - columns(whole)) + whole + part + " " * (self.part - columns(part))


def split(text: str) -> tuple[str, str]:
    """A number before and from its decimal point on: 12.5 -> (12, .5)."""
    if "." not in text or "×" in text or "e" in text or text == "...":
        return text, ""
    whole, part = text.split(".")
    return whole, "." + part


def field_for(texts: Iterable[str]) -> Field:
    """The field that all texts fit in."""
    parts = [split(text) for text in texts]
    return Field(max((columns(w) for w, _ in parts), default=1), max((columns(p) for _, p in parts), default=0))


def together(fields: Iterable[Field]) -> Field:
    """A field that all fields fit in."""
    found = list(fields)
    return Field(max((f.whole for f in found), default=1), max((f.part for f in found), default=0))


def column_fields(grid: Grid, blank: int) -> list[Field]:
    """The field of each column of a grid; a blank cell is `blank` wide."""
    rows = [row for row in grid.cells if row is not None]
    return [
        field_for(["_" * blank if row[j].mark == doc.BLANK else row[j].text for row in rows]) for j in range(grid.width)
    ]


def cell_role(grid: Grid, cell: Cell) -> str:
    """The role of a cell: what it is marked with, or what the grid is for."""
    if cell.mark in (doc.CROSSED, doc.ZEROED, doc.BLANK):
        return f"fill {cell.mark}"
    if cell.mark == doc.UNCHANGED:
        return "unchanged bias" if grid.role == doc.BIAS else "unchanged"
    return f"fill {grid.role}"


def padded(text: str, role: str) -> list[Segment]:
    """A cell's text; what is crossed out is so without the blanks around it."""
    if role != f"fill {doc.CROSSED}":
        return [(text, role)]
    digits = text.strip()
    before = len(text) - len(text.lstrip())
    pad = f"fill {doc.ZEROED}"
    return [(" " * before, pad), (digits, role), (" " * (len(text) - before - len(digits)), pad)]


def cell_text(cell: Cell, field: Field, blank: int) -> str:
    """The text of a cell in its field; a blank is a line to write on."""
    if cell.mark == doc.BLANK:
        return ("_" * blank).center(field.width)
    return field.fit(cell.text)


def strip(
    grid: Grid,
    fields: Sequence[Field],
    symbols: Symbols,
    *,
    pad: int = 1,
    blank: int = 3,
    least: int = 0,
    units: int | None = None,
    gap: int = 0,
) -> list[list[Segment]]:
    """A grid between thin bars, as segments for each row: ▏ 3 ▏ 4 ▕.

    units: where in a cell the units stand; gap: columns between two columns of numbers, each with bars of its own.
    """
    left, right = symbols.bars
    lines: list[list[Segment]] = []
    between: list[Segment] = [(" " * gap, GAP)] if gap else []
    for row in grid.cells:
        line: list[Segment] = []
        if row is None:
            for field in fields:
                width = max(field.width + 2 * pad, least)
                line += [
                    (" ", "plain"),
                    (symbols.fold.center(width), "grey"),
                    *([(" ", "plain"), *between] if gap else []),
                ]
            lines.append([*line, (" ", "plain")])
            continue
        for place, (cell, field) in enumerate(zip(row, fields, strict=True)):
            role = cell_role(grid, cell)
            text = cell_text(cell, field, blank)
            if gap and place:
                line += [(right, f"bar {cell_role(grid, row[place - 1])}"), *between]
            width = max(field.width + 2 * pad, least)
            before = (
                (width - field.width) // 2 if units is None else min(units + 1, width - 1 - field.part) - field.whole
            )
            line.append((left, f"bar {role}"))
            after = " " * (width - before - columns(text))
            if cell.mark == doc.CHOSEN:
                after = symbols.chosen + after[1:]
            line += padded(" " * before + text + after, role)
        lines.append([*line, (right, f"bar {role}")])
    return lines


def strip_width(fields: Sequence[Field], *, pad: int = 1, least: int = 0) -> int:
    """How wide a grid between bars is."""
    return sum(1 + max(field.width + 2 * pad, least) for field in fields) + 1


class FramePlan(NamedTuple):
    """The widths of a frame: for each part the cells of its columns, and the whole part."""

    frame: Frame
    fields: tuple[tuple[Field, ...], ...]
    cells: tuple[int, ...]  # width of one cell, by part
    widths: tuple[int, ...]  # width of the part between the borders
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        return sum(self.widths) + len(self.widths) + 1

    def starts(self) -> list[int]:
        """Where each part begins, counted from the frame's left edge."""
        out, here = [], 1
        for width in self.widths:
            out.append(here)
            here += width + 1
        return out


def plan(frame: Frame, *, pad: int = 2, blank: int = 3, tops: Sequence[str] = ()) -> FramePlan:
    """Measure a frame. `tops` are texts that stand over the columns of the first part and must fit."""
    names = tuple(part.name for part in frame.parts)
    fields, cells, widths = [], [], []
    for place, part in enumerate(frame.parts):
        mine = column_fields(part, blank)
        if place == 0 and tops:
            top = field_for(tops)
            mine = [together((one, top)) for one in mine]
        even = frame.kind != "learnable" or all(one.part == 0 for one in mine)
        if even and mine:
            mine = [together(mine)] * len(mine)
        least = max(2, *(one.width for one in mine)) if mine else 2
        mine = [Field(one.whole + max(0, 2 - one.width), one.part) for one in mine]
        cell = least + pad
        total = sum(max(2, one.width) + pad for one in mine) + (pad == 1)
        fields.append(tuple(mine))
        cells.append(cell)
        widths.append(max(total, columns(part.name) + 3))
    return FramePlan(frame, tuple(fields), tuple(cells), tuple(widths), names)


def frame_lines(planned: FramePlan, symbols: Symbols, *, pad: int = 2, blank: int = 3) -> list[list[Segment]]:
    """A frame as lines: the top with the names, the rows, the bottom."""
    border = symbols.double if planned.frame.kind == "gradient" else symbols.heavy
    ink = INK[planned.frame.kind]
    lines = [_top(planned, border, ink)]
    height = len(planned.frame.parts[0].cells)
    for i in range(height):
        line: list[Segment] = [(border.side, ink)]
        for k, part in enumerate(planned.frame.parts):
            line += _part_row(part, i, planned.fields[k], planned.widths[k], symbols, pad, blank)
            line.append((border.between if k + 1 < len(planned.frame.parts) else border.side, ink))
        lines.append(line)
    left, rule, between, right = border.bottom
    lines.append([(left + between.join(rule * width for width in planned.widths) + right, ink)])
    return lines


def _top(planned: FramePlan, border: Border, ink: str) -> list[Segment]:
    left, rule, between, right = border.top
    line: list[Segment] = [(left, ink)]
    for k, (name, width) in enumerate(zip(planned.names, planned.widths, strict=True)):
        line += [(rule + " ", ink), (name, "name"), (" " + rule * (width - columns(name) - 3), ink)]
        line.append((between if k + 1 < len(planned.names) else right, ink))
    return line


def _part_row(
    part: Grid, i: int, fields: Sequence[Field], width: int, symbols: Symbols, pad: int, blank: int
) -> list[Segment]:
    row = part.cells[i]
    lead = pad - pad // 2
    total = sum(field.width + pad for field in fields)
    spare = width - total
    before = spare // 2 if len(fields) > 1 else (width - fields[0].width) // 2 - lead
    role = f"fill {part.role}" if part.role in (doc.BIAS, doc.GRADIENT) else "plain"
    if row is None:
        return [
            ((" " * before + "".join(symbols.fold.center(field.width + pad) for field in fields)).ljust(width), "grey")
        ]
    line: list[Segment] = [(" " * before, role)] if before else []
    for cell, field in zip(row, fields, strict=True):
        text = " " * lead + cell_text(cell, field, blank) + " " * (pad // 2)
        mine = cell_role(part, cell)
        line.append((text, mine if part.role != doc.WEIGHT or cell.mark else "weight"))
    if spare - before:
        line.append((" " * (spare - before), role))
    return line


def length(segments: Iterable[Segment]) -> int:
    """How many columns segments take."""
    return sum(columns(text) for text, _ in segments)


def even(grid: Grid, blank: int = 3) -> list[Field]:
    """One field for all columns of a grid."""
    return [field_for(texts(grid, blank))] * grid.width


def texts(grid: Grid, blank: int = 3) -> list[str]:
    """What stands in the cells of a grid."""
    return [
        "_" * blank if cell.mark == doc.BLANK else cell.text for row in grid.cells if row is not None for cell in row
    ]


def chunked(grid: doc.Grid, room: int, symbols: Symbols) -> list[list[Segment]]:
    """A grid between bars; too wide a one in blocks of columns."""
    fields = column_fields(grid, 3) if grid.role == doc.WEIGHT else even(grid)
    least = max(columns(top) for top in grid.tops) if grid.tops else 0
    over: list[list[Segment]] = []
    side = max(columns(word) for word in grid.sides) + 1 if grid.sides else 0
    beside: list[Segment] = [(word.ljust(side), "grey") for word in grid.sides]
    if side:
        room -= side
    width = [max(field.width + 2, least) for field in fields]
    if sum(width) + len(width) + 1 <= room:
        if grid.tops:
            over = [
                [
                    (
                        " " * (side + 1)
                        + " ".join(top.center(wide) for top, wide in zip(grid.tops, width, strict=True)),
                        "grey",
                    )
                ]
            ]
        lines = strip(grid, fields, symbols, least=least)
        return [*over, *([[word, *line] for word, line in zip(beside, lines, strict=True)] if side else lines)]
    count = max(1, (room - 1) // (max(width) + 1))
    lines = []
    for first in range(0, grid.width, count):
        last = min(first + count, grid.width)
        cells = tuple(None if row is None else row[first:last] for row in grid.cells)
        part = doc.Grid(grid.name, cells, grid.role, grid.shape)
        where = f"columns {first + 1} to {last}" if last > first + 1 else f"column {last}"
        lines.append([(", ".join(grid.tops[first:last]) if grid.tops else where, "grey")])
        rows = strip(part, fields[first:last], symbols)
        lines += [[word, *line] for word, line in zip(beside, rows, strict=True)] if side else rows
    return lines
