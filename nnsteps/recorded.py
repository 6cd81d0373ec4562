"""The numbers behind a page, for formats whose numbers stay alive. Draws nothing.

Theory of operation. A cell's arithmetic is that of the trace, but a value that the numbers picked among others is a
`choose` over all of them, so that another choice gives another value. What cannot be said so (a branch, the number of
turns, a member picked by a word, the gradient of a choice) is a guard: a claim that must hold for the recorded steps to
be the right ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnsteps.records import Decision
from nnsteps.scalar import Const, Fn, Ref, Tree, fn
from nnsteps.trace import Trace
from nnsteps.working import Writer

At = tuple[int, ...]
MOST_OPTIONS = 100  # among more a choice is a guard


@dataclass(frozen=True)
class Recorded:
    """The numbers of one trace, under the names of one page."""

    trace: Trace
    writer: Writer

    def value(self, ref: Ref) -> float:
        """The recorded number."""
        return self.trace.look_up(ref)

    def name(self, ref: Ref) -> str:
        """What the value that a cell belongs to is called on the page."""
        return self.writer.name(ref.node)

    def tree(self, ref: Ref) -> Tree:
        """The arithmetic of a cell over cells of named values; choices among values stay choices."""
        tree = self.trace.explain(ref.node, ref.at, instead=self._picks)
        members = self._members.get(self._step_of.get(ref.node, 0))
        return _replaced(tree, members) if members else tree

    def guards(self) -> tuple[Tree, ...]:
        """The claims that must give 1 for the steps to be the right ones."""
        out: list[Tree] = []
        for decision in self.trace.decisions:
            if decision.kind == "choice" or (self._is_live(decision) and not self.trace.gradients):
                continue
            shape = self.trace.value(decision.by).shape
            for at in np.ndindex(*shape):
                value = float(self.trace.value(decision.by)[at])
                tree = self.trace.explain(decision.by, at, instead=self._picks)
                if tree == Const(value):
                    continue
                out.append(fn("eq", tree, value))
        return tuple(dict.fromkeys(out))

    # --- choices among values ---

    def _is_live(self, decision: Decision) -> bool:
        if decision.by in self.trace.wordy:
            return False
        if decision.kind == "cell":
            return decision.node in self._picks
        return decision.kind == "member" and self._options(decision) is not None

    @cached_property
    def _picks(self) -> dict[int, Callable[[At], Tree]]:
        """For cells that were picked by their place: how to say them as a choice."""
        found: dict[int, dict[int, int]] = {}
        for decision in self.trace.decisions:
            if decision.kind == "cell" and decision.node is not None and decision.by not in self.trace.wordy:
                found.setdefault(decision.node, {})[decision.axis] = decision.by
        picks = {}
        for node, axes in found.items():
            here = self.trace.nodes[node]
            sides = self.trace.value(here.inputs[0]).shape
            if int(np.prod([sides[axis] for axis in axes])) <= MOST_OPTIONS and len(sides) == 2:
                picks[node] = self._pick(node, axes)
        return picks

    def _pick(self, node: int, axes: dict[int, int]) -> Callable[[At], Tree]:
        trace = self.trace
        here = trace.nodes[node]
        source = here.inputs[0]
        shape = trace.value(source).shape
        places = here.options.get("places") or [tuple(range(low, high)) for low, high in here.options["bounds"]]

        def tree(at: At) -> Tree:
            def along(axis: int, chosen: At) -> Tree:
                if axis == len(shape):
                    return Ref(source, chosen)
                if axis not in axes:
                    return along(axis + 1, (*chosen, places[axis][at[axis]]))
                by = axes[axis]
                cell = tuple(int(k) for k in np.unravel_index(at[axis], trace.value(by).shape))
                options = [along(axis + 1, (*chosen, k)) for k in range(shape[axis])]
                return Fn("choose", (trace.explain(by, cell) if by not in trace.keys else Ref(by, cell), *options))

            return along(0, ())

        return tree

    @cached_property
    def _step_of(self) -> dict[int, int]:
        """The step, by its number, that a node was recorded for."""
        return {node: step.index for step in self.trace.steps for node in range(step.first, step.node + 1)}

    @cached_property
    def _members(self) -> dict[int, dict[int, tuple[Tree, tuple[int, ...]]]]:
        """For each step the members that it picked: by which number, among which."""
        out: dict[int, dict[int, tuple[Tree, tuple[int, ...]]]] = {}
        for decision in self.trace.decisions:
            options = self._options(decision) if decision.kind == "member" else None
            if options is not None and decision.node is not None and decision.by not in self.trace.wordy:
                by = decision.by
                at = (0,) * self.trace.value(by).ndim
                place = Ref(by, at) if by in self.trace.keys else self.trace.explain(by, at, instead=self._picks)
                out.setdefault(decision.step, {})[decision.node] = (place, options)
        return out

    def _options(self, decision: Decision) -> tuple[int, ...] | None:
        """The members in the order of the numbers that pick them; None where a number does not say which."""
        trace, among = self.trace, decision.among
        if decision.node is None or len({trace.value(node).shape for node in among}) != 1 or len(among) > MOST_OPTIONS:
            return None
        place = float(trace.value(decision.by).flat[0])
        return among if 1 <= place <= len(among) and among[int(place) - 1] == decision.node else None


def _replaced(tree: Tree, members: dict[int, tuple[Tree, tuple[int, ...]]]) -> Tree:
    """The tree with cells of picked members as a choice among all members."""
    if isinstance(tree, Ref):
        if tree.node not in members:
            return tree
        place, among = members[tree.node]
        return Fn("choose", (place, *(Ref(node, tree.at) for node in among)))
    if isinstance(tree, Fn):
        return Fn(tree.name, tuple(_replaced(arg, members) for arg in tree.args))
    return tree
