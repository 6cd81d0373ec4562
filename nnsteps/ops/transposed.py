"""conv_transpose2d: a convolution the other way, every number laid down as a multiple of the filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnsteps import scalar
from nnsteps.errors import ShapeError
from nnsteps.ops.geometry import Geometry, Sides
from nnsteps.ops.registry import Array, At, Cells, Look, Options, Shape, op, side_text
from nnsteps.ops.windows import bias_cell, bias_rule, check_bias, check_channels, check_count, check_options, passed
from nnsteps.scalar import Fn, Ref, Tree

TRANSPOSED: Mapping[tuple[int, int], Sides] = {
    (2, 2): Sides((2, 3)),
    (3, 4): Sides((1, 2, 3)),
    (4, 4): Sides((0, 1, 2, 3)),
}


def _transposed(x: Shape, w: Shape, options: Options) -> tuple[Geometry, Sides, Sides]:
    """The windows of the convolution that leads back to x; the sides of x (and of the result), and of the filter."""
    ranks = (len(x), len(w))
    if ranks not in TRANSPOSED:
        raise ShapeError(
            f"conv_transpose2d cannot combine {side_text(x)} with filters of {side_text(w)}",
            hint="It needs channels × rows × columns with filters of in × out × rows × columns, or two tables.",
        )
    sides, filters = TRANSPOSED[ranks], Sides((0, 1, 2, 3)[-len(w) :])
    stride, padding, dilation, groups, more = (
        int(options[name]) for name in ("stride", "padding", "dilation", "groups", "output_padding")
    )
    small, weights = sides.lift(x), filters.lift(w)
    rows, columns = ((small[k] - 1) * stride - 2 * padding + dilation * (weights[k] - 1) + 1 + more for k in (2, 3))
    image = (small[0], weights[1] * groups, rows, columns)
    geometry = Geometry(image, weights, (stride, stride), (padding, padding), (dilation, dilation), groups)
    return geometry, sides, filters


def _conv_transpose(x: Array, w: Array, *b: Array, **options: Any) -> Array:
    geometry, sides, _ = _transposed(x.shape, w.shape, options)
    value = geometry.to_image(x.reshape(geometry.out), w.reshape(geometry.filter))
    if b:
        value = value + b[0].reshape(1, -1, 1, 1)
    return value.reshape(sides.own(geometry.image))


def _conv_transpose_cell(at: At, x: Cells, w: Cells, *b: Cells, **options: Any) -> Tree:
    geometry, sides, filters = _transposed(x.shape, w.shape, options)
    full = sides.full(at)
    terms: list[Tree] = [
        Fn("mul", (Ref(w.node, filters.own(other)), Ref(x.node, sides.own(one))))
        for one, other in geometry.at_image(full)
    ]
    return scalar.add([*terms, *(bias_cell(bias, full[1]) for bias in b)])


def _conv_transpose_check(names: tuple[str, ...], *shapes: Shape, **options: Any) -> None:
    check_count("conv_transpose2d", shapes)
    check_options("conv_transpose2d", options)
    geometry, sides, _ = _transposed(shapes[0], shapes[1], options)
    check_channels(names, shapes, sides.lift(shapes[0])[1], geometry.filter[0])
    if min(geometry.image) < 1 or geometry.out != sides.lift(shapes[0]) or geometry.filter[0] % geometry.groups:
        raise ShapeError(
            f"these options of conv_transpose2d do not fit {names[0]} ({side_text(shapes[0])})",
            hint="output_padding is smaller than stride, and padding leaves something of the result.",
        )
    check_bias(names, shapes, geometry.image[1])


def _conv_transpose_rules(options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str]:
    more = passed(options, *(name for name in options if name != "output_padding"))
    found = {"x": f"conv2d(g, w{more})", "w": f"conv2d_weight_grad(g, x, w{more})"}
    if len(shapes) > 2:
        found["b"] = bias_rule(shapes[0], shapes[2], len(shapes[0]) - 3)
    return found


op(
    "conv_transpose2d(x, w, *b, stride=1, padding=0, output_padding=0, dilation=1, groups=1)",
    doc="Every number of x times the filter, laid down at its place, all added up, plus the bias b, which may be left "
    "out: conv2d the other way. Filters are in × out, as in PyTorch. Sides of the result: (W − 1) S − 2P + F.",
    shapes="(c, m, n), (c, o, p, q), (o, 1) -> (o, m', n')",
    value=_conv_transpose,
    cost=lambda x, w, *b, **options: _transposed(x.shape, w.shape, options)[0].cost,
    cell=_conv_transpose_cell,
    grad=_conv_transpose_rules,
    sample=lambda rng: {
        "x": rng.normal(size=(2, 3, 2)), "w": rng.normal(size=(2, 3, 2, 3)), "b": rng.normal(size=(3, 1)),
        "stride": 2, "padding": 1, "output_padding": 1,
    },
    check=_conv_transpose_check,
    source="Zeiler et al. 2010",
    look=Look(kind="window", gloss="each number times the filter"),
)  # fmt: skip
