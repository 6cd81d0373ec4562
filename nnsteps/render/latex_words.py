"""Prose as LaTeX, in which no letter is a command and every letter compiles with plain pdflatex. Knows no page."""

from __future__ import annotations

import unicodedata

from nnsteps.render.maths import LOWERED, RAISED
from nnsteps.render.tex import letter, tex
from nnsteps.transliterate import to_ascii

_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "#": r"\#", "%": r"\%", "&": r"\&", "_": r"\_",
    "^": r"{\char94}", "~": r"{\char126}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "`": r"{\char96}",
    "“": "``", "”": "''", "‘": "`", "’": "'", "–": "--", "—": "---", "…": r"\dots{}", "✓": r"$\checkmark$",
    "●": r"$\bullet$", "²": "$^{2}$", "³": "$^{3}$", "¹": "$^{1}$", "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "ß": r"\ss{}",
}  # fmt: skip
_SIGNS = "−·×÷≈≠≤≥→Σ∂√⋯∞"


def escaped(text: str) -> str:
    """Prose as LaTeX. Example: escaped("50 % of W₁") -> r"50 \\% of W$_{1}$"."""
    out = "".join(map(_letter, " ".join(text.split())))
    return out.replace("[", "{[}").replace("]", "{]}")  # a line that begins with a bracket would be an option


def in_ascii(formulas: str) -> str:
    """LaTeX whose letters beyond ASCII, which stand in \\text only, are written as commands."""
    return formulas if formulas.isascii() else "".join(one if one.isascii() else _letter(one) for one in formulas)


def _letter(sign: str) -> str:
    if sign in _ESCAPED:
        return _ESCAPED[sign]
    if sign.isascii():
        return sign if sign.isprintable() else " "
    if sign in LOWERED:
        return f"$_{{{LOWERED[sign]}}}$"
    if sign in RAISED:
        return r"$^{\top}$" if sign == "ᵀ" else f"$^{{{RAISED[sign].replace('−', '-')}}}$"
    if sign in _SIGNS:
        return f"${tex(sign)}$"
    if unicodedata.name(sign, "").startswith("GREEK"):
        greek = letter(sign)
        return f"${greek}$" if greek.isascii() else _other(sign)
    return _other(sign)


def _other(sign: str) -> str:
    """A Latin letter with its accent as an accent; anything else spelled in ASCII."""
    apart = unicodedata.normalize("NFD", sign)
    base, accent = apart[0], _ACCENTS.get(apart[1]) if len(apart) == 2 else None
    if accent and base.isascii() and base.isalpha():
        return rf"\{accent}{{{base}}}"
    return "".join(_ESCAPED.get(one, one) for one in to_ascii(sign))


_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
