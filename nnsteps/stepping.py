"""One step of the author: what it gives a value to, its formula, its by-hand form, its place in the trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

from nnsteps.errors import BadValue, Place, ShapeError, UnknownName
from nnsteps.evaluate import apply, evaluate, key_of
from nnsteps.families import Family, Key, member_name
from nnsteps.formula import Expr, Index, Name, Slice, children, names, to_text
from nnsteps.ops import REGISTRY, side_text
from nnsteps.problem import StepItem
from nnsteps.records import FORWARD, Step
from nnsteps.scope import Scope
from nnsteps.standing import Standing


def _target(here: Standing, item: StepItem) -> tuple[str, Key]:
    """The name that a step gives a value to, and the index of a member."""
    target, trace = item.target, here.trace
    if isinstance(target, Name):
        if target.id in trace.families:
            hint = f"Write {target.id}[…] = …, or take another name."
            raise BadValue(f"{target.id} is a family of values", place=item.place, hint=hint)
        if target.id in here.values:
            _refuse_loop_name(target.id, item.place)
        return target.id, ()
    assert isinstance(target.base, Name)
    name = target.base.id
    if name in here.now:
        raise UnknownName(
            f"{to_text(target)} cannot be set by itself",
            place=item.place,
            hint=f"{name} is one value; a step gives it a new one as a whole: {name} = …",
        )
    if name in here.values:
        _refuse_loop_name(name, item.place)
    key = key_of(trace, target.items, here.scope(item.place, to_text(target)))
    family = trace.families.get(name)
    if family is not None and not family.takes(key):
        how = "numbers" if family.is_numbered else "words"
        example = next(iter(family.members.values()))
        message = f"{name} is told apart by {how}, as in {example}"
        raise BadValue(message, place=item.place, hint=f"{member_name(name, key)} would not be like the others.")
    return name, key


def _refuse_loop_name(name: str, place: Place | None) -> NoReturn:
    raise BadValue(f"{name} is the name of a loop", place=place, hint="Take another name for the result.")


def step(here: Standing, item: StepItem) -> None:
    trace = here.trace
    base, index = _target(here, item)
    name = member_name(base, index) if index else base
    scope = here.scope(item.place, name)
    first, steps = len(trace.nodes), len(trace.steps)
    node = _evaluated(here, item, base if index else "", scope)
    first = min(first, node) if node >= first else len(trace.nodes)
    if node < first or node in trace.literals:
        node = apply(trace, REGISTRY["copy"], (node,), {}, item.formula, scope)
    if item.by_hand is not None and not here.settings.exact:
        node = _by_hand(here, item, node, scope)
    elif here.rounding == "each-step" and node not in trace.wordy:
        node = here.as_written(node)
    if index:
        trace.families.setdefault(base, Family(base)).add(index)
    _finish(here, item, name, node, _first_of(here, node, first, steps), scope)
    here.label(name)


def _evaluated(here: Standing, item: StepItem, family: str, scope: Scope) -> int:
    """The value of a step's formula; a family that it is about to begin cannot be asked for a member."""
    if family and family not in here.trace.families and family in names(item.formula):
        member = next(
            (part for part in _parts(item.formula) if isinstance(part, Index) and part.base == Name(family)), None
        )
        if member is not None:
            text = member_name(family, key_of(here.trace, member.items, scope))
            before = "before the loop" if here.turns else "before this step"
            hint = f"Give it {before}, under given:  {text}: [0, 0]"
            raise UnknownName(f"there is no {text} at this step", place=scope.at(member), hint=hint)
    return evaluate(here.trace, item.formula, scope)


def _first_of(here: Standing, node: int, first: int, steps: int) -> int:
    """Where a step's own nodes begin: after the backward steps that its formula may have asked for."""
    return max([first, *(step.node + 1 for step in here.trace.steps[steps:] if step.node < node)])


def _finish(here: Standing, item: StepItem, name: str, node: int, first: int, scope: Scope) -> None:
    formula = scope.shown(item.formula)
    picked = {part.id: node for part, node in scope.picked.values()}
    used = {used: here.now.get(used, picked.get(used, -1)) for used in names(formula)}
    used = {used: node for used, node in used.items() if node >= 0}
    formula = here.with_versions(formula)
    by_hand = item.by_hand if not here.settings.exact else None
    key = here.trace.bind(name, node)
    here.now[name] = node
    here.trace.add_step(
        Step(
            len(here.trace.steps) + 1, name, key, FORWARD, node, formula, here.heading, used, first,
            note=item.note, remark=item.remark,
            by_hand=None if by_hand is None else scope.shown(by_hand), item=item, turns=here.turns,
        )
    )  # fmt: skip


def _by_hand(here: Standing, item: StepItem, node: int, scope: Scope) -> int:
    trace = here.trace
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
    return here.stand_for(node, by_hand)


def _parts(expr: Expr) -> Iterator[Expr]:
    """A formula and all parts of it."""
    yield expr
    for part in children(expr):
        if not isinstance(part, Slice):
            yield from _parts(part)
