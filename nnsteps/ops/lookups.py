"""Operations that take cells at positions which are values themselves, and what undoes them. Positions count from 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps import scalar
from nnsteps.errors import BadValue, ShapeError
from nnsteps.ops.axes import Places, from_zero, must_have_axis
from nnsteps.ops.registry import FLAT, Array, At, Cells, Look, Shape, must_be, only, op, side_text
from nnsteps.scalar import Const, Ref, Tree, fn

if TYPE_CHECKING:
    from numpy.random import Generator as Rng

NOUNS = ("row", "column")


def _in_a_row(names: tuple[str, ...], at: Shape) -> None:
    """Refuse positions that are not one after the other."""
    if len(at) != 2 or 1 not in at:
        raise ShapeError(
            f"{names[0]} ({side_text(at)}) is not a list of positions", hint="A column or a row of positions is needed."
        )


def _listed(at: Cells, place: int) -> Ref:
    """One position of a list, from 0; the list may be a row or a column."""
    return Ref(at.node, (place, 0) if at.shape[1] == 1 else (0, place))


# --- one-hot -----------------------------------------------------------------------------------------------------


def _count(positions: Array, classes: int | None) -> int:
    return int(classes) if classes is not None else int(np.rint(positions.max()))


def _one_hot(positions: Array, classes: int | None = None) -> Array:
    count = _count(positions, classes)
    places = from_zero(positions, count, "class").ravel()
    return np.asarray(np.arange(count)[:, None] == places[None, :], dtype=np.float64)


def _classes(names: tuple[str, ...], positions: Shape, classes: int | None = None) -> None:
    _in_a_row(names, positions)
    if classes is not None and not (int(classes) == classes and classes >= 1):
        raise BadValue(f"classes must be a whole number from 1, not {classes:g}")


op(
    "one_hot(positions, classes=None)",
    doc="A column for each position: 1 in the row of that number, 0 elsewhere. Positions count from 1 (in PyTorch from "
    "0); without classes there are as many as the largest position.",
    shapes="(1, n) or (n, 1) -> (classes, n)",
    value=_one_hot,
    cost=lambda positions, classes=None: only(positions.size * _count(positions, classes)),
    cell=lambda at, positions, classes: fn("if", fn("eq", _listed(positions, at[1]), at[0] + 1), 1, 0),
    grad=FLAT,
    sample=lambda rng: {"positions": np.array([[2.0, 1.0, 4.0]]), "classes": 4},
    check=_classes,
    look=Look(kind="shaping", gloss="1 at its position, else 0"),
)

# --- whole rows and columns --------------------------------------------------------------------------------------


def _gather(x: Array, at: Array, axis: int = 1) -> Array:
    axis = int(axis)
    return np.take(x, from_zero(at, x.shape[axis], NOUNS[axis] if axis < 2 else "entry").ravel(), axis=axis)


def _gather_cell(at: At, x: Cells, places: Cells, axis: int) -> Tree:
    axis = int(axis)
    cells = [Ref(x.node, (*at[:axis], k, *at[axis + 1 :])) for k in range(x.shape[axis])]
    return fn("choose", _listed(places, at[axis]), *cells)


def _gather_check(names: tuple[str, ...], x: Shape, at: Shape, axis: int = 1) -> None:
    must_have_axis(names[:1], x, axis)
    _in_a_row(names[1:], at)


def _gather_sample(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(2, 4)), "at": np.array([[3.0], [1.0], [3.0]]), "axis": 1}


op(
    "gather(x, at, axis=1)",
    doc="The columns at these positions, side by side, counted from 1; axis=0: the rows, one below the other.",
    shapes="(m, n), k positions -> (m, k); axis=0: (k, n)",
    value=_gather,
    cost=lambda x, at, axis=1: only(x.size // x.shape[int(axis)] * at.size),
    cell=_gather_cell,
    grad={"x": "scatter(g, x, at, axis=axis)"},
    sample=_gather_sample,
    check=_gather_check,
    look=Look(kind="shaping", gloss="the columns at these positions"),
)


def _scatter(x: Array, like: Array, at: Array, axis: int = 1) -> Array:
    axis = int(axis)
    out = np.zeros(like.shape)
    places = from_zero(at, like.shape[axis]).ravel()
    np.add.at(np.moveaxis(out, axis, 0), places, np.moveaxis(x, axis, 0))
    return out


def _scatter_cell(at: At, x: Cells, like: Cells, places: Cells, axis: int) -> Tree:
    axis = int(axis)
    return scalar.add(
        fn("if", fn("eq", _listed(places, k), at[axis] + 1), Ref(x.node, (*at[:axis], k, *at[axis + 1 :])), 0)
        for k in range(x.shape[axis])
    )


def _scatter_check(names: tuple[str, ...], x: Shape, like: Shape, at: Shape, axis: int = 1) -> None:
    _gather_check(names[1:], like, at, axis)
    wanted = (*like[: int(axis)], max(at), *like[int(axis) + 1 :])
    must_be(names[0], x, wanted, f"what is gathered from {names[1]} at {names[2]}")


op(
    "scatter(x, like, at, axis=1)",
    doc="The columns of x added up at these positions in an array shaped as `like`, 0 elsewhere: what gather undoes.",
    shapes="(m, k), (m, n), k positions -> (m, n)",
    value=_scatter,
    cell=_scatter_cell,
    grad={"x": "gather(g, at, axis=axis)"},
    sample=lambda rng: {
        "x": rng.normal(size=(2, 3)), "like": np.zeros((2, 4)), "at": np.array([[3.0, 1.0, 3.0]]), "axis": 1
    },
    check=_scatter_check,
    look=Look(kind="shaping", written="{0} back at {2}"),
)  # fmt: skip

# --- single cells ------------------------------------------------------------------------------------------------


def _pick(x: Array, at: Array) -> Array:
    return x[from_zero(at, x.shape[0], "row").ravel(), np.arange(x.shape[1])][None, :]


def _pick_check(names: tuple[str, ...], x: Shape, at: Shape) -> None:
    _in_a_row(names[1:], at)
    if len(x) != 2 or max(at) != x[1]:
        count = max(at)
        raise ShapeError(
            f"{names[1]} ({side_text(at)}) does not pick one cell of each column of {names[0]} ({side_text(x)})",
            hint=f"It has {count} position{'s' if count != 1 else ''}; {names[0]} has {x[-1]} "
            f"column{'s' if x[-1] != 1 else ''}.",
        )


op(
    "pick(x, at)",
    doc="One cell of each column: the one in the row of that position, counted from 1.",
    shapes="(m, n), n positions -> (1, n)",
    value=_pick,
    cell=lambda at, x, places: fn(
        "choose", _listed(places, at[1]), *(Ref(x.node, (k, at[1])) for k in range(x.shape[0]))
    ),
    grad=lambda options, shapes: {"x": f"g * one_hot(at, classes={shapes[0][0]})"},
    sample=lambda rng: {"x": rng.normal(size=(3, 4)), "at": np.array([[1.0, 3.0, 2.0, 3.0]])},
    check=_pick_check,
    look=Look(kind="shaping", gloss="one cell of each column"),
)


def _positions_along(x: Array, at: Array, axis: int) -> Places:
    return from_zero(at, x.shape[int(axis)])


def _put_along(x: Array, like: Array, at: Array, axis: int = 0) -> Array:
    out = np.zeros(like.shape)
    places = _positions_along(like, at, axis)
    np.add.at(out, tuple(places if k == int(axis) else side for k, side in enumerate(np.indices(at.shape))), x)
    return out


def _put_along_cell(at: At, x: Cells, like: Cells, places: Cells, axis: int) -> Tree:
    axis = int(axis)
    lines = [(*at[:axis], k, *at[axis + 1 :]) for k in range(x.shape[axis])]
    return scalar.add(
        fn("if", fn("eq", Ref(places.node, place), at[axis] + 1), Ref(x.node, place), Const(0.0)) for place in lines
    )


op(
    "take_along(x, at, axis=0)",
    doc="In each column the numbers at the positions of the same column of `at`, counted from 1.",
    shapes="(m, n), (k, n) -> (k, n); axis=1: (m, n), (m, k) -> (m, k)",
    value=lambda x, at, axis=0: np.take_along_axis(x, _positions_along(x, at, axis), axis=int(axis)),
    cell=lambda at, x, places, axis: fn(
        "choose",
        Ref(places.node, at),
        *(Ref(x.node, (*at[: int(axis)], k, *at[int(axis) + 1 :])) for k in range(x.shape[int(axis)])),
    ),
    grad={"x": "put_along(g, x, at, axis=axis)"},
    sample=lambda rng: {"x": rng.normal(size=(3, 2)), "at": np.array([[3.0, 1.0], [1.0, 1.0]]), "axis": 0},
    check=lambda names, x, at, axis=0: _same_but(names, x, at, axis),
    look=Look(kind="shaping"),
)
op(
    "put_along(x, like, at, axis=0)",
    doc="Each number added at its position in its column, in an array of the shape of `like`: what take_along undoes.",
    shapes="(k, n), (m, n), (k, n) -> (m, n)",
    value=_put_along,
    cell=_put_along_cell,
    grad={"x": "take_along(g, at, axis=axis)"},
    sample=lambda rng: {
        "x": rng.normal(size=(2, 2)), "like": np.zeros((3, 2)), "at": np.array([[3.0, 1.0], [1.0, 1.0]]), "axis": 0
    },
    check=lambda names, x, like, at, axis=0: _put_along_check(names, x, like, at, axis),
    look=Look(kind="shaping", written="{0} back at {2}"),
)  # fmt: skip


def _put_along_check(names: tuple[str, ...], x: Shape, like: Shape, at: Shape, axis: int) -> None:
    _same_but(names[1:], like, at, axis)
    must_be(names[0], x, at, f"the shape of {names[2]}")


def _same_but(names: tuple[str, ...], x: Shape, at: Shape, axis: int) -> None:
    """Refuse shapes that differ elsewhere than along the axis."""
    must_have_axis(names[:1], x, axis)
    others = [(a, b) for k, (a, b) in enumerate(zip(x, at, strict=False)) if k != int(axis)]
    if len(x) != len(at) or any(a != b for a, b in others):
        raise ShapeError(
            f"{names[1]} ({side_text(at)}) has not the sides of {names[0]} ({side_text(x)})",
            hint=f"Only along axis {int(axis)} they may differ.",
        )
