"""Losses, and the shortcuts through the function before them. How each is reduced is a convention, and stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps.compounds.record import (
    SHORTCUTS,
    Body,
    Shortcut,
    Stable,
    compound,
    over_cells,
    over_columns,
    per_column,
    reduced,
)
from nnsteps.ops import Look, Options, Shape

if TYPE_CHECKING:
    from numpy.random import Generator as Rng

ONE_IN_ALL = "all(abs(sum(y, axis=0) - 1) <= 1e-9)"  # the targets of each column add to 1


def _distribution(rng: Rng) -> Mapping[str, Any]:
    p = rng.uniform(0.2, 1, size=(3, 2))
    return {"p": p / p.sum(axis=0), "y": np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])}


# --- between distributions ---------------------------------------------------------------------------------------

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
        "p": f"-g * xdivy(y, p){over_columns(options, shapes)}",
        "y": f"-g * log(p){over_columns(options, shapes)}",
    },
    sample=_distribution,
    look=Look(kind="reduction", written="−Σ {1} · log {0}", gloss="cross-entropy, natural log"),
)


def _softmax_cross_entropy_rules(options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str | None] | None:
    """Over whole columns of both; where rows stretch, the long way."""
    if len({shape[0] for shape in shapes}) > 1:
        return None
    return {
        "z": f"g * (softmax(z) - y){over_columns(options, shapes)}",
        "y": f"g * (logsumexp(z, axis=0) - z){over_columns(options, shapes)}",
    }


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
    stable=lambda options: Stable(
        "max(abs(max(z, axis=0))) > 700",
        ("l = log_softmax(z)", *(per_column("-sum(y * l, axis=0)")(options))),
        "subtract the largest first; the result is the same",
    ),
    grad=_softmax_cross_entropy_rules,
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
        "p": f"g * (xdivy(1 - y, 1 - p) - xdivy(y, p)){over_cells(options, shapes)}",
        "y": f"g * (log(1 - p) - log(p)){over_cells(options, shapes)}",
    },
    sample=lambda rng: {"p": rng.uniform(0.2, 0.8, size=(2, 3)), "y": np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.3]])},
    look=Look(kind="reduction", gloss="binary cross-entropy, natural log"),
)
compound(
    "bce_with_logits(z, y, reduction='mean')",
    doc="Binary cross-entropy of sigmoid(z) with the target y, from the logits z: right for any numbers. "
    "Convention: averaged over all cells, natural log.",
    shapes="(m, n), (m, n) -> (1, 1); reduction='none': (m, n)",
    by=reduced("softplus(z) - z * y"),
    grad=lambda options, shapes: {
        "z": f"g * (sigmoid(z) - y){over_cells(options, shapes)}",
        "y": f"-g * z{over_cells(options, shapes)}",
    },
    sample=lambda rng: {"z": rng.normal(size=(2, 3)), "y": np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.3]])},
    look=Look(kind="reduction", gloss="binary cross-entropy, from logits"),
)
compound(
    "nll(l, at, reduction='sum')",
    doc="−l at the right class of each column: l holds the logarithms of probabilities, `at` the classes, counted "
    "from 1 (in PyTorch from 0, and averaged). Convention: summed over the columns.",
    shapes="(m, n), n classes -> (1, 1); reduction='none': (1, n)",
    by=per_column("-pick(l, at)"),
    sample=lambda rng: {"l": np.log(rng.uniform(0.2, 0.8, size=(3, 2))), "at": np.array([[3.0, 1.0]])},
    look=Look(kind="reduction", gloss="−log p of the right class"),
)
compound(
    "kl_div(p, q, reduction='sum')",
    doc="How far q is from p: Σ p · log(p / q). Convention: the target p first, natural log, summed over the columns. "
    "PyTorch takes log q first, then p, and averages.",
    shapes="(m, n), (m, n) -> (1, 1); reduction='none': (1, n)",
    by=per_column("sum(xlogy(p, p) - xlogy(p, q), axis=0)"),
    grad=lambda options, shapes: {
        "p": f"g * (log(p) - log(q) + 1){over_columns(options, shapes)}",
        "q": f"-g * xdivy(p, q){over_columns(options, shapes)}",
    },
    sample=lambda rng: {"p": rng.dirichlet([2, 2, 2], 2).T, "q": rng.dirichlet([2, 2, 2], 2).T},
    source="Kullback and Leibler 1951",
    look=Look(kind="reduction", gloss="Kullback-Leibler divergence"),
)

# --- between numbers ---------------------------------------------------------------------------------------------

compound(
    "mse(p, y, reduction='mean')",
    doc="Squared error (p − y)². Convention: averaged over all cells.",
    shapes="two that fit -> (1, 1); reduction='none': their stretched shape",
    by=reduced("(p - y) ** 2"),
    grad=lambda options, shapes: {
        "p": f"g * 2 * (p - y){over_cells(options, shapes)}",
        "y": f"g * 2 * (y - p){over_cells(options, shapes)}",
    },
    sample=lambda rng: {"p": rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 3))},
    look=Look(kind="reduction", gloss="squared error"),
)
compound(
    "mae(p, y, reduction='mean')",
    doc="Absolute error |p − y|. Convention: averaged over all cells; no slope at 0.",
    shapes="two that fit -> (1, 1); reduction='none': their stretched shape",
    by=reduced("abs(p - y)"),
    grad=lambda options, shapes: {
        "p": f"g * sign(p - y){over_cells(options, shapes)}",
        "y": f"g * sign(y - p){over_cells(options, shapes)}",
    },
    sample=lambda rng: {"p": rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 3))},
    look=Look(kind="reduction", gloss="absolute error"),
)


def _huber(options: Options) -> Body:
    each = "where(size <= delta, d ** 2 / 2, delta * (size - delta / 2))"
    out = each if options["reduction"] == "none" else f"{options['reduction']}({each})"
    return "d = p - y", "size = abs(d)", f"out = {out}"


compound(
    "huber(p, y, delta=1, reduction='mean')",
    doc="Squared error (p − y)² / 2 up to delta, beyond it a straight line. Convention: averaged over all cells.",
    shapes="two that fit -> (1, 1); reduction='none': their stretched shape",
    by=_huber,
    grad=lambda options, shapes: {
        "p": f"g * clip(p - y, {-options['delta']}, {options['delta']}){over_cells(options, shapes)}",
        "y": f"g * clip(y - p, {-options['delta']}, {options['delta']}){over_cells(options, shapes)}",
    },
    sample=lambda rng: {"p": 2 * rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 3))},
    source="Huber 1964",
    look=Look(kind="reduction", gloss="squared, and straight beyond delta"),
)

# --- margins -----------------------------------------------------------------------------------------------------

compound(
    "hinge(p, y, reduction='sum')",
    doc="max(0, 1 − y · p) for targets of −1 and 1. Convention: summed over the columns, the cells of each added up.",
    shapes="(m, n), (m, n) -> (1, 1); reduction='none': (1, n)",
    by=per_column("sum(relu(1 - y * p), axis=0)"),
    grad=lambda options, shapes: {
        "p": f"-keep(g * y, y * p < 1){over_columns(options, shapes)}",
        "y": f"-keep(g * p, y * p < 1){over_columns(options, shapes)}",
    },
    sample=lambda rng: {"p": rng.normal(size=(1, 4)), "y": np.array([[1.0, -1.0, 1.0, -1.0]])},
    source="Cortes and Vapnik 1995",
    look=Look(kind="reduction", gloss="how much of the margin is missing"),
)


def _triplet(options: Options) -> Body:
    each = "relu(near - far + margin)"
    out = each if options["reduction"] == "none" else f"{options['reduction']}({each})"
    return "near = norm(a - p, axis=0)", "far = norm(a - n, axis=0)", f"out = {out}"


compound(
    "triplet(a, p, n, margin=1, reduction='sum')",
    doc="The anchor a should be nearer to the positive p than to the negative n, by a margin: max(0, |a − p| − |a − n| "
    "+ margin). Convention: distances not squared, summed over the columns; PyTorch averages, and adds 1e-6 to a − p.",
    shapes="(m, n), (m, n), (m, n) -> (1, 1); reduction='none': (1, n)",
    by=_triplet,
    sample=lambda rng: {"a": rng.normal(size=(3, 2)), "p": rng.normal(size=(3, 2)), "n": rng.normal(size=(3, 2))},
    source="Schroff, Kalenichenko and Philbin 2015 (there with squares)",
    look=Look(kind="reduction", gloss="near to p, far from n"),
)

# --- shortcuts ---------------------------------------------------------------------------------------------------


def _shortcut(rule: Shortcut) -> None:
    SHORTCUTS[rule.outer, rule.inner] = rule


_shortcut(
    Shortcut(
        "cross_entropy",
        "p",
        "softmax",
        grad=lambda options, shapes: "g * (p - y)" + over_columns(options, shapes),
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
        grad=lambda options, shapes: "g * (p - y)" + over_cells(options, shapes),
        words="sigmoid and binary cross-entropy in one step",
        source="d/dz −(y log σ + (1 − y) log(1 − σ)) = σ − y",
    )
)
