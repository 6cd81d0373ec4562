"""Numbers about many numbers, and short names for uses of other functions: products, look-ups, global pooling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps.compounds.record import Body, Stable, along, compound
from nnsteps.ops import Look, Options, Shape

if TYPE_CHECKING:
    from numpy.random import Generator as Rng


def _table(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(4, 3)), "axis": 0}


def _divisor(options: Options, shape: Shape) -> float:
    """What the squares of a variance are divided by."""
    count = int(np.prod(shape)) if options["axis"] is None else shape[int(options["axis"])]
    return float(count - options["ddof"])


# --- spread and length -------------------------------------------------------------------------------------------


ALIKE = 1e8  # numbers that are this much larger than they differ


def _variance(options: Options) -> Body:
    axis, ddof = along(options), options["ddof"]
    mean = f"mean(d ** 2{axis})" if not ddof else f"sum(d ** 2{axis}) / (size(x{axis}) - {ddof})"
    return f"m = mean(x{axis})", "d = x - m", f"out = {mean}"


compound(
    "var(x, axis=None, ddof=0)",
    doc="The average squared distance from the mean. Convention: divided by how many there are; ddof=1 divides by one "
    "less, as PyTorch does unless asked.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
    by=_variance,
    stable=lambda options: Stable(
        f"max((max(abs(x - mean(x{along(options)})){along(options)}) * {ALIKE} < max(abs(x){along(options)}))"
        f" * (max(abs(x - mean(x{along(options)})){along(options)}) > 0)) > 0",
        _variance(options),
        "alike in 8 digits or more: few digits of the differences are right",
    ),
    grad=lambda options, shapes: {"x": f"g * 2 * (x - mean(x{along(options)})) / {_divisor(options, shapes[0]):g}"},
    sample=_table,
    look=Look(kind="reduction", sign="var", gloss="mean squared distance from the mean"),
)
compound(
    "std(x, axis=None, ddof=0)",
    doc="The square root of the variance. Convention: divided by how many there are; ddof=1 divides by one less.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
    by=lambda options: (f"v = var(x{along(options)}, ddof={options['ddof']})", "out = sqrt(v)"),
    grad=lambda options, shapes: {"x": f"g * (x - mean(x{along(options)})) / ({_divisor(options, shapes[0]):g} * out)"},
    sample=lambda rng: {**_table(rng), "ddof": 1},
    look=Look(kind="reduction", sign="std", gloss="root of the variance"),
)


def _length(options: Options) -> Body:
    power = options["p"]
    if power == 1:
        return (f"out = sum(abs(x){along(options)})",)
    if power == 2:
        return (f"out = sqrt(sum(x ** 2{along(options)}))",)
    return (f"out = sum(abs(x) ** {power}{along(options)}) ** (1 / {power})",)


compound(
    "norm(x, axis=None, p=2)",
    doc="The length: the root of the sum of squares; p=1: the sum of absolute values. No slope where it is 0.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n); axis=1: (m, 1)",
    by=_length,
    grad=lambda options, shapes: {
        "x": {1: "g * sign(x)", 2: "g * x / out"}.get(
            options["p"], f"g * sign(x) * (abs(x) / out) ** ({options['p']} - 1)"
        )
    },
    sample=_table,
    look=Look(kind="reduction", sign="‖ ‖", gloss="root of the sum of squares"),
)

# --- products ----------------------------------------------------------------------------------------------------

compound(
    "dot(a, b)",
    "out = sum(a * b)",
    doc="Cell times cell, added up.",
    shapes="(n, 1), (n, 1) -> (1, 1)",
    grad={"a": "g * b", "b": "g * a"},
    sample=lambda rng: {"a": rng.normal(size=(3, 1)), "b": rng.normal(size=(3, 1))},
    look=Look(kind="reduction", gloss="cell times cell, added up"),
)
compound(
    "outer(a, b)",
    "out = a @ b.T",
    doc="Each number of a column times each number of another.",
    shapes="(m, 1), (n, 1) -> (m, n)",
    sample=lambda rng: {"a": rng.normal(size=(2, 1)), "b": rng.normal(size=(3, 1))},
    look=Look(gloss="each times each"),
)

# --- look-ups ----------------------------------------------------------------------------------------------------


def _places(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(4, 4)), "at": np.array([[3.0], [1.0], [3.0]])}


compound(
    "rows(x, at)",
    "out = gather(x, at, axis=0)",
    doc="The rows at these positions, one below the other, counted from 1.",
    shapes="(m, n), k positions -> (k, n)",
    sample=_places,
)
compound(
    "cols(x, at)",
    "out = gather(x, at, axis=1)",
    doc="The columns at these positions, side by side, counted from 1.",
    shapes="(m, n), k positions -> (m, k)",
    sample=_places,
)
compound(
    "embedding(table, at)",
    "out = gather(table, at, axis=1)",
    doc="The columns of a table that belong to these words, counted from 1. Convention: a word is a column; PyTorch "
    "keeps words in rows and counts from 0.",
    shapes="(d, words), n positions -> (d, n)",
    sample=lambda rng: {"table": rng.normal(size=(2, 4)), "at": np.array([[3.0, 1.0, 3.0]])},
    look=Look(gloss="the column of each word"),
)

# --- pooling of everything ---------------------------------------------------------------------------------------

compound(
    "global_avg_pool2d(x)",
    "out = avg_pool2d(x, size=0)",
    doc="The average of each table of a stack; its sides stay, as 1. flatten makes a column of it.",
    shapes="(c, m, n) -> (c, 1, 1)",
    sample=lambda rng: {"x": rng.normal(size=(2, 3, 4))},
    source="Lin, Chen and Yan 2014",
    look=Look(kind="reduction", gloss="the average of each table"),
)
compound(
    "global_max_pool2d(x)",
    "out = max_pool2d(x, size=0)",
    doc="The largest number of each table of a stack; its sides stay, as 1. flatten makes a column of it.",
    shapes="(c, m, n) -> (c, 1, 1)",
    sample=lambda rng: {"x": rng.normal(size=(2, 3, 4))},
    look=Look(kind="reduction", gloss="the largest of each table"),
)
