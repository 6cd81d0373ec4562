"""An author's words in ASCII. Knows no mathematics beyond its signs."""

from __future__ import annotations

import unicodedata

SIGNS = str.maketrans({
    "−": "-", "–": "-", "—": "-", "·": "*",
    "×": "x", "÷": "/", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=",
    "≈": "~", "∂": "d", "Σ": "sum", "√": "sqrt", "∞": "inf", "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"',
    "…": "...", "ß": "ss", "ø": "o", "æ": "ae", "⌊": "floor(", "⌋": ")", "•": "*", "\xa0": " ",
})  # fmt: skip
RAISED = {"⁻": "-", "⁺": "+", "ⁿ": "n", "ᵀ": "T"} | {raised: str(k) for k, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}


def to_ascii(text: str) -> str:
    """The text with every sign that ASCII lacks written another way: e⁻¹ -> e^-1. What has no other way is escaped."""
    if text.isascii():
        return text
    out, raised = "", False
    for char in text:
        if char in RAISED:
            out += ("" if raised else "^") + RAISED[char]
            raised = True
            continue
        raised = False
        out += char
    out = out.translate(SIGNS)
    if not out.isascii():
        out = "".join(_letter(char) for char in out)
    return out.encode("ascii", "backslashreplace").decode("ascii")


def _letter(char: str) -> str:
    if char.isascii():
        return char
    name = unicodedata.name(char, "")
    if name.startswith("GREEK") and " LETTER " in name and " WITH " not in name:
        letter = name.split(" LETTER ")[1].split()[-1].lower()
        return letter.capitalize() if "CAPITAL" in name else letter
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return bare if bare.isascii() else char
