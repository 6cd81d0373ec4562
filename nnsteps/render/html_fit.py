"""Whether a spine fits on a printed page beside its arithmetic, about. Knows no tags."""

from __future__ import annotations

from nnsteps.document import Corner, Frame, Grid, Link, Sign, Spine, Words
from nnsteps.render import html_work
from nnsteps.render.html_grid import Tables
from nnsteps.render.html_text import breadth

LETTER = 0.5  # rem: a letter of a line
PAPER = 54.0  # rem: how wide a printed page is
LEAST = 9.0  # rem: what stands left of results takes no less


def on_paper(spine: Spine, tables: Tables, cell: float) -> tuple[bool, float]:
    """Whether the arithmetic must stand above the picture when printed, and how far it must be shrunk even so."""
    pictures = [_left(link, tables) + cell * link.out.width for link in spine.links]
    rights = [_right(link, tables) for link in spine.links]
    beside = max(max(picture, LEAST) + right for picture, right in zip(pictures, rights, strict=True))
    below = max(*pictures, *(_corners(link, tables) for link in spine.links))
    return beside > PAPER, min(1.0, PAPER / below)


def _left(link: Link, tables: Tables) -> float:
    """About how wide everything left of a result is, in rem."""
    out = 5.0
    for part in link.left:
        match part:
            case Frame():
                out += _frame(part, tables)
            case Grid():
                out += tables.width(part, named=True) * part.width
            case Words():
                out += 7
            case Sign():
                out += 1.5
    return out


def _right(link: Link, tables: Tables) -> float:
    """About how wide everything right of a result is."""
    if link.corners or link.above:
        return _corners(link, tables)
    own = html_work.longest(html_work.lines(link.work, link.notes, len(link.out.cells), link.says))
    return 3 + LETTER * max(own, html_work.caption_breadth(link.caption))


def _corners(link: Link, tables: Tables) -> float:
    return max((_corner(corner, tables) for corner in link.corners), default=0.0)


def _corner(corner: Corner, tables: Tables) -> float:
    work = html_work.longest(html_work.lines(corner.work, (), 0))
    return 4 + LETTER * (breadth(corner.top.name) + work) + _frame(corner.frame, tables)


def _frame(frame: Frame, tables: Tables) -> float:
    return sum(width * part.width for width, part in zip(tables.widths(frame), frame.parts, strict=True))
