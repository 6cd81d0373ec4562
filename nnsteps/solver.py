"""Problem to trace: names, headings, by-hand forms, gradients and updates, in the author's order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from nnsteps import roles
from nnsteps.errors import BadValue, GradientError, LimitError, Place, ShapeError, StepsError, UnknownName, nearest
from nnsteps.evaluate import apply, evaluate, key_of, parsed
from nnsteps.families import Family, Key, counted, member_name
from nnsteps.formula import Binary, Call, Expr, Index, Name, Num, Slice, children, names, substitute, to_text
from nnsteps.gradient import differentiate
from nnsteps.items import results
from nnsteps.ops import REGISTRY, Array, side_text
from nnsteps.problem import (
    Answers,
    GradientItem,
    Heading,
    Item,
    Loop,
    Problem,
    Repeat,
    Say,
    StepItem,
    UpdateItem,
    When,
)
from nnsteps.rounding import style_for
from nnsteps.scope import Scope
from nnsteps.trace import FORWARD, UPDATE, Aside, Gradient, Step, Trace, Turn

ROUNDINGS = ("inside", "each-step", "fractions")
MOST_TURNS = 10_000  # of all loops together


@dataclass(frozen=True, slots=True)
class Settings:
    """How a problem is solved.

    exact:    leave the by-hand forms out
    expand:   take no shortcut in a gradient (on exact values only)
    rounding: inside (exact inside, rounded on paper), each-step, or fractions; None: as the problem says
    digits:   decimals on paper; None: as many as each block needs
    """

    exact: bool = False
    expand: bool = False
    rounding: str | None = None
    digits: int | None = None


def solve_problem(problem: Problem, settings: Settings | None = None) -> Trace:
    """The trace of a problem. Errors: StepsError that points into the problem file."""
    return _Solver(problem, settings or Settings()).run()


class _Solver:
    """Goes through the items once, with what every name stands for right now."""

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem = problem
        self.settings = settings
        self.rounding = settings.rounding or problem.rounding
        self.digits = settings.digits if settings.digits is not None else problem.digits
        self.trace = Trace(problem, exact=settings.exact)
        self.now: dict[str, int] = {}
        self.heading: tuple[str, ...] = ()
        self.by_gradient: dict[tuple[int, int], int] = {}
        self.values: dict[str, float | str] = {}  # the names of loops, and what they are now
        self.turns: tuple[Turn, ...] = ()
        self.loops = self.turns_taken = 0
        self.headings: dict[str, Heading] = {}

    def run(self) -> Trace:
        trace = self.trace
        for name, given in self.problem.given.items():
            value = given.value
            if isinstance(value, tuple):
                node = trace.words_node(value)
            else:
                if self.rounding == "each-step":
                    value = REGISTRY["round"].value(value, digits=_paper_digits(value, self.digits))
                node = trace.record(None, (), value)
            trace.given[name] = self.now[name] = node
            trace.bind(name, node)
            if given.family:
                trace.families.setdefault(given.family, Family(given.family)).add(given.key)
        for name in self.problem.given:
            self._label(name)
        known = [*self.problem.given, *trace.families, *results(self.problem.steps)]
        for name, labels in self.problem.labels.items():
            if name not in known:
                place = next((label.place for label in labels if label is not None), None)
                near = nearest(name, known)
                hint = f"Did you mean {near}?" if near else None
                raise UnknownName(f"labels: there is no value called {name}", place=place, hint=hint)
        with np.errstate(all="ignore"):  # what is no number is found, and told, by `evaluate`
            self._items(self.problem.steps)
        return trace

    def _items(self, items: tuple[Item, ...]) -> None:
        for item in items:
            match item:
                case StepItem():
                    self._step(item)
                case Heading():
                    self._under(item.title, item.items)
                    self.headings[item.title] = item  # from now on it can be repeated
                case GradientItem():
                    self._gradient(item)
                case UpdateItem():
                    self._update(item)
                case Loop():
                    self._loop(item)
                case When():
                    chosen = self._holds(item.condition, item.place, "when")
                    self._items(item.items if chosen else item.otherwise)
                case Repeat():
                    self._repeat(item)
                case Say():
                    self._say(item)

    def _under(self, title: str, items: tuple[Item, ...]) -> None:
        outer, self.heading = self.heading, (*self.heading, title)
        self._items(items)
        self.heading = outer

    # --- loops, conditions, sentences ---

    def _loop(self, item: Loop) -> None:
        self._check_free(item.name, item.place, "a loop cannot run with")
        if any(turn.name == item.name for turn in self.turns):
            message = f"{item.name} is the name of the loop around this one"
            raise BadValue(message, place=item.place, hint="Take another name.")
        outer, number, ended = self.turns, self.loops + 1, False
        self.loops = number
        run = self._run_of(item)
        if self.turns_taken + len(run) > MOST_TURNS:
            message = f"this loop would take {len(run):,} turns; all loops together may take {MOST_TURNS:,}"
            raise LimitError(message, place=item.place, hint="Run fewer turns.")
        for value in run:
            self.turns_taken += 1
            self.values[item.name] = value
            self.turns = (*outer, Turn(number, item.name, value))
            self._under(f"{item.name} = {value}", item.items)
            if item.until is not None and self._holds(item.until, item.until_place, "until"):
                ended = True
                break
        self.turns = outer
        if item.until is not None and not ended:
            self.trace.warnings.append(f"for {item.name}: the loop came to its end before {to_text(item.until)} held")

    def _run_of(self, item: Loop) -> Sequence[int | str]:
        """What a loop runs through: numbers, the labels of a family, or words."""
        trace = self.trace
        if item.over is None:
            assert item.low is not None
            assert item.high is not None
            low, high = item.bound_places
            return counted(self._bound(item.low, item, low), self._bound(item.high, item, high))
        name = item.over.id
        if name in trace.families:
            return list(trace.families[name].labels())
        node = evaluate(trace, item.over, self._scope(item.bound_places[0], f"for {item.name}"))
        if node not in trace.wordy:
            hint = f"Write for {item.name} in 1..{trace.value(node).size}, or give the members of a family."
            raise BadValue(f"{name} is an array; a loop runs over a family or words", place=item.place, hint=hint)
        return list(trace.texts(node))

    def _bound(self, bound: Expr, item: Loop, place: Place | None) -> int:
        trace = self.trace
        node = evaluate(trace, bound, self._scope(place, f"for {item.name}"))
        value = trace.value(node)
        if node in trace.wordy or value.size != 1 or not float(value.flat[0]).is_integer():
            hint = "Write whole numbers, as in for t in 1..4."
            raise BadValue(f"{to_text(bound)} is not a whole number", place=item.place, hint=hint)
        if not trace.is_plain(node):
            trace.decide(node, (float(value.flat[0]),), "bound")
        return int(value.flat[0])

    def _holds(self, condition: Expr, place: Place | None, kind: str) -> bool:
        """Whether a condition holds; the choice is recorded, and said on the page."""
        trace, scope = self.trace, self._scope(place, kind)
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
            raise UnknownName(f"there is no heading called {item.title} before this", place=item.place, hint=hint)
        self._under(item.title, self.headings[item.title].items)

    def _say(self, item: Say) -> None:
        parts: list[str | tuple[Expr, int]] = []
        for part, place in zip(item.parts, item.places, strict=True):
            if isinstance(part, str):
                parts.append(part)
                continue
            scope = self._scope(place, "say")
            node = evaluate(self.trace, part, scope)
            parts.append((scope.shown(part), node))
        self._aside("say", tuple(parts))

    def _aside(self, kind: str, parts: tuple[str | tuple[Expr, int], ...]) -> None:
        self.trace.asides.append(Aside(kind, parts, len(self.trace.steps), self.heading, self.turns))

    # --- one step ---

    def _check_free(self, name: str, place: Place | None, what: str) -> None:
        """Refuse a name that stands for something of another kind."""
        if name in self.now or name in self.trace.families:
            kind = "family" if name in self.trace.families else "value"
            raise BadValue(f"{what} the name {name}: it is a {kind}", place=place, hint="Take another name.")

    def _target(self, item: StepItem) -> tuple[str, Key]:
        """The name that a step gives a value to, and the index of a member."""
        target, trace = item.target, self.trace
        if isinstance(target, Name):
            if target.id in trace.families:
                hint = f"Write {target.id}[…] = …, or take another name."
                raise BadValue(f"{target.id} is a family of values", place=item.place, hint=hint)
            if target.id in self.values:
                self._refuse_loop_name(target.id, item.place)
            return target.id, ()
        assert isinstance(target.base, Name)
        name = target.base.id
        if name in self.now:
            raise UnknownName(
                f"{to_text(target)} cannot be set by itself",
                place=item.place,
                hint=f"{name} is one value; a step gives it a new one as a whole: {name} = …",
            )
        if name in self.values:
            self._refuse_loop_name(name, item.place)
        key = key_of(trace, target.items, self._scope(item.place, to_text(target)))
        family = trace.families.get(name)
        if family is not None and not family.takes(key):
            how = "numbers" if family.is_numbered else "words"
            example = next(iter(family.members.values()))
            message = f"{name} is told apart by {how}, as in {example}"
            raise BadValue(message, place=item.place, hint=f"{member_name(name, key)} would not be like the others.")
        return name, key

    def _refuse_loop_name(self, name: str, place: Place | None) -> NoReturn:
        raise BadValue(f"{name} is the name of a loop", place=place, hint="Take another name for the result.")

    def _step(self, item: StepItem) -> None:
        trace = self.trace
        base, index = self._target(item)
        name = member_name(base, index) if index else base
        scope = self._scope(item.place, name)
        first, steps = len(trace.nodes), len(trace.steps)
        node = self._evaluated(item, base if index else "", scope)
        first = min(first, node) if node >= first else len(trace.nodes)
        if node < first or node in trace.literals:
            node = apply(trace, REGISTRY["copy"], (node,), {}, item.formula, scope)
        if item.by_hand is not None and not self.settings.exact:
            node = self._by_hand(item, node, scope)
        elif self.rounding == "each-step" and node not in trace.wordy:
            node = self._as_written(node)
        if index:
            trace.families.setdefault(base, Family(base)).add(index)
        self._finish(item, name, node, self._first_of(node, first, steps), scope)
        self._label(name)

    def _evaluated(self, item: StepItem, family: str, scope: Scope) -> int:
        """The value of a step's formula; a family that it is about to begin cannot be asked for a member."""
        if family and family not in self.trace.families and family in names(item.formula):
            member = next(
                (part for part in _parts(item.formula) if isinstance(part, Index) and part.base == Name(family)), None
            )
            if member is not None:
                text = member_name(family, key_of(self.trace, member.items, scope))
                hint = f"Give it before the loop, under given:  {text}: [0, 0]"
                raise UnknownName(f"there is no {text} at this step", place=scope.at(member), hint=hint)
        return evaluate(self.trace, item.formula, scope)

    def _first_of(self, node: int, first: int, steps: int) -> int:
        """Where a step's own nodes begin: after the backward steps that its formula may have asked for."""
        return max([first, *(step.node + 1 for step in self.trace.steps[steps:] if step.node < node)])

    def _finish(self, item: StepItem, name: str, node: int, first: int, scope: Scope) -> None:
        formula = scope.shown(item.formula)
        picked = {part.id: node for part, node in scope.picked.values()}
        used = {used: self.now.get(used, picked.get(used, -1)) for used in names(formula)}
        used = {used: node for used, node in used.items() if node >= 0}
        formula = self._with_versions(formula)
        by_hand = item.by_hand if not self.settings.exact else None
        key = self.trace.bind(name, node)
        self.now[name] = node
        self.trace.steps.append(
            Step(
                len(self.trace.steps) + 1, name, key, FORWARD, node, formula, self.heading, used, first,
                note=item.note, remark=item.remark,
                by_hand=None if by_hand is None else scope.shown(by_hand), item=item, turns=self.turns,
            )
        )  # fmt: skip

    def _label(self, name: str) -> None:
        """Give a value the words that the file puts beside its rows and over its columns."""
        labels = self.problem.labels.get(name) or self.problem.labels.get(name.partition("[")[0])
        if labels is None:
            return
        trace, node = self.trace, self.now[name]
        shape, sides = trace.value(node).shape, list(trace.labels.get(node, (None, None)))
        for axis, label in enumerate(labels):
            if label is None:
                continue
            words = label.words
            if len(words) == 1 and words[0] in self.now and self.now[words[0]] in trace.wordy:
                words = trace.texts(self.now[words[0]])
            if len(shape) != 2 or len(words) != shape[axis]:
                side = ("rows", "columns")[axis]
                message = f"{name} is {side_text(shape)}, there are {len(words)} names for its {side}"
                raise ShapeError(message, place=label.place, hint="One name for each.")
            sides[axis] = words
        trace.labels[node] = (sides[0], sides[1])

    def _with_versions(self, formula: Expr) -> Expr:
        """The formula with the names of now: W1#2 where W1 has been given a new value."""
        keys = {name: self.trace.keys.get(node, name) for name, node in self.now.items()}
        changed = {name: Name(key) for name, key in keys.items() if "#" in key}
        return substitute(formula, changed) if changed else formula

    def _by_hand(self, item: StepItem, node: int, scope: Scope) -> int:
        trace = self.trace
        assert item.by_hand is not None
        by_hand = evaluate(trace, item.by_hand, replace(scope, place=item.by_hand_place))
        if (by_hand in trace.wordy) != (node in trace.wordy):
            kinds = ["words" if one in trace.wordy else "numbers" for one in (by_hand, node)]
            message = f"the by-hand form of {scope.step} gives {kinds[0]}, the step itself {kinds[1]}"
            raise ShapeError(message, place=item.by_hand_place, hint="Both forms must give the same kind of value.")
        shape, goal = trace.value(by_hand).shape, trace.value(node).shape
        if shape != goal:
            raise ShapeError(
                f"the by-hand form of {scope.step} is {side_text(shape)}, the step itself {side_text(goal)}",
                place=item.by_hand_place,
                hint="Both forms must have the same shape.",
            )
        return self._stand_for(node, by_hand)

    def _stand_for(self, node: int, by_hand: int) -> int:
        """A node like `node`, whose value is the one found by hand."""
        here = self.trace.nodes[node]
        other = self.trace.record(
            here.op, here.inputs, self.trace.value(by_hand), here.options, out=by_hand, by_hand=True
        )
        if by_hand in self.trace.wordy:
            self.trace.wordy.add(other)
        if node in self.trace.labels:
            self.trace.labels[other] = self.trace.labels[node]
        return other

    def _as_written(self, node: int) -> int:
        """The value as it stands on paper, for the next step to go on with."""
        value = self.trace.value(node)
        digits = _paper_digits(value, self.digits)
        rounded = evaluate(
            self.trace,
            Call("round", (Name("x"),), (("digits", Num(digits, str(digits))),)),
            Scope({"x": node}, inner=True),
        )
        if (self.trace.value(rounded) == value).all():
            return node
        return self._stand_for(node, rounded)

    def _scope(self, place: Place | None, step: str) -> Scope:
        return Scope(self.now, place, special={"grad": self._grad_call}, step=step, values=self.values)

    # --- gradients ---

    def _gradient(self, item: GradientItem) -> None:
        scope = self._scope(item.of_place, "gradient")
        loss = evaluate(self.trace, item.of, scope)
        name = to_text(scope.shown(item.of))
        wanted = item.wrt or tuple(Name(given) for given in self._default_wrt(loss, item.place))
        places = item.wrt_places if item.wrt else (item.place,) * len(wanted)
        above = self.trace.ancestors(loss)
        found = [
            (one, self._wanted(one, name, above, place))
            for expr, place in zip(wanted, places, strict=True)
            for one in self._each(expr, above, place)
        ]
        self._differentiate(loss, name, [node for _, node in found], item.of_place)
        for expr, node in found:
            self._keep_gradient(loss, name, expr, node, item.place)

    def _differentiate(self, loss: int, name: str, wanted: list[int], place: Place | None) -> None:
        new = [node for node in dict.fromkeys(wanted) if (loss, node) not in self.by_gradient]
        finish = self._as_written if self.rounding == "each-step" else None
        expand = self.settings.expand
        gradients = differentiate(self.trace, loss, name, new, expand=expand, place=place, finish=finish)
        for node, gradient in gradients.items():
            self.by_gradient[loss, node] = gradient

    def _each(self, expr: Expr, above: set[int], place: Place | None) -> list[Expr]:
        """What a name under `wrt` means: the members of a family that the loss uses, a member, or the name itself."""
        families = self.trace.families
        match expr:
            case Name(id=name) if name in families:
                found = [m for m in families[name].members.values() if above & set(self.trace.names.get(m, ()))]
                if found:
                    return [Name(member) for member in found]
            case Index(base=Name(id=name), items=items) if name in families:
                key = key_of(self.trace, items, self._scope(place, "gradient"))
                return [Name(families[name].find(key) or member_name(name, key))]
            case Index(base=Index() as base, items=items):
                return [Index(self._each(base, above, place)[0], items)]
        return [expr]

    def _wanted(self, expr: Expr, loss_name: str, above: set[int], place: Place | None) -> int:
        """The node that a wanted name stood for when the loss was computed."""
        base = expr.base if isinstance(expr, Index) else expr
        if not isinstance(base, Name):
            raise GradientError(
                f"{to_text(expr)} is not a name", place=place, hint="Gradients are taken with respect to names."
            )
        versions = self.trace.names.get(base.id)
        if versions is None:
            near = nearest(base.id, self.now)
            raise UnknownName(
                f"there is no value called {base.id}", place=place, hint=f"Did you mean {near}?" if near else None
            )
        for node in reversed(versions):
            if node in above:
                return node
        if any(d.by in versions for d in self.trace.decisions):
            hint = "A choice has no gradient: it jumps."
            raise GradientError(f"{loss_name} uses {base.id} only to choose", place=place, hint=hint)
        raise GradientError(
            f"{loss_name} does not use {base.id}",
            place=place,
            hint=f"Its gradient would be 0 everywhere. Take {base.id} out of wrt, or use it before {loss_name}.",
        )

    def _keep_gradient(self, loss: int, loss_name: str, expr: Expr, node: int, place: Place | None) -> int:
        trace, name = self.trace, f"d{loss_name}/d{to_text(expr).replace(', ', ',')}"
        gradient = self.by_gradient[loss, node]
        if isinstance(expr, Index):
            whole = f"d{loss_name}/d{to_text(expr.base)}"
            formula = Index(Name(whole), expr.items)
            scope = Scope({**self.now, whole: gradient}, place, inner=True)
            first = len(trace.nodes)
            gradient = evaluate(trace, formula, scope)
            key = trace.bind(name, gradient)
            trace.steps.append(
                Step(
                    len(trace.steps) + 1,
                    name,
                    key,
                    "backward",
                    gradient,
                    formula,
                    (),
                    {whole: self.by_gradient[loss, node]},
                    first,
                    of=node,
                    loss=loss,
                )
            )
        step = max((s.index for s in trace.steps if s.node == gradient and s.name == name), default=0)
        trace.gradients.append(Gradient(loss, loss_name, name, node, gradient, step))
        return gradient

    def _default_wrt(self, loss: int, place: Place | None) -> list[str]:
        above = self.trace.ancestors(loss)
        found = [name for name in roles.learnable(self.trace) if self.trace.given[name] in above]
        if not found:
            raise GradientError(
                "it is not clear what to differentiate with respect to", place=place, hint="Say it: wrt: [W, b]."
            )
        return found

    def _grad_call(self, call: Call, scope: Scope) -> int:
        if len(call.args) != 2 or call.options:
            raise GradientError(
                f"grad needs a loss and a name, as in grad(L, W); found {to_text(call)}", place=scope.at(call)
            )
        loss_expr, wrt = call.args
        loss = evaluate(self.trace, loss_expr, scope)
        name, above = to_text(scope.shown(loss_expr)), self.trace.ancestors(loss)
        one, *others = self._each(wrt, above, scope.at(wrt))
        if others:
            hint = f"Take one member: grad({name}, {to_text(one)})."
            raise GradientError(f"{to_text(wrt)} has several members", place=scope.at(wrt), hint=hint)
        node = self._wanted(one, name, above, scope.at(wrt))
        if isinstance(one, Name):
            scope.picked[id(wrt)] = (one, node)
        self._differentiate(loss, name, [node], scope.at(loss_expr))
        return self._keep_gradient(loss, name, one, node, scope.at(wrt))

    # --- updates ---

    def _update(self, item: UpdateItem) -> None:
        trace = self.trace
        latest = {gradient.wrt: gradient for gradient in trace.gradients}
        changed = [name for name in roles.learnable(trace) if self.now.get(name) in latest]
        if not changed:
            raise GradientError(
                "there is nothing to update: no gradient of a learnable value was computed before",
                place=item.place,
                hint="Put gradient: {of: L, wrt: [W, b]} before update.",
            )
        rate = self._scope(item.rate_place, "update").shown(item.rate)
        for name in changed:
            node = self.now[name]
            gradient = latest[node]
            old = trace.keys[node]
            slope = trace.steps[gradient.step - 1].key if gradient.step else gradient.name
            formula = Binary("-", Name(old), Binary("*", rate, Name(slope)))
            uses = {old: node, slope: gradient.node}
            first = len(trace.nodes)
            new = evaluate(trace, formula, Scope({**self.now, **uses}, item.rate_place, inner=True, step=name))
            if self.rounding == "each-step":
                new = self._as_written(new)
            key = trace.bind(name, new)
            self.now[name] = new
            trace.steps.append(
                Step(
                    len(trace.steps) + 1, name, key, UPDATE, new, formula, self.heading, uses, first, of=node,
                    turns=self.turns,
                )
            )  # fmt: skip


def _parts(expr: Expr) -> Iterator[Expr]:
    """A formula and all parts of it."""
    yield expr
    for part in children(expr):
        if not isinstance(part, Slice):
            yield from _parts(part)


def _paper_digits(value: Array, digits: int | None) -> int:
    """How many decimals a value has on paper; enough for two digits of a tiny number."""
    numbers = [float(x) for x in value.flat]
    style = style_for(numbers, digits)
    tiny = [abs(x) for x in numbers if x and abs(x) < 10.0**-style.decimals]
    if digits is None and tiny and max(map(abs, numbers)) < 1e-4:
        return min(15, 2 - math.floor(math.log10(min(tiny))))
    return style.decimals


def changed_given(problem: Problem, values: Mapping[str, Array]) -> Problem:
    """The same problem with other numbers; published answers and remarks no longer belong to it.

    Errors: UnknownName for a name that is not given, ShapeError for another shape.
    """
    for name, value in values.items():
        if name not in problem.given:
            near = nearest(name, problem.given)
            raise UnknownName(
                f"{name} is not given in {problem.name}",
                hint=f"Did you mean {near}?" if near else f"Given: {', '.join(problem.given)}.",
            )
        old = problem.given[name].value
        if isinstance(old, tuple) or old.shape != value.shape:
            shape = "words" if isinstance(old, tuple) else side_text(old.shape)
            raise ShapeError(f"{name} is {shape} in {problem.name}, the new value {side_text(value.shape)}")
    given = {name: replace(old, value=values.get(name, old.value)) for name, old in problem.given.items()}
    return problem.changed(given=given, answers=Answers(), steps=_without_remarks(problem.steps))


def _without_remarks(items: tuple[Item, ...]) -> tuple[Item, ...]:
    out: list[Item] = []
    for item in items:
        match item:
            case StepItem():
                out.append(replace(item, remark=None))
            case Heading() | Loop():
                out.append(replace(item, items=_without_remarks(item.items)))
            case When():
                otherwise = _without_remarks(item.otherwise)
                out.append(replace(item, items=_without_remarks(item.items), otherwise=otherwise))
            case _:
                out.append(item)
    return tuple(out)


__all__ = ["ROUNDINGS", "Settings", "StepsError", "changed_given", "parsed", "solve_problem"]
