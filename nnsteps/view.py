"""What a page shows, and what all parts of a page share. Draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnsteps import document as doc
from nnsteps import roles
from nnsteps.cells import find_cell
from nnsteps.errors import StepsError, UsageError, nearest
from nnsteps.notation import pretty
from nnsteps.ops import side_text
from nnsteps.records import BACKWARD, FORWARD, UPDATE, Step
from nnsteps.trace import Trace, told_once
from nnsteps.working import ALL_CELLS, Blanks, Writer, is_product

if TYPE_CHECKING:
    from nnsteps.verify import Report

PASSES = (FORWARD, BACKWARD, UPDATE)


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a trace, and how its numbers are written."""

    width: int = 100
    ascii: bool = False
    work: str = "lines"
    blank: bool = False
    ask: tuple[str, ...] = ()  # what is left blank: passes, names, cells; by default what the problem asks for
    only: str | None = None
    step: str | None = None
    until: int | None = None
    compare: bool = False
    digits: int | None = None
    rounding: str = "inside"
    checked: Report | None = None
    fold: bool = True  # leave out the middle of long sides


@dataclass(frozen=True, slots=True)
class Context:
    """One trace under one view: how its numbers are written and what they are for."""

    trace: Trace
    view: View
    exact: Trace | None
    writer: Writer
    learnable: Mapping[int, str]
    roles: Mapping[int, str]
    blanks: Blanks

    @classmethod
    def of(cls, trace: Trace, view: View, exact: Trace | None) -> Context:
        """The context of a page."""
        writer = Writer(trace, ascii=view.ascii, digits=view.digits, rounding=view.rounding, fold=view.fold)
        learnable = {trace.given[name]: name for name in roles.learnable(trace)}
        blanks: Blanks = {}
        if view.blank:
            blanks = _asked(trace, view.ask) if view.ask else _blanks(trace)
            blanks = {**blanks, **_of_strips(trace, blanks)}
        return cls(trace, view, exact, writer, learnable, _roles(trace), blanks)

    def name(self, key: str) -> str:
        """A name as this page writes it."""
        return pretty(key, ascii=self.view.ascii)

    @property
    def asked(self) -> tuple[str, ...]:
        """The names that the reader is to find; nothing where that is whole passes, or everything."""
        asked = self.view.ask or self.trace.problem.ask
        return asked if self.view.blank and not set(asked) & set(PASSES) else ()

    def shape(self, shape: tuple[int, ...]) -> str:
        """A shape as this page writes it."""
        return side_text(shape).replace("×", "x") if self.view.ascii else side_text(shape)


def _asked(trace: Trace, ask: tuple[str, ...]) -> Blanks:
    """The cells of passes, names and cells that someone asks for.

    Errors: UnknownName with the nearest name; UsageError for a pass or a cell that there is not.
    """
    out: dict[int, frozenset[tuple[int, ...]]] = {}
    spelled = {pretty(key): node for key, node in trace.by_key.items()} | trace.by_key
    for text in (text.strip() for text in ask):
        if text in PASSES:
            out |= dict.fromkeys(_nodes_of(trace, text), ALL_CELLS)
        elif text in spelled:
            out[spelled[text]] = ALL_CELLS
        else:
            node, at = _asked_cell(trace, text)
            if out.get(node) != ALL_CELLS:
                shape = trace.value(node).shape
                row = int(np.ravel_multi_index(at[:-1], shape[:-1])) if len(at) > 2 else at[0]
                out[node] = out.get(node, frozenset()) | {(row, at[-1])}
    return out


def _nodes_of(trace: Trace, kind: str) -> list[int]:
    """Everything that is computed in a pass."""
    steps = [step for step in trace.steps if step.kind == kind]
    if not steps:
        kinds = ", ".join(dict.fromkeys(step.kind for step in trace.steps))
        raise UsageError(f"{trace.problem.name} has no {kind} steps", where="--ask", hint=f"It has: {kinds}.")
    nodes = {node for step in steps for node in (*range(step.first, step.node + 1), step.node)}
    return [node for node in sorted(nodes) if trace.nodes[node].op is not None]


def _asked_cell(trace: Trace, text: str) -> tuple[int, tuple[int, ...]]:
    try:
        _, node, at = find_cell(trace, text)
    except StepsError as error:
        error.where = "--ask"
        near = nearest(text, PASSES)
        error.hint = f"Did you mean {near}?" if near else error.hint
        raise
    return node, at


def _blanks(trace: Trace) -> Blanks:
    """What the reader is to find: what the problem asks for, else every computed cell."""
    if not trace.problem.ask:
        return {node.id: ALL_CELLS for node in trace.nodes if node.op is not None}
    out: dict[int, frozenset[tuple[int, ...]]] = {}
    for asked in trace.problem.ask:
        name, _, index = asked.replace(" ", "").partition("[")
        node = trace.given.get(name, trace.names.get(name, [-1])[-1])
        if node < 0:
            continue  # a result that this way through the problem does not come to
        places = [int(k) - 1 for k in index.rstrip("]").split(",") if k.isdigit()]
        if not places:
            out[node] = ALL_CELLS
            continue
        rank = trace.value(node).ndim
        at = (*places, *[0] * (rank - len(places)))
        if out.get(node) != ALL_CELLS:
            out[node] = out.get(node, frozenset()) | {at}
    return out


def _of_strips(trace: Trace, blanks: Blanks) -> Blanks:
    """What is blank in strips: what is blank in the columns that they show."""
    out: dict[int, frozenset[tuple[int, ...]]] = {}
    for strip, columns in trace.columns.items():
        cells: set[tuple[int, ...]] = set()
        for j, column in enumerate(columns):
            mine = blanks.get(column, frozenset())
            rows = range(trace.value(column).shape[0]) if mine == ALL_CELLS else [at[0] for at in mine]
            cells |= {(i, j) for i in rows}
        if len(cells) == trace.value(strip).size:
            out[strip] = ALL_CELLS
        elif cells:
            out[strip] = frozenset(cells)
    return out


@told_once
def _roles(trace: Trace) -> Mapping[int, str]:
    learnable = {trace.given[name] for name in roles.learnable(trace)}
    out: dict[int, str] = {node: doc.WEIGHT if node in learnable else doc.GIVEN for node in trace.given.values()}
    for node in roles.biases(trace):
        out[node] = doc.BIAS if node in learnable else out[node]
    users: dict[int, list[Step]] = {}
    for step in trace.steps:
        if step.kind == FORWARD:
            for node in step.uses.values():
                users.setdefault(node, []).append(step)
    losses = {gradient.loss for gradient in trace.gradients}
    multiplied, level = _multiplied(trace), 0
    for step in trace.steps:
        node = step.node
        if step.kind == BACKWARD:
            out.setdefault(node, doc.GRADIENT)
        elif step.kind == UPDATE:
            out[node] = doc.NEW
        elif node in losses:
            out[node] = doc.LOSS
        else:
            then = users.get(node, [])
            if not then or all(user.node in losses for user in then):
                out[node] = doc.OUTPUT
            elif len(then) == 1 and node not in multiplied:
                out[node] = doc.PASSING
            else:
                out[node] = doc.ACTIVATION[min(level, 2)]
                level += 1
    return out


def _multiplied(trace: Trace) -> set[int]:
    """The nodes that go into a matrix product."""
    return {i for node in range(len(trace.nodes)) if is_product(trace, node) for i in trace.nodes[node].inputs}
