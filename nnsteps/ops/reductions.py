"""Operations that gather many cells into one: all of them, down each column (axis=0) or along each row (axis=1)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnsteps import scalar
from nnsteps.errors import ShapeError
from nnsteps.ops.registry import FLAT, Array, At, Cells, Look, Shape, op, side_text
from nnsteps.scalar import Ref, Tree, fn


def _axes(axis: int | None) -> int | None:
    return None if axis is None else int(axis)


def _reduced(function: Callable[..., Any]) -> Callable[..., Array]:
    def value(x: Array, axis: int | None = None) -> Array:
        if axis is None:
            return np.asarray(function(x), dtype=np.float64).reshape(1, 1)
        return np.asarray(function(x, axis=int(axis), keepdims=True), dtype=np.float64)

    return value


def _gathered(at: At, x: Cells, axis: int | None) -> list[Ref]:
    """The cells of x that end up in the cell `at` of the result, in reading order."""
    if axis is None:
        return [Ref(x.node, place) for place in itertools.product(*map(range, x.shape))]
    axis = int(axis) % len(x.shape)
    return [Ref(x.node, (*at[:axis], k, *at[axis + 1 :])) for k in range(x.shape[axis])]


def _has_axis(names: tuple[str, ...], x: Shape, axis: int | None = None) -> None:
    if axis is not None and not (int(axis) == axis and 0 <= axis < len(x)):
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) has no axis {axis:g}",
            hint="axis=0 goes down each column, axis=1 along each row; without axis all cells are taken.",
        )


def _sample(rng: np.random.Generator) -> dict[str, Any]:
    return {"x": rng.normal(size=(2, 3)), "axis": 1}


def _divided(shape: Shape, axis: int | None) -> str:
    """What the gradient of a mean is divided by."""
    count = int(np.prod(shape)) if axis is None else shape[int(axis)]
    return f" / {count}" if count > 1 else ""


op(
    "sum(x, axis=None)",
    doc="Add up.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
    value=_reduced(np.sum),
    cell=lambda at, x, axis: scalar.add(_gathered(at, x, axis)),
    grad={"x": "spread(g, x)"},
    sample=_sample,
    check=_has_axis,
    look=Look(kind="reduction", sign="Σ", written="Σ {0}", gloss="add up"),
)
op(
    "mean(x, axis=None)",
    doc="The average.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
    value=_reduced(np.mean),
    cell=lambda at, x, axis: fn("div", scalar.add(_gathered(at, x, axis)), len(_gathered(at, x, axis))),
    grad=lambda options, shapes: {"x": "spread(g, x)" + _divided(shapes[0], options["axis"])},
    sample=_sample,
    check=_has_axis,
    look=Look(kind="reduction", sign="mean", gloss="add up, divide by how many"),
)


def _first(x: Array, axis: int | None, largest: bool) -> Array:
    """1 at the first largest (or smallest) cell, else 0."""
    sign = 1.0 if largest else -1.0
    if axis is None:
        out = np.zeros(x.size)
        out[int(np.argmax(sign * x))] = 1.0
        return out.reshape(x.shape)
    out = np.zeros(x.shape)
    np.put_along_axis(out, np.expand_dims(np.argmax(sign * x, axis=int(axis)), int(axis)), 1.0, axis=int(axis))
    return out


def _first_cell(name: str) -> Callable[..., Tree]:
    """1 if this cell beats all before it and none after it beats this cell."""

    def cell(at: At, x: Cells, axis: int | None) -> Tree:
        cells = _gathered(at, x, axis)
        own = x[at]
        place = cells.index(own)
        strict, loose = ("gt", "ge") if name == "max" else ("lt", "le")
        claims = [fn(strict, own, other) for other in cells[:place]] + [
            fn(loose, own, other) for other in cells[place + 1 :]
        ]
        return fn("and", *claims) if claims else scalar.Const(1.0)

    return cell


def _ties(name: str) -> Callable[..., Any]:
    def ties(x: Array, axis: int | None = None) -> Any:
        top = _reduced(np.max if name == "max" else np.min)(x, axis)
        return (x == top).sum(axis=_axes(axis), keepdims=True) > 1

    return ties


for _name, _function, _word in (("max", np.max, "largest"), ("min", np.min, "smallest")):
    op(
        f"{_name}(x, axis=None)",
        doc=f"The {_word} number. Convention: its gradient goes to the first {_word}.",
        shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
        value=_reduced(_function),
        cell=lambda at, x, axis, name=_name: fn(name, *_gathered(at, x, axis)),
        grad={"x": f"keep(spread(g, x), first_{_name}(x, axis=axis))"},
        sample=_sample,
        check=_has_axis,
        kinks=_ties(_name),
        look=Look(kind="reduction", sign=_name, gloss=f"the {_word}"),
    )
    op(
        f"first_{_name}(x, axis=None)",
        doc=f"1 at the first {_word} number, else 0.",
        shapes="any -> same",
        value=lambda x, axis=None, largest=_name == "max": _first(x, axis, largest),
        cell=_first_cell(_name),
        grad=FLAT,
        sample=_sample,
        check=_has_axis,
        kinks=_ties(_name),
        look=Look(kind="claim", written=f"{{0}} is the {_word}"),
    )

for _name, _test, _joined, _words in (("any", np.any, "or", "at least one"), ("all", np.all, "and", "every")):
    op(
        f"{_name}(x, axis=None)",
        doc=f"1 if {_words} number is not 0, else 0.",
        shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
        value=_reduced(_test),
        cell=lambda at, x, axis, joined=_joined: fn(joined, *_gathered(at, x, axis)),
        grad=FLAT,
        sample=lambda rng: {"x": np.array([[1.0, 0.0], [0.0, 0.0]]), "axis": 1},
        check=_has_axis,
        look=Look(kind="reduction", sign=_name),
    )

op(
    "size(x, axis=None)",
    doc="How many cells there are; along one axis, how many of those.",
    shapes="any -> (1, 1)",
    value=lambda x, axis=None: np.array([[float(x.size if axis is None else x.shape[int(axis)])]]),
    cell=lambda at, x, axis: scalar.Const(float(int(np.prod(x.shape)) if axis is None else x.shape[int(axis)])),
    grad=FLAT,
    sample=_sample,
    check=_has_axis,
    look=Look(kind="reduction", gloss="how many"),
)
