"""Problem to trace: the author's items in their order, loops and conditions included.

An item that is wrong does not end the work: it is noted and its results are lost; items that need them are passed over.
So every mistake that stands by itself is told, once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnsteps import asked, stepping, variation
from nnsteps.errors import BadValue, LimitError, Mistakes, Place, ShapeError, StepsError, UnknownName, nearest
from nnsteps.evaluate import evaluate
from nnsteps.families import Family, counted
from nnsteps.formula import Expr, Name, mentioned, to_text
from nnsteps.items import GRADIENTS, Broken, needs, results
from nnsteps.limits import exceeded, many
from nnsteps.ops import REGISTRY, side_text
from nnsteps.problem import GradientItem, Heading, Item, Loop, Problem, Repeat, Say, StepItem, UpdateItem, When
from nnsteps.records import Aside, Turn
from nnsteps.standing import Settings, Standing, paper_digits
from nnsteps.trace import Trace

ROUNDINGS = ("inside", "each-step", "fractions")


def solve_problem(problem: Problem, settings: Settings | None = None) -> Trace:
    """The trace of a problem. Errors: StepsError that points into the problem file."""
    mistakes = Mistakes()
    trace = _run(problem, settings or Settings(), mistakes)
    mistakes.tell()
    return trace


def _run(problem: Problem, settings: Settings, mistakes: Mistakes) -> Trace:
    try:
        return _Solver(problem, settings, mistakes).run()
    except RecursionError:
        message = "too many functions or formulas stand inside each other"
        hint = "Give parts of them names, in steps of their own."
        raise LimitError(message, where=problem.file, hint=hint) from None


def look_further(error: StepsError) -> StepsError:
    """The error with whatever else is wrong in its problem: what could be read of it is solved."""
    mistakes = error.mistakes
    if mistakes is None or mistakes.unfinished is None:
        return error
    problem, mistakes.unfinished = mistakes.unfinished, None
    try:
        _run(problem, Settings(), mistakes)
        if problem.practice is not None:
            variation.read(problem, mistakes)
    except StepsError as end:
        return end
    return mistakes.together()


class _Solver:
    """Goes through the items once."""

    def __init__(self, problem: Problem, settings: Settings, mistakes: Mistakes) -> None:
        self.here = Standing(problem, settings, Trace(problem, exact=settings.exact), mistakes=mistakes)
        self.mistakes = mistakes
        self.failed: set[int] = set()  # the ids of items that were wrong; the next turn of a loop is not asked again
        self.here.special = {"grad": lambda call, scope: asked.grad_call(self.here, call, scope)}
        self.loops = self.turns_taken = 0
        self.headings: dict[str, Heading] = {}  # those whose steps have run

    def run(self) -> Trace:
        trace = self.here.trace
        for name, given in self.here.problem.given.items():
            value = given.value
            if isinstance(value, tuple):
                node = trace.words_node(value)
            else:
                if self.here.rounding == "each-step":
                    value = REGISTRY["round"].value(value, digits=paper_digits(value, self.here.digits))
                node = trace.record(None, (), value)
            trace.given[name] = self.here.now[name] = node
            trace.bind(name, node)
            if given.family:
                trace.families.setdefault(given.family, Family(given.family)).add(given.key)
        for name in self.here.problem.given:
            with self.mistakes.apart('"'):
                self.here.label(name)
        with np.errstate(all="ignore"):  # what is no number is found, and told, by `evaluate`
            self._items(self.here.problem.steps)
        return trace

    def _items(self, items: tuple[Item, ...]) -> None:
        here, lost = self.here, self.mistakes.lost
        for item in items:
            if self.failed and id(item) in self.failed:
                continue
            if isinstance(item, Broken) or (lost and self._is_lost(item)):
                self._lose(item)
                continue
            heading, turns = here.heading, here.turns
            try:
                self._item(item)
            except StepsError as mistake:
                if isinstance(mistake, LimitError):
                    mistake.place = mistake.place or item.place
                here.heading, here.turns = heading, turns
                self.failed.add(id(item))
                self._lose(item)
                self.mistakes.note(mistake)
            else:
                if lost and isinstance(item, StepItem) and isinstance(item.target, Name):
                    lost.discard(item.target.id)

    def _item(self, item: Item) -> None:
        match item:
            case StepItem():
                stepping.step(self.here, item)
            case Heading():
                self._under(item.title, item.items)
                self.headings[item.title] = item  # from now on it can be repeated
            case GradientItem():
                asked.gradient(self.here, item)
            case UpdateItem():
                asked.update(self.here, item)
            case Loop():
                self._loop(item)
            case When():
                chosen = self._holds(item.condition, item.place, "when")
                self._items(item.items if chosen else item.otherwise)
            case Repeat():
                self._repeat(item)
            case Say():
                self._say(item)

    def _is_lost(self, item: Item) -> bool:
        """Whether an item needs what has no value because of a mistake."""
        return not self.mistakes.lost.isdisjoint(needs(item))

    def _lose(self, item: Item) -> None:
        """What an item would have given has no value, either."""
        self.mistakes.lost.update(results((item,)))
        if not isinstance(item, StepItem):
            self.mistakes.lost.add(GRADIENTS)

    def _under(self, title: str, items: tuple[Item, ...]) -> None:
        outer, self.here.heading = self.here.heading, (*self.here.heading, title)
        self._items(items)
        self.here.heading = outer

    # --- loops, conditions, sentences ---

    def _loop(self, item: Loop) -> None:
        self._check_free(item.name, item.place, "a loop cannot run with")
        if any(turn.name == item.name for turn in self.here.turns):
            message = f"{item.name} is the name of the loop around this one"
            raise BadValue(message, place=item.place, hint="Take another name.")
        outer, number, ended = self.here.turns, self.loops + 1, False
        self.loops = number
        run = self._run_of(item)
        for value in run:
            self.here.values[item.name] = value
            self.here.turns = (*outer, Turn(number, item.name, value))
            self._under(f"{item.name} = {value}", item.items)
            if item.until is not None and not self.mistakes.lost.isdisjoint(mentioned(item.until)):
                ended = True
                break
            if item.until is not None and self._holds(item.until, item.until_place, "until"):
                ended = True
                break
        self.here.turns = outer
        if item.until is not None and not ended:
            self.here.trace.warnings.append(
                f"for {item.name}: the loop came to its end before {to_text(item.until)} held"
            )

    def _take_turns(self, count: int, place: Place | None) -> None:
        """Count the turns that are about to be taken. Errors: LimitError where all together are too many."""
        limits = self.here.problem.limits
        self.turns_taken += count
        if self.turns_taken > limits["turns"]:
            message = (
                f"this would take {many(count)} turns; all loops and repetitions together may take {limits['turns']:,}"
            )
            raise exceeded("turns", limits, message, self.turns_taken, place=place)

    def _run_of(self, item: Loop) -> Sequence[int | str]:
        """What a loop runs through: numbers, the labels of a family, or words."""
        trace = self.here.trace
        if item.over is None:
            assert item.low is not None
            assert item.high is not None
            low, high = item.bound_places
            first, last = self._bound(item.low, item, low), self._bound(item.high, item, high)
            self._take_turns(abs(last - first) + 1, item.place)
            return counted(first, last)
        name = item.over.id
        if name in trace.families:
            labels = list(trace.families[name].labels())
            self._take_turns(len(labels), item.place)
            return labels
        node = evaluate(trace, item.over, self.here.scope(item.bound_places[0], f"for {item.name}"))
        if node not in trace.wordy:
            hint = f"Write for {item.name} in 1..{trace.value(node).size}, or give the members of a family."
            message = f"{name} is an array; a loop runs over numbers, a family or words"
            raise BadValue(message, place=item.bound_places[0], hint=hint)
        self._take_turns(trace.value(node).size, item.place)
        return list(trace.texts(node))

    def _bound(self, bound: Expr, item: Loop, place: Place | None) -> int:
        trace = self.here.trace
        node = evaluate(trace, bound, self.here.scope(place, f"for {item.name}"))
        value = trace.value(node)
        if node in trace.wordy or value.size != 1 or not float(value.flat[0]).is_integer():
            hint = "Write whole numbers, as in for t in 1..4."
            found = (
                "words" if node in trace.wordy else side_text(value.shape) if value.size > 1 else f"{value.item():g}"
            )
            raise BadValue(f"{to_text(bound)} is not a whole number, it is {found}", place=place, hint=hint)
        if not trace.is_plain(node):
            trace.decide(node, (float(value.flat[0]),), "bound")
        return int(value.flat[0])

    def _holds(self, condition: Expr, place: Place | None, kind: str) -> bool:
        """Whether a condition holds; the choice is recorded, and said on the page."""
        trace, scope = self.here.trace, self.here.scope(place, kind)
        node = evaluate(trace, condition, scope)
        value = trace.value(node)
        if value.size != 1 or node in trace.wordy:
            hint = "Gather it with any(…) or all(…)."
            found = side_text(value.shape)
            raise ShapeError(f"a condition is one claim; {to_text(condition)} is {found}", place=place, hint=hint)
        trace.decide(node, (float(value.flat[0]),), kind)
        self._aside(kind, ((scope.shown(condition), node),))
        return bool(value.flat[0])

    def _repeat(self, item: Repeat) -> None:
        if item.title not in self.headings:
            near = nearest(item.title, self.headings)
            hint = f"Did you mean {near}?" if near else "repeat names a heading that stands before it."
            if item.title in self.here.heading:
                hint = "A heading cannot repeat itself from inside."
            raise UnknownName(f"there is no heading called {item.title} before this", place=item.place, hint=hint)
        self._take_turns(1, item.place)
        self._under(item.title, self.headings[item.title].items)

    def _say(self, item: Say) -> None:
        parts: list[str | tuple[Expr, int]] = []
        for part, place in zip(item.parts, item.places, strict=True):
            if isinstance(part, str):
                parts.append(part)
                continue
            scope = self.here.scope(place, "say")
            node = evaluate(self.here.trace, part, scope)
            parts.append((scope.shown(part), node))
        self._aside("say", tuple(parts))

    def _aside(self, kind: str, parts: tuple[str | tuple[Expr, int], ...]) -> None:
        self.here.trace.asides.append(
            Aside(kind, parts, len(self.here.trace.steps), self.here.heading, self.here.turns)
        )

    def _check_free(self, name: str, place: Place | None, what: str) -> None:
        """Refuse a name that stands for something of another kind."""
        if name in self.here.now or name in self.here.trace.families:
            kind = "family" if name in self.here.trace.families else "value"
            raise BadValue(f"{what} the name {name}: it is a {kind}", place=place, hint="Take another name.")


__all__ = ["ROUNDINGS", "Settings", "solve_problem"]
