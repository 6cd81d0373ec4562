"""Functions made of other functions: softmax, cross_entropy, … written as formula text. Knows no arrays.

Theory of operation. A compound is a few lines in the language of the problem files; the last one is `out`. Using it
records the inner steps in the trace, so every number inside is explained by the operations it is made of. A compound
may have a closed gradient (formulas over its arguments, `out`, `g` and its options), perhaps with a condition that it
`needs`; without one, or where the condition fails, the gradient goes through the inner steps. `stable` is a second body
for numbers at which the first would overflow, with its condition. A `Shortcut` joins two neighbours (softmax into
cross-entropy) where the joint gradient is simpler than either.

To add a compound: one compound(...) with a `sample`; the laws and the test of its closed gradient against the long
way find it by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps.ops import REGISTRY, Look, Op, Options, Shape
from nnsteps.ops.registry import parse_signature

if TYPE_CHECKING:
    from numpy.random import Generator as Rng

Body = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stable:
    """A second body, used where the condition holds (a formula over the arguments that gives one number)."""

    condition: str
    body: Body
    words: str


@dataclass(frozen=True, slots=True)
class Compound:
    """One compound function."""

    signature: str
    name: str
    args: tuple[str, ...]
    options: Options
    doc: str
    shapes: str
    lines: Callable[[Options], Body]
    grad: Callable[[Options, tuple[Shape, ...]], Mapping[str, str | None]] | None
    sample: Callable[[Rng], Mapping[str, Any]]
    source: str
    look: Look
    stable: Callable[[Options], Stable] | None
    needs: str = ""

    def argument(self, position: int) -> str:
        """The name of an argument by its position."""
        return self.args[position]

    def rules(self, options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str | None] | None:
        """The closed gradient formulas, by argument; None where there are none."""
        return None if self.grad is None else self.grad(options, shapes)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """The gradient of `outer` with respect to the argument of `inner`, in one step.

    `grad` is a formula over the arguments of the outer function, `g`, and the options; `needs` (if any) is a formula
    over the same names that must give 1 for the shortcut to be right.
    """

    outer: str
    argument: str
    inner: str
    grad: Callable[[Options, tuple[Shape, ...]], str]
    words: str
    needs: str = ""
    source: str = ""


COMPOUNDS: dict[str, Compound] = {}
SHORTCUTS: dict[tuple[str, str], Shortcut] = {}


def find(name: str) -> Op | Compound | None:
    """The operation or compound of this name."""
    return REGISTRY.get(name) or COMPOUNDS.get(name)


def compound(
    signature: str,
    *lines: str,
    doc: str,
    shapes: str,
    sample: Callable[[Rng], Mapping[str, Any]],
    grad: Callable[[Options, tuple[Shape, ...]], Mapping[str, str | None]] | Mapping[str, str | None] | None = None,
    source: str = "",
    look: Look | None = None,
    stable: Callable[[Options], Stable] | None = None,
    needs: str = "",
    by: Callable[[Options], Body] | None = None,
) -> None:
    """Register a compound: its lines, or `by`, which gives the lines for some options."""
    name, args, options, _ = parse_signature(signature)
    assert name not in REGISTRY, f"{name} is registered twice"
    assert name not in COMPOUNDS, f"{name} is registered twice"
    fixed = (
        grad if grad is None or callable(grad) else (lambda options, shapes, rules=MappingProxyType(dict(grad)): rules)
    )
    COMPOUNDS[name] = Compound(
        signature, name, args, MappingProxyType(options), doc, shapes, by or (lambda options: lines), fixed, sample,
        source, look or Look(), stable, needs,
    )  # fmt: skip


def reduced(each: str, total: str = "") -> Callable[[Options], Body]:
    """The body of a loss with a `reduction`: `each` gives one number for every cell or column."""

    def body(options: Options) -> Body:
        reduction = options["reduction"]
        if reduction == "none":
            return (f"out = {each}",)
        return (f"out = {total}",) if total and reduction == "sum" else (f"out = {reduction}({each})",)

    return body


REDUCTIONS = ("sum", "mean", "none")
ONE_IN_ALL = "all(abs(sum(y, axis=0) - 1) <= 1e-9)"  # the targets of each column add to 1


def _per_column(options: Options, shapes: tuple[Shape, ...]) -> str:
    """What a gradient is divided by when the loss is the mean over columns."""
    columns = np.broadcast_shapes(*shapes)[1]
    return f" / {columns}" if options["reduction"] == "mean" and columns > 1 else ""


def _per_cell(options: Options, shapes: tuple[Shape, ...]) -> str:
    """What a gradient is divided by when the loss is the mean over all cells."""
    cells = int(np.prod(np.broadcast_shapes(*shapes)))
    return f" / {cells}" if options["reduction"] == "mean" and cells > 1 else ""


def _along(options: Options) -> str:
    """The axis as it is handed on to an inner function; without one, over all cells."""
    return "" if options["axis"] is None else f", axis={options['axis']}"


def _logits(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(3, 2))}


def _distribution(rng: Rng) -> Mapping[str, Any]:
    p = rng.uniform(0.2, 1, size=(3, 2))
    return {"p": p / p.sum(axis=0), "y": np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])}


# --- softmax and its relatives -----------------------------------------------------------------------------------

compound(
    "softmax(x, axis=0)",
    doc="e to each power, over their sum: numbers between 0 and 1 that add to 1. Convention: down each column.",
    shapes="(m, n) -> (m, n)",
    by=lambda options: ("e = exp(x)", f"total = sum(e{_along(options)})", "out = e / total"),
    stable=lambda options: Stable(
        "max(abs(x)) > 700",
        (f"top = max(x{_along(options)})", "e = exp(x - top)", f"total = sum(e{_along(options)})", "out = e / total"),
        "subtract the largest first; the result is the same",
    ),
    grad=lambda options, shapes: {"x": f"out * (g - sum(g * out{_along(options)}))"},
    sample=_logits,
    source="Bridle 1990",
    look=Look(gloss="e to each power, over their sum"),
)
compound(
    "logsumexp(x, axis=None)",
    doc="The logarithm of the sum of e to each power, right for any numbers.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n)",
    by=lambda options: ("e = exp(x)", f"out = log(sum(e{_along(options)}))"),
    stable=lambda options: Stable(
        "max(abs(x)) > 700",
        (f"top = max(x{_along(options)})", f"out = top + log(sum(exp(x - top){_along(options)}))"),
        "take the largest out first; the result is the same",
    ),
    grad={"x": "g * exp(x - out)"},
    sample=lambda rng: {"x": rng.normal(size=(3, 2)), "axis": 0},
    look=Look(kind="reduction", gloss="log of the sum of e to each power"),
)
compound(
    "log_softmax(x, axis=0)",
    doc="The logarithm of softmax, right for any numbers.",
    shapes="(m, n) -> (m, n)",
    by=lambda options: (f"out = x - logsumexp(x{_along(options)})",),
    grad=lambda options, shapes: {"x": f"g - exp(out) * sum(g{_along(options)})"},
    sample=_logits,
)

# --- losses ------------------------------------------------------------------------------------------------------

compound(
    "cross_entropy(p, y, reduction='sum')",
    doc="−Σ y · log p: how surprised the probabilities p are by the target y. "
    "Convention: natural logarithm, summed over the columns.",
    shapes="(m, n), (m, n) -> (1, 1); reduction='none': (1, n)",
    by=lambda options: {
        "sum": ("out = -sum(xlogy(y, p))",),
        "mean": ("out = mean(-sum(xlogy(y, p), axis=0))",),
        "none": ("out = -sum(xlogy(y, p), axis=0)",),
    }[options["reduction"]],
    grad=lambda options, shapes: {
        "p": f"-g * xdivy(y, p){_per_column(options, shapes)}",
        "y": f"-g * log(p){_per_column(options, shapes)}",
    },
    sample=_distribution,
    look=Look(kind="reduction", written="−Σ {1} · log {0}", gloss="cross-entropy, natural log"),
)
compound(
    "softmax_cross_entropy(z, y, reduction='sum')",
    doc="Cross-entropy of softmax(z) with the target y, from the logits z: right for any numbers. "
    "Convention: summed over the columns.",
    shapes="(m, n), (m, n) -> (1, 1); reduction='none': (1, n)",
    by=lambda options: {
        "sum": ("out = sum(y * (logsumexp(z, axis=0) - z))",),
        "mean": ("out = mean(sum(y * (logsumexp(z, axis=0) - z), axis=0))",),
        "none": ("out = sum(y * (logsumexp(z, axis=0) - z), axis=0)",),
    }[options["reduction"]],
    grad=lambda options, shapes: {
        "z": f"g * (softmax(z) - y){_per_column(options, shapes)}",
        "y": f"g * (logsumexp(z, axis=0) - z){_per_column(options, shapes)}",
    },
    needs=ONE_IN_ALL,
    sample=lambda rng: {"z": rng.normal(size=(3, 2)), "y": _distribution(rng)["y"]},
    look=Look(kind="reduction", gloss="cross-entropy, from the logits"),
)
compound(
    "bce(p, y, reduction='mean')",
    doc="Binary cross-entropy −(y log p + (1 − y) log(1 − p)). Convention: averaged over all cells, natural log.",
    shapes="(m, n), (m, n) -> (1, 1); reduction='none': (m, n)",
    by=reduced("-(xlogy(y, p) + xlogy(1 - y, 1 - p))"),
    grad=lambda options, shapes: {
        "p": f"g * (xdivy(1 - y, 1 - p) - xdivy(y, p)){_per_cell(options, shapes)}",
        "y": f"g * (log(1 - p) - log(p)){_per_cell(options, shapes)}",
    },
    sample=lambda rng: {"p": rng.uniform(0.2, 0.8, size=(2, 3)), "y": np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.3]])},
    look=Look(kind="reduction", gloss="binary cross-entropy, natural log"),
)
compound(
    "mse(p, y, reduction='mean')",
    doc="Squared error (p − y)². Convention: averaged over all cells.",
    shapes="two that fit -> (1, 1); reduction='none': their stretched shape",
    by=reduced("(p - y) ** 2"),
    grad=lambda options, shapes: {
        "p": f"g * 2 * (p - y){_per_cell(options, shapes)}",
        "y": f"g * 2 * (y - p){_per_cell(options, shapes)}",
    },
    sample=lambda rng: {"p": rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 3))},
    look=Look(kind="reduction", gloss="squared error"),
)

# --- shortcuts ---------------------------------------------------------------------------------------------------


def _shortcut(rule: Shortcut) -> None:
    SHORTCUTS[rule.outer, rule.inner] = rule


_shortcut(
    Shortcut(
        "cross_entropy",
        "p",
        "softmax",
        grad=lambda options, shapes: "g * (p - y)" + _per_column(options, shapes),
        words="softmax and cross-entropy in one step",
        needs=ONE_IN_ALL,
        source="∂L/∂z = p Σy − y, and Σy = 1",
    )
)
_shortcut(
    Shortcut(
        "bce",
        "p",
        "sigmoid",
        grad=lambda options, shapes: "g * (p - y)" + _per_cell(options, shapes),
        words="sigmoid and binary cross-entropy in one step",
        source="d/dz −(y log σ + (1 − y) log(1 − σ)) = σ − y",
    )
)
