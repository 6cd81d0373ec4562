"""Operations that move cells without computing: stacking, taking parts, copying into a shape, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnsteps import scalar
from nnsteps.errors import ShapeError
from nnsteps.ops.axes import picked
from nnsteps.ops.registry import Array, At, Cells, Look, Options, Shape, must_be, op, side_text
from nnsteps.scalar import Const, Ref, Tree

Bounds = tuple[tuple[int, int], ...]  # for each axis the first place and the one after the last, from 0

op(
    "copy(x)",
    doc="The same numbers under another name.",
    shapes="any -> same",
    value=lambda x: x,
    cell=lambda at, x: x[at],
    grad={"x": "g"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3))},
    look=Look(kind="shaping", written="{0}"),
)


def _stack(axis: int) -> Callable[..., Array]:
    return lambda *xs: np.concatenate(xs, axis=axis)


def _stacked_cell(axis: int) -> Callable[..., Tree]:
    def cell(at: At, *xs: Cells) -> Tree:
        place = at[axis]
        for x in xs:
            if place < x.shape[axis]:
                return Ref(x.node, (*at[:axis], place, *at[axis + 1 :]))
            place -= x.shape[axis]
        raise AssertionError("a cell outside the stack")

    return cell


def _stacked_grad(axis: int) -> Callable[[Options, tuple[Shape, ...]], Mapping[str, str]]:
    def rules(options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str]:
        start, out = 0, {}
        for place, shape in enumerate(shapes, start=1):
            part = f"{start + 1}:{start + shape[axis]}"
            out[f"x{place}"] = f"g[{part}, :]" if axis == 0 else f"g[:, {part}]"
            start += shape[axis]
        return out

    return rules


def _stacked_check(axis: int) -> Callable[..., None]:
    def check(names: tuple[str, ...], *shapes: Shape) -> None:
        for name, shape in zip(names, shapes, strict=True):
            if len(shape) != 2:
                raise ShapeError(
                    f"{name} ({side_text(shape)}) is not a table of rows and columns", hint="Stack matrices."
                )
            other, first = shape[1 - axis], shapes[0][1 - axis]
            if other != first:
                side = ("column", "row")[axis] + ("s" if first != 1 else "")
                raise ShapeError(
                    f"{names[0]} ({side_text(shapes[0])}) and {name} ({side_text(shape)}) cannot be stacked",
                    hint=f"{names[0]} has {first} {side}, so {name} needs as many; it has {other}.",
                )

    return check


def _stacked_sample(axis: int) -> Callable[[np.random.Generator], Mapping[str, Any]]:
    def sample(rng: np.random.Generator) -> Mapping[str, Any]:
        sides = (2, 3, 1)
        return {f"x{k}": rng.normal(size=(2, side) if axis else (side, 2)) for k, side in enumerate(sides, start=1)}

    return sample


for _name, _axis, _words in (("hstack", 1, "side by side"), ("vstack", 0, "on top of each other")):
    op(
        f"{_name}(*x)",
        doc=f"Put arrays {_words}.",
        shapes="(m, n), (m, k), … -> (m, n + k + …)" if _axis else "(m, n), (k, n), … -> (m + k + …, n)",
        value=_stack(_axis),
        cell=_stacked_cell(_axis),
        grad=_stacked_grad(_axis),
        sample=_stacked_sample(_axis),
        check=_stacked_check(_axis),
        look=Look(kind="shaping", gloss=_words),
    )


def _slices(bounds: Bounds) -> tuple[slice, ...]:
    return tuple(slice(low, high) for low, high in bounds)


def _put_back(x: Array, like: Array, bounds: Bounds) -> Array:
    out = np.zeros(like.shape)
    out[_slices(bounds)] = x
    return out


def _put_back_check(names: tuple[str, ...], x: Shape, like: Shape, bounds: Bounds) -> None:
    picked(names, bounds=bounds)
    must_be(names[0], x, tuple(high - low for low, high in bounds), f"what was taken from {names[1]}")


def _put_back_cell(at: At, x: Cells, like: Cells, bounds: Bounds) -> Tree:
    if all(low <= place < high for place, (low, high) in zip(at, bounds, strict=True)):
        return x[tuple(place - low for place, (low, _) in zip(at, bounds, strict=True))]
    return Const(0.0)


op(
    "take(x, bounds=None)",
    doc="Some rows and columns, counted from 1, both ends included. Written x[2], x[2, 1], x[1:2, 3] or x[:, 2].",
    shapes="(m, n) -> the part that was asked for",
    value=lambda x, bounds: x[_slices(bounds)],
    cell=lambda at, x, bounds: Ref(x.node, tuple(place + low for place, (low, _) in zip(at, bounds, strict=True))),
    grad={"x": "put_back(g, x, bounds=bounds)"},
    sample=lambda rng: {"x": rng.normal(size=(3, 4)), "bounds": ((1, 3), (0, 2))},
    check=picked,
    look=Look(kind="shaping"),
)
op(
    "put_back(x, like, bounds=None)",
    doc="x at its place in an array of the shape of `like`, 0 elsewhere: what take undoes.",
    shapes="a part, (m, n) -> (m, n)",
    value=_put_back,
    cell=_put_back_cell,
    grad={"x": "take(g, bounds=bounds)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 2)), "like": np.zeros((3, 4)), "bounds": ((1, 3), (0, 2))},
    check=_put_back_check,
    look=Look(kind="shaping", written="{0} at its place, 0 elsewhere"),
)


def _spreads(small: Shape, large: Shape) -> bool:
    """Whether an array can be copied along its sides of length 1, and along sides it lacks, to become a larger one."""
    pairs = zip(small[::-1], large[::-1], strict=False)
    return len(small) <= len(large) and all(side in (1, end) for side, end in pairs)


def _spread_check(names: tuple[str, ...], x: Shape, like: Shape) -> None:
    if not _spreads(x, like):
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) cannot be copied into {names[1]} ({side_text(like)})",
            hint="Only sides of length 1 are copied.",
        )


def _sum_to_check(names: tuple[str, ...], x: Shape, like: Shape) -> None:
    if not _spreads(like, x):
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) cannot be added up to {names[1]} ({side_text(like)})",
            hint="Only sides that are 1 there are added up.",
        )


op(
    "spread(x, like)",
    doc="Copy x into every cell of the shape of `like`.",
    shapes="(1, 1), (1, n) or (m, 1), and (m, n) -> (m, n)",
    value=lambda x, like: np.broadcast_to(x, like.shape),
    cell=lambda at, x, like: x[at],
    grad={"x": "g"},
    sample=lambda rng: {"x": rng.normal(size=(2, 1)), "like": np.zeros((2, 3))},
    check=_spread_check,
    look=Look(kind="shaping", written="{0} in every cell"),
)


def _summed_axes(shape: Shape, small: Shape) -> tuple[int, ...]:
    if set(small) == {1}:
        return tuple(range(len(shape)))
    extra = len(shape) - len(small)  # one matrix that met a stack of them
    goals = (1,) * extra + small
    return tuple(axis for axis, (side, goal) in enumerate(zip(shape, goals, strict=True)) if goal == 1 != side)


def _sum_to(x: Array, like: Array) -> Array:
    return np.asarray(np.sum(x, axis=_summed_axes(x.shape, like.shape), keepdims=True).reshape(like.shape))


def _sum_to_cell(at: At, x: Cells, like: Cells) -> Tree:
    axes = _summed_axes(x.shape, like.shape)
    places = [((0,) * len(x.shape) + at)[-len(x.shape) :]]
    for axis in axes:
        places = [(*place[:axis], k, *place[axis + 1 :]) for place in places for k in range(x.shape[axis])]
    return scalar.add([Ref(x.node, place) for place in places])


op(
    "sum_to(x, like)",
    doc="Add up along the sides that `like` has only once: what spread undoes.",
    shapes="(m, n), (1, n) -> (1, n)",
    value=_sum_to,
    cell=_sum_to_cell,
    grad={"x": "spread(g, x)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "like": np.zeros((1, 3))},
    check=_sum_to_check,
    look=Look(kind="reduction", sign="Σ", written="Σ {0}"),
)

# --- the same numbers in other rows ------------------------------------------------------------------------------


def _sides(options: Options, size: int) -> Shape:
    """The sides that are asked for; -1 stands for what is left."""
    asked = [int(side) for side in options.values() if side is not None]
    rest = -int(np.prod(asked))
    return tuple(size // rest if side == -1 else side for side in asked)


def _reshape_check(names: tuple[str, ...], x: Shape, **options: Any) -> None:
    size, asked = int(np.prod(x)), [side for side in options.values() if side is not None]
    whole = all(side == int(side) and (side >= 1 or side == -1) for side in asked) and asked.count(-1) <= 1
    if not whole or int(np.prod(_sides(options, size))) != size:
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) cannot be written as {side_text(tuple(asked))}",
            hint=f"It has {size} cells, and needs as many places; one side may be -1, what is left.",
        )


def _same_place(at: At, x: Cells, shape: Shape) -> Ref:
    """The cell of x that comes at the same place in reading order as `at` in the new shape."""
    place = int(np.ravel_multi_index(at, shape))
    return Ref(x.node, tuple(int(k) for k in np.unravel_index(place, x.shape)))


op(
    "reshape(x, rows=-1, columns=1, third=None, fourth=None)",
    doc="The same numbers, row by row, in other sides: reshape(x, 2, 3); above rank 2 the leading side comes first: "
    "reshape(x, 2, 3, 4) is 2 tables of 3×4. One side may be -1, what is left.",
    shapes="any -> (rows, columns, …)",
    value=lambda x, **options: x.reshape(_sides(options, x.size)),
    cell=lambda at, x, **options: _same_place(at, x, _sides(options, int(np.prod(x.shape)))),
    grad={"x": "shaped(g, x)"},
    sample=lambda rng: {"x": rng.normal(size=(4, 3)), "rows": 2, "columns": 6},
    check=_reshape_check,
    look=Look(kind="shaping", gloss="the same numbers, row by row"),
)
op(
    "flatten(x)",
    doc="All numbers below each other, row by row.",
    shapes="(m, n) -> (m·n, 1)",
    value=lambda x: x.reshape(-1, 1),
    cell=lambda at, x: _same_place(at, x, (int(np.prod(x.shape)), 1)),
    grad={"x": "shaped(g, x)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3))},
    look=Look(kind="shaping", gloss="row by row into a column"),
)


def _as_many(names: tuple[str, ...], x: Shape, like: Shape) -> None:
    if math.prod(x) != math.prod(like):
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) cannot be written in the shape of {names[1]} ({side_text(like)})",
            hint="Both need as many cells.",
        )


op(
    "shaped(x, like)",
    doc="The same numbers, row by row, in the shape of `like`: what reshape undoes.",
    shapes="any, (m, n) of as many cells -> (m, n)",
    value=lambda x, like: x.reshape(like.shape),
    cell=lambda at, x, like: _same_place(at, x, like.shape),
    grad={"x": "shaped(g, x)"},
    sample=lambda rng: {"x": rng.normal(size=(6, 1)), "like": np.zeros((2, 3))},
    check=_as_many,
    look=Look(kind="shaping", written="{0} back in its rows"),
)
