"""The rules that every practice sheet keeps without being asked. Knows recorded traces, and draws nothing.

relu           every layer has live ReLUs, and dead ones where the original has some
kink           no number stands where a slope is a matter of convention: ReLU at 0, a tie of two largest that passes a
               gradient back; nor so near that a person who rounds may find it on the other side
margin         no choice (argmax, top-k, a comparison, rounding) is so narrow that a person who rounds makes another one
saturation     no softmax, sigmoid or tanh is so flat that hardly any gradient passes
zero gradient  no gradient that was asked for is 0 everywhere
rounded away   no probability that a loss takes the logarithm of was rounded to 0
digits         no answer has more digits than the problem says, or than the original's answers at this step
effort         as many products with no factor 0 as in the original, within a quarter
ending         no loop comes to its last turn before its `until` holds, unless one does in the original

A masked cell (−∞) is no number: it has no digits, and where it leaves a single one, that one has all of the softmax.
A rule looks at the route by hand and at the exact one. What is 0 in exact arithmetic may be 1e-17 in a computer's, so
two numbers are taken to be equal within a slack of 1e-9: then every machine accepts the same attempts. A problem that
shows the very thing that a rule forbids says `allow: [kink]`.

To add a rule: a function that gives its checks for one route, its line in `_RULES`, and its name in variation.RULES.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from nnsteps import scalar
from nnsteps.ops import Array, Op
from nnsteps.ops.registry import FLAT
from nnsteps.plan import Check, Values
from nnsteps.records import BACKWARD, UPDATE, Node
from nnsteps.rounding import MOST_DECIMALS
from nnsteps.scalar import Fn
from nnsteps.stacks import Truth, cells, every, joined, some, stacked
from nnsteps.trace import Trace

SLACK = 1e-9
NARROW = 0.02  # between numbers that are rounded on paper
NARROW_ROUNDING = 0.01  # of the last digit that is kept
FLATTEST = 0.99
FEWEST_DIGITS = 4
EFFORT = 0.25
_PROBABILITIES = ("softmax", "sigmoid", "tanh")
_LOGARITHMS = ("cross_entropy", "bce", "nll", "log", "xlogy")


@dataclass(frozen=True, slots=True)
class Original:
    """What the rules ask of the numbers in the file, by the keys of steps."""

    dead: frozenset[str]  # steps with a ReLU that is off somewhere
    digits: Mapping[str, int | None]
    flat: frozenset[str]  # gradients that are 0 everywhere
    effort: int | None  # None: shapes vary, so there is nothing to compare with
    ends: bool  # whether all loops with an `until` end by it

    @classmethod
    def of(cls, trace: Trace, *, effort: bool) -> Original:
        """The original by hand."""
        gates = [node for node in trace.nodes if isinstance(node.op, Op) and node.op.look.gate]
        dead = frozenset(owner(trace, node.id) for node in gates if (trace.value(node.inputs[0]) <= 0).any())
        lengths = {step.key: digits(trace.value(step.node)) for step in trace.steps}
        zeros = [gradient.name for gradient in trace.gradients if not trace.value(gradient.node).any()]
        ends = all(trace.value(node).all() for node in _last_conditions(trace))
        return cls(dead, lengths, frozenset(zeros), effort_of(trace) if effort else None, ends)


@dataclass(frozen=True, slots=True)
class Route:
    """A solved original, by hand or exact, and the slot of each of its nodes in a plan."""

    trace: Trace
    slots: Sequence[int]
    is_exact: bool
    digits: int | None  # as the problem says

    def backward(self) -> set[int]:
        """The nodes that were recorded on the way back from a loss."""
        steps = [step for step in self.trace.steps if step.kind == BACKWARD]
        return {node for step in steps for node in range(step.first, step.node + 1)}

    def computed(self) -> Iterator[tuple[Node, Op]]:
        """The nodes that an operation made by itself."""
        for node in self.trace.nodes:
            if isinstance(node.op, Op) and node.out is None:
                yield node, node.op

    def sloped(self) -> set[int]:
        """The nodes that a gradient was passed back through."""
        found = set[int]()
        for gradient in self.trace.gradients:
            path = {gradient.wrt}
            for node in sorted(self.trace.ancestors(gradient.loss) | {gradient.loss}):
                if path.intersection(self.trace.nodes[node].inputs):
                    path.add(node)
            found |= path
        return found

    def slots_of(self, node: Node) -> tuple[int, ...]:
        """The slots of a node's inputs."""
        return tuple([self.slots[i] for i in node.inputs])

    def over(self, node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of a node's inputs, such as its margin, for stacks of them."""
        assert isinstance(node.op, Op)
        return stacked(node.op, function, node.options, [self.trace.value(i).ndim for i in node.inputs])


def checks(routes: Sequence[Route], original: Original, allowed: frozenset[str]) -> Iterator[Check]:
    """The checks of all rules that are not allowed to be broken; what both routes have in common is checked once."""
    seen = set()
    for name, rule in _RULES.items():
        for route in routes if name not in allowed else ():
            for check in rule(route, original):
                if (name, check.needs) not in seen:
                    seen.add((name, check.needs))
                    yield check


# --- numbers ----------------------------------------------------------------------------------------------------


def equal(a: Array, b: Array) -> Truth:
    """Where two numbers are the same within the slack."""
    return np.asarray((a == b) | (np.abs(a - b) <= SLACK * np.maximum(1.0, np.maximum(np.abs(a), np.abs(b)))))


def _claim(function: Callable[[Array, Array], Truth]) -> Callable[[Array, Array], Array]:
    return lambda a, b: np.asarray(function(a, b), dtype=np.float64)


# comparisons of constraints: what is equal within the slack is equal
CLAIMS: Mapping[str, Callable[[Array, Array], Array]] = {
    "lt": _claim(lambda a, b: (a < b) & ~equal(a, b)),
    "gt": _claim(lambda a, b: (a > b) & ~equal(a, b)),
    "le": _claim(lambda a, b: (a <= b) | equal(a, b)),
    "ge": _claim(lambda a, b: (a >= b) | equal(a, b)),
    "eq": _claim(equal),
    "ne": _claim(lambda a, b: ~equal(a, b)),
}


def _joined(values: Values, slots: Sequence[int]) -> Array:
    return joined([values[slot] for slot in slots])


def _unmasked(stack: Array) -> Array:
    """0 in place of every masked cell."""
    return np.where(np.isneginf(stack), 0.0, stack)


def _are_exact(stack: Array) -> Truth:
    """Which parts of a stack have only numbers that are written on paper as they are."""
    numbers = _unmasked(stack)
    return every(np.abs(numbers - np.round(numbers, MOST_DECIMALS)) <= SLACK)


# --- rules ------------------------------------------------------------------------------------------------------


def _relu(route: Route, original: Original) -> Iterator[Check]:
    for node, op in route.computed():
        if op.look.gate and node.value.size > 1:
            yield _live("relu", route.slots_of(node)[0], is_dead_too=owner(route.trace, node.id) in original.dead)


def _live(name: str, slot: int, *, is_dead_too: bool) -> Check:
    def holds(values: Values) -> Truth:
        live = values[slot] > SLACK
        return some(live) & ~every(live) if is_dead_too else some(live)

    return Check(name, (slot,), holds)


def _kink(route: Route, original: Original) -> Iterator[Check]:
    sloped = route.sloped()
    for node, op in route.computed():
        if op.distance is None or op.grad is FLAT:
            continue
        slots = route.slots_of(node)
        if op.look.kind == "elementwise" and len(slots) == 1 and _is_size(op.distance, node.options):
            yield _off_the_kinks(slots, np.abs, cost=0)
        elif node.id in sloped:  # else nobody sees which of two equal numbers it was
            yield _off_the_kinks(slots, route.over(node, op.distance), cost=10)


def _is_size(distance: Callable[..., Array], options: Mapping[str, object]) -> bool:
    """Whether the kink of an operation is where its argument is 0, and nowhere else."""
    probe = np.array([[-1.0, -0.5, 0.0, 0.5, 1.0]])
    return bool((distance(probe, **options) == np.abs(probe)).all())


def _off_the_kinks(slots: tuple[int, ...], distance: Callable[..., Array], cost: int) -> Check:
    def holds(values: Values) -> Truth:
        inputs = [values[i] for i in slots]
        return _is_clear(distance(*inputs), inputs)

    return Check("kink", slots, holds, cost)


def _is_clear(margins: Array, inputs: Sequence[Array], narrow: float = NARROW) -> Truth:
    """Where every kink, or other choice, is so far that nobody who rounds on paper gets to it."""
    wide = every(margins > max(narrow, SLACK))
    if wide.all():
        return wide
    exact = reduce(operator.and_, map(_are_exact, inputs))
    return wide | every(cells(margins) > np.where(exact, SLACK, narrow)[:, np.newaxis])


def _margin(route: Route, original: Original) -> Iterator[Check]:
    backward = route.backward()
    for node, op in route.computed():
        if op.margin is not None and node.id not in backward:
            yield _clear(route.slots_of(node), op, dict(node.options), route.over(node, op.margin))


def _clear(slots: tuple[int, ...], op: Op, options: Mapping[str, object], margin: Callable[..., Array]) -> Check:
    may_meet = op.name in ("floor", "ceil") or op.look.kind == "claim"  # 2 ≤ 2 holds, and ⌊2⌋ is 2: nobody errs there
    narrow = NARROW_ROUNDING / 10.0 ** float(str(options.get("digits", 0))) if op.look.kind == "rounding" else NARROW

    def holds(values: Values) -> Truth:
        inputs = [values[i] for i in slots]
        margins = margin(*inputs)
        return _is_clear(np.where(margins == 0, math.inf, margins) if may_meet else margins, inputs, narrow)

    return Check("margin", slots, holds, cost=10)


def _saturation(route: Route, original: Original) -> Iterator[Check]:
    for node in route.trace.nodes:
        if node.op is None or node.op.name not in _PROBABILITIES or node.value.size <= (node.op.name == "softmax"):
            continue
        if node.op.name == "softmax" and node.inputs[0] in route.trace.masked:
            yield _shared(route.slots[node.id], route.slots_of(node)[0], int(str(node.options["axis"])))
        else:
            yield _steep(route.slots[node.id], is_low_too=node.op.name == "sigmoid")


def _steep(slot: int, *, is_low_too: bool) -> Check:
    def holds(values: Values) -> Truth:
        stack = values[slot]
        steep = every(np.abs(stack) <= FLATTEST)
        return steep & every(stack >= 1 - FLATTEST) if is_low_too else steep

    return Check("saturation", (slot,), holds)


def _shared(slot: int, masked: int, axis: int) -> Check:
    """That of a softmax with a mask: what a single cell has for itself is no matter of the numbers."""

    def holds(values: Values) -> Truth:
        alone = np.isfinite(values[masked]).sum(axis=axis + 1, keepdims=True) == 1
        return every(alone | (values[slot] <= FLATTEST))

    return Check("saturation", (slot, masked), holds)


def _zero_gradient(route: Route, original: Original) -> Iterator[Check]:
    for gradient in route.trace.gradients:
        if gradient.name not in original.flat:
            yield _not_zero(route.slots[gradient.node])


def _not_zero(slot: int) -> Check:
    return Check("zero gradient", (slot,), lambda values: some(np.abs(values[slot]) > SLACK))


def _rounded_away(route: Route, original: Original) -> Iterator[Check]:
    """That what a loss takes the logarithm of is not 0; and that every step has numbers where the original has."""
    for node in route.trace.nodes:
        if node.op is not None and node.op.name in _LOGARITHMS and np.isfinite(node.value).all():
            yield _finite((route.slots[node.id],))
    steps = [
        step.node
        for step in route.trace.steps
        if step.kind != UPDATE and np.isfinite(route.trace.value(step.node)).all()
    ]
    yield _finite(tuple([route.slots[node] for node in steps]))


def _finite(slots: tuple[int, ...]) -> Check:
    return Check("rounded away", slots, lambda values: every(np.isfinite(_joined(values, slots))), cost=3)


def _digits(route: Route, original: Original) -> Iterator[Check]:
    """Numbers that a page shows as they are in the original stay so; the others are not too large."""
    if route.is_exact:
        return
    least = route.digits or FEWEST_DIGITS
    exact, other, most = list[int](), list[int](), list[float]()
    for step in route.trace.steps:
        if step.node in route.trace.wordy:
            continue
        found = original.digits.get(step.key, 0)
        if found is None:
            other.append(route.slots[step.node])
        else:
            exact.append(route.slots[step.node])
            most += [10.0 ** max(found, least)] * route.trace.value(step.node).size
    limits = np.array(most)
    if exact:
        yield Check(
            "digits", tuple(exact), lambda values: _are_short(_unmasked(_joined(values, exact)), limits), cost=40
        )
    if other:
        low = 10.0**least
        yield Check("digits", tuple(other), lambda values: every(np.abs(_unmasked(_joined(values, other))) < low))


def digits(value: Array) -> int | None:
    """How many digits the longest number has, zeros before it left out; None if a page does not show it as it is."""
    numbers = _unmasked(value.reshape(1, -1))
    for most in range(1, 16):
        if _are_short(numbers, np.full(numbers.shape[1:], 10.0**most)).all():
            return most
    return None


def _are_short(numbers: Array, limits: Array) -> Truth:
    """In which rows each number is one with few decimals, which without its point is below the limit of its column."""
    size, waiting = np.abs(numbers), np.ones(numbers.shape, dtype=bool)
    good = np.ones(len(numbers), dtype=bool)
    for decimals in range(MOST_DECIMALS + 1):
        scaled = size * 10.0**decimals
        whole = np.rint(scaled)
        fits = (np.abs(scaled - whole) <= SLACK * np.maximum(1.0, scaled)) & waiting
        good &= ~some(fits & (whole >= limits))
        waiting ^= fits
        if not (some(waiting) & good).any():
            break
    return good & ~some(waiting)


def _effort(route: Route, original: Original) -> Iterator[Check]:
    trace, total = route.trace, original.effort
    if route.is_exact or not total:
        return
    products = [
        (route.slots_of(node)[:2], _products(trace, node)) for node, _ in route.computed() if multiplies(trace, node)
    ]
    factors = tuple({slot for pair, _ in products for slot in pair})

    def holds(values: Values) -> Truth:
        ones = {slot: _ones(values[slot]) for slot in factors}
        counts = [count(ones[first], ones[second]) for (first, second), count in products]
        return np.asarray(np.abs(joined(counts).sum(axis=1) - total) <= EFFORT * total)

    yield Check("effort", factors, holds, cost=8 * len(products))


def multiplies(trace: Trace, node: Node) -> bool:
    """Whether each cell is made of products of two cells, one of the first argument and one of the second.

    A convolution tells so by the arithmetic of its middle cell, which no padding takes anything away from.
    """
    op = node.op
    if not isinstance(op, Op) or len(node.inputs) < 2:
        return False
    if op.look.kind != "window":
        return len(op.args) == 2 and (op.look.kind == "product" or op.name == "mul")
    tree = trace.cell(node.id, tuple([side // 2 for side in node.value.shape]))
    terms = tree.args if isinstance(tree, Fn) and tree.name == "add" else (tree,)
    factors = [sorted(part.node for part in scalar.refs(term)) for term in terms if isinstance(term, Fn)]
    return bool(factors) and all(pair == sorted(node.inputs[:2]) for pair in factors)


def _ones(value: Array) -> Array:
    """1 in place of every number but 0."""
    return np.asarray(value != 0, dtype=np.float64)


def _products(trace: Trace, node: Node) -> Callable[[Array, Array], Array]:
    """How many products of two numbers, neither of them 0, each cell is made of, for stacks of 0 and 1.

    That is what the operation gives for 1 in place of every other number than 0. A bias is no product.
    """
    assert isinstance(node.op, Op)
    inputs = [trace.value(i) for i in node.inputs]
    function = stacked(node.op, node.op.value, node.options, [value.ndim for value in inputs])
    others = [np.zeros((1, *value.shape)) for value in inputs[2:]]
    return lambda first, second: np.asarray(function(first, second, *others), dtype=np.float64)


def effort_of(trace: Trace) -> int:
    """How many products with no factor 0 a whole trace has."""
    count = 0
    for node in trace.nodes:
        if node.out is None and multiplies(trace, node):
            first, second = (_ones(trace.value(i)[np.newaxis]) for i in node.inputs[:2])
            count += int(_products(trace, node)(first, second).sum())
    return count


def owner(trace: Trace, node: int) -> str:
    """The key of the step that a node was recorded for."""
    return next((step.key for step in trace.steps if step.first <= node <= step.node), "")


def _ending(route: Route, original: Original) -> Iterator[Check]:
    for node in _last_conditions(route.trace) if original.ends else ():
        yield _true(route.slots[node])


def _true(slot: int) -> Check:
    return Check("ending", (slot,), lambda values: every(values[slot]))


def _last_conditions(trace: Trace) -> list[int]:
    """The `until` of each loop after its last turn."""
    last = {aside.turns[-1].loop: aside for aside in trace.asides if aside.kind == "until"}
    return [part[1] for aside in last.values() for part in aside.parts if isinstance(part, tuple)]


_RULES: Mapping[str, Callable[[Route, Original], Iterator[Check]]] = {
    "relu": _relu,
    "kink": _kink,
    "margin": _margin,
    "saturation": _saturation,
    "zero gradient": _zero_gradient,
    "rounded away": _rounded_away,
    "digits": _digits,
    "effort": _effort,
    "ending": _ending,
}
