"""Operations that choose: the place of the largest, the first k, a sorted order. Positions count from 1, as on paper.

Theory of operation. A choice gives positions, which jump; it passes no gradient back, and its record says with which
`margin` it was made. The chosen numbers themselves (topk_values, sort) have a gradient, which goes back to where they
came from. Ties go to the first. A number's rank is 1 and one more for every number that beats it, and for every equal
one before it; all cell trees here are made of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps import scalar
from nnsteps.errors import ShapeError
from nnsteps.ops.axes import has_axis, lead, line, must_have_axis, sides
from nnsteps.ops.registry import FLAT, Array, At, Cells, Look, Options, Shape, op, side_text
from nnsteps.scalar import Const, Fn, Ref, Tree, fn

if TYPE_CHECKING:
    from numpy.random import Generator as Rng

CHOICE = Look(kind="choice")


def _sample(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(4, 3)), "axis": 0}


# --- the largest and the smallest --------------------------------------------------------------------------------


def _along(x: Array, axis: int | None) -> tuple[Array, int]:
    """x with one axis to choose along: all cells in reading order if none is named."""
    return (x.reshape(-1, 1), 0) if axis is None else (x, int(axis))


def _arg(x: Array, axis: int | None, sign: float) -> Array:
    numbers, along = _along(x, axis)
    place = np.asarray(np.argmax(sign * numbers, axis=along, keepdims=True) + 1.0)
    return place.reshape(1, 1) if axis is None else place


def _arg_cell(at: At, x: Cells, axis: int | None, name: str) -> Tree:
    numbers = line(at, x, axis)
    best = fn(name, *numbers)
    tree: Tree = Const(float(len(numbers)))
    for place in range(len(numbers) - 1, 0, -1):
        tree = fn("if", fn("eq", numbers[place - 1], best), place, tree)
    return tree


for _name, _sign, _word, _best in (("argmax", 1.0, "largest", "max"), ("argmin", -1.0, "smallest", "min")):
    op(
        f"{_name}(x, axis=None)",
        doc=f"The position of the {_word} number, counted from 1; without an axis in reading order. "
        f"Convention: a tie goes to the first. NumPy and PyTorch count from 0.",
        shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
        value=lambda x, axis=None, sign=_sign: _arg(x, axis, sign),
        cell=lambda at, x, axis, best=_best: _arg_cell(at, x, axis, best),
        grad=FLAT,
        sample=_sample,
        check=has_axis,
        margin=lambda x, axis=None, sign=_sign: lead(sign * x, axis),
        look=Look(kind="choice", gloss=f"the position of the {_word}"),
    )


# --- orders ------------------------------------------------------------------------------------------------------


def _order(x: Array, axis: int, descending: bool) -> Array:
    """The positions in order; equal numbers stay in theirs."""
    return np.asarray(np.argsort(-x if descending else x, axis=int(axis), kind="stable") + 1.0)


def _at(x: Array, positions: Array, axis: int) -> Array:
    return np.asarray(np.take_along_axis(x, positions.astype(np.intp) - 1, axis=int(axis)), dtype=np.float64)


def _ranked(numbers: list[Ref], own: int, descending: bool) -> Tree:
    """The rank of one of the numbers, from 1."""
    beats, equals = ("gt", "ge") if descending else ("lt", "le")
    claims = [
        fn("if", fn(equals if place < own else beats, other, numbers[own]), 1, 0)
        for place, other in enumerate(numbers)
        if place != own
    ]
    return scalar.add([Const(1.0), *claims])


def _of_rank(at: At, x: Cells, axis: int, descending: bool, positions: bool) -> Tree:
    """The number (or its position) whose rank is the place of this cell along the axis."""
    axis = int(axis)
    numbers = line(at, x, axis)
    results: list[Tree] = [Const(place + 1.0) for place in range(len(numbers))] if positions else list(numbers)
    tree = results[-1]
    for own in range(len(numbers) - 2, -1, -1):
        tree = Fn("if", (fn("eq", _ranked(numbers, own, descending), at[axis] + 1), results[own], tree))
    return tree


def _gaps(x: Array, axis: int, descending: bool) -> Array:
    """How far each number of the sorted order is from its nearer neighbour."""
    axis = int(axis)
    ordered = np.sort(x, axis=axis)
    if descending:
        ordered = np.flip(ordered, axis=axis)
    with np.errstate(invalid="ignore"):
        gaps = np.abs(np.diff(ordered, axis=axis))
    gaps[np.isnan(gaps)] = np.inf  # between two masked cells there is nothing to choose
    edge = np.full([1 if k == axis else side for k, side in enumerate(x.shape)], np.inf)
    before, after = np.concatenate([edge, gaps], axis=axis), np.concatenate([gaps, edge], axis=axis)
    return np.asarray(np.minimum(before, after))


def _first(x: Array, k: int, axis: int) -> Array:
    return np.take(x, np.arange(int(k)), axis=int(axis))


def _has_k(names: tuple[str, ...], x: Shape, k: int = 1, axis: int = 0) -> None:
    must_have_axis(names, x, axis)
    if not (int(k) == k and 1 <= k <= x[int(axis)]):
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) has no {k:g} largest along axis {axis:g}",
            hint=f"It has {sides(x[int(axis)], int(axis))} to choose from; axis=0 goes down each column, "
            "axis=1 along each row.",
        )


def _like(options: Options, *names: str) -> str:
    """Options as they are handed on to another operation."""
    return "".join(f", {name}={options[name]}" for name in names)


op(
    "topk_positions(x, k=1, axis=0)",
    doc="The positions of the k largest numbers, the largest first, counted from 1. Written topk(x, 2).positions. "
    "Convention: of equal numbers the first comes first.",
    shapes="(m, n) -> (k, n); axis=1: (m, k)",
    value=lambda x, k=1, axis=0: _first(_order(x, axis, True), k, axis),
    cell=lambda at, x, k, axis: _of_rank(at, x, axis, True, positions=True),
    grad=FLAT,
    sample=lambda rng: {"x": rng.normal(size=(4, 3)), "k": 2},
    check=_has_k,
    margin=lambda x, k=1, axis=0: _first(_gaps(x, axis, True), k, axis),
    look=CHOICE,
)
op(
    "topk_values(x, k=1, axis=0)",
    doc="The k largest numbers, the largest first. Written topk(x, 2).values. "
    "Convention: of equal numbers the first comes first.",
    shapes="(m, n) -> (k, n); axis=1: (m, k)",
    value=lambda x, k=1, axis=0: _at(x, _first(_order(x, axis, True), k, axis), axis),
    cell=lambda at, x, k, axis: _of_rank(at, x, axis, True, positions=False),
    grad=lambda options, shapes: {
        "x": f"put_along(g, x, topk_positions(x{_like(options, 'k', 'axis')}){_like(options, 'axis')})"
    },
    sample=lambda rng: {"x": rng.normal(size=(4, 3)), "k": 2},
    check=_has_k,
    margin=lambda x, k=1, axis=0: _first(_gaps(x, axis, True), k, axis),
    look=CHOICE,
)
op(
    "argsort(x, axis=0, descending=0)",
    doc="The positions of the numbers in ascending order, counted from 1; descending=1: the largest first. "
    "Convention: equal numbers keep their order. NumPy and PyTorch count from 0.",
    shapes="any -> same",
    value=lambda x, axis=0, descending=0: _order(x, axis, bool(descending)),
    cell=lambda at, x, axis, descending: _of_rank(at, x, axis, bool(descending), positions=True),
    grad=FLAT,
    sample=_sample,
    check=lambda names, x, axis=0, descending=0: must_have_axis(names, x, axis),
    margin=lambda x, axis=0, descending=0: _gaps(x, axis, bool(descending)),
    look=CHOICE,
)
op(
    "sort(x, axis=0, descending=0)",
    doc="The numbers in ascending order; descending=1: the largest first. Convention: equal numbers keep their order.",
    shapes="any -> same",
    value=lambda x, axis=0, descending=0: _at(x, _order(x, axis, bool(descending)), axis),
    cell=lambda at, x, axis, descending: _of_rank(at, x, axis, bool(descending), positions=False),
    grad=lambda options, shapes: {
        "x": f"put_along(g, x, argsort(x{_like(options, 'axis', 'descending')}){_like(options, 'axis')})"
    },
    sample=lambda rng: {"x": rng.normal(size=(4, 3)), "axis": 1, "descending": 1},
    check=lambda names, x, axis=0, descending=0: must_have_axis(names, x, axis),
    margin=lambda x, axis=0, descending=0: _gaps(x, axis, bool(descending)),
    look=Look(kind="choice", gloss="in order"),
)
