"""The words beside the rows and over the columns of a value, and how they travel from step to step.

Elementwise steps keep them, a product takes the rows of its left factor and the columns of its right one, a reduction
keeps those of the side that stays. What is picked keeps the words of what was picked.
"""

from __future__ import annotations

from nnsteps.ops import Op
from nnsteps.trace import Sides, Trace

NONE: Sides = (None, None)


def carry(trace: Trace, node: int) -> None:
    """Give a new node the labels that follow from those of its inputs."""
    here = trace.nodes[node]
    if here.value.ndim != 2 or here.value.size == 1:
        return  # a single number needs no name at its side
    found = trace.labels.get(here.out, NONE) if here.out is not None else _from_inputs(trace, node)
    if found != NONE:
        trace.labels[node] = found


def _from_inputs(trace: Trace, node: int) -> Sides:
    here = trace.nodes[node]
    sides = [trace.labels.get(i, NONE) for i in here.inputs]
    if all(side == NONE for side in sides) or not isinstance(here.op, Op):
        return NONE
    if here.op.look.kind == "product":
        return sides[0][0], sides[1][1]
    if here.op.name == "transpose":
        return sides[0][1], sides[0][0]
    if len(here.inputs) == 2 and ("bounds" in here.options or "places" in here.options):
        return sides[1]  # put back where it was taken from
    if "bounds" in here.options:
        return _part(sides[0], [range(low, high) for low, high in here.options["bounds"]])
    if "places" in here.options:
        return _part(sides[0], here.options["places"])
    if here.op.variadic:
        return _stacked(trace, node, sides)
    if here.op.look.kind == "choice":  # what was chosen along a side is in another order there
        axis = here.options.get("axis")
        return NONE if axis is None else (None, sides[0][1]) if axis == 0 else (sides[0][0], None)
    shapes = [trace.value(i).shape for i in here.inputs]
    rows, columns = (_first(axis, sides, shapes, here.value.shape) for axis in (0, 1))
    return rows, columns


def _first(
    axis: int, sides: list[Sides], shapes: list[tuple[int, ...]], shape: tuple[int, ...]
) -> tuple[str, ...] | None:
    """The labels of a side of the result: those of the first input that is as long there."""
    for words, other in zip(sides, shapes, strict=True):
        if len(other) == 2 and other[axis] == shape[axis] and words[axis] is not None:
            return words[axis]
    return None


def _part(sides: Sides, places: list[range] | tuple[tuple[int, ...], ...]) -> Sides:
    rows, columns = (
        None if words is None else tuple(words[k] for k in chosen) for words, chosen in zip(sides, places, strict=True)
    )
    return rows, columns


def _stacked(trace: Trace, node: int, sides: list[Sides]) -> Sides:
    """Of values side by side (or on top of each other): their labels one after the other along that side."""
    here = trace.nodes[node]
    axis = 0 if here.value.shape[0] != trace.value(here.inputs[0]).shape[0] else 1
    along: list[str] = []
    for i, words in zip(here.inputs, sides, strict=True):
        along += words[axis] or [""] * trace.value(i).shape[axis]
    other = sides[0][1 - axis]
    joined = tuple(along) if any(along) else None
    return (joined, other) if axis == 0 else (other, joined)
