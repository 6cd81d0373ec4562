"""Numbers and arithmetic of a trace as they are written: grids, worked lines. Knows no page and no format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import pi

import numpy as np

from nnsteps import precision, roles, scalar
from nnsteps.document import BLANK, Cell, Grid, Sum, Term
from nnsteps.notation import caption, pretty
from nnsteps.ops import Array, Op
from nnsteps.rounding import Style, canonical, decimals, style_for
from nnsteps.scalar import ASCII, PAPER, Const, Ref, Tree
from nnsteps.trace import Trace, told_once
from nnsteps.transliterate import to_ascii

MOST_ROWS, HEAD, TAIL = 16, 6, 2
MOST_COLUMNS = 40
MOST_TERMS = 24
MOST_DECIMALS = 6
CANCELLED = 1e-14  # of the largest term: what is left of a sum whose terms cancel
NOISE = 1e-9  # smaller numbers are looked at: they may be what rounding left of a 0
Marks = Mapping[tuple[int, ...], str]
Blanks = Mapping[int, frozenset[tuple[int, ...]]]  # the cells of each node that the reader is to find
ALL_CELLS: frozenset[tuple[int, ...]] = frozenset({()})


def shown(length: int, most: int) -> list[int | None]:
    """Which places of a side are drawn; None stands for those left out."""
    if length <= most:
        return list(range(length))
    return [*range(HEAD), None, *range(length - TAIL, length)]


class Writer:
    """Writes the numbers of one trace, the same way everywhere on a page."""

    def __init__(
        self, trace: Trace, *, ascii: bool = False, digits: int | None = None, rounding: str = "inside",
        fold: bool = True,
    ) -> None:  # fmt: skip
        self.trace = trace
        self.ascii = ascii
        self.signs = ASCII if ascii else PAPER
        self.digits = digits
        self.fractions = rounding == "fractions"
        self.most_rows, self.most_columns = (MOST_ROWS, MOST_COLUMNS) if fold else (10**9, 10**9)
        self._styles: dict[int, Style] = {}
        self._clean: dict[Ref, float] = {}

    # --- names and words ---

    def words(self, text: str) -> str:
        """What an author wrote, in the signs of this page."""
        return to_ascii(text) if self.ascii else text

    def name(self, node: int) -> str:
        """The name of a value, or its formula."""
        key = self.trace.keys.get(node)
        return pretty(key, ascii=self.ascii) if key else caption(self.trace.said(node), ascii=self.ascii)

    def called(self, key: str) -> str:
        """A name as it is written here."""
        return pretty(key, ascii=self.ascii)

    def place(self, at: tuple[int, ...], shape: tuple[int, ...]) -> str:
        """[2,1]; [2] in a column; nothing for a single number."""
        if set(shape) == {1}:
            return ""
        if len(shape) == 2 and shape[1] == 1:
            return f"[{at[0] + 1}]"
        return "[" + ",".join(str(k + 1) for k in at) + "]"

    # --- numbers ---

    def number(self, ref: Ref) -> float:
        """The number of a cell; 0 where only the last bits of a difference are left (1 − 0.9999999999999999)."""
        return self._clear(ref, self.trace.look_up(ref))

    def _clear(self, ref: Ref, x: float) -> float:
        """The number of a cell, which is x, or 0."""
        if x == 0 or abs(x) >= NOISE:
            return x
        if ref not in self._clean:
            tree = self.trace.explain(ref.node, ref.at)
            plain = isinstance(tree, Ref) and tree == ref
            again = x if plain else scalar.evaluate(tree, self._short)
            left = 0.0 if plain else CANCELLED * precision.scale(tree, self.trace.look_up)
            self._clean[ref] = 0.0 if again == 0 or abs(x) <= left else x
        return self._clean[ref]

    def _short(self, ref: Ref) -> float:
        return float(canonical(self.number(ref)))

    def style(self, node: int) -> Style:
        """How the numbers of a node are written."""
        if node not in self._styles:
            here = self.trace.nodes[node]
            source = self.trace.alike(node)
            source = (
                source
                if source is not None
                else (
                    here.inputs[0]
                    if here.op is not None and here.op.look.kind == "shaping" and len(here.inputs) == 1
                    else None
                )
            )
            self._styles[node] = self.style(source) if source is not None else self._own_style(node)
        return self._styles[node]

    def _own_style(self, node: int) -> Style:
        value = self.trace.value(node)
        numbers = _drawn(value)
        if any(0 < abs(x) < NOISE for x in numbers):
            numbers = [self.number(Ref(node, at)) for at in places_of(value)]
        return self._style(numbers)

    def show_change(self, node: int, old: int) -> None:
        """Give a value as many digits (at most 6) as show where it differs from an older one."""
        new, before = (np.ravel(self.trace.value(k)) for k in (node, old))
        style = self.style(node)
        while style.decimals < MOST_DECIMALS and any(
            a != b and style.write(float(a)) == style.write(float(b)) for a, b in zip(new, before, strict=True)
        ):
            style = style.finer(1)
        self._styles[node] = style

    def share_style(self, nodes: Iterable[int]) -> None:
        """Let some nodes be written alike (the inner steps of one compound)."""
        members = list(nodes)
        style = self.style_of([self.trace.value(node) for node in members])
        for node in members:
            self._styles[node] = style

    def style_of(self, values: list[Array]) -> Style:
        """How the numbers of some arrays are written alike."""
        return self._style([x for value in values for x in _drawn(value)])

    def _style(self, numbers: list[float]) -> Style:
        return style_for(numbers, self.digits, fractions=self.fractions, ascii=self.ascii)

    def text(self, node: int, x: float) -> str:
        """One number, or word, of a node."""
        if node in self.trace.wordy:
            return self.words(list(self.trace.vocabulary)[int(x) - 1])
        return self.style(node).write(x)

    def alone(self, x: float) -> str:
        """A number that stands in no block."""
        return style_for([x], self.digits, fractions=self.fractions, ascii=self.ascii).write(x)

    # --- grids ---

    def rows(self, count: int) -> list[int | None]:
        """Which rows are drawn; None stands for those left out."""
        return shown(count, self.most_rows)

    def grid(
        self,
        node: int,
        role: str,
        *,
        name: str | None = None,
        marks: Marks | None = None,
        blank: frozenset[tuple[int, ...]] = frozenset(),
    ) -> Grid:
        """The numbers of a node in rows and columns, long sides folded."""
        value = self.trace.value(node)
        flat = value.reshape(-1, value.shape[-1])
        wordy, is_blank, marks = node in self.trace.wordy, blank == ALL_CELLS, marks or {}
        write = (lambda x: self.text(node, x)) if wordy else self.style(node).write
        rows, columns = self.rows(flat.shape[0]), shown(flat.shape[1], self.most_columns)
        stacked = tuple(np.ndindex(value.shape[:-1])) if value.ndim > 2 else ()

        def cell(i: int, j: int | None) -> Cell:
            if j is None:
                return Cell("..." if self.ascii else "⋯")
            ref = Ref(node, (*stacked[i], j) if stacked else (i, j))
            if is_blank or (i, j) in blank:
                return Cell("", BLANK, self.trace.origin(ref))
            return Cell(write(self._clear(ref, flat.item(i, j))), marks.get((i, j), ""), self.trace.origin(ref))

        left_out = []
        if None in rows:
            left_out.append(f"{flat.shape[0] - HEAD - TAIL} more rows, done the same way")
        if None in columns:
            left_out.append(f"{flat.shape[1] - HEAD - TAIL} more columns; --to json has all")
        return Grid(
            self.name(node) if name is None else name,
            tuple(None if i is None else tuple(cell(i, j) for j in columns) for i in rows),
            role,
            value.shape,
            "; ".join(left_out),
            tops=self._beside(self.trace.over_columns(node), columns),
            sides=self._beside(self.trace.labels.get(node, (None, None))[0] or _matrices(value.shape), rows),
            spaced=node in self.trace.columns,
        )

    def _beside(self, words: tuple[str, ...], places: list[int | None]) -> tuple[str, ...]:
        return tuple(["" if k is None else self.words(words[k]) for k in places]) if words else ()

    def vector(self, node: int) -> str:
        """A short value in running text: (2, 1, 3), or 5; of a table row after row, (1, 2; 3, 4)."""
        value = self.trace.value(node)
        texts = [self.text(node, self.number(Ref(node, at))) for at in places_of(value)]
        side = value.shape[-1] if value.ndim and value.shape[-1] > 1 else len(texts)
        rows = [", ".join(texts[k : k + side]) for k in range(0, len(texts), side)]
        return texts[0] if len(texts) == 1 else "(" + "; ".join(rows) + ")"

    # --- arithmetic ---

    def sums(self, wanted: list[tuple[Tree, float, int]]) -> list[Sum]:
        """Worked sums (arithmetic, value, node that the result belongs to), all with the same number of digits.

        As many digits are shown as make `=` true of every line, up to two more than in the grids; where that does not
        help the sign is ≈.
        """
        best: list[Sum] = []
        for more in range(3):
            lines = [self._sum(tree, value, node, more) for tree, value, node in wanted]
            if not best or _promises(lines) > _promises(best):
                best = lines
            if _promises(lines) == len(lines):
                break
        return best

    def holds_in_grids(self, node: int) -> bool:
        """Whether the operands as grids show them give every cell of a result as its grid shows it."""
        value = self.trace.value(node)
        lines = [self._sum(self.trace.explain(node, at), float(value[at]), node, 0) for at in places_of(value)]
        return _promises(lines) == len(lines)

    def _sum(self, tree: Tree, value: float, node: int, more: int) -> Sum:
        reason, tree = "", scalar.taken(tree, self.trace.look_up)
        while isinstance(tree, scalar.Fn) and tree.name == "if":
            holds = bool(scalar.evaluate(tree.args[0], self.trace.look_up))
            claim = self._claim(tree.args[0], holds, more)
            reason, tree = (f"{reason}, {claim}" if reason else claim), tree.args[1 if holds else 2]
        style = self.style(node)
        result = style.write(value)
        if reason and not isinstance(tree, scalar.Fn):  # nothing but the condition decides
            return Sum((Term("+", reason),), "->" if self.ascii else "→", result)
        on_paper = scalar.evaluate(tree, lambda ref: self._operand(ref, more).shown(self.number(ref)))
        if value == 0 and abs(on_paper) <= CANCELLED * precision.scale(tree, self.trace.look_up):
            on_paper = 0.0
        if style.decimals == 0 and value == round(value):  # 0.4 + 0.3 rounds to 1, but is no 1
            style = style.finer(max((self._operand(ref, more).decimals for ref in scalar.refs(tree)), default=0))
        relation = "=" if style.write(on_paper) == style.write(value) else ("~" if self.ascii else "≈")
        return Sum(self._terms(tree, more), relation, result, aside=reason)

    def _claim(self, claim: Tree, holds: bool, more: int) -> str:
        """What decides, in numbers: 3 > 0; a 1 or 0 by its name: better is 1."""
        if isinstance(claim, Ref):
            return f"{self.name(claim.node)} is {self._show(more)(claim)}"
        return scalar.write(claim if holds else self._opposite(claim), self._show(more), self.signs)

    def _opposite(self, claim: Tree) -> Tree:
        """What holds where a claim does not; of several that should all hold, the first that fails."""
        if isinstance(claim, scalar.Fn) and claim.name == "and":
            failing = next(part for part in claim.args if not scalar.evaluate(part, self.trace.look_up))
            return self._opposite(failing)
        if isinstance(claim, scalar.Fn) and claim.name in scalar.OPPOSITE:
            return scalar.Fn(scalar.OPPOSITE[claim.name], claim.args)
        return scalar.fn("eq", claim, 0)

    def _operand(self, ref: Ref, more: int) -> Style:
        style = self.style(ref.node)
        return style.finer(min(more, max(0, MOST_DECIMALS - style.decimals))) if style.decimals else style

    def _show(self, more: int) -> Callable[[Ref | Const], str]:
        def show(part: Ref | Const) -> str:
            if isinstance(part, Const):
                if part.value == pi:
                    return "pi" if self.ascii else "π"
                exact = min(decimals(part.value), 12)
                return Style(exact, self.fractions, self.ascii).write(part.value)
            return self._operand(part, more).write(self.number(part))

        return show

    def _terms(self, tree: Tree, more: int) -> tuple[Term, ...]:
        long = isinstance(tree, scalar.Fn) and tree.name == "add" and len(tree.args) > MOST_TERMS
        if long and isinstance(tree, scalar.Fn):
            first, last = tree.args[:3], tree.args[-2:]
            head = self._terms(scalar.Fn("add", first), more)
            left_out = f"({len(tree.args) - 5} more)"
            return (*head, Term("+", left_out), *self._terms(scalar.Fn("add", last), more))
        out: list[Term] = []
        for term in scalar.terms(tree, self._show(more), self.signs):
            sign = "+" if not out and scalar.is_nothing(term.text) else term.sign
            out.append(Term(sign, term.text, self._is_zero(term.tree), self._is_idle(term.tree)))
        return tuple(out)

    def _is_zero(self, tree: Tree) -> bool:
        return scalar.evaluate(tree, self.trace.look_up) == 0

    def _is_idle(self, tree: Tree) -> bool:
        while isinstance(tree, scalar.Fn) and tree.name in ("neg", "mul"):
            tree = tree.args[0]
        return not isinstance(tree, scalar.Fn) and self._is_zero(tree)


def _promises(lines: list[Sum]) -> int:
    return sum(line.relation == "=" for line in lines)


def _matrices(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Of a stack of matrices: at the first row of each which one it is."""
    if len(shape) < 3:
        return ()
    names = ["[" + ",".join(str(k + 1) for k in at) + "]" for at in np.ndindex(*shape[:-2])]
    return tuple(name if row == 0 else "" for name in names for row in range(shape[-2]))


def _drawn(value: Array) -> list[float]:
    """The numbers of a value that are drawn."""
    flat = value.reshape(-1, value.shape[-1])
    if flat.shape[0] > MOST_ROWS or flat.shape[1] > MOST_COLUMNS:
        rows = [i for i in shown(flat.shape[0], MOST_ROWS) if i is not None]
        columns = [j for j in shown(flat.shape[1], MOST_COLUMNS) if j is not None]
        flat = flat[np.ix_(rows, columns)]
    return flat.ravel().tolist()


def with_hand(line: Sum, text: str) -> Sum:
    """The same line, with what a person writes down."""
    return line if text == line.result else line._replace(by_hand=text)


def look(trace: Trace, node: int) -> str:
    """The kind of picture that a node's operation asks for; "" for given numbers."""
    op = trace.nodes[node].op
    return "" if op is None else op.look.kind


def is_product(trace: Trace, node: int) -> bool:
    """Whether a node is a matrix product of two tables."""
    return look(trace, node) == "product" and trace.value(node).ndim == 2


@told_once
def parts_of(trace: Trace, node: int) -> tuple[list[int], list[int]]:
    """The products of a sum, and its other parts."""
    parts = roles.summands(trace, node)
    own = [part for part in parts if part == node or part not in trace.keys]  # a named part has its own picture
    products = [part for part in own if is_product(trace, part)]
    return products, [part for part in parts if part not in products]


@told_once
def is_picture_of_products(trace: Trace, node: int) -> bool:
    """Whether a value is drawn as a corner: products, and at most one column added to them."""
    value = trace.value(node)
    if value.ndim != 2:
        return False
    products, others = parts_of(trace, node)
    bias = len(others) <= 1 and all(trace.value(other).shape == (value.shape[0], 1) for other in others)
    return bool(products) and bias


def places_of(value: Array) -> list[tuple[int, ...]]:
    """All places of an array, in reading order."""
    return list(np.ndindex(value.shape))


def core(trace: Trace, node: int) -> int:
    """The node that a by-hand value rounds: the same arithmetic before the rounding. The node itself otherwise."""
    here = trace.nodes[node]
    if not here.by_hand or here.out is None:
        return node
    inner = trace.nodes[here.out]
    return inner.inputs[0] if isinstance(inner.op, Op) and inner.op.look.kind == "rounding" else here.out
