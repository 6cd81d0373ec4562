"""Every number of a page as a cell of a sheet: where it stands, its formula, its recorded value. Draws nothing.

Theory of operation. A recorded cell lives where it is drawn first; other drawings refer to that place. What formulas
need and nobody drew (named values, long parts of formulas, the conditions of a route) gets a place below the page. In a
page to fill in, an asked cell is empty; whatever would follow from it stands there as a plain number, because a formula
over an empty cell is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from nnsteps import scalar
from nnsteps.document import Numbers
from nnsteps.render.xlsx_formula import Address, Formulas, Text, cell_name, finite
from nnsteps.scalar import Const, Fn, Ref, Tree

SHARED_REFS = 12  # a part of so many cells, needed more than twice, gets a cell of its own
NEEDED = 3
PER_ROW = 12  # parts of formulas stand so many to a row
CHANGED = "route changed: solve again"


@runtime_checkable
class Named(Protocol):
    """Numbers that know what their cells are called."""

    def name(self, ref: Ref) -> str:
        """The name of the value that a cell belongs to, as the page writes it."""


class Further(NamedTuple):
    """A value that is nowhere drawn: its name, and the places of its cells."""

    name: str
    cells: tuple[tuple[Ref, Address], ...]


class Entry(NamedTuple):
    """What a cell holds: a formula and its value, or a number alone."""

    value: float
    formula: str = ""


@dataclass
class Live:
    """The numbers behind one page, once it is drawn. `places` says where each was drawn first."""

    numbers: Numbers
    places: dict[Ref, Address]
    words: frozenset[Ref]  # cells that show a word: their numbers stand elsewhere, if anything needs them
    asked: frozenset[Ref]
    row: int  # the first free row below the page
    column: int
    further: list[Further] = field(default_factory=list)
    parts: dict[Address, Entry] = field(default_factory=dict)
    trees: dict[Ref, Tree] = field(default_factory=dict)
    after: dict[Ref, bool] = field(default_factory=dict)  # whether a cell follows from an asked one
    guards: list[Address] = field(default_factory=list)
    formulas: Formulas = field(init=False)

    def __post_init__(self) -> None:
        self._place_further()
        self.formulas = Formulas(self, self._shared(), self._drawn_parts())
        self._place_guards()

    # --- what a cell holds ---

    def entry(self, ref: Ref, at: Address) -> Entry | None:
        """What stands at a place where a number is drawn; None for nothing."""
        if ref in self.asked:
            return None
        value = finite(self.numbers.value(ref))
        home = self.places[ref]
        if home != at:
            return Entry(value, f"={cell_name(home)}")
        if self._is_given(ref) or self._follows(ref):
            return Entry(value)
        return Entry(value, self.formulas.formula(self.tree(ref)))

    def answer(self, ref: Ref) -> Entry | None:
        """A final value: the number, or that the route has changed."""
        if ref in self.asked:
            return None
        value, home = finite(self.numbers.value(ref)), cell_name(self.places[ref])
        return Entry(value, f'=IF({self.holds()},{home},"{CHANGED}")' if self.guards else f"={home}")

    def word(self, ref: Ref, text: str) -> tuple[str, str] | None:
        """A formula for a word that was found by its number: it does not outlive a change. None for a given word."""
        if self._is_given(ref) or self._follows(ref) or ref in self.asked:
            return None
        place = Const(self.numbers.value(ref))
        same = self.formulas.condition(Fn("eq", (ref if ref in self.places else self.tree(ref), place)))
        written = text.replace('"', '""')
        return f'=IF({same},"{written}","{CHANGED}")', text

    def said(self, tree: Tree, yes: str, no: str) -> tuple[str, str] | None:
        """A formula that says one of two words, and the word it says now."""
        if any(self._follows(ref) for ref in scalar.refs(tree)):
            return None
        now = yes if scalar.evaluate(tree, self.numbers.value) else no
        return f'=IF({self.formulas.condition(tree)},"{yes}","{no}")', now

    def holds(self) -> str:
        """The claim that the steps are still the right ones."""
        cells = [cell_name(place) for place in self.guards]
        return f"AND({','.join(f'{cell}=1' for cell in cells)})"

    # --- what formulas ask for ---

    def address(self, ref: Ref) -> Address:
        return self.places[ref]

    def value(self, tree: Tree) -> float:
        return finite(scalar.evaluate(tree, self.numbers.value))

    def put(self, formula: str, tree: Tree) -> Address:
        count = len(self.parts)
        place = (self.row + count // PER_ROW, self.column + count % PER_ROW)
        self.parts[place] = Entry(self.value(tree), formula)
        return place

    # --- trees ---

    def tree(self, ref: Ref) -> Tree:
        """The arithmetic of a cell; the cell itself where it is given."""
        if ref not in self.trees:
            self.trees[ref] = self.numbers.tree(ref)
        return self.trees[ref]

    def _is_given(self, ref: Ref) -> bool:
        return self.tree(ref) == ref

    def _follows(self, ref: Ref) -> bool:
        """Whether a number follows from one that is asked."""
        if not self.asked:
            return False
        if ref not in self.after:
            waiting = [ref]
            while waiting:
                here = waiting[-1]
                inner = () if self._is_given(here) else tuple(scalar.refs(self.tree(here)))
                open_refs = [r for r in inner if r not in self.after]
                if open_refs and here not in self.asked:
                    waiting += open_refs
                    continue
                self.after[here] = here in self.asked or any(self.after[r] for r in inner)
                waiting.pop()
        return self.after[ref]

    def _place_further(self) -> None:
        """A place for every value that formulas need and that is not drawn."""
        missing: dict[int, set[Ref]] = {}
        waiting = [*self.places, *(ref for tree in self.numbers.guards() for ref in scalar.refs(tree))]
        waiting += [inner for ref in self.words for inner in scalar.refs(self.tree(ref)) if inner != ref]
        seen = set(waiting)
        while waiting:
            ref = waiting.pop()
            if ref not in self.places:
                missing.setdefault(ref.node, set()).add(ref)
            inner = set(scalar.refs(self.tree(ref))) - seen
            seen |= inner
            waiting += inner
        for node in sorted(missing):
            self._place_value(sorted(missing[node]))

    def _place_value(self, refs: list[Ref]) -> None:
        """The cells of one value, in rows and columns."""
        rows = {at: k for k, at in enumerate(sorted({ref.at[:-1] for ref in refs}))}
        columns = {at: k for k, at in enumerate(sorted({ref.at[-1] for ref in refs}))}
        cells = tuple((ref, (self.row + 1 + rows[ref.at[:-1]], self.column + columns[ref.at[-1]])) for ref in refs)
        self.places.update(cells)
        self.further.append(Further(self.numbers.name(refs[0]) if isinstance(self.numbers, Named) else "", cells))
        self.row += len(rows) + 2

    def _shared(self) -> frozenset[Tree]:
        """The parts that several formulas have in common."""
        counts: Counter[Tree] = Counter()

        def count(tree: Tree) -> int:
            if not isinstance(tree, Fn):
                return int(isinstance(tree, Ref))
            size = sum(map(count, tree.args))
            if size >= SHARED_REFS:
                counts[tree] += 1
            return size

        for tree in self._formula_trees():
            count(tree)
        return frozenset(tree for tree, times in counts.items() if times >= NEEDED)

    def _formula_trees(self) -> Iterable[Tree]:
        for ref in self.places:
            if not self._is_given(ref) and not self._follows(ref):
                tree = self.tree(ref)
                yield from tree.args if isinstance(tree, Fn) else ()
        yield from self.numbers.guards()

    def _drawn_parts(self) -> dict[Tree, Text]:
        """Arithmetic that stands on the page as a cell of its own: others that contain it refer to that cell."""
        found: dict[Tree, Text] = {}
        for ref, place in self.places.items():
            if isinstance(self.tree(ref), Fn) and ref not in self.asked:
                found.setdefault(self.tree(ref), Text(cell_name(place)))
        return found

    def _place_guards(self) -> None:
        for tree in self.numbers.guards():
            if not any(self._follows(ref) for ref in scalar.refs(tree)):
                self.guards.append(self.put(self.formulas.formula(tree), tree))
