"""The record of an operation, and the table of all of them. Knows no operation itself.

Theory of operation. One `op(...)` call says everything about an operation, in one place: how to compute the array
(`value`), the arithmetic of one cell (`cell`, a tree of nnsteps.scalar over the cells of the arguments), and the
gradient (`grad`), written as formulas in the language of the problem files. The names in such a formula are the
arguments, the options, `out` (the result) and `g` (the gradient of the loss with respect to the result).

From that follow worked lines in every format, gradients that are ordinary steps, and the self-check. Three laws are
tested for every record the moment it is registered: the cell tree gives the cell, the gradient formulas agree with
central differences, and every tree can be written.

Three kinds of gradient: formulas; FLAT (constant between jumps, passes nothing back); None (asking is an error).
Shapes are repaired in one place (nnsteps.gradient), so a rule may ignore that an argument was stretched.

To add an operation: one op(...) in the file of its family, with a `sample` that the laws are tested on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnsteps.errors import ShapeError
from nnsteps.scalar import Ref, Tree

if TYPE_CHECKING:  # costly to import, and needed for annotations only
    from numpy.random import Generator

Array = np.ndarray[Any, np.dtype[np.float64]]
Shape = tuple[int, ...]
At = tuple[int, ...]
Options = Mapping[str, Any]
Grad = Mapping[str, "str | None"] | Callable[..., Mapping[str, "str | None"]]
FLAT: Mapping[str, str | None] = MappingProxyType({})
NO_OPTIONS: Options = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Cells:
    """An argument as a cell tree sees it: its identity and its shape, never its numbers."""

    node: int
    shape: Shape

    def __getitem__(self, at: At) -> Ref:
        """The cell at `at` (from 0) of an array with as many sides or more; sides of length 1 stretch."""
        at = ((0,) * len(self.shape) + at)[-len(self.shape) :]
        return Ref(self.node, tuple(0 if side == 1 else place for place, side in zip(at, self.shape, strict=True)))


class Look(NamedTuple):
    """What a step of this operation looks like on a page; renderers go by this and never by a name.

    kind:    product (corner), elementwise, reduction, shaping, claim (a comparison), gate (lets some numbers pass),
             rounding, choice (places that the numbers decide: shown by what was chosen and its margin) or window
             (each cell from some cells of another array: a convolution, a running sum)
    written: how a caption writes the call, with {0} for the first argument and {low} for an option: "Σ {0}"; "" means
             name(arguments)
    terse:   `written` stands for the call whatever its options: they were said at the step that it goes back through
    sign:    what stands before a row that holds the result of a reduction
    gate:    negative inputs are crossed out
    gloss:   a few plain words, said at the first step of its kind; a function of the options where they change it
    """

    kind: str = "elementwise"
    written: str = ""
    terse: bool = False
    sign: str = ""
    gate: bool = False
    gloss: str | Callable[[Options], str] = ""

    def words(self, options: Options) -> str:
        """The gloss of a call with these options."""
        return self.gloss if isinstance(self.gloss, str) else self.gloss(options)


class Cost(NamedTuple):
    """What it takes to compute a result: its cells, and about how many multiplications and additions."""

    cells: int
    work: int


def only(cells: int) -> Cost:
    """The cost of cells that are written down and not computed."""
    return Cost(cells, cells)


@dataclass(frozen=True, slots=True)
class Op:
    """One operation. `signature` is what `nnsteps functions` prints.

    `distance` tells for each cell of the result how far the numbers are from where it has no slope, or jumps: 0 on a
    kink, infinite where there is none. None of them moves by more than twice as much as the numbers do. `margin` is
    that of a choice: how far the numbers are from making it another one. `cost` is there where a result can be larger
    than what it is made of.
    """

    signature: str
    name: str
    args: tuple[str, ...]
    options: Options
    doc: str
    shapes: str
    value: Callable[..., Array]
    cell: Callable[..., Tree]
    grad: Grad
    sample: Callable[[Generator], Mapping[str, Any]]
    source: str
    look: Look = field(default_factory=Look)
    infix: str = ""
    variadic: bool = False
    check: Callable[..., None] | None = None
    distance: Callable[..., Array] | None = None
    margin: Callable[..., Array] | None = None
    cost: Callable[..., Cost] | None = None

    def needs(self, values: Sequence[Array], options: Options) -> Cost:
        """At most how many cells and multiplications the result takes; known before anything is computed."""
        if self.cost is not None:
            return self.cost(*values, **options)
        given = sum(value.size for value in values)
        stretched = math.prod(max(sides) for sides in zip_longest(*(v.shape[::-1] for v in values), fillvalue=1))
        return Cost(max(given, stretched), given + stretched)

    def rules(self, options: Options, shapes: tuple[Shape, ...]) -> Mapping[str, str | None]:
        """The gradient formulas, by argument, for these options and shapes."""
        return self.grad(options, shapes) if callable(self.grad) else self.grad

    def argument(self, position: int) -> str:
        """The name of an argument by its position: x1, x2, … of hstack(*x), but x, w, b of conv2d(x, w, *b)."""
        if not self.variadic or position < len(self.args) - 1:
            return self.args[position]
        place = position - len(self.args) + 2
        return self.args[-1] if place == 1 < len(self.args) else f"{self.args[-1]}{place}"


REGISTRY: dict[str, Op] = {}


def parse_signature(signature: str) -> tuple[str, tuple[str, ...], dict[str, Any], bool]:
    """("round(x, digits=0)") -> ("round", ("x",), {"digits": 0}, variadic).

    Read by hand, because a parser for all of Python would take most of the time that importing this package takes.
    """
    name, _, inside = signature.removesuffix(")").partition("(")
    parts = [part.partition("=") for part in inside.split(", ")]
    names = tuple(part.lstrip("*") for part, sign, _ in parts if not sign)
    options = {part: _literal(text) for part, sign, text in parts if sign}
    return name, names, options, any(part.startswith("*") for part, _, _ in parts)


def _literal(text: str) -> str | float | None:
    """What is meant by the default of an option: None, a word in quotes, or a number."""
    if text == "None":
        return None
    if text.startswith("'"):
        return text.strip("'")
    return int(text) if text.removeprefix("-").isdigit() else float(text)


def op(
    signature: str,
    *,
    doc: str,
    shapes: str,
    value: Callable[..., Array],
    cell: Callable[..., Tree],
    grad: Grad,
    sample: Callable[[Generator], Mapping[str, Any]],
    source: str = "",
    look: Look | None = None,
    infix: str = "",
    check: Callable[..., None] | None = None,
    distance: Callable[..., Array] | None = None,
    margin: Callable[..., Array] | None = None,
    cost: Callable[..., Cost] | None = None,
) -> Op:
    """Register one operation and give its record."""
    name, args, options, variadic = parse_signature(signature)
    assert name not in REGISTRY, f"{name} is registered twice"
    record = Op(
        signature, name, args, MappingProxyType(options), doc, shapes, value, cell, grad, sample, source,
        look or Look(), infix, variadic, check, distance or margin, margin, cost,
    )  # fmt: skip
    REGISTRY[name] = record
    return record


def side_text(shape: Shape) -> str:
    """A shape as people write it: 2×3."""
    return "×".join(str(side) for side in shape)


def must_be(name: str, shape: Shape, wanted: Shape, because: str) -> None:
    """Refuse an array that has not the shape that follows from the other arguments."""
    if shape != wanted:
        raise ShapeError(
            f"{name} ({side_text(shape)}) does not fit: it should be {side_text(wanted)}", hint=f"That is {because}."
        )


def stretches(names: tuple[str, ...], *shapes: Shape, **_: object) -> None:
    """Refuse shapes that do not fit side by side: sides of length 1 stretch within a rank, only 1×1 across ranks."""
    if all(shape == shapes[0] for shape in shapes):
        return
    full = [(name, shape) for name, shape in zip(names, shapes, strict=True) if set(shape) != {1}]
    for (first_name, first), (name, shape) in combinations(full, 2):
        if len(first) != len(shape):
            raise ShapeError(
                f"{first_name} ({side_text(first)}) and {name} ({side_text(shape)}) have a different number of sides",
                hint="Only a single number combines with an array of another rank.",
            )
        for axis, (one, other) in enumerate(zip(first, shape, strict=True)):
            if one != other and 1 not in (one, other):
                side = (
                    ("rows", "columns")[axis - len(shape) + 2]
                    if axis >= len(shape) - 2
                    else f"entries along axis {axis}"
                )
                raise ShapeError(
                    f"{first_name} ({side_text(first)}) and {name} ({side_text(shape)}) do not fit cell by cell",
                    hint=f"{first_name} has {one} {side}, {name} has {other}; they need as many, or one of them 1.",
                )
