"""Loops drawn as one: where every turn does the same to columns, the turns stand side by side, weights drawn once.

Theory of operation. The steps of such a loop are parallel: the same operations, on the same weights, on columns that
change from turn to turn. A `Strips` trace is the recorded trace with more nodes at its end: each *strip* is the columns
of one step side by side, one for every turn, under a name such as h[t] or h[t−1]. Its steps are those of one turn. To
the layout it is a trace like any other: a product of weights with a strip is a product with a batch. What a cell of a
strip is, its arithmetic above all, is asked of the recorded column that it shows.

A loop that cannot be drawn so (matrices that change, branches, loops inside) stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from nnsteps.expr import (
    Binary,
    Call,
    Expr,
    Index,
    Name,
    Neg,
    Num,
    Slice,
    Word,
    children,
    mapped,
    names,
    number,
    to_text,
)
from nnsteps.families import split_name
from nnsteps.ops import Array
from nnsteps.records import FORWARD, Step, Turn
from nnsteps.scalar import Ref, Tree
from nnsteps.trace import Trace

MOST_TURNS = 40  # more are not drawn side by side


@dataclass
class Strips(Trace):
    """A trace with loops drawn as one; `columns` holds the recorded columns of each strip.

    carried: from h[t−1] to the h[t] that it comes from.
    """

    strip_of: dict[int, int] = field(default_factory=dict)  # the strip that a recorded column belongs to
    tops: dict[int, tuple[str, ...]] = field(default_factory=dict)  # what stands over the columns: t = 1, t = 2

    def explain(
        self,
        node: int,
        at: tuple[int, ...],
        stop: Callable[[int], bool] | None = None,
        instead: Mapping[int, Callable[[tuple[int, ...]], Tree]] | None = None,
    ) -> Tree:
        origin = self.origin(Ref(node, at))
        return super().explain(origin.node, origin.at, stop, instead)

    def origin(self, ref: Ref) -> Ref:
        if ref.node not in self.columns:
            return ref
        row, column = ref.at
        return Ref(self.columns[ref.node][column], (row, 0))

    def alike(self, node: int) -> int | None:
        return self.strip_of.get(node)

    def over_columns(self, node: int) -> tuple[str, ...]:
        return self.tops.get(node) or super().over_columns(node)


def drawn(trace: Trace) -> Trace:
    """The trace as it is drawn: loops that can be are strips."""
    if not any(step.turns for step in trace.steps):
        return trace
    shadow = Strips(trace.problem, trace.exact)
    for part in fields(Trace):
        value = getattr(trace, part.name)
        setattr(shadow, part.name, value.copy() if isinstance(value, (dict, list, set)) else value)
    steps: list[Step] = []
    for run in _runs(trace.steps):
        steps += _Loop(shadow, run).steps() or run if run[0].turns else run
    shadow.steps = steps
    return shadow if shadow.columns else trace


def _runs(steps: Sequence[Step]) -> list[list[Step]]:
    """Neighbouring steps of the same loop, or of none."""
    runs: list[list[Step]] = []
    for step in steps:
        loop = step.turns[0].loop if step.turns else 0
        if runs and (runs[-1][0].turns[0].loop if runs[-1][0].turns else 0) == loop:
            runs[-1].append(step)
        else:
            runs.append([step])
    return runs


class _Loop:
    """The steps of one loop, and the strips that are made of them."""

    def __init__(self, trace: Strips, steps: list[Step]) -> None:
        self.trace, self.run = trace, steps
        self.known: dict[tuple[int, ...], int] = {}
        turns: dict[Turn, list[Step]] = {}
        for step in steps:
            turns.setdefault(step.turns[0], []).append(step)
        self.turns = list(turns.values())
        self.values = [turn.value for turn in turns]
        self.name = steps[0].turns[0].name

    def steps(self) -> list[Step] | None:
        """The steps of all turns as one; None where they are not parallel."""
        items = [[step.item for step in turn] for turn in self.turns]
        plain = all(step.kind == FORWARD and len(step.turns) == 1 and step.item is not None for step in self.run)
        if not plain or not 2 <= len(self.turns) <= MOST_TURNS or any(other != items[0] for other in items):
            return None
        before = len(self.trace.nodes), dict(self.trace.keys), dict(self.trace.by_key)
        out = []
        for same in zip(*self.turns, strict=True):
            step = self._step(same)
            if step is None:
                self._undo(*before)
                return None
            out.append(step)
        self._carry(out)
        return out

    def _undo(self, count: int, keys: dict[int, str], by_key: dict[str, int]) -> None:
        trace = self.trace
        del trace.nodes[count:]
        trace.keys, trace.by_key = keys, by_key
        trace.columns = {node: part for node, part in trace.columns.items() if node < count}
        trace.strip_of = {node: strip for node, strip in trace.strip_of.items() if strip < count}

    def _step(self, same: Sequence[Step]) -> Step | None:
        trace, first = self.trace, len(self.trace.nodes)
        name = self._joined([Name(step.name) for step in same])
        formula = self._joined([step.formula for step in same])
        if not isinstance(name, Name) or formula is None:
            return None
        node = self._strip(tuple(step.node for step in same), own=True)
        if node is None or node not in trace.columns:
            return None
        by_hand = [step.by_hand for step in same if step.by_hand is not None]
        self._bind(name.id, node)
        for column in trace.columns[node]:
            trace.strip_of[column] = node
        one = same[0]
        return Step(
            one.index, name.id, name.id, FORWARD, node, formula, _heading(one),
            {used: trace.by_key[used] for used in names(formula) if used in trace.by_key}, first,
            note=one.note, remark=None, by_hand=self._joined(by_hand) if by_hand else None, item=one.item,
        )  # fmt: skip

    def _bind(self, name: str, node: int) -> None:
        trace = self.trace
        trace.names.setdefault(name, []).append(node)
        trace.keys.setdefault(node, name)
        trace.by_key[name] = node

    def _strip(self, nodes: tuple[int, ...], *, own: bool = False) -> int | None:
        """The node that stands for one value of every turn; the value itself where it is always the same."""
        trace = self.trace
        one = trace.nodes[nodes[0]]
        alike = [trace.nodes[node] for node in nodes]
        if len(set(nodes)) == 1 or (
            one.op is not None and all((h.op, h.inputs, h.options) == (one.op, one.inputs, one.options) for h in alike)
        ):
            return nodes[0]  # the same in every turn, as a transposed weight is
        if nodes in self.known:
            return self.known[nodes]
        shapes = {trace.value(node).shape for node in nodes}
        if len(shapes) > 1 or (shape := shapes.pop())[1:] != (1,):
            return None
        strip = None
        if own or not any(node in trace.keys for node in nodes):
            strip = self._computed(nodes)
        if strip is None and not own:
            strip = self._source(nodes)
        if strip is not None:
            self.known[nodes] = strip
            trace.columns[strip] = nodes
            trace.tops[strip] = tuple(f"{self.name} = {value}" for value in self.values)
            if all(node in trace.wordy for node in nodes):
                trace.wordy.add(strip)
            if nodes[0] in trace.labels:
                trace.labels[strip] = (trace.labels[nodes[0]][0], None)
        return strip if shape else None

    def _computed(self, nodes: tuple[int, ...]) -> int | None:
        """The same operation on strips."""
        trace = self.trace
        heres = [trace.nodes[node] for node in nodes]
        one = heres[0]
        if one.op is None or any((h.op, h.options, h.by_hand) != (one.op, one.options, one.by_hand) for h in heres):
            return None
        inputs = [self._strip(part) for part in zip(*[here.inputs for here in heres], strict=True)]
        outs = [here.out for here in heres]
        out = self._strip(tuple(o for o in outs if o is not None)) if one.out is not None else None
        inner = [(name, self._strip(tuple(h.inner[k][1] for h in heres))) for k, (name, _) in enumerate(one.inner)]
        if any(i is None for i in inputs) or (one.out is not None and out is None) or any(i is None for _, i in inner):
            return None
        return trace.record(
            one.op, tuple(i for i in inputs if i is not None), self._value(nodes), one.options, out=out,
            inner=tuple((name, i) for name, i in inner if i is not None), by_hand=one.by_hand, words=one.words,
        )  # fmt: skip

    def _source(self, nodes: tuple[int, ...]) -> int | None:
        """A strip of values that were there before, under the name that they share."""
        name = self._joined([self.trace.said(node) for node in nodes])
        if name is None:
            return None
        node = self.trace.record(None, (), self._value(nodes))
        self._bind(to_text(name), node)
        return node

    def _value(self, nodes: tuple[int, ...]) -> Array:
        return np.hstack([self.trace.value(node) for node in nodes])

    def _carry(self, steps: list[Step]) -> None:
        """Note which strip is another one, one turn earlier."""
        for later in steps:
            columns = self.trace.columns[later.node]
            for strip, others in self.trace.columns.items():
                if others[1:] == columns[:-1] and strip != later.node and len(columns) > 1:
                    self.trace.carried[strip] = later.node

    # --- one formula for all turns ---

    def _joined(self, exprs: Sequence[Expr]) -> Expr | None:
        """The formula of which all these are turns: h[1], h[2] become h[t]."""
        one = exprs[0]
        if len(exprs) != len(self.values):
            return None
        if all(other == one for other in exprs):
            return one
        if all(isinstance(expr, Name) for expr in exprs):
            return self._joined_name([expr.id for expr in exprs if isinstance(expr, Name)])
        if [expr.text if isinstance(expr, Word) else None for expr in exprs] == self.values:
            return Name(self.name)
        if all(isinstance(expr, (Num, Neg)) and _value(expr) is not None for expr in exprs):
            return self._running([_value(expr) or 0.0 for expr in exprs])
        if all(isinstance(expr, Index) for expr in exprs):
            return self._joined_part([expr for expr in exprs if isinstance(expr, Index)])
        parts = [children(expr) for expr in exprs]
        if any(
            type(other) is not type(one) or len(part) != len(parts[0]) for other, part in zip(exprs, parts, strict=True)
        ):
            return None
        if isinstance(one, Slice) or any(getattr(other, "op", None) != getattr(one, "op", None) for other in exprs):
            return None
        if isinstance(one, Call) and any(isinstance(other, Call) and other.fn != one.fn for other in exprs):
            return None
        joined = [self._joined(list(same)) for same in zip(*parts, strict=True)]
        if any(part is None for part in joined) or not joined:
            return None
        left = iter(joined)
        return mapped(one, lambda part: next(left) or part)

    def _joined_part(self, exprs: Sequence[Index]) -> Expr | None:
        """The same for x[t], X[:, t] and the like."""
        base = self._joined([expr.base for expr in exprs])
        items: list[Expr | Slice] = []
        if base is None or len({len(expr.items) for expr in exprs}) > 1:
            return None
        for same in zip(*[expr.items for expr in exprs], strict=True):
            if all(isinstance(item, Slice) for item in same):
                if any(item != same[0] for item in same):
                    return None
                items.append(same[0])
                continue
            joined = self._joined([item for item in same if not isinstance(item, Slice)])
            if joined is None:
                return None
            items.append(joined)
        return Index(base, tuple(items))

    def _joined_name(self, keys: list[str]) -> Expr | None:
        split = [split_name(key) for key in keys]
        if any(part is None for part in split):
            return None
        found = [part for part in split if part is not None]
        if len({family for family, _ in found}) > 1:
            return None
        indices = [index.split(",") for _, index in found]
        if len({len(index) for index in indices}) > 1:
            return None
        texts = []
        for same in zip(*indices, strict=True):
            joined = self._joined_index(list(same))
            if joined is None:
                return None
            texts.append(joined)
        return Name(f"{found[0][0]}[{','.join(texts)}]")

    def _joined_index(self, texts: list[str]) -> str | None:
        if len(set(texts)) == 1:
            return texts[0]
        if texts == [str(value) for value in self.values]:
            return self.name
        if all(text.lstrip("-").isdigit() for text in texts):
            running = self._running([float(text) for text in texts])
            return None if running is None else to_text(running).replace(" ", "")
        return None

    def _running(self, numbers: list[float]) -> Expr | None:
        """A number that runs with the loop: t, or t − 1."""
        if not all(isinstance(value, int) for value in self.values):
            return None
        steps = {x - int(value) for x, value in zip(numbers, self.values, strict=True)}
        if len(steps) > 1:
            return None
        shift = steps.pop()
        if shift == 0:
            return Name(self.name)
        return Binary("+" if shift > 0 else "-", Name(self.name), number(abs(shift)))


def _heading(step: Step) -> tuple[str, ...]:
    """The headings of a step without the turns of its loop."""
    turn = step.turns[0]
    return tuple(part for part in step.heading if part != f"{turn.name} = {turn.value}")


def _value(expr: Expr) -> float | None:
    if isinstance(expr, Num):
        return expr.value
    return -expr.operand.value if isinstance(expr, Neg) and isinstance(expr.operand, Num) else None
