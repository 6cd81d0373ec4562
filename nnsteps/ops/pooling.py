"""Pooling: the largest number, or the average, of each window of a table; every channel by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnsteps import scalar
from nnsteps.errors import ShapeError
from nnsteps.ops.axes import lead
from nnsteps.ops.geometry import Geometry
from nnsteps.ops.registry import Array, At, Cells, Look, Options, Shape, must_be, op, side_text
from nnsteps.scalar import Const, Ref, Tree, fn

POOL = "size=2, stride=None, padding=0"


def _geometry(shape: Shape, options: Options) -> Geometry:
    """The windows on each table, all tables as examples of one channel; size 0 is the whole table."""
    rows, columns = shape[-2:]
    size = int(options["size"])
    window = (size, size) if size else (rows, columns)
    stride = window if options["stride"] is None else (int(options["stride"]),) * 2
    padding = int(options["padding"])
    tables = int(np.prod(shape[:-2]))
    return Geometry((tables, 1, rows, columns), (1, 1, *window), stride, (padding, padding), (1, 1), 1)


def _check(names: tuple[str, ...], x: Shape, **options: Any) -> None:
    for option, least in (("size", 0), ("stride", 1), ("padding", 0)):
        number = options[option]
        if number is not None and not (int(number) == number and number >= least):
            raise ShapeError(f"{option} of pooling must be a whole number from {least}, not {number:g}")
    geometry = _geometry(x, options)
    if min(geometry.out) < 1:
        raise ShapeError(
            f"windows of {side_text(geometry.filter[2:])} are larger than {names[0]} ({side_text(x)})",
            hint="(W − F + 2P) / S + 1 must be at least 1.",
        )
    if 2 * geometry.padding[0] > min(geometry.filter[2:]):
        raise ShapeError("padding of pooling is at most half a window", hint="A window of padding alone has no number.")


def _back_check(names: tuple[str, ...], slope: Shape, x: Shape, **options: Any) -> None:
    _check(names[1:], x, **options)
    must_be(names[0], slope, _out(x, _geometry(x, options)), f"what pooling makes of {names[1]}")


def _window(geometry: Geometry, x: Cells, at: At) -> list[Ref]:
    """The cells of x in the window of a cell of the result, in reading order."""
    *stack, i, j = at
    places = (
        (geometry.source(0, i, p), geometry.source(1, j, q))
        for p, q in np.ndindex(geometry.filter[2], geometry.filter[3])
    )
    rows, columns = x.shape[-2:]
    return [Ref(x.node, (*stack, row, column)) for row, column in places if 0 <= row < rows and 0 <= column < columns]


def _windows_over(geometry: Geometry, at: At) -> Iterator[At]:
    """The cells of the result whose windows cover a cell of x, in reading order."""
    *stack, row, column = at
    found = []
    for p, q in np.ndindex(geometry.filter[2], geometry.filter[3]):
        i, j = geometry.windows(0, row, p), geometry.windows(1, column, q)
        if i is not None and j is not None:
            found.append((*stack, i, j))
    yield from sorted(found)


def _stacked(x: Array, options: Options, fill: float) -> tuple[Geometry, Array]:
    """All windows: one entry for each of their cells, then the result's sides."""
    geometry = _geometry(x.shape, options)
    padded = geometry.padded(x.reshape(geometry.image), fill)
    return geometry, np.stack([part for _, _, part in geometry.views(padded)])


def _out(shape: Shape, geometry: Geometry) -> Shape:
    return (*shape[:-2], *geometry.out[2:])


def _handed_back(x: Array, options: Options, shares: Array) -> Array:
    """Shares for each cell of each window, added up on the cells of x."""
    geometry = _geometry(x.shape, options)
    padded = geometry.padded(np.zeros(geometry.image))
    for place, (_, _, part) in enumerate(geometry.views(padded)):
        part += shares[place]
    (rows, columns), (_, _, height, width) = geometry.padding, geometry.image
    return padded[:, :, rows : rows + height, columns : columns + width].reshape(x.shape)


# --- the largest -------------------------------------------------------------------------------------------------


def _max_pool(x: Array, **options: Any) -> Array:
    geometry, parts = _stacked(x, options, -np.inf)
    return np.asarray(parts.max(axis=0)).reshape(_out(x.shape, geometry))


def _lead(x: Array, **options: Any) -> Array:
    """How far the largest number of each window is ahead of the next one."""
    geometry, parts = _stacked(x, options, -np.inf)
    return lead(parts, 0).reshape(_out(x.shape, geometry))


def _max_grad(slope: Array, x: Array, **options: Any) -> Array:
    geometry, parts = _stacked(x, options, -np.inf)
    chosen = np.arange(len(parts)).reshape(-1, 1, 1, 1, 1) == parts.argmax(axis=0)
    return _handed_back(x, options, chosen * slope.reshape(geometry.out))


def _max_grad_cell(at: At, slope: Cells, x: Cells, **options: Any) -> Tree:
    geometry, own = _geometry(x.shape, options), Ref(x.node, at)
    terms: list[Tree] = []
    for place in _windows_over(geometry, at):
        cells = _window(geometry, x, place)
        mine = cells.index(own)
        claims = [fn("gt" if k < mine else "ge", own, other) for k, other in enumerate(cells) if k != mine]
        passed = Ref(slope.node, place)
        terms.append(fn("if", fn("and", *claims), passed, 0) if claims else passed)
    return scalar.add(terms)


op(
    f"max_pool2d(x, {POOL})",
    doc="The largest number of each window; windows of size × size, side by side unless a stride is given (size=0: the "
    "whole table). Convention: its gradient goes to the first largest.",
    shapes="(c, m, n) -> (c, m', n')",
    value=_max_pool,
    cell=lambda at, x, **options: fn("max", *_window(_geometry(x.shape, options), x, at)),
    grad={"x": "max_pool2d_grad(g, x, size=size, stride=stride, padding=padding)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 5, 4)), "size": 3, "stride": 2, "padding": 1},
    check=_check,
    distance=_lead,
    look=Look(kind="window", gloss="the largest of each window"),
)
op(
    f"max_pool2d_grad(slope, x, {POOL})",
    doc="What goes back to the input of max_pool2d: every slope to the first largest number of its window.",
    shapes="(c, m', n'), (c, m, n) -> (c, m, n)",
    value=_max_grad,
    cell=_max_grad_cell,
    grad={"slope": None},
    sample=lambda rng: {
        "slope": rng.normal(size=(2, 3, 2)), "x": rng.normal(size=(2, 5, 4)), "size": 3, "stride": 2, "padding": 1
    },
    check=_back_check,
    look=Look(
        kind="window", written="{0} at the largest of each window, 0 elsewhere", terse=True,
        gloss="to the largest of each window",
    ),
)  # fmt: skip

# --- the average -------------------------------------------------------------------------------------------------


def _avg_pool(x: Array, **options: Any) -> Array:
    geometry, parts = _stacked(x, options, 0.0)
    return np.asarray(parts.mean(axis=0)).reshape(_out(x.shape, geometry))


def _cells_in_window(geometry: Geometry) -> int:
    return geometry.filter[2] * geometry.filter[3]


def _avg_cell(at: At, x: Cells, **options: Any) -> Tree:
    geometry = _geometry(x.shape, options)
    return fn("div", scalar.add(_window(geometry, x, at)), _cells_in_window(geometry))


def _avg_grad(slope: Array, like: Array, **options: Any) -> Array:
    geometry = _geometry(like.shape, options)
    count = _cells_in_window(geometry)
    share = np.broadcast_to(slope.reshape(geometry.out) / count, (count, *geometry.out))
    return _handed_back(like, options, share)


def _avg_grad_cell(at: At, slope: Cells, like: Cells, **options: Any) -> Tree:
    geometry = _geometry(like.shape, options)
    terms = [Ref(slope.node, place) for place in _windows_over(geometry, at)]
    return fn("div", scalar.add(terms), _cells_in_window(geometry)) if terms else Const(0.0)


op(
    f"avg_pool2d(x, {POOL})",
    doc="The average of each window; windows of size × size, side by side unless a stride is given (size=0: the whole "
    "table). Convention: padding counts as zeros, as in PyTorch; ONNX leaves it out unless asked.",
    shapes="(c, m, n) -> (c, m', n')",
    value=_avg_pool,
    cell=_avg_cell,
    grad={"x": "avg_pool2d_grad(g, x, size=size, stride=stride, padding=padding)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 5, 4)), "size": 3, "stride": 2, "padding": 1},
    check=_check,
    look=Look(kind="window", gloss="the average of each window"),
)
op(
    f"avg_pool2d_grad(slope, like, {POOL})",
    doc="What goes back to the input of avg_pool2d: every slope in equal shares to the cells of its window.",
    shapes="(c, m', n'), (c, m, n) -> (c, m, n)",
    value=_avg_grad,
    cell=_avg_grad_cell,
    grad={"slope": "avg_pool2d(g, size=size, stride=stride, padding=padding)"},
    sample=lambda rng: {
        "slope": rng.normal(size=(2, 3, 2)), "like": np.zeros((2, 5, 4)), "size": 3, "stride": 2, "padding": 1
    },
    check=_back_check,
    look=Look(
        kind="window", written="{0} in equal shares to its window", terse=True, gloss="shared out over each window"
    ),
)  # fmt: skip
