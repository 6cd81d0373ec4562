"""The signs that a page in a terminal is drawn with, and their ASCII forms. All are one column wide but the arrow."""

from __future__ import annotations

from typing import NamedTuple


class Border(NamedTuple):
    """The lines of a frame."""

    top: tuple[str, str, str, str]  # left, line, between parts, right
    side: str
    between: str
    bottom: tuple[str, str, str, str]


class Symbols(NamedTuple):
    """One set of signs."""

    heavy: Border
    double: Border
    bars: tuple[str, str]
    right: str
    down: str
    through: str
    rule: str
    fold: str
    dash: str
    tip: str
    minus: str
    carry: tuple[str, str, str]  # from one turn to the next: up, where it turns right, where it began
    chosen: str


PAPER = Symbols(
    heavy=Border(("┏", "━", "┯", "┓"), "┃", "│", ("┗", "━", "┷", "┛")),
    double=Border(("╔", "═", "╤", "╗"), "║", "│", ("╚", "═", "╧", "╝")),
    bars=("▏", "▕"), right="→", down="↓", through="│", rule="━", fold="⋮", dash="─", tip="▸", minus="−",
    carry=("┊", "╭", "╯"), chosen="◂",
)  # fmt: skip
ASCII = Symbols(
    heavy=Border(("#", "=", "+", "#"), "#", "|", ("#", "=", "+", "#")),
    double=Border(("+", "-", "+", "+"), "|", "|", ("+", "-", "+", "+")),
    bars=("|", "|"), right="->", down="v", through="|", rule="=", fold=":", dash="-", tip=">", minus="-",
    carry=(":", ".", "'"), chosen="<",
)  # fmt: skip
