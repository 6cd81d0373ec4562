"""Rows, columns and cells picked one by one, in any order; the places were read before and are fixed."""

from __future__ import annotations

import math

import numpy as np

from nnsteps import scalar
from nnsteps.ops.axes import picked
from nnsteps.ops.registry import Array, At, Cells, Look, Shape, must_be, only, op
from nnsteps.scalar import Ref, Tree

Places = tuple[tuple[int, ...], ...]  # for each axis the places that are taken, from 0


def _back(x: Array, like: Array, places: Places) -> Array:
    out = np.zeros(like.shape)
    np.add.at(out, np.ix_(*places), x)
    return out


def _back_cell(at: At, x: Cells, like: Cells, places: Places) -> Tree:
    hits: list[At] = [()]
    for here, side in zip(at, places, strict=True):
        hits = [(*hit, k) for hit in hits for k, place in enumerate(side) if place == here]
    return scalar.add([Ref(x.node, hit) for hit in hits])


def _back_check(names: tuple[str, ...], x: Shape, like: Shape, places: Places) -> None:
    picked(names, places=places)
    must_be(names[0], x, tuple(len(side) for side in places), f"what was taken from {names[1]}")


op(
    "select(x, places=None)",
    doc="Some rows and columns, in any order. Written x[k] or x[:, k], with several places in k.",
    shapes="(m, n) -> the cells that were asked for",
    value=lambda x, places: x[np.ix_(*places)],
    cost=lambda x, places: only(math.prod(map(len, places))),
    cell=lambda at, x, places: Ref(x.node, tuple(side[k] for k, side in zip(at, places, strict=True))),
    grad={"x": "select_back(g, x, places=places)"},
    sample=lambda rng: {"x": rng.normal(size=(3, 4)), "places": ((2, 0), (1, 1, 3))},
    check=picked,
    look=Look(kind="shaping"),
)
op(
    "select_back(x, like, places=None)",
    doc="Each number of x added to the place it was taken from, 0 elsewhere: what select undoes.",
    shapes="a part, (m, n) -> (m, n)",
    value=_back,
    cell=_back_cell,
    grad={"x": "select(g, places=places)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "like": np.zeros((3, 4)), "places": ((2, 0), (1, 1, 3))},
    check=_back_check,
    look=Look(kind="shaping", written="{0} at its place, 0 elsewhere"),
)
