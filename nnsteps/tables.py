"""Families as tables to look things up in: a row for each label, the rows that were taken marked."""

from __future__ import annotations

from collections.abc import Collection

from nnsteps import document as doc
from nnsteps.document import Cell, Grid
from nnsteps.families import Family, split_name
from nnsteps.ops import Op
from nnsteps.scalar import Ref
from nnsteps.trace import Trace
from nnsteps.working import MOST_ROWS, Writer


def looked_up(trace: Trace, node: int) -> tuple[Family, tuple[int, ...]] | None:
    """The labelled family that a value is made of members of, and these members."""
    here = trace.nodes[node]
    if node not in trace.aliases or not isinstance(here.op, Op) or not here.op.variadic:
        return None
    names = [split_name(trace.keys.get(i, "")) for i in here.inputs]
    families = {name[0] for name in names if name is not None}
    if len(families) != 1 or None in names:
        return None
    family = trace.families.get(families.pop())
    given = set(trace.given.values())
    columns = all(i in given and trace.value(i).shape[1:] == (1,) for i in here.inputs)
    if family is None or family.is_numbered or not columns or family.whole() == [trace.keys[i] for i in here.inputs]:
        return None
    return family, here.inputs


def table(trace: Trace, writer: Writer, family: Family, taken: Collection[int], role: str) -> Grid:
    """The members of a family as rows; of a long table those that are used anywhere, and a few others."""
    names = family.whole()
    nodes = [trace.given[name] for name in names if name in trace.given]
    used = {i for node in trace.nodes if node.id in trace.aliases for i in node.inputs}
    kept = _kept(nodes, used) if len(nodes) > MOST_ROWS else set(nodes)
    rows: list[tuple[Cell, ...] | None] = []
    sides: list[str] = []
    left_out = 0
    for name, node in zip(names, nodes, strict=False):
        if node not in kept:
            left_out += 1
            continue
        mark = doc.CHOSEN if node in taken else ""
        places = range(trace.value(node).shape[0])
        texts = [writer.text(node, writer.number(Ref(node, (k, 0)))) for k in places]
        cells = [Cell(text, "", Ref(node, (k, 0))) for k, text in zip(places, texts, strict=True)]
        rows.append((*cells[:-1], cells[-1]._replace(mark=mark)))
        sides.append(writer.words(name[len(family.name) + 1 : -1]))
    if left_out:
        rows.append(None)
        sides.append("")
    folded = f"{left_out} more rows, not looked up here" if left_out else ""
    shape = (len(nodes), trace.value(nodes[0]).shape[0])
    return Grid(writer.called(family.name), tuple(rows), role, shape, folded, sides=tuple(sides))


def _kept(nodes: list[int], used: set[int]) -> set[int]:
    kept = {node for node in nodes if node in used}
    return kept or set(nodes[:MOST_ROWS])
