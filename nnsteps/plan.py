"""A solved problem as a plan: the same values for other given numbers, quickly. Knows no rules of practice.

Theory of operation. The nodes of a problem's two traces, by hand and exact, are flattened into a list of *slots*, one
for each array that is different: nodes with the same operation, options and inputs share one, so what both routes have
in common is computed once. A node that stands for another one has that one's slot. A `Check` says what must hold of
some slots. A plan has *stages*: what the cheapest check needs (drawing given numbers included), then the check, then
what the next one needs. Most attempts end at the first stage, before most of their numbers were even drawn.

Many attempts are made at once: a slot's value is a stack (nnsteps.stacks), with one part for each attempt; a constant
is a stack of one. A stage is run for all that are left; when half of those have failed, the others move together.

A trace has the shape that its numbers gave it: which member an argmax picked, whether a softmax had to be written in
its stable form. Such choices are *guards*: where one of them comes out otherwise, the plan does not apply, and
another one has to be made of a trace with the new numbers.

What a plan computes is what solving computes, so the accepted numbers' trace is the old one with other arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from nnsteps.compounds import SHORTCUTS, Compound
from nnsteps.evaluate import evaluate, parsed
from nnsteps.ops import Array, Op
from nnsteps.problem import Problem
from nnsteps.records import Node
from nnsteps.scope import Scope
from nnsteps.stacks import Truth, every, stacked
from nnsteps.trace import Trace

Draw = Callable[[str, Sequence[int]], Array]  # the numbers of a name for some attempts, as a stack
Values = list[Array]  # of every slot, as stacks
Instruction = Callable[["Attempts"], None]
Substitutes = Mapping[str, Callable[..., Array]]
COMPACT = 0.5  # when no more than this share is left, those move together


class Check(NamedTuple):
    """What must hold of the values of some slots; `holds` tells it for each attempt, or once for all."""

    name: str  # of the rule, or the text of the constraint
    needs: tuple[int, ...]
    holds: Callable[[Values], Truth]
    cost: int = 0  # besides that of its slots, in operations


class Guard(NamedTuple):
    """What the shape of a trace depends on, from the slot at `position` on."""

    position: int
    needs: tuple[int, ...]
    holds: Callable[[Values], Truth]


Outcome = Check | Guard | None  # the check that did not hold; the guard behind which the plan does not apply; accepted


@dataclass(frozen=True, slots=True)
class _Stage:
    """Some instructions and what must hold after them; for a guard also the checks that do not depend on it."""

    slots: tuple[int, ...]
    instructions: tuple[Instruction, ...]
    check: Check | Guard
    besides: tuple[_Stage, ...] = ()


class Attempts:
    """Attempts that are made at once: their places among all, and the values of the slots computed so far."""

    def __init__(self, values: Values, places: Sequence[int], draw: Draw, computed: Sequence[int] = ()) -> None:
        self.values, self.places, self.draw = values, places, draw
        self._computed = list(computed)
        self._left = np.ones(len(places), dtype=bool)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._left))

    def run(self, instructions: Iterable[Instruction], slots: Sequence[int]) -> None:
        """Compute some slots."""
        for instruction in instructions:
            instruction(self)
        self._computed += slots

    def failing(self, check: Check | Guard) -> Truth:
        """For which of those that are left something does not hold."""
        return self._left & ~check.holds(self.values)

    def only(self, chosen: Truth) -> Attempts:
        """Some of the attempts, by themselves."""
        values = self.values.copy()
        if len(self.places) > 1:
            for slot in self._computed:
                values[slot] = values[slot][chosen]
        return Attempts(
            values,
            [place for place, is_in in zip(self.places, chosen, strict=True) if is_in],
            self.draw,
            self._computed,
        )

    def without(self, failed: Truth) -> Attempts:
        """Those that are left when some have failed."""
        self._left &= ~failed
        return self.only(self._left) if len(self) <= COMPACT * len(self.places) else self


class Slots:
    """The arrays that are different, in the order in which they can be computed, of all traces that were added."""

    def __init__(self) -> None:
        self.inputs: list[tuple[int, ...]] = []
        self.costs: list[int] = []
        self.instructions: list[Instruction | None] = []  # None: a constant
        self.initial: Values = []
        self._known: dict[Any, int] = {}

    def add(
        self, trace: Trace, drawn: Iterable[str], substitutes: Substitutes | None = None, start: int = 0
    ) -> list[int]:
        """The slot of every node of a trace. Nodes from `start` on compute some operations in another way."""
        names = {node: name for name, node in trace.given.items()}
        varied, slots = set(drawn), list[int]()
        for node in trace.nodes:
            if node.out is not None:
                slots.append(slots[node.out])
            elif node.op is None:
                name = names.get(node.id, "")
                slots.append(self._given(name, node.value) if name in varied else self._constant(node.value))
            else:
                assert isinstance(node.op, Op)
                other = (substitutes or {}).get(node.op.name) if node.id >= start else None
                slots.append(self._computed(node, tuple([slots[i] for i in node.inputs]), other))
        return slots

    def _given(self, name: str, value: Array) -> int:
        return self._slot(("given", name), (), 3 * value.size, lambda out: _drawing(out, name), value)

    def _constant(self, value: Array) -> int:
        return self._slot(("constant", value.shape, value.tobytes()), (), 0, None, value)

    def _computed(self, node: Node, inputs: tuple[int, ...], other: Callable[..., Array] | None) -> int:
        assert isinstance(node.op, Op)
        function, options = other or node.op.value, dict(node.options)
        key = (node.op.name, other is not None, inputs, tuple(sorted((k, repr(v)) for k, v in options.items())))
        if all(self.instructions[i] is None for i in inputs):  # the same for all numbers
            return self._constant(function(*[self.initial[i][0] for i in inputs], **options))
        ranks = [self.initial[i].ndim - 1 for i in inputs]
        at_once = stacked(node.op, function, options, ranks)
        return self._slot(key, inputs, 1, lambda out: _computing(out, at_once, inputs), node.value)

    def _slot(
        self, key: Any, inputs: tuple[int, ...], cost: int, make: Callable[[int], Instruction] | None, value: Array
    ) -> int:
        if key not in self._known:
            slot = self._known[key] = len(self.inputs)
            self.inputs.append(inputs)
            self.costs.append(cost)
            self.instructions.append(make(slot) if make else None)
            self.initial.append(value[np.newaxis])
        return self._known[key]

    def behind(self, needs: Iterable[int], known: set[int]) -> list[int]:
        """The slots, not known yet, that have to be computed for some others, in order."""
        found, todo = set[int](), list(needs)
        while todo:
            slot = todo.pop()
            if slot not in found and slot not in known and self.instructions[slot] is not None:
                found.add(slot)
                todo.extend(self.inputs[slot])
        return sorted(found)


def _drawing(out: int, name: str) -> Instruction:
    def draw_given(attempts: Attempts) -> None:
        attempts.values[out] = attempts.draw(name, attempts.places)

    return draw_given


def _computing(out: int, function: Callable[..., Array], inputs: tuple[int, ...]) -> Instruction:
    def compute(attempts: Attempts) -> None:
        values = attempts.values
        values[out] = function(*[values[i] for i in inputs])

    return compute


class Plan:
    """The values of one problem for other given numbers, with the checks in between.

    A guard comes before every check of a value that was recorded later than the choice: such a value may not be there.
    """

    def __init__(
        self, slots: Slots, guards: Sequence[Guard], checks: Sequence[Check], parts: Sequence[Sequence[int]]
    ) -> None:
        self._initial = slots.initial
        self._stages, self._slots, self._done = list[_Stage](), slots, set[int]()
        waiting = sorted(guards, key=lambda guard: guard.position)
        before = {id(check): [guard for guard in waiting if guard.position <= max(check.needs)] for check in checks}
        left = [(check, sum((guard.needs for guard in before[id(check)]), check.needs)) for check in checks]
        behind = {id(check): set(slots.behind(needs, self._done)) for check, needs in left}
        while left:
            check, _ = min(left, key=lambda pair: self._cost(pair[0], behind[id(pair[0])]))
            for guard in before[id(check)]:
                if guard in waiting:
                    waiting.remove(guard)
                    self._add_guard(guard, [other for other, _ in left])
            left = [pair for pair in left if pair[0] is not check]
            self._stages.append(self._stage(check, self._done))
        for guard in waiting:
            self._add_guard(guard, [])
        self._parts = [slots.behind(part, set()) for part in parts]

    def _cost(self, check: Check, behind: set[int]) -> int:
        return check.cost + sum(self._slots.costs[slot] for slot in behind - self._done)

    def _stage(self, check: Check | Guard, done: set[int], besides: tuple[_Stage, ...] = ()) -> _Stage:
        new = self._slots.behind(check.needs, done)
        done.update(new)
        return _Stage(tuple(new), _instructions(self._slots, new), check, besides)

    def _add_guard(self, guard: Guard, left: Sequence[Check]) -> None:
        """Before a new plan is made, the checks that hold or fail all the same are asked."""
        done = self._done | set(self._slots.behind(guard.needs, self._done))
        free = [check for check in left if max(check.needs) < guard.position]
        besides = tuple([self._stage(check, done) for check in sorted(free, key=lambda check: check.cost)])
        self._stages.append(self._stage(guard, self._done, besides))

    def attempt(self, draw: Draw, count: int) -> list[Outcome]:
        """What became of each of `count` attempts."""
        outcomes: list[Outcome] = [None] * count
        _ask(self._stages, Attempts(self._initial.copy(), range(count), draw), outcomes)
        return outcomes

    def values(self, draw: Draw, part: int) -> Mapping[int, Array]:
        """The array of every slot of a part (a list of slots that the plan was made with) that is no constant.

        It is computed for one attempt alone, so that no bit of it depends on what else was tried.
        """
        alone, slots = Attempts(self._initial.copy(), range(1), draw), self._parts[part]
        alone.run(_instructions(self._slots, slots), slots)
        return {slot: alone.values[slot][0] for slot in slots}


def _ask(stages: Iterable[_Stage], attempts: Attempts, outcomes: list[Outcome]) -> None:
    """Write down the outcome of each attempt for which something does not hold."""
    for stage in stages:
        attempts.run(stage.instructions, stage.slots)
        failed = attempts.failing(stage.check)
        if failed.any():
            for place in np.flatnonzero(failed).tolist():
                outcomes[attempts.places[place]] = stage.check
            if stage.besides:
                _ask(stage.besides, attempts.only(failed), outcomes)
            attempts = attempts.without(failed)
            if not len(attempts):
                return


def _instructions(slots: Slots, wanted: Iterable[int]) -> tuple[Instruction, ...]:
    return tuple([instruction for slot in wanted if (instruction := slots.instructions[slot]) is not None])


# --- what a trace took for granted ------------------------------------------------------------------------------


def with_conditions(trace: Trace) -> tuple[Trace, list[tuple[int, int]]]:
    """A copy of the trace with the conditions on which its shape depends: the node of each, and where it matters.

    Those are the values that decided something, and the conditions of stable forms, closed gradients and shortcuts.
    """
    longer = duplicate(trace)
    found = [(decision.by, decision.by) for decision in trace.decisions]
    for node in trace.nodes:
        if not isinstance(node.op, Compound):
            continue
        conditions = []
        if node.op.stable is not None:
            conditions.append((node.op.stable(node.options).condition, max(node.inputs)))
        if trace.gradients:  # these matter on the way back only
            inner = [trace.nodes[i].op for i in node.inputs]
            rules = [SHORTCUTS.get((node.op.name, op.name)) for op in inner if op is not None]
            conditions += [(text, node.id) for text in (node.op.needs, *[rule.needs for rule in rules if rule]) if text]
        names = dict(zip(node.op.args, node.inputs, strict=True))
        for text, position in conditions:
            found.append((evaluate(longer, parsed(text), Scope(names, inner=True)), position))
    return longer, found


def guards(slots: Slots, conditions: Iterable[tuple[int, int]]) -> list[Guard]:
    """That each of these slots still has the value that it had; with the slot at which that begins to matter."""
    known = dict.fromkeys(pair for pair in conditions if slots.instructions[pair[0]] is not None)
    return [Guard(position, (slot,), _same(slot, slots.initial[slot])) for slot, position in known]


def _same(slot: int, before: Array) -> Callable[[Values], Truth]:
    return lambda values: every(values[slot] == before)


# --- the trace again --------------------------------------------------------------------------------------------


def duplicate(trace: Trace) -> Trace:
    """A trace that can be added to without changing this one."""
    again = copy(trace)
    for part in fields(trace):
        value = getattr(trace, part.name)
        if isinstance(value, list | dict | set):
            setattr(again, part.name, value.copy())
    return again


def refilled(trace: Trace, problem: Problem, slots: Sequence[int], values: Mapping[int, Array]) -> Trace:
    """The trace of a problem that differs from the trace's own in its numbers only."""
    assert Node._fields[4] == "value"
    answers = trace.answers()  # what no number plays a part in is told once for all
    again = duplicate(trace)
    again.problem, again._answers = problem, answers
    again.nodes = [
        Node(*node[:4], values[slot], *node[5:]) if slot in values else node
        for node, slot in zip(trace.nodes, slots, strict=False)  # the slots of conditions come last
    ]
    return again
