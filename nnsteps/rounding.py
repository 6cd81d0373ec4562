"""How a number is written. Works in decimals, half away from zero; knows no arrays beyond their numbers.

A number is first taken to 12 significant digits, so that the last bits of a sum, which differ between processors,
never reach a page. Then it is written as the block that it stands in asks for: a number that is exact with few
decimals shows no digit that it does not need, any other shows all decimals of its block.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

SIGNIFICANT = 12
MOST_DECIMALS = 4
UNDISPUTED = 1e9  # in units of the last decimal: beyond, 12 digits are too few to tell what is a half
WHOLE = 2.0**52  # beyond, a float has no fraction to be rounded
SMALLEST = 1e-4
LARGEST = 1e12
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@lru_cache(maxsize=8192)
def canonical(x: float) -> Decimal:
    """x to 12 significant digits."""
    return Decimal(f"{x:.{SIGNIFICANT - 1}e}")


def half_away(x: float, digits: float = 0) -> float:
    """x rounded to `digits` decimals, halves away from zero: half_away(2.675, 2) -> 2.68."""
    size = abs(x) * 10.0 ** int(digits)
    if not size < WHOLE:
        return x
    return float(_quantize(canonical(x) if size < UNDISPUTED else Decimal(repr(x)), int(digits))) + 0.0


@lru_cache(maxsize=8192)
def decimals(x: float) -> int:
    """How many decimals x needs to be written exactly (to 12 significant digits)."""
    if not math.isfinite(x):
        return 0
    exponent = canonical(x).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


@dataclass(frozen=True, slots=True)
class Style:
    """How the numbers of one block are written."""

    decimals: int = 2
    fractions: bool = False
    ascii: bool = False

    def write(self, x: float) -> str:
        """x as text, with a true minus (a hyphen in ASCII): Style(2).write(-0.5) -> '−0.5'."""
        return _written(self, x)

    def shown(self, x: float) -> float:
        """The value that the text stands for."""
        if not math.isfinite(x):
            return x
        text = self._plain(x).replace("×10^", "e")
        return float(Fraction(text)) if "/" in text else float(text)

    def finer(self, more: int) -> Style:
        """The same style with more decimals."""
        return replace(self, decimals=self.decimals + more)

    def _plain(self, x: float) -> str:
        if not math.isfinite(x):
            return {math.inf: "∞", -math.inf: "-∞"}.get(x, "nan") if not self.ascii else str(x)
        if abs(x) < LARGEST and x == int(x):  # most numbers are whole, and whole in every style
            return str(int(x))
        exact = canonical(x)
        if not exact:
            return "0"
        if self.fractions:
            ratio = Fraction(x).limit_denominator(1000)
            if ratio and abs(float(ratio) - x) <= 1e-12 * abs(x):
                return str(ratio)
        size = abs(exact)
        if size >= LARGEST or (size < SMALLEST and decimals(x) > self.decimals):
            return self._power_of_ten(exact)
        if decimals(x) <= self.decimals:
            return f"{exact.normalize():f}"
        text = f"{_quantize(exact, self.decimals):f}"
        return text.lstrip("-") if not Decimal(text) else text

    def _power_of_ten(self, exact: Decimal) -> str:
        digits, exponent = f"{_significant(exact, 3):.2e}".split("e")
        digits = digits.rstrip("0").rstrip(".") if exact == Decimal(f"{digits}e{exponent}") else digits
        return f"{digits}e{int(exponent)}" if self.ascii else f"{digits}×10^{int(exponent)}"


@lru_cache(maxsize=8192)
def _written(style: Style, x: float) -> str:
    text = style._plain(x)
    if style.ascii:
        return text
    return text.replace("-", "−") if "×" not in text else _scientific(text)


def style_for(
    numbers: Iterable[float], digits: int | None = None, *, fractions: bool = False, ascii: bool = False
) -> Style:
    """The style of a block: enough decimals that its smallest rounded number has two significant digits, 2 to 4 of
    them; exact numbers with up to 4 decimals are kept exact. `digits` fixes the decimals."""
    if digits is not None:
        return Style(digits, fractions, ascii)
    most = 0
    for x in numbers:
        if not math.isfinite(x) or x == 0:
            continue
        needed = decimals(x)
        if needed > MOST_DECIMALS:
            needed = 2 if abs(x) < SMALLEST else min(MOST_DECIMALS, max(2, 1 - math.floor(math.log10(abs(x)))))
        most = max(most, needed)
    return Style(most, fractions, ascii)


def _quantize(exact: Decimal, digits: int) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) if exact.adjusted() < 25 else exact


def _significant(exact: Decimal, digits: int) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1), ROUND_HALF_UP)


def _scientific(text: str) -> str:
    digits, exponent = text.split("×10^")
    return digits.replace("-", "−") + "×10" + exponent.translate(SUPERSCRIPTS)
