"""The same problem with other given numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nnsteps.errors import ShapeError, UnknownName, nearest
from nnsteps.ops import Array, side_text
from nnsteps.problem import Answers, Heading, Item, Loop, Problem, StepItem, When


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
