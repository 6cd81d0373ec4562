"""What a trace consists of: nodes, the steps that name them, choices, and what is said between steps.

A `Node` is one array: the operation, the nodes it was computed from, the options, the value. A `Step` gives a node a
name, a place in the author's order and words. Nodes have no names, because one array may be several results (∂L/∂b and
∂L/∂z). A node may *stand for* another one (`out`): a compound for the last of its inner steps, a by-hand value for the
by-hand form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from nnsteps.compounds import Compound
from nnsteps.formula import Expr
from nnsteps.ops import Array, Op, Options

if TYPE_CHECKING:
    from nnsteps.problem import StepItem

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"


class Node(NamedTuple):
    """One recorded array."""

    id: int
    op: Op | Compound | None  # None: given, or a number in a formula
    inputs: tuple[int, ...]
    options: Options
    value: Array
    out: int | None = None  # the node that this one stands for
    inner: tuple[tuple[str, int], ...] = ()  # the named lines of a compound's body
    by_hand: bool = False
    words: str = ""  # what should be said of a choice: "subtract the largest first"

    @property
    def before(self) -> tuple[int, ...]:
        """The nodes that this one was made of, all with smaller ids."""
        return self.inputs if self.out is None else (*self.inputs, self.out)


@dataclass(frozen=True, slots=True)
class Step:
    """One named result in the author's order."""

    index: int
    name: str  # as the author writes it: W1
    key: str  # unique: W1#2
    kind: str
    node: int
    formula: Expr
    heading: tuple[str, ...]
    uses: Mapping[str, int]  # the names in the formula, and the nodes they stood for
    first: int  # the first node that was recorded for this step
    note: str | None = None
    remark: str | None = None
    by_hand: Expr | None = None
    of: int | None = None  # backward: the forward node whose gradient this is
    loss: int | None = None  # backward: the node whose gradient this is
    words: str = ""  # "softmax and cross-entropy in one step"
    item: StepItem | None = None  # what the author wrote
    turns: tuple[Turn, ...] = ()  # the loops that this step was inside of, from the outermost


class Turn(NamedTuple):
    """One turn of a loop."""

    loop: int  # which loop, by number
    name: str
    value: int | str


class Decision(NamedTuple):
    """A choice that was made by the numbers: which cell, member or branch."""

    by: int  # the node whose value decided
    chosen: tuple[float | str, ...]  # what was read from it: positions from 1, words, or the truth of a condition
    kind: str  # choice (positions), cell, member, bound, when or until
    step: int  # the step during which it was made, by its number
    node: int | None = None  # what was picked
    among: tuple[int, ...] = ()  # the members that it was picked from
    axis: int = 0  # of a cell: the side along which it was picked
    margin: float = math.inf  # how far the numbers are from another choice; 0 is a tie, which goes to the first


class Aside(NamedTuple):
    """Something said between two steps: texts, formulas with their values, conditions with their truth."""

    kind: str  # say, when, until or loop
    parts: tuple[str | tuple[Expr, int], ...]  # a formula comes with the node of its value
    after: int  # the number of the step before
    heading: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()


class Gradient(NamedTuple):
    """∂loss/∂name: which nodes it connects."""

    loss: int
    loss_name: str
    name: str
    wrt: int
    node: int
    step: int
