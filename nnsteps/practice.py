"""Practice without end: a problem, a seed and a variant give another problem of the same kind. Prints nothing.

Theory of operation. An attempt draws the numbers of every variable (nnsteps.draws, so each number stands alone) and is
thrown away where a constraint of the file or a rule of nnsteps.fairness does not hold; then the next attempt is drawn.
Attempts run a plan (nnsteps.plan), compiled from the solved original; where the numbers make a choice otherwise than
the original's, a plan for that choice is compiled from the attempt itself and kept. The number of the accepted attempt
is part of the variant's id, so that a sheet once handed out is drawn again at once, without asking any constraint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnsteps import ids, variation
from nnsteps.changes import changed_given
from nnsteps.draws import Draws
from nnsteps.errors import BadValue, LimitError, StepsError, UsageError
from nnsteps.evaluate import evaluate
from nnsteps.fairness import CLAIMS, Original, Route, checks
from nnsteps.formula import Call, to_text
from nnsteps.gradient import differentiate
from nnsteps.ids import Id
from nnsteps.ops import Array
from nnsteps.plan import Check, Plan, Slots, Turned, guards, refilled, with_conditions
from nnsteps.problem import Given, Problem
from nnsteps.scope import Scope
from nnsteps.solver import Settings, solve_problem
from nnsteps.trace import Trace
from nnsteps.values import Words
from nnsteps.variation import Constraint, Variation
from nnsteps.writing import Template

TRIES = 20_000
SOLVED = 40  # how many tries an attempt counts for that the first plan does not apply to: it may have to be solved
MOST_PLANS = 60
BY_HAND, EXACT = Settings(), Settings(exact=True, rounding="inside")
Numbers = Mapping[str, Array | Words]


@dataclass(frozen=True)
class Variant:
    """Another problem of the same kind."""

    id: Id
    problem: Problem
    numbers: Numbers  # of the variables
    _trace: Callable[[bool], Trace]

    @cached_property
    def by_hand(self) -> Trace:
        """The solved problem."""
        return self._trace(False)

    @cached_property
    def exact(self) -> Trace:
        """The same without what is rounded by hand."""
        return self._trace(True)


class _Compiled:
    """The plan of one way through the problem, with the traces that it was made of."""

    def __init__(
        self, problem: Problem, variation: Variation, original: Original | None = None, *, once: bool = False
    ) -> None:
        varied = () if once else variation.variables  # a plan for these numbers only has nothing left to compute
        slots, decided, found = Slots(), list[tuple[int, int]](), list[Check]()
        routes = []
        for settings in (BY_HAND, EXACT):
            trace = solve_problem(problem, settings)
            longer, conditions = with_conditions(trace)
            start = len(longer.nodes)
            kept = [_constraint_node(longer, constraint) for constraint in variation.keep]
            of = slots.add(longer, varied, CLAIMS, start)
            routes.append(Route(trace, of, settings.exact, variation.digits))  # by hand, exact
            decided += [(of[node], of[position]) for node, position in conditions]
            found += [_kept(constraint, of[node]) for constraint, node in zip(variation.keep, kept, strict=True)]
        self.original = original or Original.of(routes[0].trace, effort=not variation.sizes)
        found += checks(routes, self.original, variation.allow)
        self.plan = Plan(slots, guards(slots, decided), found, [route.slots for route in routes])
        self.routes = routes


class Practice:
    """The variants of one problem. `attempts`, `rejected` and `solved` (the slow ones) count over all variants."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.variation = variation.read(problem)
        self.attempts = self.solved = 0
        self.rejected: Counter[str] = Counter()
        self._plain = changed_given(problem, {}).changed(practice=None, aliases=(), order=None)
        self._template: Template | None = None
        self._first = _Compiled(self._plain, self.variation)
        self._compiled: dict[tuple[int, ...], list[_Compiled]] = {}
        names = self.variation.variables
        is_wordy = any(isinstance(problem.given[name].value, tuple) for name in names)
        self._is_solved = is_wordy or problem.rounding == "each-step"  # then a trace's shape depends on every number
        if not self._is_solved and not self.variation.sizes:
            self._compiled[()] = [self._first]

    def variant(self, seed: int, key: str) -> Variant:
        """The variant of this key (a number, or a student's id) for a seed.

        Errors: LimitError that names what rejected most attempts.
        """
        rejected: Counter[str] = Counter()
        attempt = tried = 0
        with np.errstate(all="ignore"):
            while tried < TRIES:
                found, is_quick = self._attempt(seed, key, attempt)
                self.attempts += 1
                if isinstance(found, Variant):
                    return found
                rejected[found] += 1
                self.rejected[found] += 1
                attempt, tried = attempt + 1, tried + (1 if is_quick else SOLVED)
        raise self._given_up(rejected, attempt)

    def rebuild(self, id: Id) -> tuple[Variant, ids.Changes]:
        """The variant of an id, and which variables the file has gained or lost since.

        Errors: UsageError where a number would be another one than on the sheet.
        """
        draws = Draws(self.problem.name, id.seed, id.variant, id.attempt)
        numbers = self._numbers(draws)
        changes = ids.compare(id.hash, _bytes(numbers))
        if changes is None:
            raise UsageError(
                "the numbers of this sheet cannot be rebuilt: the problem file has changed since",
                where=str(id),
                hint="What may vary, a shape or a name is another one than when the sheet was made.",
            )
        problem = self._with(id, numbers)
        return Variant(id, problem, numbers, lambda exact: solve_problem(problem, EXACT if exact else BY_HAND)), changes

    def text(self, variant: Variant) -> str:
        """The variant as a problem file."""
        if self._template is None:
            self._template = Template(self.problem)
        given = {name: given.value for name, given in variant.problem.given.items()}
        return self._template.filled(given, variant.problem.source or "")

    @property
    def original(self) -> Trace:
        """The solved problem of the file."""
        return self._first.routes[0].trace

    # --- attempts ---

    def _attempt(self, seed: int, key: str, attempt: int) -> tuple[Variant | str, bool]:
        """A variant, or what rejected the attempt; and whether the first plan was the one to tell."""
        draws = Draws(self.problem.name, seed, key, attempt)
        sizes = self.variation.draw_sizes(draws)
        drawn: dict[str, Array | Words] = {}
        variables = self.variation.variables

        def draw(name: str) -> Array:
            if name not in drawn:
                drawn[name] = variables[name].draw(draws, sizes)
            return drawn[name]  # type: ignore[return-value]

        known = self._compiled.setdefault(tuple(sizes.values()), [])
        for compiled in known:
            try:
                check, values = compiled.plan.attempt(draw)
                break
            except Turned:
                continue
        else:
            self.solved += 1
            for name in variables:
                draw(name)
            try:
                compiled = _Compiled(self._filled(drawn), self.variation, self._first.original, once=self._is_solved)
            except StepsError:
                return "rounded away", False
            if not self._is_solved:
                known[:] = [*known[:1], *known[1:][1 - MOST_PLANS :], compiled]
            check, values = compiled.plan.attempt(draw)
        if check is not None:
            return check.name, known[:1] == [compiled]
        for name in variables:
            draw(name)
        id = Id(self.problem.name, seed, key, attempt, ids.hash_of(_bytes(drawn)))
        problem = self._with(id, drawn)

        def trace(exact: bool) -> Trace:
            with np.errstate(all="ignore"):
                compiled.plan.finish(values, draw, int(exact))
            route = compiled.routes[int(exact)]
            return refilled(route.trace, problem, route.slots, values)

        return Variant(id, problem, drawn, trace), known[:1] == [compiled]

    def _numbers(self, draws: Draws) -> Numbers:
        sizes = self.variation.draw_sizes(draws)
        variables = self.variation.variables
        return {name: variable.draw(draws, sizes) for name, variable in variables.items()}

    def _filled(self, numbers: Numbers, **changes: object) -> Problem:
        given = dict(self._plain.given)
        for name, value in numbers.items():
            if not isinstance(value, tuple):
                value.setflags(write=False)
            old = given[name]
            given[name] = Given(name, value, old.place, old.family, old.key)
        return self._plain.changed(given=given, **changes)

    def _with(self, id: Id, numbers: Numbers) -> Problem:
        source = f"{id}, after {self.problem.source}" if self.problem.source else str(id)
        return self._filled(numbers, name=str(id), source=source, source_text=None)

    def _given_up(self, rejected: Counter[str], tries: int) -> LimitError:
        name, count = max(rejected.items(), key=lambda pair: (pair[1], pair[0]))
        constraint = next((constraint for constraint in self.variation.keep if constraint.text == name), None)
        what = f"`{name}`" if constraint else f"the rule `{name}`"
        hint = "Loosen it, or let more numbers vary."
        if constraint is None:
            hint = f"Let more numbers vary, or say allow: [{name}] if this problem is meant to show it."
        return LimitError(
            f"practice: none of {tries:,} tries was accepted; {what} rejected {count:,} of them",
            place=constraint.place if constraint else self.variation.place,
            where=self.problem.name,
            hint=hint,
        )


# --- constraints of the file ------------------------------------------------------------------------------------


def _constraint_node(trace: Trace, constraint: Constraint) -> int:
    """The node of a constraint's truth, added to the trace."""

    def grad(call: Call, scope: Scope) -> int:
        if len(call.args) != 2 or call.options:
            raise BadValue("grad needs a loss and a name, as in grad(L, W)", place=scope.at(call))
        loss, wrt = call.args
        name = f"d{to_text(loss)}/d{to_text(wrt)}"
        if name in trace.names:
            return trace.names[name][-1]
        of, node = evaluate(trace, loss, scope), evaluate(trace, wrt, scope)
        return differentiate(trace, of, to_text(loss), [node], place=constraint.place)[node]

    names = {name: versions[-1] for name, versions in trace.names.items()}
    node = evaluate(trace, constraint.formula, Scope(names, constraint.place, special={"grad": grad}, step="keep"))
    op = trace.nodes[node].op
    if op is None or (op.look.kind != "claim" and op.name not in ("any", "all")):
        hint = "Compare two values, as in max(abs(z)) <= 9."
        raise BadValue("`keep` holds conditions; this is a number", place=constraint.place, hint=hint)
    return node


def _kept(constraint: Constraint, slot: int) -> Check:
    return Check(constraint.text, (slot,), lambda values: bool(values[slot].all()))


def _bytes(numbers: Numbers) -> dict[str, bytes]:
    """The drawn numbers as bytes, for the hash: the shape, then words, or 8 bytes a number, little end first."""
    return {name: _value_bytes(value) for name, value in numbers.items()}


def _value_bytes(value: Array | Words) -> bytes:
    if isinstance(value, tuple):
        return "\0".join(value).encode()
    return f"{value.shape}".encode() + (value + 0.0).astype("<f8").tobytes()
