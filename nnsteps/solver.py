"""Problem to trace: names, headings, by-hand forms, gradients and updates, in the author's order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from nnsteps import roles
from nnsteps.errors import GradientError, Place, ShapeError, StepsError, UnknownName, nearest
from nnsteps.evaluate import Scope, evaluate, parsed
from nnsteps.formula import Binary, Call, Expr, Index, Name, Num, names, substitute, to_text
from nnsteps.gradient import differentiate
from nnsteps.ops import REGISTRY, Array, side_text
from nnsteps.problem import Answers, GradientItem, Heading, Item, Problem, StepItem, UpdateItem
from nnsteps.rounding import style_for
from nnsteps.trace import FORWARD, UPDATE, Gradient, Step, Trace

ROUNDINGS = ("inside", "each-step", "fractions")


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

    def run(self) -> Trace:
        trace = self.trace
        for name, given in self.problem.given.items():
            if isinstance(given.value, tuple):
                continue  # words are not computed with
            value = given.value
            if self.rounding == "each-step":
                value = REGISTRY["round"].value(value, digits=_paper_digits(value, self.digits))
            trace.given[name] = self.now[name] = trace.record(None, (), value)
            trace.bind(name, self.now[name])
        with np.errstate(all="ignore"):  # what is no number is found, and told, by `evaluate`
            self._items(self.problem.steps)
        return trace

    def _items(self, items: tuple[Item, ...]) -> None:
        for item in items:
            match item:
                case StepItem():
                    self._step(item)
                case Heading(title=title, items=inner):
                    outer, self.heading = self.heading, (*self.heading, title)
                    self._items(inner)
                    self.heading = outer
                case GradientItem():
                    self._gradient(item)
                case UpdateItem():
                    self._update(item)

    # --- one step ---

    def _step(self, item: StepItem) -> None:
        if not isinstance(item.target, Name):
            raise UnknownName(
                f"{to_text(item.target)} cannot be set by itself",
                place=item.place,
                hint="A step gives a value to a whole name: W = …",
            )
        trace, name = self.trace, item.target.id
        scope = self._scope(item.place, name)
        first = len(trace.nodes)
        node = evaluate(trace, item.formula, scope)
        first = min(first, node) if node >= first else len(trace.nodes)
        if node < first or node in trace.literals:
            node = trace.record(REGISTRY["copy"], (node,), trace.value(node))
        if item.by_hand is not None and not self.settings.exact:
            node = self._by_hand(item, node, scope)
        elif self.rounding == "each-step":
            node = self._as_written(node)
        self._finish(item, name, node, self._first_of(node, first))

    def _first_of(self, node: int, first: int) -> int:
        """Where a step's own nodes begin: after the backward steps that its formula may have asked for."""
        return max([first, *(step.node + 1 for step in self.trace.steps if first <= step.node < node)])

    def _finish(self, item: StepItem, name: str, node: int, first: int) -> None:
        used = {used: self.now[used] for used in names(item.formula) if used in self.now}
        formula = self._with_versions(item.formula)
        by_hand = item.by_hand if not self.settings.exact else None
        key = self.trace.bind(name, node)
        self.now[name] = node
        self.trace.steps.append(
            Step(
                len(self.trace.steps) + 1, name, key, FORWARD, node, formula, self.heading, used, first,
                note=item.note, remark=item.remark, by_hand=by_hand,
            )
        )  # fmt: skip

    def _with_versions(self, formula: Expr) -> Expr:
        """The formula with the names of now: W1#2 where W1 has been given a new value."""
        keys = {name: self.trace.keys.get(node, name) for name, node in self.now.items()}
        changed = {name: Name(key) for name, key in keys.items() if "#" in key}
        return substitute(formula, changed) if changed else formula

    def _by_hand(self, item: StepItem, node: int, scope: Scope) -> int:
        trace = self.trace
        assert item.by_hand is not None
        by_hand = evaluate(trace, item.by_hand, replace(scope, place=item.by_hand_place))
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
        return self.trace.record(
            here.op, here.inputs, self.trace.value(by_hand), here.options, out=by_hand, by_hand=True
        )

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
        return Scope(self.now, place, special={"grad": self._grad_call}, step=step)

    # --- gradients ---

    def _gradient(self, item: GradientItem) -> None:
        loss = self._loss(item.of, item.of_place)
        name = to_text(item.of)
        wanted = item.wrt or tuple(Name(given) for given in self._default_wrt(loss, item.place))
        places = item.wrt_places if item.wrt else (item.place,) * len(wanted)
        above = self.trace.ancestors(loss)
        found = [(expr, self._wanted(expr, name, above, place)) for expr, place in zip(wanted, places, strict=True)]
        self._differentiate(loss, name, [node for _, node in found], item.of_place)
        for expr, node in found:
            self._keep_gradient(loss, name, expr, node, item.place)

    def _loss(self, expr: Expr, place: Place | None) -> int:
        return evaluate(self.trace, expr, self._scope(place, "gradient"))

    def _differentiate(self, loss: int, name: str, wanted: list[int], place: Place | None) -> None:
        new = [node for node in dict.fromkeys(wanted) if (loss, node) not in self.by_gradient]
        finish = self._as_written if self.rounding == "each-step" else None
        expand = self.settings.expand
        gradients = differentiate(self.trace, loss, name, new, expand=expand, place=place, finish=finish)
        for node, gradient in gradients.items():
            self.by_gradient[loss, node] = gradient

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
        raise GradientError(
            f"{loss_name} does not use {base.id}",
            place=place,
            hint=f"Its gradient would be 0 everywhere. Take {base.id} out of wrt, or use it before {loss_name}.",
        )

    def _keep_gradient(self, loss: int, loss_name: str, expr: Expr, node: int, place: Place | None) -> int:
        trace, name = self.trace, f"d{loss_name}/d{to_text(expr)}"
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
        node = self._wanted(wrt, to_text(loss_expr), self.trace.ancestors(loss), scope.at(wrt))
        self._differentiate(loss, to_text(loss_expr), [node], scope.at(loss_expr))
        return self._keep_gradient(loss, to_text(loss_expr), wrt, node, scope.at(wrt))

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
        for name in changed:
            node = self.now[name]
            gradient = latest[node]
            old = trace.keys[node]
            slope = trace.steps[gradient.step - 1].key if gradient.step else gradient.name
            formula = Binary("-", Name(old), Binary("*", item.rate, Name(slope)))
            uses = {old: node, slope: gradient.node}
            first = len(trace.nodes)
            new = evaluate(trace, formula, Scope({**self.now, **uses}, item.rate_place, inner=True, step=name))
            if self.rounding == "each-step":
                new = self._as_written(new)
            key = trace.bind(name, new)
            self.now[name] = new
            trace.steps.append(
                Step(len(trace.steps) + 1, name, key, UPDATE, new, formula, self.heading, uses, first, of=node)
            )


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
            case Heading():
                out.append(replace(item, items=_without_remarks(item.items)))
            case _:
                out.append(item)
    return tuple(out)


__all__ = ["ROUNDINGS", "Settings", "StepsError", "changed_given", "parsed", "solve_problem"]
