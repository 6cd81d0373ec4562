"""Central differences: a gradient found a second time, from nothing but the forward pass. Knows no answers.

Theory of operation. The array that a name stood for when the loss was computed is moved a little, what follows is
replayed with the recorded choices held, and the difference of the losses gives the slope. A difference taken across a
kink (ReLU at 0) means nothing. Where the numbers stand on one, or so near that a difference would reach over it,
`beside_the_kinks` nudges the given values by a small fixed pattern and replays everything, backward steps included, so
that the comparison can be made there. Whether a difference did stay on one side is told by `Probe.crosses`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nnsteps.compounds import SHORTCUTS, Compound
from nnsteps.evaluate import holds
from nnsteps.formula import names, parse
from nnsteps.ops import Array, Op
from nnsteps.records import Node
from nnsteps.trace import Trace

GOLDEN = (math.sqrt(5) - 1) / 2
NUDGES = (  # size, start of the pattern
    (1e-3, 0.0), (1e-3, 0.5), (1e-3, 0.3), (1e-2, 0.75), (1e-2, 0.4), (1e-2, 0.0), (1e-4, 0.25), (1e-5, 0.1),
)  # fmt: skip
SMALLEST_STEP = 1e-6
ON_A_KINK = 1e-12  # what is nearer is on it
FAR = 1e-4  # a kink that is further away is not in the way of a difference


@dataclass(frozen=True, slots=True)
class Target:
    """One gradient to be compared."""

    name: str
    loss: int
    wrt: int
    node: int


class Probe:
    """The loss as a function of one recorded array, everything else held."""

    def __init__(self, trace: Trace, wrt: int, loss: int, values: Sequence[Array]) -> None:
        self.values = values
        self.wrt, self.loss = wrt, loss
        self.loss_value = float(self.values[loss].item())
        changed, above = {wrt}, trace.above(loss)
        self.path: list[Node] = []
        for node in trace.nodes[wrt + 1 : loss + 1]:
            before = (node.out,) if node.out is not None else node.inputs
            if any(i in changed for i in before) and node.id in above:
                changed.add(node.id)
                self.path.append(node)

    def slope(self, direction: Array, h: float, five_points: bool) -> float:
        """The central difference of the loss along a direction."""
        near = self._at(direction, h) - self._at(direction, -h)
        if not five_points:
            return near / (2 * h)
        far = self._at(direction, 2 * h) - self._at(direction, -2 * h)
        return (8 * near - far) / (12 * h)

    def crosses(self, direction: Array, h: float) -> bool:
        """Whether a kink may lie between the two ends of a difference: nearer than twice what the numbers move."""
        for values in (self._moved(direction, h), self._moved(direction, -h)):
            for node, away in distances(self.path, self.values):
                reach = [2 * np.nan_to_num(np.abs(values.get(i, self.values[i]) - self.values[i])) for i in node.inputs]
                moved = [part if part.shape == away.shape else part.max() for part in reach]
                if any((away < part).any() for part in moved):
                    return True
        return False

    def _at(self, direction: Array, h: float) -> float:
        return float(self._moved(direction, h).get(self.loss, self.values[self.loss]).item())

    def _moved(self, direction: Array, h: float) -> dict[int, Array]:
        """The values that change, where this array moves by so much along a direction."""
        held = self.values
        values = {self.wrt: held[self.wrt] + h * direction}
        with np.errstate(all="ignore"):
            for node in self.path:
                if node.out is not None:
                    values[node.id] = values[node.out]
                else:
                    assert isinstance(node.op, Op)
                    args = [values[i] if i in values else held[i] for i in node.inputs]
                    values[node.id] = node.op.value(*args, **node.options)
        return values


def step_sizes(size: float) -> Iterator[tuple[bool, float]]:
    """Five points or three, and how far apart: some for smooth slopes, some for kinks nearby, some for tiny numbers."""
    yield True, 1e-3 * max(1.0, size)
    yield False, 1e-5
    yield False, SMALLEST_STEP
    yield True, 1e-5
    if 0 < size < 1:
        yield True, 1e-3 * size
        yield True, 1e-5 * size


def targets(trace: Trace) -> list[Target]:
    """Every whole gradient in the trace: those asked for, and those of named values on the way."""
    found: dict[tuple[int, int, int], Target] = {}
    for gradient in trace.gradients:
        found[gradient.loss, gradient.wrt, gradient.node] = Target(
            gradient.name, gradient.loss, gradient.wrt, gradient.node
        )
    for step in trace.steps:
        if step.of is None or step.loss is None or "@" in step.name.rsplit("/d", 1)[-1]:
            continue
        found.setdefault((step.loss, step.of, step.node), Target(step.key, step.loss, step.of, step.node))
    # the gradient of a cell (dL/dh[3]) is a part of one that is here anyway
    return [target for target in found.values() if trace.value(target.wrt).shape == trace.value(target.node).shape]


@dataclass(frozen=True, slots=True)
class Beside:
    """Values beside all kinks; how many kinks the recorded numbers stand on, and what is agreed there."""

    values: list[Array]
    kinks: int = 0
    conventions: tuple[str, ...] = ()


def beside_the_kinks(trace: Trace, losses: list[int]) -> Beside:
    """All values at numbers where every difference has a meaning: the recorded ones, or nudged ones."""
    values = [node.value for node in trace.nodes]
    feeding = sorted(trace.ancestors(*losses))
    nodes = [trace.nodes[node] for node in feeding]
    found, best, far = kinks(trace, feeding, values), values, _clearance(nodes, values)
    movable = _movable(trace, feeding) if far < FAR else []
    for size, start in NUDGES:
        if far >= FAR:
            break
        nudged = trace.replay(_nudged(trace, movable, size, start))
        finite = all(np.isfinite(value).all() for k, value in enumerate(nudged) if k not in trace.masked)
        if finite and _clearance(nodes, nudged) > far:
            best, far = nudged, _clearance(nodes, nudged)
    count = sum(cells for _, cells in found)
    return Beside(best, count, tuple(dict.fromkeys(convention(trace.nodes[node]) for node, _ in found)))


def distances(nodes: Iterable[Node], values: Sequence[Array]) -> Iterator[tuple[Node, Array]]:
    """The nodes that have kinks, with how far each of their cells is from one."""
    for node in nodes:
        if isinstance(node.op, Op) and node.op.distance is not None and node.out is None:
            yield node, node.op.distance(*(values[i] for i in node.inputs), **node.options)


def _clearance(nodes: Iterable[Node], values: Sequence[Array]) -> float:
    """How far the nearest kink is."""
    return min((float(away.min()) for _, away in distances(nodes, values)), default=math.inf)


def kinks(trace: Trace, nodes: Sequence[int], values: Sequence[Array]) -> list[tuple[int, int]]:
    """The nodes that stand on a kink, and how many of their cells do."""
    counts = [
        (node.id, int((away <= ON_A_KINK).sum()))
        for node, away in distances(map(trace.nodes.__getitem__, nodes), values)
    ]
    return [(node, count) for node, count in counts if count]


def convention(node: Node) -> str:
    """What the record says about the slope at its kink: relu′(0) = 0."""
    assert node.op is not None
    said = re.search(r"Convention: (.+?)\.(\s|$)", node.op.doc)
    words = said[1] if said else "the slope at a jump is 0"
    return words if node.op.name in words else f"{node.op.name}: {words}"


def _movable(trace: Trace, feeding: Sequence[int]) -> list[str]:
    """The given names that may be nudged: those on which no precondition of a closed gradient depends."""
    held: set[int] = set(trace.wordy)
    for node_id in feeding:
        node = trace.nodes[node_id]
        if not isinstance(node.op, Compound):
            continue
        conditions = {node.op.needs} | {rule.needs for rule in SHORTCUTS.values() if rule.outer == node.op.name}
        bound = {node.op.argument(k): i for k, i in enumerate(node.inputs)}
        for condition in conditions - {""}:
            asked = {name: bound[name] for name in names(parse(condition)) if name in bound}
            if holds(trace, condition, bound):
                held |= set().union(*(trace.ancestors(i) for i in asked.values()))
    return [name for name, node in trace.given.items() if node not in held]


def _nudged(trace: Trace, movable: Sequence[str], size: float, start: float) -> dict[int, Array]:
    """The given values, each moved by its own fraction of `size`: the fractions of a golden ratio sequence."""
    place, changes = 0, {}
    for name in movable:
        value = trace.value(trace.given[name])
        fractions = (start + GOLDEN * np.arange(place + 1, place + value.size + 1)) % 1.0
        changes[trace.given[name]] = value + size * (fractions - 0.5).reshape(value.shape)
        place += value.size
    return changes
