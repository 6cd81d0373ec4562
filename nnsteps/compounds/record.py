"""The record of a compound, the table of all of them, and what their formulas share. Knows no compound itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnsteps.ops import REGISTRY, Look, Op, Options, Shape
from nnsteps.ops.registry import parse_signature

if TYPE_CHECKING:
    from numpy.random import Generator as Rng

REDUCTIONS = ("sum", "mean", "none")
Body = tuple[str, ...]


class Stable(NamedTuple):
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
    grad: Callable[[Options, tuple[Shape, ...]], Mapping[str, str | None] | None] | None
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
    grad: Callable[[Options, tuple[Shape, ...]], Mapping[str, str | None] | None]
    | Mapping[str, str | None]
    | None = None,
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


def per_column(each: str) -> Callable[[Options], Body]:
    """The body of a loss that has one number for each column, with a `reduction`."""
    return lambda options: (
        f"out = {each}" if options["reduction"] == "none" else f"out = {options['reduction']}({each})",
    )


def over_columns(options: Options, shapes: tuple[Shape, ...]) -> str:
    """What a gradient is divided by when the loss is the mean over columns."""
    columns = np.broadcast_shapes(*shapes)[1]
    return f" / {columns}" if options["reduction"] == "mean" and columns > 1 else ""


def over_cells(options: Options, shapes: tuple[Shape, ...]) -> str:
    """What a gradient is divided by when the loss is the mean over all cells."""
    cells = int(np.prod(np.broadcast_shapes(*shapes)))
    return f" / {cells}" if options["reduction"] == "mean" and cells > 1 else ""


def along(options: Options) -> str:
    """The axis as it is handed on to an inner function; without one, over all cells."""
    return "" if options["axis"] is None else f", axis={options['axis']}"
