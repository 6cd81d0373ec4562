"""A trace to the same trace with its backward steps appended. Knows no operation by name.

Theory of operation. The recorded nodes are walked backwards from the loss. An *edge* leads from a node to one it was
computed from, with the rule (a formula) that carries the gradient along it; nodes that lead to no wanted value are
skipped. A rule runs through the ordinary evaluator with its names bound to recorded nodes, so what it does is recorded
like everything else. Where a value is used several times its contributions add up in a step of their own. A rule may
ignore that its argument was stretched: shapes are repaired here, in `_fit`, and nowhere else.

A gradient that is a plain number in every cell (the 1 at the loss) stays a plain number while it passes elementwise
operations, so that ∂L/∂y of Σ(y − t)² reads 2·(y − t).

A compound or a by-hand value with a closed rule is one edge, its `out` being the value on the page; the rule may also
name the lines of its body. A compound without
one is passed through its inner steps; so is a by-hand value of such a compound: rounding a loss does not change how
steep it is. A `Shortcut` replaces two edges by one.

To change how a gradient reads: the rule in the operation's record, or `_simple`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from nnsteps.compounds import SHORTCUTS, Compound
from nnsteps.errors import GradientError, Place, StepsError
from nnsteps.evaluate import evaluate, holds, parsed
from nnsteps.expr import Slice, children
from nnsteps.formula import Binary, Call, Expr, Name, Neg, Num, number, substitute, to_text
from nnsteps.formula import names as named
from nnsteps.ops import REGISTRY, Op, side_text
from nnsteps.records import BACKWARD, Step
from nnsteps.scope import Scope
from nnsteps.trace import Trace

BLOCK = 100  # contributions that are added up in one go


class Edge(NamedTuple):
    """How the gradient gets from a node to one that it was computed from."""

    target: int
    rule: Expr | None  # None: this operation has no gradient for this argument
    names: Mapping[str, int]
    options: Mapping[str, object]
    words: str = ""


@dataclass
class _Pending:
    """A finished gradient that waits for its place in the order of the steps."""

    target: int
    node: int
    words: str
    step: Step | None  # the step of the author that the gradient came through
    use: int = 0  # the k-th contribution; 0: the whole gradient


def differentiate(
    trace: Trace,
    loss: int,
    loss_name: str,
    wanted: Iterable[int],
    *,
    expand: bool = False,
    place: Place | None = None,
    finish: Callable[[int], int] | None = None,
) -> dict[int, int]:
    """Append the steps of ∂loss/∂wanted to the trace; gives the gradient's node for each wanted node.

    Errors: GradientError if the loss is not one number, or a rule is missing on the way.
    """
    shape = trace.value(loss).shape
    if set(shape) != {1}:
        raise GradientError(
            f"the gradient needs one number to start from; {loss_name} is {side_text(shape)}",
            place=place,
            hint=f"Add it up, as in sum({loss_name}), or take a loss such as mse or cross_entropy.",
        )
    return _Walk(trace, loss, loss_name, list(wanted), expand, place, finish).run()


class _Walk:
    """One walk from the loss back to the wanted values."""

    def __init__(
        self, trace: Trace, loss: int, loss_name: str, wanted: list[int], expand: bool, place: Place | None,
        finish: Callable[[int], int] | None,
    ) -> None:  # fmt: skip
        self.trace, self.loss, self.loss_name, self.wanted, self.place = trace, loss, loss_name, wanted, place
        self.expand = expand
        self.finish = finish
        self.owners = trace.owner
        self.above = trace.above(loss)
        self.edges: dict[int, list[Edge]] = {}
        self.needed = self._find_needed()
        self.waiting = self._count_uses()
        self.total = dict(self.waiting)
        self.parts: dict[int, list[tuple[int, str]]] = {}
        self.found: dict[int, int] = {}
        self.pending: list[_Pending] = []
        self.owner: Step | None = None

    # --- which way to go ---

    def _find_needed(self) -> set[int]:
        reached: set[int] = set()
        todo, first = [self.loss], min(self.wanted, default=self.loss)
        while todo:
            node = todo.pop()
            if node in reached or node < first:  # nothing wanted was recorded before
                continue
            reached.add(node)
            self.edges[node] = list(self._edges_of(node))
            todo.extend(edge.target for edge in self.edges[node])
        needed: set[int] = set()
        for node in sorted(reached):
            if node in self.wanted or any(edge.target in needed for edge in self.edges[node]):
                needed.add(node)
        for node in needed:
            self.edges[node] = [edge for edge in self.edges[node] if edge.target in needed]
        return needed

    def _count_uses(self) -> dict[int, int]:
        uses: dict[int, int] = {}
        for node in self.needed:
            for edge in self.edges[node]:
                uses[edge.target] = uses.get(edge.target, 0) + 1
        return uses

    def _edges_of(self, node: int) -> Iterable[Edge]:
        here = self.trace.nodes[node]
        if here.op is None:
            return
        inputs, options, op = here.inputs, here.options, here.op
        shapes = tuple(self.trace.value(i).shape for i in inputs)
        names = {**dict(here.inner), **{op.argument(k): i for k, i in enumerate(inputs)}, "out": node}
        rules = op.rules(options, shapes)
        if isinstance(op, Compound) and rules is not None and not self._closed(op, rules, names, here.by_hand):
            rules = None
        if rules is None:
            inner = here.out if not here.by_hand else self._exact_inner(node)
            if inner is not None:
                yield Edge(inner, Name("g"), {}, {})
            return
        for k, target in enumerate(inputs):
            argument = op.argument(k)
            if argument not in rules:
                continue
            joint = self._shortcut(op.name, argument, target, names, options, shapes)
            rule = rules[argument]
            yield joint or Edge(target, None if rule is None else parsed(rule), names, options)

    def _closed(self, op: Compound, rules: Mapping[str, str | None], names: Mapping[str, int], by_hand: bool) -> bool:
        if self.expand and not by_hand:
            return False
        known = {*names, *op.options, "g"}
        if not all(known.issuperset(named(parsed(rule))) for rule in rules.values() if rule):
            return False  # a value by hand has no inner steps
        return not op.needs or holds(self.trace, op.needs, {arg: names[arg] for arg in op.args})

    def _exact_inner(self, node: int) -> int | None:
        """The end of the exact body behind a by-hand value."""
        op = self.trace.nodes[node].op
        for earlier in reversed(self.trace.nodes[:node]):
            if earlier.op is op and earlier.inputs == self.trace.nodes[node].inputs:
                return earlier.out
        return None

    def _shortcut(
        self, outer: str, argument: str, target: int, names: Mapping[str, int], options: Mapping[str, object],
        shapes: tuple[tuple[int, ...], ...],
    ) -> Edge | None:  # fmt: skip
        inner = self.trace.nodes[target]
        if inner.op is None or target in self.wanted:
            return None
        rule = SHORTCUTS.get((outer, inner.op.name))
        if rule is None or rule.argument != argument or (self.expand and not inner.by_hand):
            return None
        if any(inner.options.get(name) != default for name, default in inner.op.options.items()):
            return None
        arguments = {name: node for name, node in names.items() if name != "out"}
        if self.trace.value(target).shape != self.trace.value(inner.inputs[0]).shape:
            return None
        if len({shape[0] for shape in shapes}) > 1:  # rows that stretch count several times
            return None
        if rule.needs and not holds(self.trace, rule.needs, arguments):
            return None
        return Edge(inner.inputs[0], parsed(rule.grad(options, shapes)), arguments, options, rule.words)

    # --- the walk ---

    def run(self) -> dict[int, int]:
        self.found[self.loss] = self.trace.literal(1.0)
        heap = [-self.loss] if self.loss in self.needed else []
        self.owner = self.owners(self.loss)
        while heap:
            node = -heapq.heappop(heap)
            if self.owners(node) is not self.owner:
                self._flush()
                self.owner = self.owners(node)
            self._name_inner(node)
            for edge in self.edges[node]:
                self._carry(node, edge)
                self.waiting[edge.target] -= 1
                if self.waiting[edge.target] == 0:
                    self._add_up(edge.target)
                    heapq.heappush(heap, -edge.target)
            op = self.trace.nodes[node].op
            if isinstance(op, Op) and op.look.kind == "product":
                self._flush()  # the weights of a product come before what lies deeper in the same formula
        self._flush()
        return {node: self._gradient_of(node) for node in self.wanted}

    def _carry(self, node: int, edge: Edge) -> None:
        trace = self.trace
        source = trace.nodes[node]
        if edge.rule is None:
            assert source.op is not None
            raise GradientError(
                f"{self.loss_name} has no gradient through {to_text(trace.said(node, top=True))} "
                f"with respect to {to_text(trace.said(edge.target))}",
                place=self.place,
                hint=f"{source.op.name} passes its gradient to its other arguments only.",
            )
        if self._must_spread(node):
            self.found[node] = self._fit(self.found[node], node)
        first = len(trace.nodes)
        bound = {**edge.names, "g": self.found[node]}
        literals = trace.literals
        known = {name: number(literals[i]) for name, i in bound.items() if i in literals}
        rule = _simple(substitute(edge.rule, known)) if known else edge.rule
        step = self._name(edge.target)
        try:
            part = evaluate(trace, rule, Scope(bound, self.place, inner=True, options=edge.options, step=step))
        except StepsError as error:
            error.hint = f"This is the gradient of {to_text(trace.said(node, top=True))}."  # a rule's text says little
            raise
        several = self.total[edge.target] > 1
        keep_plain = not several and self._is_plain(part) and edge.target not in trace.keys
        if not keep_plain:
            part = self._fit(part, edge.target)
        if self.finish is not None and part >= first:
            part = self.finish(part)
        parts = self.parts.setdefault(edge.target, [])
        parts.append((part, edge.words))
        if several and edge.target in trace.keys:
            use = self.total[edge.target] - len(parts) + 1
            self.pending.append(_Pending(edge.target, part, edge.words, self.owner, use))

    def _add_up(self, target: int) -> None:
        """The gradient of a value whose contributions are all known."""
        parts = self.parts.pop(target)
        words = parts[0][1]
        several = len(parts) > 1
        if several:
            self._emit([item for item in self.pending if item.target == target])
            self.pending = [item for item in self.pending if item.target != target]
            words = f"used {len(parts)} times, so its gradients add"
        total = self._sum([part for part, _ in parts])
        if several and self.finish is not None:
            total = self.finish(total)
        if total in self.trace.literals and target in self.trace.keys:  # a number of a formula gets no name
            total = self.trace.record(REGISTRY["copy"], (total,), self.trace.value(total))
        self.found[target] = total
        if target in self.trace.keys:
            self.pending.append(_Pending(target, total, words, self.owner))

    def _sum(self, parts: list[int]) -> int:
        """Their sum, from left to right; of very many in blocks, so that its formula is nowhere deep."""
        while len(parts) > 1:
            parts = [reduce(self._plus, parts[k : k + BLOCK]) for k in range(0, len(parts), BLOCK)]
        return parts[0]

    def _plus(self, left: int, right: int) -> int:
        value, plus = self.trace.value, REGISTRY["add"]
        return self.trace.record(plus, (left, right), plus.value(value(left), value(right)))

    def _name_inner(self, node: int) -> None:
        """A step for an unnamed value inside a formula, where its gradient is used more than once."""
        trace = self.trace
        if node in trace.keys or self.found[node] in trace.keys or self._is_plain(self.found[node]):
            return
        op = trace.nodes[node].op
        branches = len(self.edges[node]) > 1 or (isinstance(op, Op) and op.look.kind == "product")
        branches = branches or any(edge.rule is not None and _count(edge.rule, "g") > 1 for edge in self.edges[node])
        if branches or self.expand:
            self._emit([_Pending(node, self.found[node], "", self.owner)])

    # --- shapes ---

    def _is_plain(self, node: int) -> bool:
        """Whether a value is one number that depends on nothing given."""
        return self.trace.value(node).size == 1 and not self.trace.given_of(node)

    def _must_spread(self, node: int) -> bool:
        shape = self.trace.value(node).shape
        if self.trace.value(self.found[node]).shape == shape:
            return False
        op = self.trace.nodes[node].op
        same = all(self.trace.value(edge.target).shape == shape for edge in self.edges[node])
        return not (same and (isinstance(op, Compound) or (isinstance(op, Op) and op.look.kind == "elementwise")))

    def _fit(self, gradient: int, target: int) -> int:
        """The gradient in the shape of its target: added up along stretched sides, or copied along missing ones."""
        trace = self.trace
        shape, goal = trace.value(gradient).shape, trace.value(target).shape
        if shape == goal:
            return gradient
        names = {"g": gradient, "x": target}
        longer = [axis for axis, side in enumerate(shape) if len(shape) == len(goal) and side > goal[axis]]
        shorter = any(side < end for side, end in zip(shape, goal, strict=False))
        if longer and len(longer) == len(shape) == 2:
            text = "sum(g)"
        elif longer and (shorter or len(shape) == 2):
            summed = evaluate(trace, parsed(f"sum(g, axis={longer[0]})"), Scope(names, self.place, inner=True))
            return self._fit(summed, target)
        elif trace.value(gradient).size > trace.value(target).size:
            text = "sum_to(g, x)"
        else:
            text = "spread(g, x)"
        return evaluate(trace, parsed(text), Scope(names, self.place, inner=True))

    # --- naming ---

    def _name(self, node: int) -> str:
        key = self.trace.keys.get(node)
        if key is not None:
            base = key.split("#")[0]
            if self._is_current(node, base):
                return f"d{self.loss_name}/d{base}"
            return f"d{self.loss_name}/d({key if '#' in key else key + '#1'})"
        return f"d{self.loss_name}/d({to_text(self.trace.said(node))})"

    def _is_current(self, node: int, name: str) -> bool:
        """Whether a name stood for this value when the loss was computed; ∂L/∂x is the gradient of that one."""
        versions = self.trace.names.get(name, [node])
        return len(versions) == 1 or next((v for v in reversed(versions) if v in self.above), node) == node

    def _flush(self) -> None:
        """Make steps of what is pending: given values first, in the order of their use, then the others."""
        trace = self.trace
        used = list(self.owner.uses.values()) if self.owner else []
        order = {node: place for place, node in reversed(list(enumerate(used)))}
        given = set(trace.given.values())
        self._emit(sorted(self.pending, key=lambda item: (item.target not in given, order.get(item.target, -1))))
        self.pending = []

    def _emit(self, items: Iterable[_Pending]) -> None:
        trace = self.trace
        for item in items:
            node, name = self._own(item), self._name(item.target)
            if item.use:
                name += f"@{item.use}"
            known = node in trace.keys
            formula = trace.said(node) if known else trace.said(node, top=True)
            key = trace.bind(name, node)
            own = self.owners(item.target) if "in one step" in item.words else None
            step = own or item.step
            trace.add_step(
                Step(
                    len(trace.steps) + 1, name, key, BACKWARD, node, formula, step.heading if step else (),
                    {used: trace.by_key[used] for used in named(formula) if used in trace.by_key},
                    node + 1 if known else self._first_new(node), of=item.target, loss=self.loss,
                    words=item.words,
                )
            )  # fmt: skip

    def _own(self, item: _Pending) -> int:
        """The node of a gradient; a copy of an unnamed one of the forward pass, so that its lines stay as they are."""
        trace, node = self.trace, item.node
        if node > self.loss or node in trace.keys or trace.nodes[node].op is None:
            return node
        copy = trace.record(REGISTRY["copy"], (node,), trace.value(node))
        if not item.use:
            self.found[item.target] = copy
        return copy

    def _first_new(self, node: int) -> int:
        """The first of the unnamed nodes that a value was computed through."""
        trace, first, todo = self.trace, node, [node]
        literals = trace.literals
        while todo:
            here = trace.nodes[todo.pop()]
            first = min(first, here.id)
            nearer = [*here.inputs, *([here.out] if here.out is not None else [])]
            todo.extend(
                i
                for i in nearer
                if i not in trace.keys and i not in literals and trace.nodes[i].op is not None and i > self.loss
            )
        return first

    def _gradient_of(self, node: int) -> int:
        if node in self.found:
            return self._fit(self.found[node], node)
        zero = self.trace.literal(0.0)
        spread = evaluate(self.trace, parsed("spread(g, x)"), Scope({"g": zero, "x": node}, inner=True))
        self._emit([_Pending(node, spread, "every way back is flat: nothing is passed", None)])
        return spread


def _simple(expr: Expr) -> Expr:
    """The same formula without factors of 1 and with known powers worked out, as a person would write it."""
    match expr:
        case Binary(op=op, left=left, right=right):
            left, right = _simple(left), _simple(right)
            if op in ("*", "/") and _is(right, 1):
                return left
            if op == "*" and _is(left, 1):
                return right
            if op == "*" and _is(left, -1):
                return _negative(right)
            if op == "/" and _is(left, 1) and _is(right, 2):
                return number(0.5)
            if op == "*" and isinstance(right, Binary) and right.op == "*":
                first, second = _value(left), _value(right.left)
                if first is not None and second is not None:  # ½ · (2 · x) is x
                    return _simple(Binary("*", number(first * second), right.right))
            return Binary(op, left, right)
        case Neg(operand=operand):
            return _negative(_simple(operand))
        case Call(fn="spread", args=(value, _)) if _value(_simple(value)) is not None:
            return _simple(value)
        case Call(fn="power_slope", args=(base, exponent)) if (power := _value(exponent)) is not None:
            if power in (0, 1):
                return number(power)
            return Binary("*", number(power), base if power == 2 else Binary("**", base, number(power - 1)))
        case _:
            return expr


def _negative(expr: Expr) -> Expr:
    return expr.operand if isinstance(expr, Neg) else Neg(expr)


def _value(expr: Expr) -> float | None:
    if isinstance(expr, Num):
        return expr.value
    return -expr.operand.value if isinstance(expr, Neg) and isinstance(expr.operand, Num) else None


def _count(expr: Expr, name: str) -> int:
    """How often a formula mentions a name."""
    own = 1 if expr == Name(name) else 0
    return own + sum([_count(part, name) for part in children(expr) if not isinstance(part, Slice)])


def _is(expr: Expr, value: float) -> bool:
    return _value(expr) == value
