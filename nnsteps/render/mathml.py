"""Pieces of mathematics as MathML Core, the part of it that browsers draw. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from nnsteps.errors import visible
from nnsteps.render.maths import (
    Bracket,
    Gradient,
    Name,
    Number,
    Other,
    Piece,
    Power,
    Quoted,
    Root,
    Sign,
    Space,
    Transposed,
    read,
)

CLOSE = frozenset("·*/∂:√Σ⋯…∞")  # signs with no room around them
APPLIED = "\N{FUNCTION APPLICATION}"


@lru_cache(maxsize=4096)
def mathml(text: str) -> str:
    """A text in the signs of paper as one <math> element. Example: mathml("x₁") -> <math><msub>…</msub></math>."""
    return f"<math>{pieces(read(visible(text)))}</math>"


def pieces(found: Sequence[Piece]) -> str:
    """Pieces as a row of elements."""
    out: list[str] = []
    for place, piece in enumerate(found):
        if not isinstance(piece, Space):
            out.append(_piece(piece))
        elif 0 < place < len(found) - 1 and not any(isinstance(found[k], Sign) for k in (place - 1, place + 1)):
            out.append('<mspace width="0.3em"></mspace>')
    return "".join(out)


def _piece(piece: Piece) -> str:
    match piece:
        case Number(digits, power):
            digits = f"<mn>{digits}</mn>"
            return f"{digits}<mo>×</mo><msup><mn>10</mn><mn>{power}</mn></msup>" if power else digits
        case Name(text, index, is_called):
            name = f"<mi>{escape(text)}</mi>"
            name = f"<msub>{name}{_script(index)}</msub>" if index else name
            return name + (f"<mo>{APPLIED}</mo>" if is_called else "")
        case Sign(text):
            room = "0.15em" if text == "·" else "0"
            close = f' lspace="{room}" rspace="{room}"' if text in CLOSE else ""
            after = '<mspace width="0.2em"></mspace>' if text == "Σ" else ""
            return f"<mo{close}>{escape(text)}</mo>{after}"
        case Bracket(opening, inside, closing):
            return f"<mrow>{_fence(opening)}{pieces(inside)}{_fence(closing)}</mrow>"
        case Root(inside):
            return f"<msqrt>{pieces(inside)}</msqrt>"
        case Power(base, upper):
            return f"<msup>{_one(base)}{_one(upper)}</msup>"
        case Transposed(base):
            return f"<msup>{_one(base)}<mi>T</mi></msup>"
        case Gradient(above, below):
            over, under = (f'<mo lspace="0" rspace="0">∂</mo>{pieces(part)}' for part in (above, below))
            return f'<mrow>{over}<mo lspace="0" rspace="0">/</mo>{under}</mrow>'
        case Quoted(text):
            return f"<mtext>{escape(f'“{text}”')}</mtext>"
        case Other(text):
            return f"<mtext>{escape(text)}</mtext>"
    return ""


def _fence(text: str) -> str:
    return f'<mo stretchy="false" lspace="0" rspace="0">{escape(text)}</mo>'


def _one(found: Sequence[Piece]) -> str:
    """Pieces as exactly one element."""
    inside = pieces(found)
    match found:
        case [Number(power="") | Name(is_called=False) | Bracket() | Root() | Power() | Transposed() | Gradient()]:
            return inside
    return f"<mrow>{inside}</mrow>"


def _script(text: str) -> str:
    return f"<mn>{text}</mn>" if text.isdigit() else f'<mi mathvariant="normal">{escape(text)}</mi>'
