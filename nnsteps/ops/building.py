"""Operations that make arrays, or put arrays together in ways beyond rows and columns side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps.errors import ShapeError
from nnsteps.ops.axes import has_axis, must_have_axis, whole
from nnsteps.ops.registry import FLAT, Array, At, Cells, Cost, Look, Options, Shape, must_be, only, op, side_text
from nnsteps.scalar import Const, Ref, Tree

if TYPE_CHECKING:
    from numpy.random import Generator as Rng

SHAPING = Look(kind="shaping")


def _normal(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(2, 3))}


# --- out of nothing ----------------------------------------------------------------------------------------------


def _one_number(names: tuple[str, ...], *shapes: Shape, **_: object) -> None:
    for name, shape in zip(names, shapes, strict=True):
        if set(shape) != {1}:
            raise ShapeError(f"{name} ({side_text(shape)}) must be one number: how many there are")


op(
    "eye(n)",
    doc="The identity: 1 on the diagonal, 0 elsewhere.",
    shapes="(1, 1) -> (n, n)",
    value=lambda n: np.eye(whole(n, "n")),
    cost=lambda n: only(whole(n, "n") ** 2),
    cell=lambda at, n: Const(float(at[0] == at[1])),
    grad=FLAT,
    sample=lambda rng: {"n": np.array([[3.0]])},
    check=_one_number,
    look=Look(kind="shaping", gloss="1 on the diagonal, else 0"),
)
for _name, _number in (("zeros", 0.0), ("ones", 1.0)):
    op(
        f"{_name}(rows, columns=1)",
        doc=f"{_number:g} in every cell; without columns one column.",
        shapes="(1, 1) -> (rows, columns)",
        value=lambda rows, columns=1, number=_number: np.full(
            (whole(rows, "rows"), whole(np.array([float(columns)]), "columns")), number
        ),
        cost=lambda rows, columns=1: only(whole(rows, "rows") * whole(np.array([float(columns)]), "columns")),
        cell=lambda at, rows, columns, number=_number: Const(number),
        grad=FLAT,
        sample=lambda rng: {"rows": np.array([[2.0]]), "columns": 3},
        check=_one_number,
        look=SHAPING,
    )


def _is_list(shape: Shape) -> bool:
    return 1 in shape


def _diag_cell(at: At, x: Cells) -> Tree:
    if not _is_list(x.shape):
        return Ref(x.node, (at[0], at[0]))
    return Ref(x.node, (at[0], 0) if x.shape[1] == 1 else (0, at[0])) if at[0] == at[1] else Const(0.0)


def _table(names: tuple[str, ...], x: Shape, **_: object) -> None:
    if len(x) != 2:
        raise ShapeError(f"{names[0]} ({side_text(x)}) is not a table of rows and columns")


op(
    "diag(x)",
    doc="A column (or row) on the diagonal of a matrix, 0 elsewhere; of a matrix its diagonal, as a column.",
    shapes="(n, 1) -> (n, n); (m, n) -> (min(m, n), 1)",
    value=lambda x: np.diag(x.ravel()) if _is_list(x.shape) else np.diag(x)[:, None],
    cost=lambda x: only(x.size**2 if _is_list(x.shape) else x.size),
    cell=_diag_cell,
    grad=lambda options, shapes: {"x": "shaped(diag(g), x)" if _is_list(shapes[0]) else "on_diagonal(g, x)"},
    sample=lambda rng: {"x": rng.normal(size=(1, 3))},
    check=_table,
    look=SHAPING,
)


def _diagonal_check(names: tuple[str, ...], x: Shape, like: Shape) -> None:
    _table(names[1:], like)
    must_be(names[0], x, (min(like), 1), f"the diagonal of {names[1]}")


def _on_diagonal(x: Array, like: Array) -> Array:
    out = np.zeros(like.shape)
    np.fill_diagonal(out, x.ravel())
    return out


op(
    "on_diagonal(x, like)",
    doc="A column on the diagonal of a matrix in the shape of `like`, 0 elsewhere: what diag of a matrix undoes.",
    shapes="(k, 1), (m, n) -> (m, n)",
    value=_on_diagonal,
    cell=lambda at, x, like: Ref(x.node, (at[0], 0)) if at[0] == at[1] else Const(0.0),
    grad=lambda options, shapes: {"x": "g[1, 1]" if _is_list(shapes[1]) else "diag(g)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 1)), "like": np.zeros((2, 3))},
    check=_diagonal_check,
    look=SHAPING,
)

# --- together ----------------------------------------------------------------------------------------------------


def _part(shape: Shape, axis: int, low: int, high: int) -> str:
    """The slice of g that belongs to one of several: g[:, 2:3], counted from 1."""
    return ", ".join(f"{low}:{high}" if k == axis else ":" for k in range(len(shape)))


def _concat_cell(at: At, *xs: Cells, axis: int) -> Tree:
    axis = int(axis)
    place = at[axis]
    for x in xs:
        if place < x.shape[axis]:
            return Ref(x.node, (*at[:axis], place, *at[axis + 1 :]))
        place -= x.shape[axis]
    raise AssertionError("a cell outside of all")


def _concat_rules(options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str]:
    axis, start, out = int(options["axis"]), 0, {}
    for place, shape in enumerate(shapes, start=1):
        out[f"x{place}"] = f"g[{_part(shape, axis, start + 1, start + shape[axis])}]"
        start += shape[axis]
    return out


def _concat_check(names: tuple[str, ...], *shapes: Shape, axis: int = 0) -> None:
    must_have_axis(names[:1], shapes[0], axis)
    for name, shape in zip(names, shapes, strict=True):
        others = [(a, b) for k, (a, b) in enumerate(zip(shapes[0], shape, strict=False)) if k != axis]
        if len(shape) != len(shapes[0]) or any(a != b for a, b in others):
            raise ShapeError(
                f"{names[0]} ({side_text(shapes[0])}) and {name} ({side_text(shape)}) cannot be put together",
                hint=f"Only along axis {axis:g} they may differ.",
            )


op(
    "concat(*x, axis=0)",
    doc="Put arrays one after the other along an axis: axis=0 on top of each other, axis=1 side by side.",
    shapes="(m, n), (k, n), … -> (m + k + …, n)",
    value=lambda *xs, axis=0: np.concatenate(xs, axis=int(axis)),
    cell=_concat_cell,
    grad=_concat_rules,
    sample=lambda rng: {"x1": rng.normal(size=(2, 1, 2)), "x2": rng.normal(size=(2, 3, 2)), "axis": 1},
    check=_concat_check,
    look=SHAPING,
)


def _alike(names: tuple[str, ...], *shapes: Shape) -> None:
    for name, shape in zip(names, shapes, strict=True):
        if shape != shapes[0] or len(shape) > 3:
            raise ShapeError(
                f"{names[0]} ({side_text(shapes[0])}) and {name} ({side_text(shape)}) cannot be stacked",
                hint="Arrays of one shape are needed, of rank 3 at most.",
            )


op(
    "stack(*x)",
    doc="Put tables behind each other: a new first axis, one entry for each.",
    shapes="(m, n), (m, n), … -> (k, m, n)",
    value=lambda *xs: np.stack(xs),
    cell=lambda at, *xs: Ref(xs[at[0]].node, at[1:]),
    grad=lambda options, shapes: {
        f"x{k}": f"shaped(g[{_part((1, *shape), 0, k, k)}], x{k})" for k, shape in enumerate(shapes, start=1)
    },
    sample=lambda rng: {f"x{k}": rng.normal(size=(2, 3)) for k in (1, 2)},
    check=_alike,
    look=SHAPING,
)

# --- moved -------------------------------------------------------------------------------------------------------


def _margins(top: int, bottom: int | None, left: int | None, right: int | None) -> tuple[int, int, int, int]:
    """How many rows and columns are added on each side; a side that is not said follows the first."""
    first = int(top)
    return first, *(first if side is None else int(side) for side in (bottom, left, right))  # type: ignore[return-value]


def _pad(
    x: Array, top: int = 1, bottom: int | None = None, left: int | None = None, right: int | None = None,
    value: float = 0,
) -> Array:  # fmt: skip
    up, down, before, behind = _margins(top, bottom, left, right)
    widths = [(0, 0)] * (x.ndim - 2) + [(up, down), (before, behind)]
    return np.pad(x, widths, constant_values=float(value))


def _pad_cost(x: Array, value: float = 0, **edges: int | None) -> Cost:
    up, down, before, behind = _margins(**edges)  # type: ignore[arg-type]
    *stack, rows, columns = x.shape
    return only(math.prod(stack) * (rows + up + down) * (columns + before + behind))


def _pad_cell(
    at: At, x: Cells, top: int, bottom: int | None, left: int | None, right: int | None, value: float
) -> Tree:
    up, _, before, _ = _margins(top, bottom, left, right)
    place = (*at[:-2], at[-2] - up, at[-1] - before)
    inside = all(0 <= k < side for k, side in zip(place, x.shape, strict=True))
    return Ref(x.node, place) if inside else Const(float(value))


def _pad_rules(options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str]:
    up, _, before, _ = _margins(*(options[side] for side in ("top", "bottom", "left", "right")))
    rows, columns = shapes[0][-2:]
    part = f"{up + 1}:{up + rows}, {before + 1}:{before + columns}"
    return {"x": f"g[{':, ' * (len(shapes[0]) - 2)}{part}]"}


def _pad_check(names: tuple[str, ...], x: Shape, value: float = 0, **edges: float | None) -> None:
    for name, edge in edges.items():
        if edge is not None and not (int(edge) == edge and edge >= 0):
            raise ShapeError(f"{name} must be a whole number from 0, not {edge:g}")


op(
    "pad(x, top=1, bottom=None, left=None, right=None, value=0)",
    doc="Rows and columns of a number around each table; pad(x, 1) adds one on every side.",
    shapes="(m, n) -> (m + top + bottom, n + left + right)",
    value=_pad,
    cost=_pad_cost,
    cell=_pad_cell,
    grad=_pad_rules,
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "top": 1, "bottom": 0, "left": 2, "right": 1},
    check=_pad_check,
    look=Look(kind="shaping", gloss="zeros around it"),
)
op(
    "flip(x, axis=0)",
    doc="The rows in reverse order; axis=1: the columns.",
    shapes="any -> same",
    value=lambda x, axis=0: np.flip(x, int(axis)),
    cell=lambda at, x, axis: Ref(
        x.node, tuple(x.shape[k] - 1 - place if k == int(axis) else place for k, place in enumerate(at))
    ),
    grad={"x": "flip(g, axis=axis)"},
    sample=_normal,
    check=must_have_axis,
    look=Look(kind="shaping", gloss="in reverse order"),
)
op(
    "roll(x, shift=1, axis=0)",
    doc="The rows moved down by `shift`, the last ones coming first; axis=1: the columns moved to the right.",
    shapes="any -> same",
    value=lambda x, shift=1, axis=0: np.roll(x, int(shift), int(axis)),
    cell=lambda at, x, shift, axis: Ref(
        x.node, tuple((place - int(shift)) % x.shape[k] if k == int(axis) else place for k, place in enumerate(at))
    ),
    grad=lambda options, shapes: {"x": f"roll(g, shift={-options['shift']}, axis={options['axis']})"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "shift": 2, "axis": 1},
    check=lambda names, x, shift=1, axis=0: has_axis(names, x, axis),
    look=Look(kind="shaping", gloss="moved round"),
)


def _grouped(shape: Shape, groups: int) -> Shape:
    """Features in groups, examples apart; a stack of channels is one example."""
    rest = (-1, shape[1]) if len(shape) == 2 else (-1,)
    return (int(groups), *rest)


def _grouped_cell(at: At, x: Cells, groups: int) -> Tree:
    size = int(np.prod(x.shape))
    shape = _grouped(x.shape, groups)
    place = np.ravel_multi_index(at, tuple(size // -int(np.prod(shape)) if k == -1 else k for k in shape))
    return Ref(x.node, tuple(int(k) for k in np.unravel_index(int(place), x.shape)))


def _grouped_check(names: tuple[str, ...], x: Shape, groups: int = 1) -> None:
    if len(x) > 3 or groups < 1 or x[0] % groups:
        raise ShapeError(
            f"{names[0]} ({side_text(x)}) cannot be split into {groups:g} groups",
            hint=f"Its first side has {x[0]} entries, which must fall into equal groups; rank 3 at most.",
        )


op(
    "grouped(x, groups=1)",
    doc="The features (rows) of a table, or the channels of a stack, in equal groups of neighbours.",
    shapes="(m, n) -> (groups, m / groups, n); (c, m, n) -> (groups, c·m·n / groups)",
    value=lambda x, groups=1: x.reshape(_grouped(x.shape, groups)),
    cell=_grouped_cell,
    grad={"x": "shaped(g, x)"},
    sample=lambda rng: {"x": rng.normal(size=(4, 3)), "groups": 2},
    check=_grouped_check,
    look=SHAPING,
)
