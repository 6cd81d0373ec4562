"""Claims: 1 where they hold, else 0. Comparisons, and what joins claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnsteps.ops.registry import FLAT, Array, Look, op, stretches
from nnsteps.scalar import fn


def _number(claim: Any) -> Array:
    return np.asarray(claim, dtype=np.float64)


def _claim(name: str, sign: str, value: Callable[..., Any], doc: str) -> None:
    op(
        f"{name}(a, b)",
        infix=sign,
        doc=doc + ": 1 where it holds, else 0.",
        shapes="two that fit -> their stretched shape",
        value=lambda a, b: _number(value(a, b)),
        cell=lambda at, a, b: fn("if", fn(name, a[at], b[at]), 1, 0),
        grad=FLAT,
        sample=lambda rng: {"a": np.array([[1.0, 2.0, 3.0]]), "b": np.array([[2.0], [1.0]])},
        check=stretches,
        margin=lambda a, b: np.abs(a - b),
        look=Look(kind="claim"),
    )


_claim("lt", "<", np.less, "Smaller")
_claim("le", "<=", np.less_equal, "Smaller or equal")
_claim("gt", ">", np.greater, "Larger")
_claim("ge", ">=", np.greater_equal, "Larger or equal")
_claim("eq", "==", np.equal, "Equal")
_claim("ne", "!=", np.not_equal, "Different")


def _logic(name: str, infix: str, value: Callable[..., Any], doc: str) -> None:
    op(
        f"{name}(a, b)",
        infix=infix,
        doc=doc,
        shapes="two that fit -> their stretched shape",
        value=lambda a, b: _number(value(a != 0, b != 0)),
        cell=lambda at, a, b: fn(infix, a[at], b[at]),
        grad=FLAT,
        sample=lambda rng: {"a": np.array([[1.0, 0.0, 2.0]]), "b": np.array([[1.0], [0.0]])},
        check=stretches,
        look=Look(kind="claim"),
    )


_logic("both", "and", np.logical_and, "1 where both hold, else 0.")
_logic("either", "or", np.logical_or, "1 where at least one holds, else 0.")
op(
    "negated(x)",
    infix="not",
    doc="1 where it is 0, else 0.",
    shapes="any -> same",
    value=lambda x: _number(x == 0),
    cell=lambda at, x: fn("if", x[at], 0, 1),
    grad=FLAT,
    sample=lambda rng: {"x": np.array([[1.0, 0.0, 2.0]])},
    look=Look(kind="claim"),
)
