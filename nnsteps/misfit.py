"""Two arrays that do not fit, drawn so that one sees which row or column has no partner. Knows no operations.

A picture is lines of text; every sign in them has a sign of the same width in ASCII. Large arrays are not drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nnsteps.ops import Array
from nnsteps.rounding import style_for

MOST_SIDES = 8  # rows or columns
MOST_NAME = 24  # characters
INDENT = " " * 3
ARROW = " ─▸ "


@dataclass(frozen=True, slots=True)
class Drawn:
    """A matrix as rows of text, all equally long, and where its columns end in them."""

    name: str
    rows: tuple[str, ...]
    ends: tuple[int, ...]

    @property
    def width(self) -> int:
        """The columns of text that the matrix takes with its name."""
        return max(len(self.rows[0]), len(self.name))

    def below(self, words: list[str]) -> str:
        """One word under each column."""
        line = ""
        for end, word in zip(self.ends, words, strict=True):
            line += word.rjust(end + 1 - len(line))
        return line.ljust(self.width)

    def numbers(self) -> str:
        """The number of each column, under it."""
        return self.below([str(k + 1) for k in range(len(self.ends))])


def of_product(left: str, a: Array, right: str, b: Array, *, framed: bool = True) -> tuple[str, ...]:
    """The corner of a product: `right` stands above, each row of `left` would meet each of its columns."""
    if not _is_small(left, a) or not _is_small(right, b):
        return ()
    one, two = _drawn(left, a, "┃┃" if framed else "▏▕", title=framed), _drawn(right, b, "▏▕")
    away = INDENT + " " * (one.width + len(ARROW))
    columns, rows = a.shape[1], b.shape[0]
    lines = [away + two.name.center(two.width)]
    for k, row in enumerate(two.rows):
        words = f"   {_alone('row', columns, rows, left, 'column')}" if k == columns else ""
        lines.append(f"{away}{row} {k + 1}{words}")
    lines.append(INDENT + _top(one, framed) + " " * len(ARROW) + two.below(["↓"] * len(two.ends)))
    lines += [INDENT + row.ljust(one.width) + ARROW + two.below(["?"] * len(two.ends)) for row in one.rows]
    if framed:
        lines.append(INDENT + "┗" + "━" * (one.width - 2) + "┛")
    words = f"   {_alone('column', rows, columns, right, 'row')}" if columns > rows else ""
    lines.append(INDENT + one.numbers() + words)
    return tuple(line.rstrip() for line in lines)


def side_by_side(left: str, a: Array, right: str, b: Array) -> tuple[str, ...]:
    """Both side by side, their cells to be combined one by one; a side of length 1 fits all."""
    if not _is_small(left, a) or not _is_small(right, b):
        return ()
    one, two = _drawn(left, a, "▏▕"), _drawn(right, b, "▏▕")
    lines = [f"{INDENT}{one.name.center(one.width)}     {two.name.center(two.width)}"]
    lines += [INDENT + line for line in _beside(one, two, _differ(a, b, 0))]
    if _differ(a, b, 1):
        lines.append(f"{INDENT}{one.numbers()}     {two.numbers()}   {_lonely('column', one, two, a, b, 1)}")
    return tuple(line.rstrip() for line in lines)


def _beside(one: Drawn, two: Drawn, numbered: bool) -> Iterator[str]:
    most, least = max(len(one.rows), len(two.rows)), min(len(one.rows), len(two.rows))
    for k in range(most):
        parts = []
        for part in (one, two):
            there = k < len(part.rows)
            number = f" {k + 1}" if numbered else ""
            parts.append((part.rows[k] + number if there else "").ljust(part.width + 2))
        longer, shorter = (one, two) if len(one.rows) > len(two.rows) else (two, one)
        words = f"   {_alone('row', least, most, shorter.name, 'row', longer.name)}" if numbered and k == least else ""
        yield "   ".join(parts) + words


def _lonely(noun: str, one: Drawn, two: Drawn, a: Array, b: Array, axis: int) -> str:
    (longer, most), (shorter, least) = (one, a.shape[axis]), (two, b.shape[axis])
    if most < least:
        longer, most, shorter, least = shorter, least, longer, most
    return _alone(noun, least, most, shorter.name, noun, longer.name)


def _alone(noun: str, fit: int, count: int, other: str, others: str, whose: str = "") -> str:
    """Which rows (or columns) have no partner: `fit` of `count` have one."""
    of = f" of {whose}" if whose else ""
    if count - fit == 1:
        return f"{noun} {count}{of} has no partner: {other} has no {others} {count}"
    words = f"{fit} {others}" + ("s" if fit != 1 else "")
    return f"{noun}s {fit + 1} to {count}{of} have no partner: {other} has {words}"


def _differ(a: Array, b: Array, axis: int) -> bool:
    one, other = a.shape[axis], b.shape[axis]
    return one != other and 1 not in (one, other)


def _is_small(name: str, x: Array) -> bool:
    return x.ndim == 2 and max(x.shape) <= MOST_SIDES and len(name) <= MOST_NAME


def _drawn(name: str, x: Array, bars: str, *, title: bool = False) -> Drawn:
    style = style_for(float(cell) for cell in x.flat)
    cells = [[style.write(float(cell)) for cell in row] for row in x]
    wide = max(2, *(len(cell) for row in cells for cell in row))
    inner = [" " + "  ".join(cell.rjust(wide) for cell in row) + " " for row in cells]
    more = max(0, len(name) + 3 - len(inner[0])) if title else 0  # room for the name in the frame
    rows = tuple(bars[0] + line + " " * more + bars[1] for line in inner)
    return Drawn(name, rows, tuple(1 + wide + k * (wide + 2) for k in range(x.shape[1])))


def _top(part: Drawn, framed: bool) -> str:
    return f"┏━ {part.name} ".ljust(part.width - 1, "━") + "┓" if framed else part.name.center(part.width)
