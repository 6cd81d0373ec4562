"""Mathematics as it stands on paper, read into a small tree. Knows no format and computes nothing.

Theory of operation. Captions, names, cells and worked lines come as text in the signs of paper: `∂L/∂W = ∂L/∂z · aᵀ`.
`read` gives the pieces of such a text: numbers, names with what stands under and over the line, brackets, roots,
powers, gradients as fractions, signs. What writes TeX or MathML goes through these pieces. Nothing is refused: what is
no mathematics becomes `Other`, which is written as the letters it is made of, so that no text can turn into markup.

To add a sign: one entry in SIGNS here, and its form in each writer.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789aehijklmnoprstuvx", strict=True))
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ⁿᵀ", "0123456789−+()nT", strict=True))
SIGNS = "+−-·*÷/=≈≠≤≥<>→×,:;~"
BRACKETS = {"(": ")", "[": "]", "⌊": "⌋"}
DEEPEST = 40  # brackets in brackets


class Number(NamedTuple):
    """1.25, or 3.2×10⁻⁵ with its power of ten."""

    text: str
    power: str = ""


class Name(NamedTuple):
    """A name or a word: its letters, and what stands under the line."""

    text: str
    lower: str = ""
    is_called: bool = False  # a bracket follows: ReLU(

    @property
    def is_long(self) -> bool:
        """Whether it has several letters, and would be read as a product if it were set like one."""
        return len(self.text) > 1


class Sign(NamedTuple):
    """One of SIGNS, or Σ, ∂, e and what else is written by itself."""

    text: str


class Space(NamedTuple):
    """A space between two pieces that no sign connects."""


class Bracket(NamedTuple):
    """Pieces between two brackets, or between two bars."""

    open: str
    inside: tuple[Piece, ...]
    close: str


class Root(NamedTuple):
    """A square root."""

    inside: tuple[Piece, ...]


class Power(NamedTuple):
    """A base with pieces over the line."""

    base: tuple[Piece, ...]
    upper: tuple[Piece, ...]


class Transposed(NamedTuple):
    """A base with the sign of the transpose."""

    base: tuple[Piece, ...]


class Gradient(NamedTuple):
    """∂L/∂W: what stands above and below the line, without the ∂."""

    above: tuple[Piece, ...]
    below: tuple[Piece, ...]


class Quoted(NamedTuple):
    """A word of the problem's own: "who"."""

    text: str


class Other(NamedTuple):
    """Letters that are no mathematics."""

    text: str


Piece = Number | Name | Sign | Space | Bracket | Root | Power | Transposed | Gradient | Quoted | Other

_LETTER = rf"(?:(?![Σ{''.join(LOWERED)}{''.join(RAISED)}])[^\W\d_])"
_TOKEN = re.compile(
    rf"""
    (?P<number> \d+(?:\.\d+)? (?:×10[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)? )
  | (?P<name> (?:{_LETTER}|_) (?:{_LETTER}|\d|_)* )
  | (?P<quoted> "[^"]*" )
  | (?P<lower> [{"".join(LOWERED)}]+ )
  | (?P<upper> [{"".join(RAISED)}]+ )
  | (?P<space> \s+ )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)


def read(text: str) -> tuple[Piece, ...]:
    """The pieces of a text. Example: read("e^−x") -> (Power((Name("e"),), (Sign("−"), Name("x"))),)."""
    tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(text)]
    return _Reader(tokens).pieces()


def is_list_of_numbers(text: str) -> bool:
    """Whether a text is nothing but numbers: 0.5, or (2, 1, 3)."""
    return re.fullmatch(r"[−\d.,()\s×/⁻⁰¹²³⁴⁵⁶⁷⁸⁹…⋯]+", text) is not None and any(map(str.isdigit, text))


class _Reader:
    """Goes through the tokens once; `at` is the next one."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    def next_is(self, *texts: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][1] in texts

    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def pieces(self, until: str = "") -> tuple[Piece, ...]:
        """Everything up to a closing sign, which is left where it is."""
        found: list[Piece] = []
        while self.at < len(self.tokens) and not (until and self.next_is(until)):
            if self.kind() == "space":
                self.take()
                found.append(Space())
            else:
                found.extend(self.whole())
        return tuple(found)

    def whole(self) -> tuple[Piece, ...]:
        """The next piece with everything that hangs on it: its cell, its power."""
        base = self.atom()
        for _ in range(DEEPEST):
            if self.next_is("[") and isinstance(base[-1], (Name, Gradient, Transposed)):
                base = (*base, *self.atom())
            elif self.kind() == "upper":
                raised = "".join(RAISED[letter] for letter in self.take())
                rest, is_transposed = raised.removesuffix("T"), raised.endswith("T")
                base = (Power(base, read(rest)),) if rest else base
                base = (Transposed(base),) if is_transposed else base
            elif self.next_is("^") and self.at + 1 < len(self.tokens) and not isinstance(base[-1], Other):
                self.take()
                base = (Power(base, self.exponent()),)
            else:
                break
        return base

    def exponent(self) -> tuple[Piece, ...]:
        """A number with its minus, a name with its cell, or what a bracket holds."""
        if self.next_is("−", "-") and self.at + 1 < len(self.tokens):
            sign = Sign(self.take())
            return (sign, *_without_brackets(self.atom())) if self.kind() != "space" else (sign,)
        found = self.atom()
        while self.next_is("[") and isinstance(found[-1], Name):
            found = (*found, *self.atom())
        return _without_brackets(found)

    def atom(self) -> tuple[Piece, ...]:
        """One piece, or a function with its bracket."""
        kind, text = self.tokens[self.at]
        if kind == "sign" and (text in BRACKETS or text == "|"):
            return (self.bracket(BRACKETS.get(text, "|")),)
        self.take()
        match kind:
            case "number":
                digits, _, power = text.partition("×10")
                return (Number(digits, "".join(RAISED[letter] for letter in power)),)
            case "name":
                return self.name(text)
            case "quoted":
                return (Quoted(text[1:-1]),)
            case "sign" if text == "√" and self.at < len(self.tokens) and self.depth < DEEPEST:
                return (self.root(),)
            case "sign" if text == "∂" and self.at < len(self.tokens) and self.depth < DEEPEST:
                return self.gradient()
            case "sign" if text in SIGNS or text in "Σ∂√⋯…∞":
                return (Sign(text),)
        return (Other("".join(LOWERED.get(letter, RAISED.get(letter, letter)) for letter in text)),)

    def name(self, text: str) -> tuple[Piece, ...]:
        lower = ""
        if self.kind() == "lower":
            lower = "".join(LOWERED[letter] for letter in self.take())
        elif (found := re.fullmatch(rf"({_LETTER})_((?:{_LETTER}|\d)+)", text)) is not None:
            text, lower = found[1], found[2]
        if not self.next_is("("):
            return (Name(text, lower),)
        return (Name(text, lower, is_called=True), *self.atom())

    def bracket(self, close: str) -> Piece:
        """A pair of brackets with what is between; a bracket without its partner is a letter like others."""
        start = self.at
        opening = self.take()
        if self.depth < DEEPEST:
            self.depth += 1
            inside = self.pieces(close)
            self.depth -= 1
            if self.next_is(close):
                self.take()
                return Bracket(opening, inside, close)
        self.at = start + 1
        self.depth = DEEPEST  # a text like this is not read twice for each of its brackets
        return Other(opening)

    def root(self) -> Piece:
        self.depth += 1
        inside = self.atom()
        self.depth -= 1
        return Root(_without_brackets(inside))

    def gradient(self) -> tuple[Piece, ...]:
        """∂L/∂W as one fraction; a ∂ of another kind by itself."""
        start = self.at
        self.depth += 1
        above = self.part()
        found = above and self.next_is("/") and self.at + 2 < len(self.tokens) and self.tokens[self.at + 1][1] == "∂"
        below: tuple[Piece, ...] = ()
        if found:
            self.at += 2
            below = self.part()
        self.depth -= 1
        if below:
            return (Gradient(above, below),)
        self.at = start
        return (Sign("∂"),)

    def part(self) -> tuple[Piece, ...]:
        """A name with its cell and its mark, or a bracket."""
        if self.kind() not in ("name", "sign") or (self.kind() == "sign" and not self.next_is("(")):
            return ()
        found = self.atom()
        while self.next_is("[") and isinstance(found[-1], Name):
            found = (*found, *self.atom())
        if self.kind() == "upper" and "T" not in RAISED[self.tokens[self.at][1][-1]]:
            found = (Power(found, read("".join(RAISED[letter] for letter in self.take()))),)
        return found


def _without_brackets(found: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """What a bracket holds, where a root or a raised place already shows what belongs together."""
    return found[0].inside if isinstance(found[0], Bracket) and found[0].open == "(" else found
