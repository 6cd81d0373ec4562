"""The operations, by family, each one record in the registry (see nnsteps.ops.registry for how they work)."""

from nnsteps.ops import (
    activations,
    building,
    choices,
    elementwise,
    lookups,
    products,
    reductions,
    selecting,
    sequences,
    shaping,
)
from nnsteps.ops.registry import NO_OPTIONS, REGISTRY, Array, Cells, Look, Op, Options, Shape, side_text

__all__ = [
    "NO_OPTIONS",
    "REGISTRY",
    "Array",
    "Cells",
    "Look",
    "Op",
    "Options",
    "Shape",
    "activations",
    "building",
    "choices",
    "elementwise",
    "lookups",
    "products",
    "reductions",
    "selecting",
    "sequences",
    "shaping",
    "side_text",
]
