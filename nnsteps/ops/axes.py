"""Axes and positions, as several families need them: which axis, which cells lie along it, which place is meant."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnsteps.errors import BadValue, ShapeError
from nnsteps.ops.registry import Array, At, Cells, Shape, side_text
from nnsteps.scalar import Ref

Places = np.ndarray[Any, np.dtype[np.intp]]


def has_axis(names: tuple[str, ...], x: Shape, axis: int | None = None) -> None:
    """Refuse an axis that x does not have."""
    if axis is not None and not (int(axis) == axis and 0 <= axis < len(x)):
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) has no axis {axis:g}",
            hint="axis=0 goes down each column, axis=1 along each row; without axis all cells are taken.",
        )


def must_have_axis(names: tuple[str, ...], x: Shape, axis: int | None = 0) -> None:
    """Refuse an axis that x does not have, and the lack of one."""
    if axis is None:
        raise ShapeError(
            f"it must be said along which side {names[0]} ({side_text(x)}) is meant",
            hint="axis=0 goes down each column, axis=1 along each row.",
        )
    has_axis(names, x, axis)


def picked(names: tuple[str, ...], *_: Shape, **parts: object) -> None:
    """Refuse a call of what is written as an index: its parts are read there, and are no numbers."""
    if None in parts.values() or not all(isinstance(part, tuple) for part in parts.values()):
        raise ShapeError(f"parts of {names[0]} are not picked by a call", hint="Write x[2], x[1:2, 3], x[:, k].")


def sides(count: int, axis: int) -> str:
    """So many rows, columns or entries: 2 rows."""
    noun = ("row", "column")[axis] if axis < 2 else "entry"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s".replace("entrys", "entries")


def line(at: At, x: Cells, axis: int | None) -> list[Ref]:
    """The cells of x along an axis through the cell `at` of the result, in order; all cells without an axis."""
    if axis is None:
        return [Ref(x.node, tuple(int(k) for k in place)) for place in np.ndindex(*x.shape)]
    axis = int(axis) % len(x.shape)
    return [Ref(x.node, (*at[:axis], k, *at[axis + 1 :])) for k in range(x.shape[axis])]


def lead(x: Array, axis: int | None = None) -> Array:
    """How far the largest number along an axis (of all cells without one) is ahead of the next; infinite if alone."""
    numbers, along = (x.reshape(-1, 1), 0) if axis is None else (x, int(axis))
    if numbers.shape[along] == 1:
        gap = np.full(numbers.shape, np.inf)
    else:
        ordered = np.sort(numbers, axis=along)
        gap = np.take(ordered, [-1], axis=along) - np.take(ordered, [-2], axis=along)
    return gap.reshape(1, 1) if axis is None else gap


def from_zero(at: Array, side: int, noun: str = "position") -> Places:
    """Positions counted from 1 as places counted from 0.

    A position is taken to the nearest whole number, so that a number nudged a little still means the same place.
    Errors: BadValue for one that is not there.
    """
    places = np.rint(at).astype(np.intp)
    for number, place in zip(at.flat, places.flat, strict=True):
        if abs(number - place) > 0.1:
            raise BadValue(f"the {noun} {number:g} is not a whole number", hint=f"It counts from 1 to {side}.")
        if not 1 <= place <= side:
            raise BadValue(f"there is no {noun} {place}", hint=f"Positions count from 1; the last one is {side}.")
    return places - 1


def whole(number: Array, noun: str) -> int:
    """A value that says how many there are. Errors: BadValue if it is no whole number from 1."""
    found = float(number.flat[0])
    if number.size != 1 or abs(found - round(found)) > 0.1 or round(found) < 1:
        raise BadValue(f"{noun} must be a whole number from 1, not {found:g}")
    return round(found)
