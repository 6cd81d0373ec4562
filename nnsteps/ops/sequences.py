"""Operations for sequences: what a position may not see, and where in the sequence it stands."""

from __future__ import annotations

import numpy as np

from nnsteps.errors import ShapeError
from nnsteps.ops.axes import whole
from nnsteps.ops.registry import FLAT, Array, At, Cells, Look, Shape, only, op, side_text, stretches
from nnsteps.scalar import Const, Tree, fn

# --- masks -------------------------------------------------------------------------------------------------------


def _masking(value: float | None) -> float:
    return -np.inf if value is None else float(value)


def _later(shape: Shape) -> Array:
    """1 where the row (key) comes after the column (query)."""
    return np.tril(np.ones(shape), -1)


op(
    "masked_fill(x, mask, value=None)",
    doc="x where the mask is 0, else −∞: softmax gives such a cell 0. With a value, that number instead.",
    shapes="two that fit -> the shape of x",
    value=lambda x, mask, value=None: np.where(mask != 0, _masking(value), x) + 0.0,
    cell=lambda at, x, mask, value: fn("if", mask[at], _masking(value), x[at]),
    grad={"x": "keep(g, mask == 0)", "mask": None},
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "mask": np.array([[0.0, 1.0, 0.0]]), "value": -2},
    check=stretches,
    look=Look(kind="shaping", gloss="−∞ where the mask is not 0"),
)
op(
    "causal_mask(x, value=None)",
    doc="−∞ where a key comes after the query, so that no position sees a later one. Keys down, queries across: "
    "the cells below the diagonal (in PyTorch queries go down, so those above it). With a value, that number instead.",
    shapes="(m, n) -> same",
    value=lambda x, value=None: np.where(_later(x.shape), _masking(value), x),
    cell=lambda at, x, value: Const(_masking(value)) if at[-2] > at[-1] else x[at],
    grad=lambda options, shapes: {"x": "causal_mask(g, value=0)"},
    sample=lambda rng: {"x": rng.normal(size=(3, 3)), "value": -2},
    look=Look(kind="shaping", gloss="−∞ where a key is still to come"),
)

# --- positions ---------------------------------------------------------------------------------------------------


def _frequencies(features: int, base: float) -> Array:
    """What a position is divided by, in each row: two rows, a sine and a cosine, share one."""
    rows = np.arange(int(features))
    return np.asarray(float(base) ** ((rows - rows % 2) / int(features)))[:, None]


def _encoded(length: Array, features: int = 4, base: float = 10000, start: int = 0) -> Array:
    angles = (np.arange(whole(length, "length")) + int(start)) / _frequencies(features, base)
    return np.where(np.arange(int(features))[:, None] % 2 == 0, np.sin(angles), np.cos(angles))


def _encoded_cell(at: At, length: Cells, features: int, base: float, start: int) -> Tree:
    row, position = at
    raised = fn("pow", base, fn("div", row - row % 2, features))
    return fn("cos" if row % 2 else "sin", fn("div", position + int(start), raised))


MOST_START = 10**9


def _encoded_check(names: tuple[str, ...], length: Shape, features: int = 4, **options: float) -> None:
    if set(length) != {1}:
        raise ShapeError(f"{names[0]} ({side_text(length)}) must be one number: how many positions there are")
    for name, number, least in (("features", features, 1), ("start", options.get("start", 0), -MOST_START)):
        if not (int(number) == number and least <= number <= MOST_START):
            raise ShapeError(f"{name} must be a whole number from {least:,}, not {number:g}")


op(
    "positional_encoding(length, features=4, base=10000, start=0)",
    doc="A column for each position: sin(t / base^(2i / features)) and below it the cosine, for each pair i of rows. "
    "The first position is t = start, 0 as in the paper.",
    shapes="(1, 1) -> (features, length)",
    value=_encoded,
    cost=lambda length, features=4, **_: only(whole(length, "length") * int(features)),
    cell=_encoded_cell,
    grad=FLAT,
    sample=lambda rng: {"length": np.array([[5.0]]), "features": 6},
    check=_encoded_check,
    source="Vaswani et al. 2017, section 3.5",
    look=Look(kind="window", gloss="sines and cosines of the position"),
)
