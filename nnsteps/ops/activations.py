"""Activations that are arithmetic of their own; those made of others are compounds. Work on each cell by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps import scalar
from nnsteps.ops.registry import FLAT, Array, Look, op
from nnsteps.scalar import fn

if TYPE_CHECKING:
    from numpy.random import Generator as Rng


def _normal(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(2, 3))}


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1.0 + small))


op(
    "relu(x)",
    doc="A negative number becomes 0. Convention: relu′(0) = 0.",
    shapes="any -> same",
    value=lambda x: np.maximum(x, 0.0),
    cell=lambda at, x: fn("max", 0, x[at]),
    grad={"x": "keep(g, x > 0)"},
    sample=_normal,
    source="Nair and Hinton 2010",
    distance=np.abs,
    look=Look(written="ReLU({0})", gate=True, gloss="a negative number becomes 0"),
)
op(
    "leaky_relu(x, alpha=0.01)",
    doc="A negative number is multiplied by alpha. Convention: the slope at 0 is alpha.",
    shapes="any -> same",
    value=lambda x, alpha=0.01: np.where(x > 0, x, alpha * x),
    cell=lambda at, x, alpha: fn("if", fn("gt", x[at], 0), x[at], fn("mul", alpha, x[at])),
    grad={"x": "where(x > 0, g, alpha * g)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "alpha": 0.1},
    source="Maas, Hannun and Ng 2013",
    distance=lambda x, alpha: np.abs(x),
    look=Look(gloss="a negative number shrinks"),
)
op(
    "sigmoid(x)",
    doc="1 / (1 + e^(−x)): squash each number into (0, 1).",
    shapes="any -> same",
    value=_sigmoid,
    cell=lambda at, x: fn("div", 1, fn("add", 1, fn("exp", scalar.neg(x[at])))),
    grad={"x": "g * out * (1 - out)"},
    sample=_normal,
    source="d σ/dx = σ(1 − σ)",
    look=Look(written="σ({0})", gloss="1 ÷ (1 + e^−x), between 0 and 1"),
)
op(
    "tanh(x)",
    doc="Hyperbolic tangent: squash each number into (−1, 1).",
    shapes="any -> same",
    value=np.tanh,
    cell=lambda at, x: fn("tanh", x[at]),
    grad={"x": "g * (1 - out * out)"},
    sample=_normal,
    source="d tanh/dx = 1 − tanh²",
    look=Look(gloss="between −1 and 1"),
)
op(
    "step(x)",
    doc="1 where a number is above 0, else 0. Convention: step(0) = 0.",
    shapes="any -> same",
    value=lambda x: np.asarray(x > 0, dtype=np.float64),
    cell=lambda at, x: fn("if", fn("gt", x[at], 0), 1, 0),
    grad=FLAT,
    sample=_normal,
    source="McCulloch and Pitts 1943",
    margin=np.abs,
    look=Look(gloss="1 above 0, else 0"),
)
