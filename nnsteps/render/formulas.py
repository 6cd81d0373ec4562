"""Grids and equations as formulas that MathJax, KaTeX and LaTeX set alike. Knows no page.

Theory of operation. A spine hangs results under each other; text reads from left to right. So every result becomes an
equation: its frame, what the frame is multiplied with, and the result; or the value before it, an arrow, and the
result. A learnable frame is a box, every other grid stands in square brackets, and names stand over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nnsteps import document as doc
from nnsteps.document import Cell, Frame, Grid, Link, Part, Sign, Spine, Words
from nnsteps.render.tex import flat, tex

BLANK = r"\square"
MOST_WIDTH = 84  # letters of a row before it is broken
BREAK = r" \\ "
EQUALS, ARROW = "=", r"\to"


# --- grids ---------------------------------------------------------------------------------------------------


def cell(one: Cell, *, crossed: bool = True) -> str:
    """One cell; a blank is a box of one width."""
    match one.mark:
        case doc.BLANK:
            return BLANK
        case doc.CROSSED if crossed:
            return struck(one.text)
        case doc.UNCHANGED:
            return rf"{{\color{{gray}}{{{tex(one.text)}}}}}"
        case doc.CHOSEN:
            return rf"\boxed{{{tex(one.text)}}}"
    return tex(one.text)


def struck(text: str) -> str:
    """A crossed-out number. Not every reader has a command for it, but all have a rule of some length."""
    width = sum(0.28 if sign in ".," else 0.78 if sign in "−-" else 0.5 for sign in text)
    return rf"\rlap{{\rule[0.32em]{{{width:.2f}em}}{{0.06em}}}}{{{tex(text)}}}"


def rows(grid: Grid, *, crossed: bool = True) -> list[list[str]]:
    """The cells of a grid, row by row; what is left out as dots."""
    return [
        [r"\vdots"] * grid.width if row is None else [cell(one, crossed=crossed) for one in row] for row in grid.cells
    ]


def matrix(grid: Grid, *, boxed: bool = False, crossed: bool = True) -> str:
    """A grid with its name over it, in a box or in square brackets."""
    found = rows(grid, crossed=crossed)
    if grid.spaced:
        tops = grid.tops or ("",) * grid.width
        body = r" \; ".join(_named(_in_brackets([[row[j]] for row in found], boxed), top) for j, top in enumerate(tops))
        sides = _sides(grid)
        return _named(f"{sides} {body}" if sides else body, grid.name)
    if grid.tops or grid.sides:
        body = _with_edges(grid, found)
        return _named(rf"\boxed{{{body}}}" if boxed else body, grid.name)
    return _named(_in_brackets(found, boxed), grid.name)


def _in_brackets(found: Sequence[Sequence[str]], boxed: bool) -> str:
    body = BREAK.join(" & ".join(row) for row in found)
    if boxed:
        return rf"\boxed{{\begin{{matrix}} {body} \end{{matrix}}}}"
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def _sides(grid: Grid) -> str:
    return _column(grid.sides) if grid.sides else ""


def _column(texts: Sequence[str]) -> str:
    """Texts below each other."""
    body = BREAK.join(tex(text) for text in texts)
    return rf"\begin{{matrix}} {body} \end{{matrix}}"


def _with_edges(grid: Grid, found: Sequence[Sequence[str]]) -> str:
    """A grid with words over its columns and beside its rows."""
    columns = ("r|" if grid.sides else "") + "r" * grid.width
    lines = []
    if grid.tops:
        lines.append(" & ".join([*([""] if grid.sides else []), *map(tex, grid.tops)]) + r" \\ \hline")
    sides = iter(grid.sides)
    for row, kept in zip(found, grid.cells, strict=True):
        side = [r"\vdots" if kept is None else tex(next(sides, ""))] if grid.sides else []
        lines.append(" & ".join([*side, *row]) + r" \\")
    return rf"\begin{{array}}{{{columns}}} {' '.join(lines)} \end{{array}}"


def _named(body: str, name: str) -> str:
    return rf"\overset{{{flat(name)}}}{{{body}}}" if name else body


# --- equations -----------------------------------------------------------------------------------------------


class Equation(NamedTuple):
    """A result and what it comes from; `sign` stands between the two."""

    left: tuple[str, ...]
    sign: str
    right: str
    width: int  # in letters, about

    def text(self) -> str:
        """As one formula, broken before its sign if it is wide."""
        if not self.left:
            return self.right
        left = r" \; ".join(self.left)
        if self.width <= MOST_WIDTH:
            return rf"{left} \; {self.sign} \; {self.right}"
        return rf"\begin{{aligned}} & {left} \\ & {self.sign} \; {self.right} \end{{aligned}}"


def equations(spine: Spine) -> list[Equation | None]:
    """An equation for each link of a spine; None for a value that the next equation begins with."""
    sources = [_sources(spine.links, place) for place in range(len(spine.links))]
    used = {source for found in sources for source in found}
    return [
        None if link.kind == "start" and (place in used or link.corners) else _equation(spine.links, place, found)
        for place, (link, found) in enumerate(zip(spine.links, sources, strict=True))
    ]


def _sources(links: Sequence[Link], place: int) -> list[int]:
    """Which links above a link are what it is computed from."""
    link = links[place]
    if link.kind == "start" or place == 0:
        return []
    if link.kind != "product":
        return [] if any(isinstance(part, Sign) for part in link.left) else _above(links, place)
    first = place
    while first > 1 and links[first].sibling:
        first -= 1
    factors = _factors(link)
    found = list(range(first - len(factors), first))
    fits = (
        bool(found)
        and found[0] >= 0
        and all(links[source].out.shape[0] == part.shape[1] for source, part in zip(found, factors, strict=True))
    )
    return found if fits else []


def _above(links: Sequence[Link], place: int) -> list[int]:
    """The link that another hangs under; where the spine begins there, all the values that were printed for it."""
    first = place - 1
    while first > 0 and all(one.kind == "start" and not one.corners for one in links[first - 1 : first + 1]):
        first -= 1
    return list(range(first, place))


def _factors(link: Link) -> tuple[Grid, ...]:
    """The parts of a product's frame that are multiplied; the last one is only added where there are ones."""
    parts = tuple(part for frame in link.left if isinstance(frame, Frame) for part in frame.parts)
    return parts[: len(parts) - link.ones]


def _equation(links: Sequence[Link], place: int, sources: list[int]) -> Equation:
    link = links[place]
    grids = [links[source].out for source in sources]
    right = matrix(link.out, crossed=False)
    if link.beside is not None:
        right += rf" \qquad {matrix(link.beside)}"
    beside = [link.beside] if link.beside is not None else []
    width = _width([link.out, *beside, *grids, *_grids_of(link.left)])
    if link.kind == "product":
        return Equation(tuple(_product(link, grids)), EQUALS, right, width)
    left = [matrix(grid) + (r" \, ," if k + 1 < len(grids) else "") for k, grid in enumerate(grids)]
    left += [part_text(part) for part in link.left]
    is_equation = bool(link.left) and link.left[-1] == Sign("=")
    return Equation(tuple(left[:-1] if is_equation else left), EQUALS if is_equation else ARROW, right, width)


def equation(left: tuple[str, ...], grids: Iterable[Grid], result: Grid) -> str:
    """left = result, where `grids` are those on the left."""
    return Equation(left, EQUALS, matrix(result), _width([*grids, result])).text()


def _product(link: Link, grids: Sequence[Grid]) -> Iterable[str]:
    frame = next(part for part in link.left if isinstance(part, Frame))
    is_boxed = frame.kind == "learnable"
    factors = _factors(link)
    for k, part in enumerate(factors):
        sign = r"+ \; " if k else ""
        yield sign + matrix(part, boxed=is_boxed)
        if grids:
            yield matrix(grids[k])
    for part in frame.parts[len(factors) :]:
        yield r"+ \; " + matrix(part, boxed=is_boxed)


def part_text(part: Part) -> str:
    """What stands left of a result."""
    match part:
        case Frame(parts, kind):
            return r" \; ".join(matrix(one, boxed=kind == "learnable") for one in parts)
        case Grid():
            return matrix(part)
        case Sign(text):
            return tex(text)
        case Words(lines):
            return _column(lines)


def _grids_of(parts: Iterable[Part]) -> list[Grid]:
    found: list[Grid] = []
    for part in parts:
        found += part.parts if isinstance(part, Frame) else [part] if isinstance(part, Grid) else []
    return found


def _width(grids: Iterable[Grid]) -> int:
    """About how many letters grids take beside each other; the same for a worksheet and for its key."""
    return sum(5 * grid.width + 4 for grid in grids)
