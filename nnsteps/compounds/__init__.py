"""Functions made of other functions: softmax, cross_entropy, … written as formula text. Knows no arrays.

Theory of operation. A compound is a few lines in the language of the problem files; the last one is `out`. Using it
records the inner steps in the trace, so every number inside is explained by the operations it is made of. A compound
may have a closed gradient (formulas over its arguments, `out`, `g` and its options), perhaps with a condition that it
`needs`; without one, or where the condition fails, the gradient goes through the inner steps. `stable` is a second body
for numbers at which the first would overflow, with its condition. A `Shortcut` joins two neighbours (softmax into
cross-entropy) where the joint gradient is simpler than either.

To add a compound: one compound(...) with a `sample` in the file of its family; the laws and the test of its closed
gradient against the long way find it by themselves.
"""

from nnsteps.compounds import activations, losses, normalization, softmaxes, statistics
from nnsteps.compounds.record import (
    COMPOUNDS,
    REDUCTIONS,
    SHORTCUTS,
    Body,
    Compound,
    Shortcut,
    Stable,
    compound,
    find,
    reduced,
)

__all__ = [
    "COMPOUNDS",
    "REDUCTIONS",
    "SHORTCUTS",
    "Body",
    "Compound",
    "Shortcut",
    "Stable",
    "activations",
    "compound",
    "find",
    "losses",
    "normalization",
    "reduced",
    "softmaxes",
    "statistics",
]
