"""Convolutions: a filter slides over an image (conv2d) or along a sequence (conv1d), and what undoes that.

Theory of operation. There are three sums over the same windows: the result, what goes back to the image
(`…_input_grad`) and what goes back to the filter (`…_weight_grad`); where the windows lie is known to `Geometry`. The
three are linear in each argument, so each is the gradient of the others (and conv_transpose2d is the second of them
under its own name). Convention: cross-correlation, the filter is not turned round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnsteps import scalar
from nnsteps.errors import ShapeError
from nnsteps.ops.geometry import Geometry, Pair, Sides
from nnsteps.ops.registry import Array, At, Cells, Look, Options, Shape, must_be, op, side_text
from nnsteps.scalar import Fn, Ref, Tree

if TYPE_CHECKING:
    from numpy.random import Generator as Rng

WINDOW = "stride=1, padding=0, dilation=1, groups=1"


# --- ranks -------------------------------------------------------------------------------------------------------

# by how many sides the windows have: rank of the image -> its sides; (ranks of image and filter) -> sides of the filter
# and of the result
IMAGES: Mapping[int, Mapping[int, Sides]] = {
    1: {2: Sides((1, 3)), 3: Sides((0, 1, 3))},
    2: {2: Sides((2, 3)), 3: Sides((1, 2, 3)), 4: Sides((0, 1, 2, 3))},
}
FILTERS: Mapping[int, Mapping[tuple[int, int], tuple[Sides, Sides]]] = {
    1: {
        (2, 2): (Sides((1, 3)), Sides((1, 3))),
        (2, 3): (Sides((0, 1, 3)), Sides((1, 3))),
        (3, 3): (Sides((0, 1, 3)), Sides((0, 1, 3))),
    },
    2: {
        (2, 2): (Sides((2, 3)), Sides((2, 3))),
        (2, 3): (Sides((0, 2, 3)), Sides((1, 2, 3))),
        (3, 3): (Sides((1, 2, 3)), Sides((2, 3))),
        (3, 4): (Sides((0, 1, 2, 3)), Sides((1, 2, 3))),
        (4, 4): (Sides((0, 1, 2, 3)), Sides((0, 1, 2, 3))),
    },
}


# --- one family for each number of sides -------------------------------------------------------------------------


class Family(NamedTuple):
    """conv1d (1 side) or conv2d (2 sides): how its arrays are lifted."""

    dims: int

    @property
    def name(self) -> str:
        return f"conv{self.dims}d"

    def sides(self, image: Shape, weights: Shape) -> tuple[Sides, Sides, Sides]:
        """The sides of the image, the filter and the result. Errors: ShapeError for ranks that do not go together."""
        ranks = (len(image), len(weights))
        if ranks not in FILTERS[self.dims]:
            kinds = {
                1: "channels × time with filters of out × in × width",
                2: "rows × columns with a filter of rows × columns, or channels × rows × columns with filters of "
                "out × in × rows × columns",
            }[self.dims]
            raise ShapeError(
                f"{self.name} cannot combine {side_text(image)} with filters of {side_text(weights)}",
                hint=f"It needs {kinds}.",
            )
        filters, result = FILTERS[self.dims][ranks]
        return IMAGES[self.dims][ranks[0]], filters, result

    def geometry(self, image: Shape, weights: Shape, options: Options) -> Geometry:
        """The windows of a filter on an image."""
        images, filters, _ = self.sides(image, weights)

        def pair(name: str, still: int) -> Pair:
            number = int(options[name])
            return (number, number) if self.dims == 2 else (still, number)

        return Geometry(
            images.lift(image), filters.lift(weights), pair("stride", 1), pair("padding", 0), pair("dilation", 1),
            int(options["groups"]),
        )  # fmt: skip

    # --- the three sums ---

    def conv(self, x: Array, w: Array, *b: Array, **options: Any) -> Array:
        geometry = self.geometry(x.shape, w.shape, options)
        result = self.sides(x.shape, w.shape)[2]
        value = geometry.forward(x.reshape(geometry.image), w.reshape(geometry.filter))
        if b:
            value = value + b[0].reshape(1, -1, 1, 1)
        return value.reshape(result.own(geometry.out))

    def conv_cell(self, at: At, x: Cells, w: Cells, *b: Cells, **options: Any) -> Tree:
        geometry = self.geometry(x.shape, w.shape, options)
        images, filters, result = self.sides(x.shape, w.shape)
        full = result.full(at)
        terms: list[Tree] = [
            Fn("mul", (Ref(w.node, filters.own(other)), Ref(x.node, images.own(one))))
            for one, other in geometry.at_result(full)
        ]
        return scalar.add([*terms, *(bias_cell(bias, full[1]) for bias in b)])

    def input_grad(self, g: Array, w: Array, like: Array, **options: Any) -> Array:
        geometry = self.geometry(like.shape, w.shape, options)
        return geometry.to_image(g.reshape(geometry.out), w.reshape(geometry.filter)).reshape(like.shape)

    def input_grad_cell(self, at: At, g: Cells, w: Cells, like: Cells, **options: Any) -> Tree:
        geometry = self.geometry(like.shape, w.shape, options)
        images, filters, result = self.sides(like.shape, w.shape)
        return scalar.add(
            Fn("mul", (Ref(g.node, result.own(one)), Ref(w.node, filters.own(other))))
            for one, other in geometry.at_image(images.full(at))
        )

    def weight_grad(self, x: Array, g: Array, like: Array, **options: Any) -> Array:
        geometry = self.geometry(x.shape, like.shape, options)
        return geometry.to_filter(x.reshape(geometry.image), g.reshape(geometry.out)).reshape(like.shape)

    def weight_grad_cell(self, at: At, x: Cells, g: Cells, like: Cells, **options: Any) -> Tree:
        geometry = self.geometry(x.shape, like.shape, options)
        images, filters, result = self.sides(x.shape, like.shape)
        return scalar.add(
            Fn("mul", (Ref(x.node, images.own(one)), Ref(g.node, result.own(other))))
            for one, other in geometry.at_filter(filters.full(at))
        )

    # --- what is refused ---

    def check(self, names: tuple[str, ...], *shapes: Shape, **options: Any) -> None:
        """Refuse arrays and options that no window fits."""
        check_count(self.name, shapes)
        check_options(self.name, options)
        geometry = self.geometry(shapes[0], shapes[1], options)
        check_channels(names, shapes, geometry.image[1], geometry.filter[1] * geometry.groups)
        if geometry.filter[0] % geometry.groups:
            raise ShapeError(
                f"{names[1]} ({side_text(shapes[1])}) has {geometry.filter[0]} filters, not a multiple of "
                f"{geometry.groups} groups"
            )
        if min(geometry.out) < 1:
            raise ShapeError(
                f"{names[1]} ({side_text(shapes[1])}) is larger than {names[0]} ({side_text(shapes[0])})",
                hint="(W − F + 2P) / S + 1 must be at least 1: a smaller filter, or more padding.",
            )
        check_bias(names, shapes, geometry.filter[0])

    def check_back(
        self, image: tuple[str, Shape], weights: tuple[str, Shape], slope: tuple[str, Shape], options: Options
    ) -> None:
        """Refuse slopes that are not of what the filter makes of the image; each comes with its name."""
        (image_name, x), (weights_name, w) = image, weights
        self.check((image_name, weights_name), x, w, **options)
        wanted = self.sides(x, w)[2].own(self.geometry(x, w, options).out)
        must_be(*slope, wanted, f"what {self.name} makes of {image_name} and {weights_name}")

    def check_input_grad(self, names: tuple[str, ...], *shapes: Shape, **options: Any) -> None:
        slope, weights, image = zip(names, shapes, strict=True)
        self.check_back(image, weights, slope, options)

    def check_weight_grad(self, names: tuple[str, ...], *shapes: Shape, **options: Any) -> None:
        image, slope, weights = zip(names, shapes, strict=True)
        self.check_back(image, weights, slope, options)


def bias_cell(bias: Cells, channel: int) -> Ref:
    """The bias of a channel."""
    if set(bias.shape) == {1}:
        return Ref(bias.node, (0,) * len(bias.shape))
    return Ref(bias.node, (channel, 0) if bias.shape[1] == 1 else (0, channel))


def bias_rule(result: Shape, bias: Shape, channels: int) -> str:
    """The gradient of a bias: everything added up, but for the channels."""
    if set(bias) == {1}:
        return "sum(g)"
    total = "g"
    for axis in range(len(result)):
        if axis != channels:
            total = f"sum({total}, axis={axis})"
    return f"shaped({total}, b)"


def check_count(name: str, shapes: tuple[Shape, ...]) -> None:
    """Refuse too few or too many arrays."""
    if not 2 <= len(shapes) <= 3:
        raise ShapeError(f"{name} takes an image, a filter and perhaps a bias; it has {len(shapes)} arguments")


def check_channels(names: tuple[str, ...], shapes: tuple[Shape, ...], has: int, needs: int) -> None:
    """Refuse a filter for another number of channels."""
    if has != needs:
        raise ShapeError(
            f"{names[1]} ({side_text(shapes[1])}) does not fit {names[0]} ({side_text(shapes[0])})",
            hint=f"The filters are for {needs} channels (with all groups), {names[0]} has {has}.",
        )


def check_bias(names: tuple[str, ...], shapes: tuple[Shape, ...], channels: int) -> None:
    """Refuse a bias that is not one number for each channel of the result."""
    for bias in shapes[2:]:
        if set(bias) != {1} and (len(bias) != 2 or 1 not in bias or max(bias) != channels):
            raise ShapeError(
                f"the bias {names[2]} ({side_text(bias)}) does not fit {channels} filters",
                hint="It has one number for each filter, or one for all.",
            )


def check_options(name: str, options: Options) -> None:
    """Refuse a stride, padding, dilation or number of groups that is none."""
    for option, least in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1), ("groups", 1)):
        number = options.get(option, least)
        if not (int(number) == number and number >= least):
            raise ShapeError(f"{option} of {name} must be a whole number from {least}, not {number:g}")


# --- records -----------------------------------------------------------------------------------------------------


def passed(options: Options, *names: str) -> str:
    """Options as a rule hands them on to another operation; those of the usual value are left out."""
    usual = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    asked = names or tuple(usual)
    return "".join(f", {name}={options[name]}" for name in asked if options[name] != usual.get(name))


def _conv_rules(family: Family) -> Callable[[Options, tuple[Shape, ...]], Mapping[str, str]]:
    def rules(options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str]:
        more = passed(options)
        found = {"x": f"{family.name}_input_grad(g, w, x{more})", "w": f"{family.name}_weight_grad(x, g, w{more})"}
        if len(shapes) > 2:
            result = family.sides(shapes[0], shapes[1])[2].kept
            found["b"] = bias_rule(result, shapes[2], result.index(1) if 1 in result else -1)
        return found

    return rules


def _handed(family: Family, **rules: str) -> Callable[[Options, tuple[Shape, ...]], Mapping[str, str]]:
    return lambda options, shapes: {
        name: rule.format(conv=family.name, more=passed(options)) for name, rule in rules.items()
    }


def _samples(dims: int) -> tuple[Callable[[Rng], Mapping[str, Any]], ...]:
    image, filters, out = ((4, 6), (2, 2, 3), (2, 3)) if dims == 1 else ((2, 5, 4), (2, 2, 3, 2), (2, 3, 3))
    options = {"stride": 2, "padding": 1}
    if dims == 1:
        options["groups"] = 2
    return (
        lambda rng: {
            "x": rng.normal(size=image),
            "w": rng.normal(size=filters),
            "b": rng.normal(size=(2, 1)),
            **options,
        },
        lambda rng: {"slope": rng.normal(size=out), "w": rng.normal(size=filters), "like": np.zeros(image), **options},
        lambda rng: {"x": rng.normal(size=image), "slope": rng.normal(size=out), "like": np.zeros(filters), **options},
    )


def _register(family: Family, image: str, filters: str, result: str) -> None:
    name, (sample, input_sample, weight_sample) = family.name, _samples(family.dims)
    look = Look(kind="window", gloss="the filter slides over it")
    op(
        f"{name}(x, w, *b, {WINDOW})",
        doc="At every place the filter w times what it covers of x, added up, plus the bias b, which may be left out. "
        "Convention: cross-correlation. Sides of the result: (W − F + 2P) / S + 1, rounded down.",
        shapes=f"{image}, {filters}, (o, 1) -> {result}",
        value=family.conv,
        cost=lambda x, w, *b, **options: family.geometry(x.shape, w.shape, options).cost,
        cell=family.conv_cell,
        grad=_conv_rules(family),
        sample=sample,
        check=family.check,
        source="LeCun et al. 1989",
        look=look,
    )
    op(
        f"{name}_input_grad(slope, w, like, {WINDOW})",
        doc=f"What goes back to the input of {name}: every slope is handed to the cells that its window covers, "
        "times the filter.",
        shapes=f"{result}, {filters}, {image} -> {image}",
        value=family.input_grad,
        cost=lambda slope, w, like, **options: family.geometry(like.shape, w.shape, options).cost,
        cell=family.input_grad_cell,
        grad=_handed(family, slope="{conv}(g, w{more})", w="{conv}_weight_grad(g, slope, w{more})"),
        sample=input_sample,
        check=family.check_input_grad,
        look=Look(
            kind="window", written="{0} handed back by {1}", terse=True, gloss="slopes handed back by the filter"
        ),
    )
    op(
        f"{name}_weight_grad(x, slope, like, {WINDOW})",
        doc=f"What goes back to the filter of {name}: for each of its cells the slopes of all windows, times what lay "
        "under it.",
        shapes=f"{image}, {result}, {filters} -> {filters}",
        value=family.weight_grad,
        cost=lambda x, slope, like, **options: family.geometry(x.shape, like.shape, options).cost,
        cell=family.weight_grad_cell,
        grad=_handed(family, x="{conv}_input_grad(slope, g, x{more})", slope="{conv}(x, g{more})"),
        sample=weight_sample,
        check=family.check_weight_grad,
        look=Look(
            kind="window",
            written="windows of {0}, times {1}, added up",
            terse=True,
            gloss="what lay under it, times the slopes",
        ),
    )


_register(Family(1), "(c, t)", "(o, c, f)", "(o, t')")
_register(Family(2), "(c, m, n)", "(o, c, p, q)", "(o, m', n')")
