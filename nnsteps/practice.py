"""Practice without end: a problem, a seed and a variant give another problem of the same kind. Prints nothing.

Theory of operation. An attempt draws the numbers of every variable (nnsteps.draws, so each number stands alone) and is
thrown away where a constraint of the file or a rule of nnsteps.fairness does not hold; then the next attempt is drawn.
Attempts run a plan (nnsteps.plan), compiled from the solved original; where the numbers make a choice otherwise than
the original's, a plan for that choice is compiled from the attempt itself and kept. The number of the accepted attempt
is part of the variant's id, so that a sheet once handed out is drawn again at once, without asking any constraint.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

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
from nnsteps.plan import Check, Guard, Plan, Slots, guards, refilled, with_conditions
from nnsteps.problem import Given, Problem
from nnsteps.scope import Scope
from nnsteps.solver import Settings, solve_problem
from nnsteps.stacks import every
from nnsteps.trace import Trace
from nnsteps.values import Words
from nnsteps.variation import Constraint, Variation
from nnsteps.writing import Template

TRIES = 20_000
SOLVED = 40  # how many tries an attempt counts for that the first plan does not apply to: it may have to be solved
MOST_PLANS = 60
WINDOW = 16  # variants that are looked for at once, …
AT_ONCE = 96  # … with about so many attempts
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


@dataclass
class _Search:
    """The search for the variant of one key. `is_open` until it is found or given up."""

    seed: int
    key: str
    found: Variant | None = None
    rejected: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    _tried: int = 0

    @property
    def is_open(self) -> bool:
        return self.found is None and self._tried < TRIES

    def take(self, found: Variant | str, is_quick: bool = True) -> None:
        """What became of the next attempt: a variant, or what rejected it."""
        self.attempts += 1
        if isinstance(found, Variant):
            self.found = found
        else:
            self.rejected[found] += 1
            self._tried += 1 if is_quick else SOLVED


class Practice:
    """The variants of one problem. The counts are of attempts over all variants; `solved` counts the slow ones."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.variation = variation.read(problem)
        self.attempts = self.accepted = self.solved = 0
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
        return next(self.variants(seed, [key]))

    def variants(self, seed: int, keys: Iterable[str]) -> Iterator[Variant]:
        """The variants of some keys, one after the other. Attempts at several of them are made at once.

        Errors: LimitError, when it is the turn of the variant that none was found for.
        """
        coming, waiting = iter(keys), deque[_Search]()
        while True:
            waiting += [_Search(seed, key) for key in islice(coming, WINDOW - len(waiting))]
            if not waiting:
                return
            while waiting[0].is_open:
                with np.errstate(all="ignore"):
                    self._go_on([search for search in waiting if search.is_open])
            search = waiting.popleft()
            self._count(search)
            if search.found is None:
                raise self._given_up(search)
            yield search.found

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

    def _count(self, search: _Search) -> None:
        self.attempts += search.attempts
        self.accepted += search.found is not None
        self.rejected += search.rejected

    def _go_on(self, searches: Sequence[_Search]) -> None:
        """Make some more attempts for each of these variants; one if they cannot be made at once: shapes vary."""
        if self._is_solved or self.variation.sizes:
            search = searches[0]
            search.take(*self._attempt(self._draws(search, 0)))
            return
        tried = self.attempts + sum(search.attempts for search in searches)
        needed = round(tried / max(1, self.accepted))  # attempts for a variant, about
        count = max(1, min(needed, AT_ONCE // len(searches)))
        draws = [self._draws(search, ahead) for search in searches for ahead in range(count)]
        variables = self.variation.variables

        def draw(name: str, places: Sequence[int]) -> Array:
            return variables[name].stack([draws[place] for place in places])

        outcomes = self._first.plan.attempt(draw, len(draws))
        for number, search in enumerate(searches):
            for place in range(number * count, (number + 1) * count):
                outcome = outcomes[place]
                if isinstance(outcome, Guard):
                    search.take(*self._attempt(draws[place]))
                elif outcome is not None:
                    search.take(outcome.name)
                else:
                    search.take(self._accepted(draws[place], {}, self._first))
                if not search.is_open:
                    break

    def _draws(self, search: _Search, ahead: int) -> Draws:
        return Draws(self.problem.name, search.seed, search.key, search.attempts + ahead)

    def _attempt(self, draws: Draws) -> tuple[Variant | str, bool]:
        """A variant, or what rejected the attempt; and whether the first plan was the one to tell."""
        sizes = self.variation.draw_sizes(draws)
        drawn: dict[str, Array | Words] = {}
        variables = self.variation.variables

        def draw(name: str, places: Sequence[int] = ()) -> Array:
            if name not in drawn:
                drawn[name] = variables[name].draw(draws, sizes)
            return drawn[name][np.newaxis]  # type: ignore[call-overload]

        known = self._compiled.setdefault(tuple(sizes.values()), [])
        for compiled in known:
            (outcome,) = compiled.plan.attempt(draw, 1)
            if not isinstance(outcome, Guard):
                break
        else:
            self.solved += 1
            drawn = dict(self._numbers(draws))
            try:
                compiled = _Compiled(self._filled(drawn), self.variation, self._first.original, once=self._is_solved)
            except StepsError:
                return "rounded away", False
            if not self._is_solved:
                known[:] = [*known[:1], *known[1:][1 - MOST_PLANS :], compiled]
            (outcome,) = compiled.plan.attempt(draw, 1)
        assert not isinstance(outcome, Guard)
        is_quick = known[:1] == [compiled]
        return (outcome.name if outcome else self._accepted(draws, drawn, compiled)), is_quick

    def _accepted(self, draws: Draws, drawn: Numbers, compiled: _Compiled) -> Variant:
        """The variant of an attempt; some of its numbers may have been drawn already."""
        numbers = {**self._numbers(draws), **drawn}
        id = Id(self.problem.name, draws.seed, draws.variant, draws.attempt, ids.hash_of(_bytes(numbers)))
        problem = self._with(id, numbers)

        def trace(exact: bool) -> Trace:
            route = compiled.routes[int(exact)]
            with np.errstate(all="ignore"):
                values = compiled.plan.values(lambda name, _: np.stack([numbers[name]]), int(exact))
            return refilled(route.trace, problem, route.slots, values)

        return Variant(id, problem, numbers, trace)

    def _numbers(self, draws: Draws) -> Numbers:
        sizes = self.variation.draw_sizes(draws)
        variables = self.variation.variables
        return {name: variable.draw(draws, sizes) for name, variable in variables.items()}

    def _filled(self, numbers: Numbers, **changes: object) -> Problem:
        given = dict(self._plain.given)
        for name, value in numbers.items():
            old = given[name]
            given[name] = Given(name, value, old.place, old.family, old.key)
        return self._plain.changed(given=given, **changes)

    def _with(self, id: Id, numbers: Numbers) -> Problem:
        source = f"{id}, after {self.problem.source}" if self.problem.source else str(id)
        return self._filled(numbers, name=str(id), source=source, source_text=None)

    def _given_up(self, search: _Search) -> LimitError:
        name, count = max(search.rejected.items(), key=lambda pair: (pair[1], pair[0]))
        constraint = next((constraint for constraint in self.variation.keep if constraint.text == name), None)
        what = f"`{name}`" if constraint else f"the rule `{name}`"
        hint = "Loosen it, or let more numbers vary."
        if constraint is None:
            hint = f"Let more numbers vary, or say allow: [{name}] if this problem is meant to show it."
        return LimitError(
            f"practice: none of {search.attempts:,} tries was accepted; {what} rejected {count:,} of them",
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
    return Check(constraint.text, (slot,), lambda values: every(values[slot]))


def _bytes(numbers: Numbers) -> dict[str, bytes]:
    """The drawn numbers as bytes, for the hash: the shape, then words, or 8 bytes a number, little end first."""
    return {name: _value_bytes(value) for name, value in numbers.items()}


def _value_bytes(value: Array | Words) -> bytes:
    if isinstance(value, tuple):
        return "\0".join(value).encode()
    return f"{value.shape}".encode() + (value + 0.0).astype("<f8").tobytes()
