"""How wide the pictures of spines are, in centimetres. Knows the sides of grids, not what stands in the cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nnsteps.document import Frame, Grid, Link, Part, Sign, Spine, Words

LINE = 17.0  # the width of a page
LABEL = 0.52  # the row of names and arrows over a result
CELL, ROW = 0.95, 0.5  # of a cell, where there is room
LEAST = 0.32
GAP, ARROW, SIGN, WORDS, NAME, COLUMN, LETTER = 0.15, 0.6, 0.5, 1.9, 1.3, 0.25, 0.17
ROOM, LEAST_ROOM = 5.5, 2.5  # that a caption, and worked lines, need beside a result


class Plan(NamedTuple):
    """The lengths that all pictures of a section share: of a cell, and where the spine's column begins."""

    cell: float
    spine: float

    def room(self, link: Link) -> float:
        """How much is left beside a result for its arithmetic."""
        return LINE - self.spine - grid_width(link.out, self.cell) - 0.4

    def has_room(self, link: Link) -> bool:
        """Whether a caption can stand beside the arrow that points at a result."""
        if link.above or link.corners or link.kind == "start" or link.caption is None:
            return False
        return self.room(link) >= max(ROOM, LETTER * sum(len(text) + 2 for text in link.caption) / 1.2)


def plan(spines: Iterable[Spine]) -> Plan:
    """The plan of a section: cells as wide as the widest link allows."""
    links = [link for spine in spines for link in spine.links]
    low, high = LEAST, CELL
    if _total(links, high) > LINE:
        for _ in range(20):  # widths grow with the cell
            middle = (low + high) / 2
            low, high = (middle, high) if _total(links, middle) <= LINE else (low, middle)
        return Plan(low, _spine(links, low))
    return Plan(high, _spine(links, high))


def _spine(links: Sequence[Link], cell: float) -> float:
    return max((_left(link, cell) for link in links), default=0)


def _total(links: Sequence[Link], cell: float) -> float:
    return _spine(links, cell) + max((grid_width(link.out, cell) + _right(link, cell) for link in links), default=0)


def _left(link: Link, cell: float) -> float:
    """What a link needs left of the spine."""
    parts = sum(part_width(part, cell) + GAP for part in link.left)
    beside = grid_width(link.beside, cell) + name_width(link.beside) if link.beside is not None else 0
    own = ARROW if link.kind == "product" else name_width(link.out) if is_named(link) else 0
    return parts + beside + own


def _right(link: Link, cell: float) -> float:
    return max((ARROW + frame_width(corner.frame, cell) for corner in link.corners), default=0)


def is_named(link: Link) -> bool:
    """Whether the name stands left of the numbers."""
    return not link.above and not link.corners and not any(isinstance(part, Frame) for part in link.left)


def grid_width(grid: Grid, cell: float) -> float:
    """How wide a grid is drawn."""
    return grid.width * cell + (COLUMN * (grid.width - 1) if grid.spaced else 0) + (NAME if grid.sides else 0)


def name_width(grid: Grid) -> float:
    """What a name left of its numbers needs; a very long one is made smaller."""
    return min(max(NAME, LETTER * len(grid.name) + 0.3), 4.0)


def part_width(part: Part, cell: float) -> float:
    """How wide a part left of a result is drawn."""
    match part:
        case Frame():
            return frame_width(part, cell)
        case Grid():
            return grid_width(part, cell)
        case Sign():
            return SIGN
        case Words():
            return WORDS


def frame_width(frame: Frame, cell: float) -> float:
    return sum(grid_width(part, cell) for part in frame.parts)
