"""A reader of TeX formulas: it finds matrices and worked lines again, and knows nothing of the package."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

BLANK = "blank"
_LINE_THROUGH = re.compile(r"\\rlap\{\\rule\[[^\]]*\]\{[^}]*\}\{[^}]*\}\}")
_ENVIRONMENT = re.compile(r"\\begin\{(bmatrix|matrix|array)\}(\{[r|]*\})?(.*?)\\end\{\1\}", re.DOTALL)
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIGNS = {
    r"\cdot": "·", r"\div": "÷", r"\log": "log", r"\tanh": "tanh", r"\max": "max", r"\min": "min",
    r"\lfloor": "⌊", r"\rfloor": "⌋",
}  # fmt: skip


class Matrix(NamedTuple):
    """A named matrix: the texts of its cells, BLANK where there is nothing yet."""

    name: str
    rows: tuple[tuple[str, ...], ...]


def plain_name(tex: str) -> str:
    """A name without its TeX: \\partial L/\\partial W_{1} -> dL/dW1."""
    tex = tex.replace(r"\partial", "d").replace(r"\top", "T")
    return re.sub(r"\\text|\\operatorname|[\\{}_ ^“”]", "", tex)


def plain_key(key: str) -> str:
    """A key of the trace, brought to the same form: W1#2 -> newW1, dL/dW@2 -> dL/dW(2)."""
    key = re.sub(r"/d\((\w+)\)$", r"/d\1", key)  # of a whole family
    name, _, version = re.sub(r"[_ ]", "", re.sub(r"@(\d+)", r"(\1)", key.replace(" @ ", " "))).partition("#")
    if "/" in name:
        return f"{name}({version})" if version else name
    return {"": "", "2": "new"}.get(version, "new") + name + (f"({int(version) - 1})" if version > "2" else "")


def cell(tex: str) -> str:
    """What stands in a cell, without what it is marked with."""
    text = _LINE_THROUGH.sub("", tex)
    text = re.sub(r"\\color\{gray\}|\\boxed|\\text|[{}“”]", "", text).strip()
    return BLANK if text == r"\square" else text


def value(text: str) -> float:
    """The number that a text writes: -0.5, 1/3 or 2.5 \\times 10^-5."""
    digits, _, power = text.partition(r"\times 10^")
    return float(Fraction(digits.strip()) * Fraction(10) ** int(power or 0))


def half_a_unit(text: str) -> float:
    """How far the number may be from the one that was rounded to it."""
    digits, _, power = text.partition(r"\times 10^")
    if "/" in digits:
        return 1e-12
    return 0.5 * 10.0 ** (int(power or 0) - len(digits.strip().partition(".")[2]))


def argument(text: str, start: int) -> tuple[str, int]:
    """What stands between the braces that open at `start`, and the place behind them."""
    depth = 0
    for place in range(start, len(text)):
        if text[place - 1] != "\\":
            depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise AssertionError(f"a brace stays open: {text[start:]}")


def matrices(formula: str) -> list[Matrix]:
    """All matrices that have a name over them, from left to right; columns that stand apart are one matrix."""
    found, end = [], 0
    for over in re.finditer(r"\\overset\{", formula):
        if over.start() < end:
            continue  # inside of the one before: what stands over a single column
        name, after = argument(formula, over.end() - 1)
        body, end = argument(formula, after)
        parts = [_cells(columns or "", inside) for _, columns, inside in _ENVIRONMENT.findall(body)]
        parts = parts[1:] if len({len(part) for part in parts}) == 1 and body.startswith(r"\begin{matrix}") else parts
        if parts:
            rows = [tuple(text for part in parts for text in part[i]) for i in range(len(parts[0]))]
            found.append(Matrix(plain_name(name), tuple(rows)))
    return found


def _cells(columns: str, inside: str) -> list[list[str]]:
    _, _, below = inside.partition(r"\hline")
    rows = [row for row in re.split(r" \\\\", below or inside) if row.strip()]
    first = 1 if columns.startswith("{r|") else 0
    return [[cell(text) for text in row.split(" & ")][first:] for row in rows]


def as_paper(tex: str) -> str:
    """Arithmetic in TeX with the signs of paper."""
    tex = re.sub(r" \\times 10\^\{(-?\d+)\}", lambda found: "×10" + found[1].translate(_POWERS), tex)
    tex = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", tex)
    for _ in range(3):
        tex = re.sub(r"\^\{([^{}]*)\}", r"^(\1)", tex)
    for sign, paper in _SIGNS.items():
        tex = tex.replace(sign, paper)
    return re.sub(r"\{\}|&|\\quad|\\left|\\right", " ", tex).strip()


def is_sum(left: str) -> bool:
    """Whether the left side is arithmetic: no claim, no choice, nothing left out, not just the name of a sum."""
    said = re.search(r"more\)|\bif\b|round|\\text\{(and|or|not)\}|\\[lg]eq|\\neq|[<>]", left)
    return not said and not re.fullmatch(r"\\sum|\\m(ax|in)|\\text\{mean\}|[a-z]|\\text\{\w+\}", left)


def promises(formula: str) -> list[tuple[str, str]]:
    """Every `arithmetic = result` of a block of worked lines; what a person writes for it (≈) is left out."""
    found = []
    body = re.sub(r"\\(begin|end)\{aligned\}", "", formula.replace("\\\\\n&\\quad {}", " "))
    for line in body.split("\\\\\n"):
        for part in line.split(r"& \qquad"):
            if r"\to" in part:
                continue  # a condition decides
            sides = re.split("=", re.sub(r"\\quad \\text\{.*|\\quad \(.*|&", "", part))
            right = re.split(r"\\approx|\\quad", sides[-1])[0].strip()
            if len(sides) >= 2 and re.fullmatch(r"-?[\d./]+( \\times 10\^\{-?\d+\})?", right):  # else: about
                found.append((sides[-2].strip(), right))
    return found
