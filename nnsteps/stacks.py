"""Operations on stacks: many arrays of one shape as one array with one more side in front.

A stack of one stands for any number of equal arrays. What an operation cannot do for all parts of a stack at once is
done for one after the other. That both give the same is tested for every operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from nnsteps.ops import Array, Op

Function = Callable[..., Any]
Truth = np.ndarray[Any, np.dtype[np.bool_]]
Stack = TypeVar("Stack", Array, Truth)

_CELLWISE = ("elementwise", "claim", "gate", "rounding")
_BY_MATRIX = ("matmul", "transpose", "copy")  # for these, too, more sides in front change nothing
_REDUCTIONS = ("sum", "mean", "max", "min", "any", "all", "count")


def stacked(op: Op, function: Function, options: Mapping[str, Any], ranks: Sequence[int]) -> Function:
    """A function of arguments of these ranks (the value, margin or distance of an operation) for stacks of them."""
    with_options = partial(function, **options) if options else function
    alike = len(set(ranks)) == 1
    if alike and (op.name in _BY_MATRIX or (op.look.kind in _CELLWISE and "axis" not in options)):
        return with_options
    if function is not op.value:
        return _one_by_one(with_options)
    if op.name in _REDUCTIONS:
        return _along(function, options["axis"])
    if op.name == "take":
        return partial(function, bounds=((0, None), *options["bounds"]))
    return _one_by_one(with_options)


def cells(stack: Stack) -> Stack:
    """Each part of a stack as one row."""
    return stack.reshape(len(stack), -1)


def every(claims: Stack) -> Truth:
    """In which parts every cell is true, or not 0."""
    return np.asarray(cells(claims).all(axis=1))


def some(claims: Stack) -> Truth:
    """In which parts some cell is true, or not 0."""
    return np.asarray(cells(claims).any(axis=1))


def part(stack: Array, place: int) -> Array:
    """One part of a stack."""
    return np.asarray(stack[place if len(stack) > 1 else 0])


def joined(stacks: Sequence[Array]) -> Array:
    """All cells of several stacks, each part as one row."""
    length = max(map(len, stacks))
    rows = [cells(stack) for stack in stacks]
    return np.concatenate([row if len(row) == length else row.repeat(length, axis=0) for row in rows], axis=1)


def _along(function: Function, axis: int | None) -> Function:
    """A reduction, along an axis of each part or over all of its cells."""
    if axis is not None:
        return partial(function, axis=int(axis) + 1)
    return lambda stack: function(stack.reshape(len(stack), 1, -1), axis=2)


def _one_by_one(function: Function) -> Function:
    def each(*stacks: Array) -> Array:
        length = max(map(len, stacks))
        return np.stack([function(*[part(stack, place) for stack in stacks]) for place in range(length)])

    return each
