"""What is said between two steps: the author's sentences, and why the steps went this way. Draws nothing."""

from __future__ import annotations

from collections.abc import Sequence

from nnsteps import scalar
from nnsteps.formula import Expr
from nnsteps.notation import caption
from nnsteps.records import Aside
from nnsteps.scalar import Const, Fn, Ref, Tree
from nnsteps.trace import Trace
from nnsteps.working import Blanks, Writer

BLANK = "___"
MOST_SAID = 12  # numbers of a value in a sentence


def sentence(trace: Trace, writer: Writer, aside: Aside, blanks: Blanks) -> str:
    """The text of an aside, with values in it as this page writes them; a line to write on for what is asked."""

    def said(node: int) -> str:
        return BLANK if any(i in blanks for i in trace.ancestors(node)) else _said(trace, writer, node)

    if aside.kind == "say":
        return "".join(writer.words(part) if isinstance(part, str) else said(part[1]) for part in aside.parts)
    formula, node = next(part for part in aside.parts if not isinstance(part, str))
    return _condition(trace, writer, formula, node)


def _said(trace: Trace, writer: Writer, node: int) -> str:
    value = trace.value(node)
    if node in trace.wordy:
        return ", ".join(writer.words(text) for text in trace.texts(node))
    if value.size == 1:
        return writer.alone(float(value.flat[0]))
    if value.size <= MOST_SAID:
        return writer.vector(node)
    return "×".join(str(side) for side in value.shape) + " numbers"


def _condition(trace: Trace, writer: Writer, formula: Expr, node: int) -> str:
    """used[2] < 2: 1 < 2 holds."""
    tree = _plain(trace.explain(node, (0,) * trace.value(node).ndim))
    holds = bool(trace.value(node).flat[0])
    words = "holds" if holds else "does not hold"
    text = caption(formula, ascii=writer.ascii)
    if any(ref.node in trace.wordy for ref in scalar.refs(tree)):
        return f"{text} {words}"
    numbers = scalar.write(tree, lambda part: _number(writer, part), writer.signs)
    return f"{text} {words}" if numbers == text else f"{text}: {numbers} {words}"


def _number(writer: Writer, part: Ref | Const) -> str:
    if isinstance(part, Const):
        return writer.alone(part.value)
    return writer.text(part.node, writer.number(part))


def _plain(tree: Tree) -> Tree:
    """A claim without the 1 and 0 that it gives."""
    if isinstance(tree, Fn) and tree.name == "if" and tree.args[1:] == (Const(1.0), Const(0.0)):
        return tree.args[0]
    return tree


def placed(asides: Sequence[Aside], before: float) -> tuple[list[Aside], list[Aside]]:
    """The asides that come before a step, and the others."""
    return [a for a in asides if a.after < before], [a for a in asides if a.after >= before]
