"""Pieces of mathematics as TeX, the part of it that LaTeX, MathJax and KaTeX share. Knows no page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

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

_SIGNS = {
    "−": "-", "·": r"\cdot", "*": r"\ast", "÷": r"\div", "≈": r"\approx", "≠": r"\neq", "≤": r"\leq", "≥": r"\geq",
    "→": r"\to", "×": r"\times", "Σ": r"\sum", "∂": r"\partial", "√": r"\surd", "⋯": r"\cdots", "…": r"\dots",
    "∞": r"\infty", "~": r"\sim", ":": "{:}",
}  # fmt: skip
_PARTIAL = r"\partial"
_BRACKETS = {"(": "(", ")": ")", "[": "[", "]": "]", "⌊": r"\lfloor", "⌋": r"\rfloor", "|": "|"}
_FUNCTIONS = {"log", "exp", "tanh", "max", "min", "sin", "cos", "tan", "arg"}
_GREEK = {"LAMDA": "lambda", "EPSILON": "varepsilon", "PHI": "varphi", "OMICRON": "omicron", "FINAL SIGMA": "varsigma"}
_CAPITALS = {"GAMMA", "DELTA", "THETA", "LAMDA", "XI", "PI", "SIGMA", "UPSILON", "PHI", "PSI", "OMEGA"}
_SPECIAL = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "#": r"\#", "%": r"\%", "&": r"\&", "_": r"\_",
    "^": r"{\wedge}", "~": r"{\sim}", "`": r"{\backprime}", "'": r"{\prime}", '"': "{''}", "|": "|",
    "<": " < ", ">": " > ",
}  # fmt: skip
_PARTS = re.compile(f"([{re.escape(''.join([*_SPECIAL, '−·÷≈≠≤≥→×Σ∂√⋯…∞']))}])")


@lru_cache(maxsize=4096)
def tex(text: str) -> str:
    """A text in the signs of paper as TeX. Example: tex("∂L/∂W₁") -> r"\\frac{\\partial L}{\\partial W_{1}}"."""
    return pieces(read(text))


@lru_cache(maxsize=4096)
def flat(text: str) -> str:
    """The same with gradients in one line, for small letters and long lists: ∂L/∂W without a fraction's bar."""
    return pieces(_in_line(read(text)))


def _in_line(found: Sequence[Piece]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for piece in found:
        match piece:
            case Gradient(above, below):
                out += [Sign("∂"), *above, Sign("/"), Sign("∂"), *below]
            case Bracket(opening, inside, close):
                out.append(Bracket(opening, _in_line(inside), close))
            case _:
                out.append(piece)
    return tuple(out)


def pieces(found: Sequence[Piece]) -> str:
    """Pieces as TeX."""
    out: list[str] = []
    for place, piece in enumerate(found):
        if isinstance(piece, Space):
            if 0 < place < len(found) - 1:
                out.append(_space(found[place - 1], found[place + 1]))
        else:
            out.append(_piece(piece))
    return _joined(out)


def words(text: str) -> str:
    """Plain words inside mathematics. What TeX would take for a command stands outside of \\text."""
    out = []
    for part in _PARTS.split(text):
        if part:
            sign = _SPECIAL.get(part) or (f"{{{_SIGNS[part]}}}" if part in _SIGNS else "")
            out.append(sign or rf"\text{{{_printable(part)}}}")
    return "".join(out)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _joined(parts: Sequence[str]) -> str:
    """Parts one behind the other, with a blank where a command would swallow a letter."""
    text = ""
    for part in parts:
        if re.search(r"\\[a-zA-Z]+$", text) and part[:1].isalpha():
            text += " "
        text += part.lstrip() if text.endswith(" ") else part
    return text.strip()


def _is_word(piece: Piece) -> bool:
    if isinstance(piece, (Power, Transposed)):
        return _is_word(piece.base[0])
    return isinstance(piece, (Quoted, Other)) or (isinstance(piece, Name) and piece.is_long and not _is_function(piece))


def _is_function(piece: Piece) -> bool:
    return isinstance(piece, Name) and piece.text in _FUNCTIONS


def _space(left: Piece, right: Piece) -> str:
    if isinstance(left, (Sign, Space)) or isinstance(right, (Sign, Space)) or _is_function(left):
        return " "
    return r"\ " if _is_word(left) or _is_word(right) or isinstance(right, Bracket) else r"\,"


def _piece(piece: Piece) -> str:
    match piece:
        case Number(text, power):
            return text + (rf" \times 10^{{{power.replace('−', '-')}}}" if power else "")
        case Name():
            return _name(piece)
        case Sign(text):
            sign = _SIGNS.get(text, text)
            return f"{sign} " if sign.startswith("\\") or text in "<>" else sign
        case Bracket(opening, inside, close):
            first, last = (_BRACKETS[sign] for sign in (opening, close))
            return _joined([first, pieces(inside), last])
        case Root(inside):
            return rf"\sqrt{{{pieces(inside)}}}"
        case Power(base, upper):
            return f"{_base(base)}^{{{pieces(upper)}}}"
        case Transposed(base):
            return rf"{_base(base)}^{{\top}}"
        case Gradient(above, below):
            top, bottom = (_joined([_PARTIAL, pieces(part)]) for part in (above, below))
            return rf"\frac{{{top}}}{{{bottom}}}"
        case Quoted(text):
            return words(f"“{text}”")
        case Other(text):
            return words(text)
        case Space():
            return " "


def _base(base: Sequence[Piece]) -> str:
    """What a power stands on: in braces, but for a letter and what is closed already."""
    text = pieces(base)
    is_closed = len(base) == 1 and isinstance(base[0], (Name, Number, Bracket))
    return text if is_closed else f"{{{text}}}"


def _name(name: Name) -> str:
    if name.text in _FUNCTIONS:
        text = rf"\{name.text}" if name.is_called else rf"\{name.text} "
    elif name.is_called and name.text.isalnum() and name.text.isascii() and name.is_long:
        text = rf"\operatorname{{{name.text}}}"
    else:
        text = words(name.text) if name.is_long else letter(name.text)
    if not name.lower:
        return text
    lower = name.lower if name.lower.isdigit() else letter(name.lower) if len(name.lower) == 1 else words(name.lower)
    return f"{text.strip()}_{{{lower}}}"


def letter(sign: str) -> str:
    """A single letter, Latin or Greek."""
    if sign.isascii():
        return sign if sign.isalnum() else words(sign)
    size, _, greek = unicodedata.name(sign, "").removeprefix("GREEK ").partition(" LETTER ")
    if size not in ("SMALL", "CAPITAL") or " WITH " in greek or not unicodedata.name(sign).startswith("GREEK"):
        return words(sign)
    if size == "CAPITAL":
        return rf"\{_GREEK.get(greek, greek).removeprefix('var').capitalize()}" if greek in _CAPITALS else words(sign)
    return "o" if greek == "OMICRON" else rf"\{_GREEK.get(greek, greek.lower())}"
