"""Softmax and its relatives: numbers to shares of one whole, and logarithms of sums of e to each power."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nnsteps.compounds.record import Stable, along, compound
from nnsteps.ops import Look

if TYPE_CHECKING:
    from numpy.random import Generator as Rng


def _logits(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(3, 2))}


def _extreme(options: Mapping[str, Any]) -> str:
    """Where e to the largest number of a column would be no number, or nothing. One −∞ among others does no harm."""
    return f"max(abs(max(x{along(options)}))) > 700"


def _shares(options: Mapping[str, Any]) -> tuple[str, str]:
    return f"total = sum(e{along(options)})", "out = e / total"


WHOLE = "g * exp(x - max(x)) / sum(exp(x - max(x)))"  # the softmax of all cells


compound(
    "softmax(x, axis=0)",
    doc="e to each power, over their sum: numbers between 0 and 1 that add to 1. Convention: down each column.",
    shapes="(m, n) -> (m, n)",
    by=lambda options: ("e = exp(x)", *_shares(options)),
    stable=lambda options: Stable(
        _extreme(options),
        (f"top = max(x{along(options)})", "e = exp(x - top)", *_shares(options)),
        "subtract the largest first; the result is the same",
    ),
    grad=lambda options, shapes: {"x": f"out * (g - sum(g * out{along(options)}))"},
    sample=_logits,
    source="Bridle 1990",
    look=Look(gloss="e to each power, over their sum"),
)
compound(
    "logsumexp(x, axis=None)",
    doc="The logarithm of the sum of e to each power, right for any numbers.",
    shapes="(m, n) -> (1, 1); axis=0: (1, n)",
    by=lambda options: ("e = exp(x)", f"out = log(sum(e{along(options)}))"),
    stable=lambda options: Stable(
        _extreme(options),
        (f"top = max(x{along(options)})", f"out = top + log(sum(exp(x - top){along(options)}))"),
        "take the largest out first; the result is the same",
    ),
    grad=lambda options, shapes: {"x": f"g * softmax(x{along(options)})" if options["axis"] is not None else WHOLE},
    sample=lambda rng: {"x": rng.normal(size=(3, 2)), "axis": 0},
    look=Look(kind="reduction", gloss="log of the sum of e to each power"),
)
compound(
    "log_softmax(x, axis=0)",
    doc="The logarithm of softmax, right for any numbers.",
    shapes="(m, n) -> (m, n)",
    by=lambda options: (f"out = x - logsumexp(x{along(options)})",),
    stable=lambda options: Stable(
        _extreme(options),
        (f"top = max(x{along(options)})", "d = x - top", f"out = d - log(sum(exp(d){along(options)}))"),
        "subtract the largest first; the result is the same",
    ),
    grad=lambda options, shapes: {"x": f"g - exp(out) * sum(g{along(options)})"},
    sample=_logits,
)
