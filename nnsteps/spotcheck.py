"""A quick check of a key before it is handed out: every worked line again, and one slope of each loss. Prints nothing.

`verify` finds every number a second time; here each cell of each step is recomputed from its worked line, and each loss
is moved along one direction of all given values that it has a gradient for: the slope must be that of the gradients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from nnsteps import differences, precision
from nnsteps.cells import cell_name
from nnsteps.ops import Array
from nnsteps.trace import Trace

LINE = 1e-10  # of the largest number in the arithmetic
SLOPE_RELATIVE, SLOPE_ABSOLUTE = 1e-6, 1e-9


def faults(by_hand: Trace, exact: Trace) -> list[str]:
    """What is wrong with a solved problem; nothing if all is well."""
    return [*_lines(by_hand), *_slopes(exact)]


def _lines(trace: Trace) -> Iterator[str]:
    for step in trace.steps:
        value = trace.value(step.node)
        for at in np.ndindex(*value.shape):
            tree = trace.explain(step.node, at)
            found, scale = precision.measured(tree, trace.look_up)
            if not (found == value[at] or abs(found - value[at]) <= LINE * max(abs(float(value[at])), scale)):
                name = cell_name(step.key, at, value.shape)
                yield f"{name} is {value[at]:.12g}, its worked line gives {found:.12g}"


def _slopes(trace: Trace) -> Iterator[str]:
    """Gradients with respect to given values, together along one direction, against a central difference."""
    losses: dict[int, dict[int, int]] = {}
    for gradient in trace.gradients:
        is_whole = trace.value(gradient.wrt).shape == trace.value(gradient.node).shape
        if trace.nodes[gradient.wrt].op is None and is_whole:
            losses.setdefault(gradient.loss, {})[gradient.wrt] = gradient.node
    values = [node.value for node in trace.nodes]
    for loss, pairs in losses.items():
        if differences.kinks(trace, sorted(trace.ancestors(loss)), values):
            continue  # there the slope is a matter of convention
        directions = {wrt: _direction(values[wrt], wrt) for wrt in pairs}
        goal = sum(float((values[node] * directions[wrt]).sum()) for wrt, node in pairs.items())
        scale = sum(float(np.abs(values[node] * directions[wrt]).sum()) for wrt, node in pairs.items())
        allowed = SLOPE_RELATIVE * scale + SLOPE_ABSOLUTE * max(1.0, abs(float(values[loss].item())))
        slopes = (_slope(trace, loss, directions, h) for h in (1e-4, 1e-5, 1e-6))  # smaller where a kink is near
        if not any(abs(slope - goal) <= allowed for slope in slopes):
            slope = _slope(trace, loss, directions, 1e-5)
            yield f"the slope of {trace.keys.get(loss, 'the loss')} is {slope:.9g}, its gradients give {goal:.9g}"


def _direction(value: Array, start: int) -> Array:
    """Numbers between −1 and 1, far from any pattern."""
    fractions = (differences.GOLDEN * np.arange(start + 1, start + value.size + 1)) % 1.0
    return np.asarray(2 * fractions - 1, dtype=np.float64).reshape(value.shape)


def _slope(trace: Trace, loss: int, directions: dict[int, Array], h: float) -> float:
    """The central difference of a loss over five points."""

    def at(step: float) -> float:
        moved = {wrt: trace.value(wrt) + step * direction for wrt, direction in directions.items()}
        return float(trace.replay(moved, until=loss)[loss].item())

    slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    return slope if math.isfinite(slope) else math.inf
