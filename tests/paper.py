"""A reader of worked lines: it knows arithmetic as people write it, and nothing of the package."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

TOKEN = re.compile(r"\s*(²|³|\d+(?:\.\d+)?(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?|π|log|tanh|max|min|[-−+·*÷/^()√|⌊⌋,]|e\b|e(?=\^))")
POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
LINE = re.compile(r"(?P<left>\S(?:[^=]*?\S)?)\s{2,}=\s{2,}(?P<right>[-−]?\d+(?:\.\d+)?(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)")


class Reader:
    """Computes one line of arithmetic, from left to right, with the usual precedence."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        rest = text.strip()
        while rest:
            match = TOKEN.match(rest)
            assert match, f"cannot read {rest!r} in {text!r}"
            self.tokens.append(match[1])
            rest = rest[match.end() :].strip()

    def value(self) -> float:
        out = self.sum()
        assert not self.tokens, f"left over: {self.tokens}"
        return out

    def next_is(self, *signs: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in signs

    def take(self) -> str:
        return self.tokens.pop(0)

    def sum(self) -> float:
        total = self.product()
        while self.next_is("+", "-", "−"):
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self) -> float:
        out = self.signed()
        while self.next_is("·", "*", "÷", "/"):
            divide = self.take() in "÷/"
            if self.next_is("log") and out == 0:  # 0·log 0 counts as 0
                self.take()
                self.power()
                continue
            other = self.signed()
            out = out / other if divide else out * other
        return out

    def signed(self) -> float:
        if self.next_is("-", "−"):
            self.take()
            return -self.signed()
        return self.power()

    def power(self) -> float:
        base = self.atom()
        if self.next_is("²", "³"):
            return base ** (2 if self.take() == "²" else 3)
        if self.next_is("^"):
            self.take()
            return float(base ** self.signed())
        return base

    def atom(self) -> float:
        token = self.take()
        if token == "e":
            return math.e
        if token == "π":
            return math.pi
        if token == "log":
            return math.log(self.power())
        if token == "√":
            return math.sqrt(self.atom())
        if token in ("tanh", "max", "min"):
            args = self.arguments()
            return math.tanh(args[0]) if token == "tanh" else (max if token == "max" else min)(args)
        if token in "(|⌊":
            inner = self.sum()
            assert self.take() == {"(": ")", "|": "|", "⌊": "⌋"}[token]
            return {"(": inner, "|": abs(inner), "⌊": float(math.floor(inner))}[token]
        return number(token)

    def arguments(self) -> list[float]:
        assert self.take() == "("
        out = [self.sum()]
        while self.next_is(","):
            self.take()
            out.append(self.sum())
        assert self.take() == ")"
        return out


def number(text: str) -> float:
    """A number as a page writes it."""
    text = text.replace("−", "-")
    if "×10" in text:
        digits, power = text.split("×10")
        return float(digits) * 10.0 ** int(power.translate(POWERS))
    return float(text)


def promised(page: str) -> list[tuple[str, str]]:
    """Every `arithmetic = result` of a page, broken lines put together again."""
    found = []
    for line in _whole_lines(page):
        for piece in re.split(r"(?:∂\S+|\S*\[[\d,]+\])\s+", line):
            for match in LINE.finditer(piece):
                left = re.sub(r"^.*≈\s*\S+\s{2,}", "", match["left"])
                whole = left.count("(") == left.count(")") and "more)" not in left  # neither cut nor shortened
                if whole and not re.fullmatch(r"Σ|sum|max|mean|min", left):
                    found.append((left, match["right"]))
    return found


def _whole_lines(page: str) -> list[str]:
    """What stands right of the pictures; a line that goes on below is one line."""
    lines: list[str] = []
    for row in page.splitlines():
        tail = re.split(r"[▕┃║┛╝↓│]", row)[-1].rstrip()
        if re.match(r"\s*[+−=] ", tail) and lines and re.search(r"\d", lines[-1]):
            lines[-1] += "  =  " + tail.split()[1] if tail.split()[0] == "=" else " " + tail.strip()
        else:
            lines.append(tail)
    return lines


def agrees(left: str, right: str) -> bool:
    """Whether the arithmetic, computed from the digits as printed, gives the printed result."""
    value = Reader(left).value()
    if "×" in right:
        return math.isclose(value, number(right), rel_tol=6e-3)
    decimals = len(right.split(".")[1]) if "." in right else 0
    shown = Decimal(f"{value:.11e}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return float(shown) == number(right)
