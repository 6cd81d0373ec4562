"""Which cells of a page a cell was computed from, as attributes. Knows no layout.

Every drawn cell has a key: the recorded cell that it shows, or the one that this is a copy of, so that W₁[2,1] and
W₁ᵀ[1,2] are one cell. The keys of the operands are written as boxes, `7.1.0-2` for row 2, columns 1 to 3 of value 7,
because the operands of a product are a row and a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from nnsteps import scalar
from nnsteps.document import Numbers
from nnsteps.scalar import Fn, Ref, Tree

MOST_OPERANDS = 60_000  # of one page; cells beyond that are drawn without their operands
MOST_COPIES = 50  # copies of copies


@dataclass
class Links:
    """The keys and operands of the cells of one page."""

    numbers: Numbers | None
    room: int = MOST_OPERANDS
    _trees: dict[Ref, Tree] = field(default_factory=dict)

    def is_given(self, ref: Ref) -> bool:
        """Whether a cell was given, not computed."""
        original = self.original(ref)
        return self.numbers is not None and self._tree(original) == original

    def original(self, ref: Ref) -> Ref:
        """The cell that a cell is a copy of, or was picked as; itself, if it is neither."""
        for _ in range(MOST_COPIES):
            tree = self._picked(self._tree(ref))
            if not isinstance(tree, Ref) or tree == ref:
                break
            ref = tree
        return ref

    def attributes(self, ref: Ref) -> dict[str, str]:
        """The attributes of a drawn cell: its key, and the keys of what it was computed from or is a copy of."""
        if self.numbers is None or self.room <= 0:
            return {}
        own = self.original(ref)
        sources = {self.original(one) for one in self._operands(self._tree(ref))}
        written = sorted(sources - {own} if own == ref else sources | {own})
        self.room -= len(written) + 1
        return {"data_cell": _key(own), "data_from": " ".join(_boxes(written))}

    def _picked(self, tree: Tree) -> Tree:
        """What a choice came to; any other tree as it is."""
        while isinstance(tree, Fn) and tree.name == "choose" and self.numbers is not None:
            tree = tree.args[int(scalar.evaluate(tree.args[0], self.numbers.value))]
        return tree

    def _operands(self, tree: Tree) -> Iterator[Ref]:
        """What a tree refers to; of a choice, what decided it and what was chosen."""
        while isinstance(tree, Fn) and tree.name == "choose" and self.numbers is not None:
            yield from self._operands(tree.args[0])
            tree = tree.args[int(scalar.evaluate(tree.args[0], self.numbers.value))]
        if isinstance(tree, Ref):
            yield tree
        elif isinstance(tree, Fn):
            for arg in tree.args:
                yield from self._operands(arg)

    def _tree(self, ref: Ref) -> Tree:
        if self.numbers is None:
            return ref
        if ref not in self._trees:
            self._trees[ref] = self.numbers.tree(ref)
        return self._trees[ref]


def _key(ref: Ref) -> str:
    return ".".join(map(str, (ref.node, *ref.at)))


def _boxes(refs: Iterable[Ref]) -> Iterable[str]:
    """The keys of some cells, those of one value together where they fill a box."""
    for node, group in groupby(refs, key=lambda ref: ref.node):
        places = [ref.at for ref in group]
        sides = [sorted({at[k] for at in places}) for k in range(len(places[0]))]
        size = 1
        for side in sides:
            size *= len(side)
        if size == len(places) and all(side[-1] - side[0] == len(side) - 1 for side in sides):
            yield ".".join([str(node), *(_span(side) for side in sides)])
        else:
            yield from (_key(Ref(node, at)) for at in places)


def _span(side: list[int]) -> str:
    return str(side[0]) if len(side) == 1 else f"{side[0]}-{side[-1]}"
