"""How roles look in a sheet: fills, frames and letters of the by-hand workbooks. Knows no page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnsteps import document as doc
from nnsteps.render.xlsx_squares import DOUBLE, MEDIUM, THIN, Look

RED, BLUE, GREEN, BLACK, GREY = "#FF0000", "#0D5BDC", "#548235", "#000000", "#7F7F7F"
PEACH, PEACH_LINE = "#FBE5D6", "#F4B183"
BIAS_GRADIENT = "bias gradient"
FILLS = {
    doc.GIVEN: "#FFF2CC", doc.BIAS: "#F3F3F3", doc.OUTPUT: "#DEEBF7", doc.LOSS: "#FFFF00", doc.GRADIENT: "#FFFFFF",
    BIAS_GRADIENT: "#D9D9D9",    "activation1": "#E2F0D9", "activation2": "#C5E0B4", "activation3": "#A9D18E",
}  # fmt: skip
LINES = {
    doc.OUTPUT: GREEN,
    doc.GRADIENT: GREY,
    BIAS_GRADIENT: GREY,
    "activation1": GREEN,
    "activation2": GREEN,
    "activation3": GREEN,
}
FRAMES = {"learnable": (MEDIUM, RED), "gradient": (DOUBLE, BLUE), "plain": (THIN, BLACK)}
INKS = {doc.FORWARD: "#C55A11", doc.BACKWARD: BLUE, doc.UPDATE: "#C00000", doc.ANSWERS: "#404040"}
BADGES = {doc.FORWARD: "#F6B26B", doc.BACKWARD: "#8FB4FF", doc.UPDATE: "#F4B6B6", doc.ANSWERS: "#BFE3C0"}

ARIAL: Look = {"font_name": "Arial", "font_size": 10}
NUMBER: Look = {**ARIAL, "align": "center", "valign": "vcenter", "shrink": True}
TITLE: Look = {"font_name": "Arial", "font_size": 12, "bold": True}
HEADING: Look = {**ARIAL, "bold": True}
SMALL: Look = {"font_name": "Arial", "font_size": 9, "font_color": "#595959"}
GLOSS: Look = {"font_name": "Arial", "font_size": 9, "font_color": "#808080", "italic": True}
SIGN: Look = {**ARIAL, "align": "center"}
TAG: Look = {"font_name": "Arial", "font_size": 7, "align": "center"}
LABEL: Look = {"font_name": "Times New Roman", "font_size": 10, "font_color": "#C55A11"}
BY_HAND: Look = {**ARIAL, "font_color": "#C55A11", "bold": True}
ASKED: Look = {"bg_color": PEACH, "border": THIN, "border_color": PEACH_LINE, "num_format": "General"}
CHOSEN: Look = {"border": MEDIUM, "border_color": BLACK, "bold": True}
WARNING: Look = {**ARIAL, "bold": True, "font_color": "#C00000"}

LEGEND = {
    doc.GIVEN: "given", "learnable": "learnable", doc.BIAS: "bias", "activation1": "passed on", doc.OUTPUT: "output",
    doc.LOSS: "loss", doc.GRADIENT: "gradient", doc.BLANK: "to fill in",
}  # fmt: skip


def role_look(role: str) -> Look:
    """The fill, the lines and the letters of a number."""
    look: dict[str, Any] = {**NUMBER, "border": THIN, "border_color": LINES.get(role, BLACK)}
    if fill := FILLS.get(role):
        look["bg_color"] = fill
    if role in (doc.GRADIENT, BIAS_GRADIENT):
        look |= {"font_color": BLUE, "bold": True}
    if role in (doc.LOSS, doc.NEW):
        look["bold"] = True
    return look


def caption_look(kind: str) -> Look:
    """A formula beside a block."""
    colour = BLUE if kind == doc.BACKWARD else "#C55A11"
    return {"font_name": "Times New Roman", "font_size": 11, "italic": True, "font_color": colour}


def number_format(text: str) -> str | None:
    """The number format that shows a number as the page does; None for a word. The number itself stays as it is.

    Whole numbers are General: after a change they show as many digits as fit.
    """
    plain = text.replace("−", "-").removeprefix("-")
    if "×10" in plain or "e" in plain:
        digits = plain.replace("e", "×10").split("×10")[0]
        return f"0.{'0' * len(digits.partition('.')[2])}E+00" if _is_decimal(digits) else None
    if "/" in plain:
        above, _, below = plain.partition("/")
        return "# ???/???" if above.isdigit() and below.isdigit() else None
    if plain in ("∞", "inf"):
        return '[<-1E+299]"−∞";[>1E+299]"∞";General'
    if not plain:
        return "General"
    if not _is_decimal(plain):
        return None
    decimals = len(plain.partition(".")[2])
    return f"0.{'0' * decimals}" if decimals else "General"


def _is_decimal(text: str) -> bool:
    whole, _, part = text.partition(".")
    return whole.isdigit() and (not part or part.isdigit())


def columns_for(text: str, unit: float, size: float = 10) -> int:
    """How many columns of `unit` characters a text reaches over."""
    return max(1, -int(-(len(text) * size / 10 + 0.5) // unit))


def unit_for(texts: Iterable[str]) -> float:
    """One width for all columns: the longest number and some air, within what looks like squared paper."""
    longest = max((len(text) for text in texts), default=1)
    return min(max(4.6, longest + 1.0), 8.0)
