"""Matrix products and the transpose."""

from __future__ import annotations

import numpy as np

from nnsteps import scalar
from nnsteps.errors import ShapeError
from nnsteps.ops.registry import At, Cells, Look, Shape, op, side_text
from nnsteps.scalar import Fn, Ref, Tree


def _fits(names: tuple[str, ...], a: Shape, b: Shape) -> None:
    left, right = names
    if a[-1] != b[-2]:
        raise ShapeError(
            f"{left} ({side_text(a)}) cannot be multiplied by {right} ({side_text(b)})",
            hint=f"{left} has {_count(a[-1], 'column')}, so {right} needs {_count(a[-1], 'row')}; it has {b[-2]}.",
        )
    batch_a, batch_b = a[:-2], b[:-2]
    if (
        batch_a
        and batch_b
        and (len(a) != len(b) or any(x != y and 1 not in (x, y) for x, y in zip(batch_a, batch_b, strict=True)))
    ):
        raise ShapeError(
            f"{left} ({side_text(a)}) and {right} ({side_text(b)}) hold a different number of matrices",
            hint="The sides before the last two must be equal, or 1.",
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")


def _dot(at: At, a: Cells, b: Cells) -> Tree:
    *batch, row, column = at
    left, right = _batch(batch, a), _batch(batch, b)
    return scalar.add(
        [Fn("mul", (Ref(a.node, (*left, row, k)), Ref(b.node, (*right, k, column)))) for k in range(a.shape[-1])]
    )


def _batch(batch: list[int], x: Cells) -> tuple[int, ...]:
    """Which matrix of a stack is meant; one matrix goes with all."""
    sides = x.shape[:-2]
    return tuple(0 if side == 1 else place for place, side in zip(batch[len(batch) - len(sides) :], sides, strict=True))


op(
    "matmul(a, b)",
    infix="@",
    doc="Matrix product: each row of the first times each column of the second.",
    shapes="(m, k), (k, n) -> (m, n); above rank 2 matrix by matrix",
    value=np.matmul,
    cell=_dot,
    grad={"a": "g @ b.T", "b": "a.T @ g"},
    sample=lambda rng: {"a": rng.normal(size=(2, 3)), "b": rng.normal(size=(3, 4))},
    check=_fits,
    look=Look(kind="product", gloss="row times column"),
)
op(
    "transpose(x)",
    doc="Rows become columns (above rank 2, in each matrix). Written x.T in a formula.",
    shapes="(m, n) -> (n, m)",
    value=lambda x: np.swapaxes(x, -1, -2),
    cell=lambda at, x: x[(*at[:-2], at[-1], at[-2])],
    grad={"x": "g.T"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3))},
    look=Look(kind="shaping", written="{0}ᵀ"),
)
