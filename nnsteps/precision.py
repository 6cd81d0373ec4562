"""How exactly a number can be known: what rounding may do to the value of a tree. Knows no arrays and no names.

Theory of operation. Every operation rounds its result, and hands on what was lost in its arguments, times its slope
(running error analysis, Higham 2002, section 3.3). The *scale* of a tree is the number of which two ways to compute it
may differ by a few units in the last place: the terms of a sum count in full, also where they cancel, and a quotient,
a root or a power of such a sum is no better known than the sum. References are recorded numbers, the same ones for
everybody, so nothing was lost in them.

To add a function: its slopes in SLOPES, if what is lost in its arguments does not come out as it went in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from nnsteps.scalar import FUNCTIONS, Const, Fn, Ref, Tree

EPSILON = 2.0**-52
JUMPS = frozenset({"floor", "round", "sign", "lt", "le", "gt", "ge", "eq", "ne", "and", "or"})
Slopes = Callable[..., tuple[float, ...]]


def _of_quotient(value: float, a: float, b: float) -> tuple[float, ...]:
    return 1 / b, value / b


def _of_power(value: float, a: float, b: float) -> tuple[float, ...]:
    return b * value / a, value * math.log(abs(a))


# the slopes with respect to each argument, given the value and the arguments (none of them 0)
SLOPES: Mapping[str, Slopes] = {
    "div": _of_quotient,
    "xdivy": _of_quotient,
    "pow": _of_power,
    "exp": lambda value, x: (value,),
    "log": lambda value, x: (1 / x,),
    "log2": lambda value, x: (1 / (x * math.log(2)),),
    "sqrt": lambda value, x: (0.5 / math.sqrt(abs(x)),),
    "xlogy": lambda value, x, y: (math.log(abs(y)), x / y),
}


def scale(tree: Tree, look_up: Callable[[Ref], float]) -> float:
    """How large the number is that a rounding error in the tree is a share of."""
    return measured(tree, look_up)[1]


def measured(tree: Tree, look_up: Callable[[Ref], float]) -> tuple[float, float]:
    """The value of a tree and its scale, in one walk."""
    value, lost = _known(tree, look_up)
    return value, max(abs(value), lost)


def _known(tree: Tree, look_up: Callable[[Ref], float]) -> tuple[float, float]:
    """The value of a tree, and the scale of what was lost on the way: nothing in a reference."""
    if not isinstance(tree, Fn):
        return (tree.value if isinstance(tree, Const) else look_up(tree)), 0.0
    values, lost = zip(*[_known(arg, look_up) for arg in tree.args], strict=True)
    value = float(FUNCTIONS[tree.name](*values))
    return value, max(abs(value), _handed_on(tree.name, value, values, lost))


def _handed_on(name: str, value: float, values: Sequence[float], lost: Sequence[float]) -> float:
    """What was lost in the arguments, as it comes out of a function."""
    if name == "add":
        return sum(map(max, map(abs, values), lost))
    if name in JUMPS or not any(lost):
        return 0.0
    if name == "mul":
        others = [math.prod(values[:k] + values[k + 1 :]) for k in range(len(values))]  # type: ignore[operator]
        return sum(abs(other) * part for other, part in zip(others, lost, strict=True))
    if name not in SLOPES:  # slopes between −1 and 1
        return max(lost)
    # an argument that may be 0 but for rounding is as large as what was lost in it
    sure = [math.copysign(max(abs(x), EPSILON * part), x) for x, part in zip(values, lost, strict=True)]
    if not all(sure) or not all(map(math.isfinite, (value, *sure))):
        return 0.0
    return sum(abs(slope) * part for slope, part in zip(SLOPES[name](value, *sure), lost, strict=True) if part)
