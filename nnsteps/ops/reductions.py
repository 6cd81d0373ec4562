"""Operations that gather many cells into one: all of them, down each column (axis=0) or along each row (axis=1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnsteps import scalar
from nnsteps.ops.axes import has_axis, lead, line, must_have_axis
from nnsteps.ops.registry import FLAT, Array, At, Cells, Look, Shape, op
from nnsteps.scalar import Tree, fn


def _axes(axis: int | None) -> int | None:
    return None if axis is None else int(axis)


def _reduced(function: Callable[..., Any]) -> Callable[..., Array]:
    def value(x: Array, axis: int | None = None) -> Array:
        if axis is None:
            return np.asarray(function(x), dtype=np.float64).reshape(1, 1)
        return np.asarray(function(x, axis=int(axis), keepdims=True), dtype=np.float64)

    return value


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
    cell=lambda at, x, axis: scalar.add(line(at, x, axis)),
    grad={"x": "spread(g, x)"},
    sample=_sample,
    check=has_axis,
    look=Look(kind="reduction", sign="Σ", written="Σ {0}", gloss="add up"),
)
op(
    "mean(x, axis=None)",
    doc="The average.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
    value=_reduced(np.mean),
    cell=lambda at, x, axis: fn("div", scalar.add(line(at, x, axis)), len(line(at, x, axis))),
    grad=lambda options, shapes: {"x": "spread(g, x)" + _divided(shapes[0], options["axis"])},
    sample=_sample,
    check=has_axis,
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
        cells = line(at, x, axis)
        own = x[at]
        place = cells.index(own)
        strict, loose = ("gt", "ge") if name == "max" else ("lt", "le")
        claims = [fn(strict, own, other) for other in cells[:place]] + [
            fn(loose, own, other) for other in cells[place + 1 :]
        ]
        return fn("and", *claims) if claims else scalar.Const(1.0)

    return cell


for _name, _function, _word, _sign in (("max", np.max, "largest", 1.0), ("min", np.min, "smallest", -1.0)):
    op(
        f"{_name}(x, axis=None)",
        doc=f"The {_word} number. Convention: its gradient goes to the first {_word}.",
        shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
        value=_reduced(_function),
        cell=lambda at, x, axis, name=_name: fn(name, *line(at, x, axis)),
        grad={"x": f"keep(spread(g, x), first_{_name}(x, axis=axis))"},
        sample=_sample,
        check=has_axis,
        distance=lambda x, axis=None, sign=_sign: lead(sign * x, axis),
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
        check=has_axis,
        distance=lambda x, axis=None, sign=_sign: lead(sign * x, axis),
        look=Look(kind="claim", written=f"{{0}} is the {_word}"),
    )

for _name, _test, _joined, _words in (("any", np.any, "or", "at least one"), ("all", np.all, "and", "every")):
    op(
        f"{_name}(x, axis=None)",
        doc=f"1 if {_words} number is not 0, else 0.",
        shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
        value=_reduced(_test),
        cell=lambda at, x, axis, joined=_joined: fn(joined, *line(at, x, axis)),
        grad=FLAT,
        sample=lambda rng: {"x": np.array([[1.0, 0.0], [0.0, 0.0]]), "axis": 1},
        check=has_axis,
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
    check=has_axis,
    look=Look(kind="reduction", gloss="how many"),
)
op(
    "count(x, axis=None)",
    doc="How many numbers are not 0: count(p > t) says how often a claim holds.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
    value=_reduced(np.count_nonzero),
    cell=lambda at, x, axis: scalar.add(fn("if", cell, 1, 0) for cell in line(at, x, axis)),
    grad=FLAT,
    sample=lambda rng: {"x": np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]]), "axis": 1},
    check=has_axis,
    look=Look(kind="reduction", sign="count", gloss="how many hold, or are not 0"),
)


def _cumsum(x: Array, axis: int = 0, reverse: int = 0) -> Array:
    axis = int(axis)
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)


def _cumsum_cell(at: At, x: Cells, axis: int, reverse: int) -> Tree:
    cells, place = line(at, x, axis), at[int(axis)]
    return scalar.add(cells[place:] if reverse else cells[: place + 1])


op(
    "cumsum(x, axis=0, reverse=0)",
    doc="Each number with all before it added up, down each column; reverse=1: with all after it.",
    shapes="any -> same",
    value=_cumsum,
    cell=_cumsum_cell,
    grad=lambda options, shapes: {"x": f"cumsum(g, axis={options['axis']}, reverse={int(not options['reverse'])})"},
    sample=lambda rng: {"x": rng.normal(size=(3, 2)), "axis": 1},
    check=lambda names, x, axis=0, reverse=0: must_have_axis(names, x, axis),
    look=Look(kind="window", gloss=lambda options: f"each with all {'after' if options['reverse'] else 'before'} it"),
)
