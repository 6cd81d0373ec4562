"""Matrix products, the transpose, and what undoes a product: the solution of linear equations."""

from __future__ import annotations

import math

import numpy as np

from nnsteps import scalar
from nnsteps.errors import NumberError, ShapeError
from nnsteps.ops.registry import Array, At, Cells, Cost, Look, Shape, op, side_text
from nnsteps.scalar import Fn, Ref, Tree, fn


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


def _product_cost(a: Array, b: Array) -> Cost:
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    cells = math.prod(stack) * a.shape[-2] * b.shape[-1]
    return Cost(cells, 2 * cells * a.shape[-1])


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
    cost=_product_cost,
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


MOST_UNKNOWNS = 5  # Cramer's rule has 5! products of 5 numbers in each determinant


def _solve(a: Array, b: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(a, b))
    except np.linalg.LinAlgError:
        raise NumberError(
            "these equations have no single solution", hint="A row of the matrix is made of the others: it is singular."
        ) from None


def _square(names: tuple[str, ...], a: Shape, b: Shape) -> None:
    if len(a) != 2 or a[0] != a[1] or a[0] > MOST_UNKNOWNS:
        raise ShapeError(
            f"{names[0]} ({side_text(a)}) is not a square matrix that can be solved by hand",
            hint=f"As many equations as unknowns are needed, at most {MOST_UNKNOWNS}.",
        )
    if len(b) != 2 or b[0] != a[0]:
        raise ShapeError(
            f"{names[1]} ({side_text(b)}) does not fit {names[0]} ({side_text(a)})",
            hint=f"There are {a[0]} equations, so {names[1]} needs {_count(a[0], 'row')}; it has {b[0]}.",
        )


def _determinant(rows: list[list[Tree]]) -> Tree:
    """By the first column: its cells times the determinants of what is left."""
    if len(rows) == 1:
        return rows[0][0]
    parts: list[Tree] = []
    for k, row in enumerate(rows):
        rest = [other[1:] for j, other in enumerate(rows) if j != k]
        product = fn("mul", row[0], _determinant(rest))
        parts.append(scalar.neg(product) if k % 2 else product)
    return scalar.add(parts)


def _cramer(at: At, a: Cells, b: Cells) -> Tree:
    """The determinant with b in the column of this unknown, over the determinant."""
    places = range(a.shape[0])
    matrix: list[list[Tree]] = [[Ref(a.node, (i, j)) for j in places] for i in places]
    swapped = [[Ref(b.node, (i, at[1])) if j == at[0] else matrix[i][j] for j in places] for i in places]
    return fn("div", _determinant(swapped), _determinant(matrix))


op(
    "solve(a, b)",
    doc="The x with a @ x = b, for each column of b. Explained by Cramer's rule, so for at most 5 unknowns.",
    shapes="(m, m), (m, n) -> (m, n)",
    value=_solve,
    cell=_cramer,
    grad={"a": "-solve(a.T, g) @ out.T", "b": "solve(a.T, g)"},
    sample=lambda rng: {"a": rng.normal(size=(3, 3)) + 3 * np.eye(3), "b": rng.normal(size=(3, 2))},
    check=_square,
    source="Cramer 1750; Giles 2008, section 2.3.1",
    look=Look(kind="window", gloss="the solution of a x = b"),
)
