"""Where things stand on a spine: columns, widths, and whether they fit. Draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nnsteps import document as doc
from nnsteps.document import Corner, Frame, Grid, Link, Sign, Spine, Words
from nnsteps.render.blocks import (
    FramePlan,
    column_fields,
    even,
    field_for,
    length,
    plan,
    strip_width,
    texts,
    together,
)
from nnsteps.render.canvas import columns
from nnsteps.render.worklines import Setting, fitted, lines_for

ENOUGH_RIGHT = 40  # in a narrower place a wide page prefers the tight form
LEAST_RIGHT = 24  # arithmetic in a narrower place goes under the picture
LONG_HEADING = 20  # a longer one stands on a row of its own
NUMBER, TEXT = 2, 5  # columns from the spine's end to a caption's number and to its text


@dataclass(frozen=True, slots=True)
class Geometry:
    """The measures of one spine on the page. Columns count from 0."""

    margin: int
    tight: bool
    stacked: bool
    edge: int  # the last column of the left frames
    anchor: int  # where in a cell the units digit stands
    cell: int
    count: int  # columns of numbers
    width: int
    idle: bool = True
    side: int = 0  # what the words beside the rows take
    gap: int = 0  # between columns that are values of their own
    over: bool = False  # captions stand on rows of their own, for want of room to the right

    @property
    def bar(self) -> int:
        return self.edge + (3 if self.tight else 4) + self.side

    @property
    def arrow(self) -> int:
        return self.edge + (1 if self.tight else 2)

    @property
    def end(self) -> int:
        """The column of the spine's right bar."""
        return self.bar + self.count * self.stride - (self.gap + 1 if self.gap else 0)

    @property
    def stride(self) -> int:
        """From one column of numbers to the next."""
        return self.cell + 1 + (self.gap + 1 if self.gap else 0)

    @property
    def text(self) -> int:
        return self.end + (TEXT if not self.tight else TEXT - 1)

    @property
    def work(self) -> int:
        """The column of worked lines, where a minus would stand."""
        return self.end + 2 if self.tight else self.text

    @property
    def room(self) -> int:
        """The columns for worked lines right of the spine."""
        return self.width - self.work - 1

    @property
    def pad(self) -> int:
        return 1 if self.tight else 2

    def units(self, column: int) -> int:
        """Where the units digit of a spine column stands."""
        return self.bar + column * self.stride + 1 + self.anchor

    def setting(self, minus: str, about: str) -> Setting:
        """How worked lines are set here."""
        return Setting(self.tight, minus, about, self.idle)


def geometry_for(spine: Spine, width: int, minus: str, *, tight: bool) -> Geometry:
    """The widest geometry in which the spine fits: wide or tight, if need be without idle terms, or stacked."""
    modes = [True] if tight else [False, True]
    choices = [_measure(spine, width, tight=mode, captions=captions) for mode in modes for captions in (True, False)]
    for place in range(0, len(choices), 2):
        for idle in (True, False):
            for geometry in choices[place : place + 2]:
                if geometry.room >= _right_need(spine, geometry, minus, idle=idle):
                    return replace(geometry, idle=idle)
    for geometry in (choices[1], choices[-1]):
        if geometry.gap and geometry.end < width:  # time steps side by side have no arithmetic beside them
            return replace(geometry, over=True)
    last = choices[-1]
    for geometry in (choices[1], last):
        if geometry.room >= (LEAST_RIGHT if geometry.tight else ENOUGH_RIGHT):
            return replace(geometry, idle=_sums_fit(spine, geometry, minus))
    return replace(last, stacked=True)


def aligned(geometries: Sequence[Geometry], spines: Sequence[Spine], minus: str) -> list[Geometry]:
    """The same geometries with one bar for all, where everything still fits."""
    if any(g.stacked or g.tight != geometries[0].tight for g in geometries):
        return list(geometries)
    edge = max(g.edge for g in geometries)
    moved = [replace(g, edge=edge) for g in geometries]
    if all(g.room >= _right_need(s, g, minus, idle=g.idle) for g, s in zip(moved, spines, strict=True)):
        return moved
    return list(geometries)


def _sums_fit(spine: Spine, geometry: Geometry, minus: str) -> bool:
    """Whether the lines that could lose a term fit as they are."""
    setting = Setting(geometry.tight, minus)
    works = [w for link in spine.links for w in link.work if any(t.idle for s in w.sums for t in s.terms)]
    return all(length(line) <= geometry.room for lines in lines_for(works, 10_000, setting) for line in lines)


def _measure(spine: Spine, width: int, *, tight: bool, captions: bool) -> Geometry:
    outs = [link.out for link in spine.links]
    fields = [field_for(texts(grid)) for grid in outs]
    count = max(grid.width for grid in outs)
    least = (6 if tight else 7) if count == 1 else (4 if tight else 5)
    tall = together([one for one, grid in zip(fields, outs, strict=True) if len(grid.cells) > 1] or fields)
    cell = max(
        least, tall.width + 2, *(one.width + 2 for one in fields), max(one.whole for one in fields) + tall.part + 2
    )
    cell = max([cell, *(columns(top) + (1 if grid.spaced else 0) for grid in outs for top in grid.tops)])
    if any(c.mark == doc.CHOSEN for grid in outs for row in grid.cells if row for c in row):
        cell += 1
    highest = cell - 2 - tall.part
    anchor = max(min(cell // 2, highest), *(one.whole for one in fields))
    margin = 0 if tight else 1
    edge = margin + 4
    before = 3 if tight else 4
    for link in spine.links:
        edge = max(edge, margin + _left_need(link, tight) - 1)
        label = columns(link.out.name) if not link.above else 0
        if label > 2 or link.beside:
            beside = strip_width(column_fields(link.beside, 3)) + columns(link.beside.name) + 2 if link.beside else 0
            edge = max(edge, margin + beside + label + 1 - before + 2)
        if link.heading and columns(link.heading) <= LONG_HEADING:
            edge = max(edge, margin + columns(link.heading) - 2)
        if captions and link.above and link.caption:
            edge = max(edge, margin + 4 + columns(link.caption.text) - before - cell // 2 + 1)
    side = max(map(sides_width, outs))
    names = [columns(one.out.name) + 1 + sides_width(one.out) for one in spine.links if one.left and one.out.spaced]
    side = max([side, *names])
    spaced = count > 1 and all(grid.spaced or grid.width == 1 for grid in outs) and any(grid.spaced for grid in outs)
    gap = 1 + 2 * max(1, len(spine.carries)) if spaced else 0
    return Geometry(margin, tight, False, edge, anchor, cell, count, width, side=side, gap=gap)


def sides_width(grid: Grid) -> int:
    """What the words beside the rows of a grid take, with the blank after them."""
    return max([columns(word) + 1 for word in grid.sides], default=0)


def _left_need(link: Link, tight: bool) -> int:
    return sum(part_width(part, tight=tight) for part in link.left)


def part_width(part: doc.Part, *, tight: bool) -> int:
    """How many columns a thing left of the spine takes."""
    match part:
        case Frame(kind="plain", parts=parts):
            return sum(max(strip_width(even(grid)), columns(grid.name) + 1) for grid in parts)
        case Frame():
            return plan(part, pad=1 if tight else 2).width
        case Grid():
            return max(strip_width(even(part, 2), pad=0 if tight else 1), columns(part.name))
        case Sign(text=text):
            return columns(text) + 2
        case Words(rows=rows):
            return max(columns(row) for row in rows) + 1


def _right_need(spine: Spine, geometry: Geometry, minus: str, *, idle: bool) -> int:
    need = 0
    setting = Setting(geometry.tight, minus, "≈", idle)
    for link in spine.links:
        before = geometry.text - geometry.work
        if link.caption and not link.above:
            by_hand = columns(link.caption.by_hand) + 2 if link.caption.by_hand and not geometry.tight else 0
            need = max(need, min(columns(link.caption.text), 40) + by_hand + before)
        works = () if link.above else fitted(link.work, geometry.room, setting) if geometry.tight else link.work
        for lines in lines_for(works, 10_000, setting):
            need = max(need, *(length(line) for line in lines))
        for corner in link.corners:
            need = max(need, corner_width(corner, geometry) - (geometry.work - geometry.end))
            need = max(need, *(columns(c.text) + before for c in corner.captions))
    return need


def corner_plan(corner: Corner, geometry: Geometry) -> FramePlan:
    """The frame of a corner, its columns as wide as the numbers above them."""
    tops = texts(corner.top)
    return plan(corner.frame, pad=geometry.pad, tops=tops)


def corner_start(corner: Corner, geometry: Geometry) -> int:
    """The column of a corner's frame: room for the arrow, and for the name of what stands above."""
    return geometry.end + max(3 if geometry.tight else 7, columns(corner.top.name) + 2)


def corner_width(corner: Corner, geometry: Geometry) -> int:
    """How many columns a corner takes, counted from the spine's right bar."""
    return corner_start(corner, geometry) - geometry.end + corner_plan(corner, geometry).width


def widest(lines: Sequence[Sequence[tuple[str, str]]]) -> int:
    """The width of the widest line."""
    return max((length(line) for line in lines), default=0)
