"""Operations that work on each cell by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps import scalar
from nnsteps.ops.registry import FLAT, Array, At, Cells, Look, op, stretches
from nnsteps.rounding import SIGNIFICANT, UNDISPUTED, WHOLE
from nnsteps.scalar import Tree, fn

if TYPE_CHECKING:
    from numpy.random import Generator as Rng


def _normal(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(2, 3))}


def _positive(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.uniform(0.5, 3, size=(2, 3))}


def _pair(rng: Rng) -> Mapping[str, Any]:
    return {"a": rng.normal(size=(2, 3)), "b": rng.uniform(0.5, 2, size=(2, 1))}


def _cell(name: str) -> Callable[..., Tree]:
    return lambda at, *args: fn(name, *(arg[at] for arg in args))


def _number(claim: Any) -> Array:
    return np.asarray(claim, dtype=np.float64)


_erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has none


# --- arithmetic --------------------------------------------------------------------------------------------------

op(
    "add(a, b)",
    infix="+",
    doc="Add cell by cell.",
    shapes="two that fit -> their stretched shape",
    value=np.add,
    cell=lambda at, a, b: scalar.add([a[at], b[at]]),
    grad={"a": "g", "b": "g"},
    sample=_pair,
    check=stretches,
)
op(
    "sub(a, b)",
    infix="-",
    doc="Subtract cell by cell.",
    shapes="two that fit -> their stretched shape",
    value=np.subtract,
    cell=lambda at, a, b: scalar.sub(a[at], b[at]),
    grad={"a": "g", "b": "-g"},
    sample=_pair,
    check=stretches,
)
op(
    "mul(a, b)",
    infix="*",
    doc="Multiply cell by cell.",
    shapes="two that fit -> their stretched shape",
    value=np.multiply,
    cell=_cell("mul"),
    grad={"a": "g * b", "b": "g * a"},
    sample=_pair,
    check=stretches,
)
op(
    "div(a, b)",
    infix="/",
    doc="Divide cell by cell.",
    shapes="two that fit -> their stretched shape",
    value=np.divide,
    cell=_cell("div"),
    grad={"a": "g / b", "b": "-g * a / (b * b)"},
    sample=_pair,
    check=stretches,
)
op(
    "pow(a, b)",
    infix="**",
    doc="Raise to a power, cell by cell.",
    shapes="two that fit -> their stretched shape",
    value=np.power,
    cell=_cell("pow"),
    grad={"a": "g * power_slope(a, b)", "b": "g * xlogy(out, a)"},
    sample=lambda rng: {"a": rng.uniform(0.5, 2, size=(2, 3)), "b": rng.normal(size=(2, 1))},
    check=stretches,
    source="d aᵇ/da = b aᵇ⁻¹; d aᵇ/db = aᵇ log a",
)


def _power_slope(a: Array, b: Array) -> Array:
    flat = np.broadcast_to(b == 0, np.broadcast_shapes(a.shape, b.shape))
    return _number(np.where(flat, 0.0, b * np.power(np.where(flat, 1.0, a), b - 1)))


def _power_slope_cell(at: At, a: Cells, b: Cells) -> Tree:
    slope = fn("mul", b[at], fn("pow", a[at], scalar.sub(b[at], scalar.Const(1))))
    return fn("if", fn("eq", b[at], 0), 0, slope)


op(
    "power_slope(a, b)",
    doc="The slope of a ** b in a: b · a^(b − 1), and 0 where b is 0.",
    shapes="two that fit -> their stretched shape",
    value=_power_slope,
    cell=_power_slope_cell,
    grad={"a": "g * b * power_slope(a, b - 1)", "b": None},
    sample=lambda rng: {"a": rng.uniform(0.5, 2, size=(2, 3)), "b": np.array([[3.0], [0.0]])},
    check=stretches,
    look=Look(written="{1}·{0}^({1} − 1)"),
)
op(
    "neg(x)",
    infix="-",
    doc="Change the sign.",
    shapes="any -> same",
    value=np.negative,
    cell=lambda at, x: scalar.neg(x[at]),
    grad={"x": "-g"},
    sample=_normal,
)

# --- functions of one argument -----------------------------------------------------------------------------------

op(
    "exp(x)",
    doc="e to the power of each number.",
    shapes="any -> same",
    value=np.exp,
    cell=_cell("exp"),
    grad={"x": "g * out"},
    sample=_normal,
    source="d eˣ/dx = eˣ",
    look=Look(written="e^{0}", gloss="e to each power"),
)
op(
    "log(x)",
    doc="Natural logarithm. Error where a number is 0 or negative.",
    shapes="any -> same",
    value=np.log,
    cell=_cell("log"),
    grad={"x": "g / x"},
    sample=_positive,
    source="d log x/dx = 1/x",
    look=Look(gloss="natural logarithm"),
)
op(
    "log2(x)",
    doc="Logarithm to the base 2. Error where a number is 0 or negative.",
    shapes="any -> same",
    value=np.log2,
    cell=_cell("log2"),
    grad={"x": "g / (x * 0.6931471805599453)"},
    sample=_positive,
    source="d log₂ x/dx = 1/(x log 2)",
    look=Look(gloss="logarithm to the base 2"),
)
op(
    "sqrt(x)",
    doc="Square root. Error where a number is negative; no slope at 0.",
    shapes="any -> same",
    value=np.sqrt,
    cell=_cell("sqrt"),
    grad={"x": "g / (2 * out)"},
    sample=_positive,
    source="d √x/dx = 1/(2√x)",
    look=Look(written="√{0}"),
)
op(
    "abs(x)",
    doc="Absolute value. Convention: abs′(0) = 0.",
    shapes="any -> same",
    value=np.abs,
    cell=_cell("abs"),
    grad={"x": "g * sign(x)"},
    sample=_normal,
    distance=np.abs,
    look=Look(written="|{0}|"),
)
op(
    "sign(x)",
    doc="−1, 0 or 1.",
    shapes="any -> same",
    value=np.sign,
    cell=lambda at, x: fn("sign", x[at]),
    grad=FLAT,
    sample=_normal,
    margin=np.abs,
)
op(
    "floor(x)",
    doc="The next whole number below.",
    shapes="any -> same",
    value=np.floor,
    cell=_cell("floor"),
    grad=FLAT,
    sample=_normal,
    margin=lambda x: np.minimum(x - np.floor(x), np.floor(x) + 1 - x),
    look=Look(written="⌊{0}⌋", gloss="rounded down"),
)


op(
    "sin(x)",
    doc="Sine of an angle in radians.",
    shapes="any -> same",
    value=np.sin,
    cell=_cell("sin"),
    grad={"x": "g * cos(x)"},
    sample=_normal,
    source="d sin x/dx = cos x",
)
op(
    "cos(x)",
    doc="Cosine of an angle in radians.",
    shapes="any -> same",
    value=np.cos,
    cell=_cell("cos"),
    grad={"x": "-g * sin(x)"},
    sample=_normal,
    source="d cos x/dx = −sin x",
)
op(
    "erf(x)",
    doc="Error function: (1 + erf(x / √2)) / 2 is the chance that a standard normal number is below x.",
    shapes="any -> same",
    value=lambda x: _number(_erf(x)),
    cell=_cell("erf"),
    grad={"x": "g * 1.1283791670955126 * exp(-x * x)"},
    sample=_normal,
    source="d erf x/dx = 2/√π · e^(−x²)",
)


def _round(x: Array, digits: int = 0) -> Array:
    scale = 10.0 ** int(digits)
    size = np.abs(x) * scale
    slack = np.where(size < UNDISPUTED, size * 0.5 * 10.0**-SIGNIFICANT, 0.0)
    return np.where(size < WHOLE, np.copysign(np.floor(size + slack + 0.5) / scale, x), x) + 0.0


def _to_halfway(x: Array, digits: int = 0) -> Array:
    """How far numbers are from a half of the last digit that is kept."""
    scale = 10.0 ** int(digits)
    away = np.abs(np.abs(x) * scale % 1 - 0.5)
    return np.where(away <= 10.0**-SIGNIFICANT, 0.0, away / scale)


op(
    "round(x, digits=0)",
    doc="Round to `digits` decimals, halves away from zero: 0.5 becomes 1, −2.5 becomes −3.",
    shapes="any -> same",
    value=_round,
    cell=lambda at, x, digits: fn("round", x[at], digits),
    grad=FLAT,
    sample=lambda rng: {"x": np.round(rng.normal(size=(2, 3)), 3), "digits": 1},
    margin=_to_halfway,
    look=Look(kind="rounding"),
)

# --- functions of two arguments ----------------------------------------------------------------------------------


def _xlogy(x: Array, y: Array) -> Array:
    zero = np.broadcast_to(x == 0, np.broadcast_shapes(x.shape, y.shape))
    return _number(np.where(zero, 0.0, x * np.log(np.where(zero, 1.0, y))))


def _xdivy(x: Array, y: Array) -> Array:
    zero = np.broadcast_to(x == 0, np.broadcast_shapes(x.shape, y.shape))
    return _number(np.where(zero, 0.0, x / np.where(zero, 1.0, y)))


def _either(rng: Rng) -> Mapping[str, Any]:
    return {"a": rng.normal(size=(2, 3)), "b": rng.normal(size=(2, 1))}


def _with_zeros(rng: Rng) -> Mapping[str, Any]:
    return {"x": np.array([[0.0, 1.0, 0.3]]), "y": rng.uniform(0.5, 2, size=(2, 3))}


op(
    "xlogy(x, y)",
    doc="x · log y, and 0 where x is 0 (also where y is 0).",
    shapes="two that fit -> their stretched shape",
    value=_xlogy,
    cell=_cell("xlogy"),
    grad={"x": "g * log(y)", "y": "g * xdivy(x, y)"},
    sample=lambda rng: {"x": rng.uniform(0.5, 2, size=(1, 3)), "y": rng.uniform(0.5, 2, size=(2, 3))},
    check=stretches,
    look=Look(written="{0}·log {1}"),
)
op(
    "xdivy(x, y)",
    doc="x / y, and 0 where x is 0 (also where y is 0).",
    shapes="two that fit -> their stretched shape",
    value=_xdivy,
    cell=_cell("xdivy"),
    grad={"x": "g / y", "y": "-g * xdivy(x, y * y)"},
    sample=_with_zeros,
    check=stretches,
    look=Look(written="{0} ÷ {1}"),
)
op(
    "maximum(a, b)",
    doc="The larger of two, cell by cell. Convention: a tie passes the gradient to the first.",
    shapes="two that fit -> their stretched shape",
    value=np.maximum,
    cell=_cell("max"),
    grad={"a": "keep(g, a >= b)", "b": "keep(g, a < b)"},
    sample=_either,
    check=stretches,
    distance=lambda a, b: np.abs(a - b),
)
op(
    "minimum(a, b)",
    doc="The smaller of two, cell by cell. Convention: a tie passes the gradient to the first.",
    shapes="two that fit -> their stretched shape",
    value=np.minimum,
    cell=_cell("min"),
    grad={"a": "keep(g, a <= b)", "b": "keep(g, a > b)"},
    sample=_either,
    check=stretches,
    distance=lambda a, b: np.abs(a - b),
)
op(
    "keep(x, condition)",
    doc="x where the condition holds, else 0.",
    shapes="two that fit -> their stretched shape",
    value=lambda x, condition: np.where(condition != 0, x, 0.0),
    cell=lambda at, x, condition: fn("if", condition[at], x[at], 0),
    grad={"x": "keep(g, condition)", "condition": None},
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "condition": np.array([[1.0, 0.0, 1.0]])},
    check=stretches,
    look=Look(kind="gate", written="{0} where {1}"),
)
op(
    "where(condition, a, b)",
    doc="a where the condition holds, else b.",
    shapes="three that fit -> their stretched shape",
    value=lambda condition, a, b: _number(np.where(condition != 0, a, b)),
    cell=lambda at, condition, a, b: fn("if", condition[at], a[at], b[at]),
    grad={"condition": None, "a": "keep(g, condition)", "b": "keep(g, condition == 0)"},
    sample=lambda rng: {"condition": np.array([[1.0, 0.0, 1.0]]), "a": rng.normal(size=(2, 3)), "b": np.ones((1, 1))},
    check=stretches,
    look=Look(written="{1} where {0}, else {2}"),
)
