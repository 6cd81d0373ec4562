"""What the given numbers are for: which ones training may change, which one is a bias. Told from how they are used."""

from __future__ import annotations

from collections.abc import Iterator

from nnsteps.ops import Op
from nnsteps.records import FORWARD, Node
from nnsteps.trace import Trace, gathered, told_once


def _is_product(trace: Trace, node: int) -> bool:
    op = trace.nodes[node].op
    return isinstance(op, Op) and op.look.kind == "product"


def source(trace: Trace, node: int) -> int:
    """The node behind a transpose."""
    here = trace.nodes[node]
    return here.inputs[0] if here.op is not None and here.op.name == "transpose" else node


def summands(trace: Trace, node: int) -> list[int]:
    """The parts of a sum, from left to right; any other node is its own only part."""
    here = trace.nodes[node]
    if isinstance(here.op, Op) and here.op.infix == "+":
        return [part for i in here.inputs for part in ([i] if i in trace.keys else summands(trace, i))]
    return [node]


def _given(trace: Trace, node: int) -> int | None:
    """A given value; None for any other."""
    return node if trace.given.get(trace.keys.get(node, "")) == node else None


@gathered
def _factors(trace: Trace, node: Node) -> Iterator[tuple[int | None, int | None]]:
    """The factors of each product: which given value stands left, which right."""
    if _is_product(trace, node.id):
        left, right = (_given(trace, source(trace, i)) for i in node.inputs)
        yield left, right


@told_once
def weights(trace: Trace) -> set[int]:
    """Given values that stand left in a product with data."""
    return {left for left, _ in _factors(trace) if left is not None}


@gathered
def biases(trace: Trace, node: Node) -> Iterator[int]:
    """Given columns (or single numbers) that are added to a product."""
    if isinstance(node.op, Op) and node.op.infix == "+":
        parts = summands(trace, node.id)
        given = [part for part in parts if _given(trace, part) is not None]
        if given and any(_is_product(trace, part) for part in parts):
            yield from (part for part in given if trace.value(part).shape[-1] == 1)


@gathered
def _others(trace: Trace, node: Node) -> Iterator[bool]:
    """True, where something else than a product is made of a named value."""
    if node.op is not None and not _is_product(trace, node.id) and any(i in trace.keys for i in node.inputs):
        yield True


def inputs(trace: Trace, asked: set[int]) -> set[int]:
    """Given values that a weight (or a value computed from given ones) is multiplied by, on its right."""
    pairs = _factors(trace)
    found = {right for left, right in pairs if right is not None and (left is None or left in asked)}
    return found - weights(trace)


def _given_pairs(trace: Trace) -> list[tuple[int, int]]:
    """The factors of products of two given values."""
    return [(left, right) for left, right in _factors(trace) if left is not None and right is not None]


@told_once
def learnable(trace: Trace) -> list[str]:
    """The given names that training may change, in the order of their first use.

    These are the ones a gradient is asked for (inputs apart), and weights and biases of a network; a lone product of
    two matrices is no network. `freeze` takes names out.
    """
    asked = {gradient.wrt for gradient in trace.gradients} & set(trace.given.values())
    asked -= inputs(trace, asked)
    network = biases(trace) or _others(trace)
    multiplied = {right for left, right in _given_pairs(trace) if right in asked and left not in asked}
    others = weights(trace) - {left for left, right in _given_pairs(trace) if right in multiplied}
    chosen = asked | ((others | biases(trace)) if network else set())
    order: dict[str, None] = {}
    names = {node: name for name, node in trace.given.items()}
    for step in trace.steps:
        if step.kind == FORWARD:
            for node in step.uses.values():
                if node in chosen and node in names:
                    order[names[node]] = None
    frozen, given = trace.problem.freeze, trace.problem.given
    return [name for name in order if name not in frozen and given[name].family not in frozen]
