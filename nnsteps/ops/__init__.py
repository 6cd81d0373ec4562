"""The operations, by family, each one record in the registry (see nnsteps.ops.registry for how they work)."""

from nnsteps.ops import elementwise, products, reductions, shaping
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
    "elementwise",
    "products",
    "reductions",
    "shaping",
    "side_text",
]
