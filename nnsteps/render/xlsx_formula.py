"""Cell arithmetic as spreadsheet formulas: A1 texts that Excel 2010 and LibreOffice read alike. Knows no sheet.

Theory of operation. A tree becomes text from the inside out; each text has a level (how tightly it binds), and what
binds less than its place asks for stands in brackets. A minus binds tighter than a power in a spreadsheet, where −2^2
is 4, so a negation inside any operator stands in brackets. Sums and products of neighbouring cells become SUM and
SUMPRODUCT. A cell holds 8,192 characters at most, and 64 brackets in each other: what is longer or deeper is cut into
parts, and whoever keeps the `Parts` finds a cell for each.

To add a function of `scalar`: one entry in `_CALLS`, or a case in `_fn`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from nnsteps.scalar import Const, Fn, Ref, Tree, fn

SUM, PRODUCT, SIGNED, POWER, ATOM = 1, 2, 3, 4, 5
LONGEST = 1_000  # characters of one part of a formula; some parts together stay far below 8,192
DEEPEST = 40  # brackets in each other
RUN = 4  # so many neighbours become a range
MOST_ARGUMENTS = 200  # of a function
MOST_CHOICES = 29  # the values that CHOOSE takes in every program
INFINITE = 1e300  # stands for infinity, which sheets do not have: e to the minus of it is 0
LARGEST_EXP = 709  # e to more is an error in a sheet

Address = tuple[int, int]  # row and column, from 0


class Parts(Protocol):
    """Where formulas find their cells."""

    def address(self, ref: Ref) -> Address:
        """Where the number of a recorded cell stands."""

    def put(self, formula: str, tree: Tree) -> Address:
        """A new cell for a part of a formula."""

    def value(self, tree: Tree) -> float:
        """What a tree comes to with the recorded numbers."""


class Text(NamedTuple):
    """A piece of a formula and how tightly it binds."""

    text: str
    level: int = ATOM

    def at_least(self, level: int) -> str:
        """The text, in brackets if it binds less."""
        return self.text if self.level >= level else f"({self.text})"

    def first(self) -> str:
        """The text as the first factor: a sign stands in brackets."""
        return f"({self.text})" if self.level == SIGNED else self.at_least(PRODUCT)


class Piece(NamedTuple):
    """A term of a sum: its sign, its text, the trees that it stands for."""

    sign: str
    text: str
    trees: tuple[Tree, ...]


@dataclass
class Formulas:
    """Writes trees as formulas. `shared` are parts that get a cell of their own, because several formulas need them."""

    parts: Parts
    shared: frozenset[Tree] = frozenset()
    known: dict[Tree, Text] = field(default_factory=dict)

    def formula(self, tree: Tree) -> str:
        """The formula of a cell: =B2*D4+1."""
        return "=" + (self._fn(tree) if isinstance(tree, Fn) else self._text(tree)).text

    def condition(self, tree: Tree) -> str:
        """A claim as it stands in an IF: B2>0."""
        if isinstance(tree, Fn) and tree.name in _COMPARISONS:
            left, right = (self._text(arg).at_least(SUM) for arg in tree.args)
            return f"{left}{_COMPARISONS[tree.name]}{right}"
        if isinstance(tree, Fn) and tree.name in ("and", "or"):
            return self._many(tree, self.condition).text
        return f"{self._text(tree).at_least(SUM)}<>0"

    # --- trees ---

    def _text(self, tree: Tree) -> Text:
        if isinstance(tree, Ref):
            return Text(cell_name(self.parts.address(tree)))
        if isinstance(tree, Const):
            return Text(number(tree.value), SIGNED if tree.value < 0 else ATOM)
        if tree in self.known:
            return self.known[tree]
        text = self._fn(tree)
        if tree in self.shared or len(text.text) > LONGEST or _depth(text.text) > DEEPEST:
            text = self.known[tree] = self._apart(text.text, tree)
        return text

    def _apart(self, text: str, tree: Tree) -> Text:
        return Text(cell_name(self.parts.put("=" + text, tree)))

    def _plain(self, tree: Tree) -> str:
        return self._text(tree).text

    def _fn(self, tree: Fn) -> Text:
        args = tree.args
        match tree.name:
            case "add":
                return self._sum(args)
            case "mul":
                return self._product(tree)
            case "neg":
                return Text("-" + self._text(args[0]).at_least(ATOM), SIGNED)
            case "div":
                return self._quotient(*args)
            case "pow":
                return self._power(*args)
            case "exp":
                return self._exp(args[0])
            case "max" | "min":
                return self._many(tree, self._plain)
            case "choose":
                return self._choice(args[0], args[1:])
            case "if":
                return Text(f"IF({self.condition(args[0])},{self._plain(args[1])},{self._plain(args[2])})")
            case "xlogy":
                x, y = (self._text(arg) for arg in args)
                return Text(f"IF({x.at_least(SUM)}=0,0,{x.at_least(POWER)}*LN({y.text}))")
            case "xdivy":
                return Text(f"IF({self._text(args[0]).at_least(SUM)}=0,0,{self._quotient(*args).text})")
            case "log2":
                return Text(f"LOG({self._plain(args[0])},2)")
            case name if name in _CALLS:
                return Text(f"{_CALLS[name]}({','.join(map(self._plain, args))})")
            case "and" | "or" | "lt" | "le" | "gt" | "ge" | "eq" | "ne":
                return Text(f"IF({self.condition(tree)},1,0)")
            case unknown:
                raise AssertionError(f"{unknown} has no form in a sheet")

    def _exp(self, power: Tree) -> Text:
        """e to a power. Where the recorded power is too large for a sheet, 1 ÷ (1 + e^800) is still 0."""
        text = self._plain(power)
        return Text(f"EXP(MIN({LARGEST_EXP},{text}))" if self.parts.value(power) > LARGEST_EXP else f"EXP({text})")

    # --- sums ---

    def _sum(self, terms: Sequence[Tree]) -> Text:
        """Terms with their signs; runs of neighbours as ranges, a long sum in parts."""
        pieces: list[Piece] = []
        place = 0
        while place < len(terms):
            text, used = self._run(terms[place:])
            sign, text = ("+", text) if used else self._term(terms[place])
            used = used or 1
            pieces.append(Piece(sign, text, tuple(terms[place : place + used])))
            place += used
        while sum(len(piece.text) + 1 for piece in pieces) > LONGEST and len(pieces) > 1:
            pieces = [self._part(group) for group in _groups(pieces)]
        return Text(_joined(pieces), SUM)

    def _part(self, group: Sequence[Piece]) -> Piece:
        trees = tuple(tree for piece in group for tree in piece.trees)
        return Piece("+", self._apart(_joined(group), Fn("add", trees)).text, trees)

    def _term(self, term: Tree) -> tuple[str, str]:
        """The sign of a term, and the rest."""
        if isinstance(term, Fn) and term.name == "neg":
            return "-", self._text(term.args[0]).first()
        if isinstance(term, Const) and term.value < 0:
            return "-", number(-term.value)
        return "+", self._text(term).first()

    def _run(self, terms: Sequence[Tree]) -> tuple[str, int]:
        """The range that the first terms are the sum of (or two, of their products), and how many terms that are."""
        count = self._neighbours(terms)
        if count >= RUN:
            return f"SUM({self._range(terms[0], terms[count - 1])})", count
        pairs = _pairs(terms)
        lefts, rights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        count = min(self._neighbours(lefts), self._neighbours(rights))
        if count < RUN or self._is_down(lefts) != self._is_down(rights):
            return "", 0
        return (
            f"SUMPRODUCT({self._range(lefts[0], lefts[count - 1])},{self._range(rights[0], rights[count - 1])})",
            count,
        )

    def _neighbours(self, trees: Sequence[Tree]) -> int:
        """How many of the first trees are cells next to each other, to the right or downwards."""
        step: Address | None = None
        before: Address = (0, 0)
        for count, tree in enumerate(trees):
            if not isinstance(tree, Ref):
                return count
            row, column = self.parts.address(tree)
            if count:
                move = (row - before[0], column - before[1])
                if move not in ((0, 1), (1, 0)) or step not in (None, move):
                    return count
                step = move
            before = (row, column)
        return len(trees)

    def _is_down(self, trees: Sequence[Tree]) -> bool:
        first, second = (self.parts.address(tree) for tree in trees[:2] if isinstance(tree, Ref))
        return second[0] > first[0]

    def _range(self, first: Tree, last: Tree) -> str:
        assert isinstance(first, Ref)
        assert isinstance(last, Ref)
        return f"{cell_name(self.parts.address(first))}:{cell_name(self.parts.address(last))}"

    # --- products, powers ---

    def _product(self, tree: Fn) -> Text:
        first, *rest = (self._text(arg) for arg in tree.args)
        texts = [first.first(), *(text.at_least(POWER) for text in rest)]
        if sum(map(len, texts)) > 2 * LONGEST and len(texts) > 2:
            return self._product(_halved(tree))
        return Text("*".join(texts), PRODUCT)

    def _quotient(self, above: Tree, below: Tree) -> Text:
        return Text(f"{self._text(above).first()}/{self._text(below).at_least(POWER)}", PRODUCT)

    def _power(self, base: Tree, exponent: Tree) -> Text:
        """A power; 0 to the 0, an error in some programs, is 1."""
        text = f"{self._text(base).at_least(ATOM)}^{self._text(exponent).at_least(ATOM)}"
        if isinstance(exponent, Const):
            return Text(text, POWER) if exponent.value else Text("1")
        if isinstance(base, Const) and base.value:
            return Text(text, POWER)
        return Text(f"IF({self._text(exponent).at_least(SUM)}=0,1,{text})")

    # --- many numbers ---

    def _many(self, tree: Fn, write: Callable[[Tree], str]) -> Text:
        """MAX, MIN, AND, OR: of a range, of some numbers, or of its own two halves."""
        name, args = tree.name.upper(), tree.args
        count = self._neighbours(args) if name in ("MAX", "MIN") else 0
        texts = [self._range(args[0], args[count - 1])] if count >= RUN else []
        texts += [write(arg) for arg in args[count if texts else 0 :]]
        if (sum(map(len, texts)) > 2 * LONGEST or len(texts) > MOST_ARGUMENTS) and len(args) > 2:
            texts = [self._apart(self._many(half, write).text, half).text for half in _halves(tree)]
            return Text(f"{name}({','.join(texts)})")
        return Text(f"{name}({','.join(texts)})")

    def _choice(self, place: Tree, values: Sequence[Tree]) -> Text:
        """A value picked by its place, counted from 1: INDEX of a range, else CHOOSE."""
        where = self._text(place)
        if self._neighbours(values) == len(values) >= 2:
            return Text(f"INDEX({self._range(values[0], values[-1])},{where.text})")
        texts = [self._plain(value) for value in values]
        if len(texts) == 1 or (len(texts) <= MOST_CHOICES and sum(map(len, texts)) <= 2 * LONGEST):
            return Text(f"CHOOSE({','.join([where.text, *texts])})")
        half = len(values) // 2
        early = fn("if", fn("le", place, half), Fn("choose", (place, *values[:half])), 0)
        late = fn("if", fn("gt", place, half), Fn("choose", (fn("add", place, -half), *values[half:])), 0)
        return self._sum((early, late))


# --- texts -------------------------------------------------------------------------------------------------------


def cell_name(address: Address) -> str:
    """The name of a cell: (6, 1) -> B7."""
    row, column = address
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row + 1}"


def number(x: float) -> str:
    """A number in a formula; infinity as a number that is larger than all others."""
    x = finite(x)
    return str(int(x)) if x == int(x) and abs(x) < 1e15 else repr(x).upper()


def finite(x: float) -> float:
    """The number itself; a very large one for infinity."""
    return math.copysign(INFINITE, x) if math.isinf(x) else x + 0.0


def _joined(pieces: Sequence[Piece]) -> str:
    text = "".join(piece.sign + piece.text for piece in pieces)
    return text.removeprefix("+")


def _groups(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Neighbouring terms, each group as long as a part may be."""
    groups: list[list[Piece]] = [[]]
    length = 0
    for piece in pieces:
        if len(groups[-1]) > 1 and length + len(piece.text) > LONGEST:
            groups.append([])
            length = 0
        groups[-1].append(piece)
        length += len(piece.text) + 1
    return groups


def _halves(tree: Fn) -> tuple[Fn, Fn]:
    half = len(tree.args) // 2
    return Fn(tree.name, tree.args[:half]), Fn(tree.name, tree.args[half:])


def _halved(tree: Fn) -> Fn:
    return Fn(tree.name, _halves(tree))


def _pairs(terms: Sequence[Tree]) -> list[tuple[Tree, ...]]:
    """The factors of the first terms, as long as they are products of two."""
    pairs: list[tuple[Tree, ...]] = []
    for term in terms:
        if not isinstance(term, Fn) or term.name != "mul" or len(term.args) != 2:
            break
        pairs.append(term.args)
    return pairs


def _depth(text: str) -> int:
    """How many brackets stand in each other."""
    deepest = depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    return deepest


_COMPARISONS: Mapping[str, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "<>"}
_CALLS: Mapping[str, str] = {
    "log": "LN", "sqrt": "SQRT", "tanh": "TANH", "abs": "ABS", "sign": "SIGN", "round": "ROUND", "floor": "INT",
    "sin": "SIN", "cos": "COS", "erf": "ERF",
}  # fmt: skip
