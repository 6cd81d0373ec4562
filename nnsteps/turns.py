"""Long loops: which turns a page shows, and what it says of the others."""

from __future__ import annotations

from collections.abc import Sequence

from nnsteps.records import Step, Turn

MOST, MOST_STEPS = 4, 16  # turns that are all shown, or steps of all turns together
FIRST, LAST = 2, 1  # of more turns


def folded(steps: Sequence[Step]) -> list[Step | str]:
    """The steps that are shown; where turns of a loop are left out, a sentence says which."""
    out: list[Step | str] = list(steps)
    depth = 0
    while any(isinstance(step, Step) and len(step.turns) > depth for step in out):
        out = _folded(out, depth)
        depth += 1
    return out


def _folded(steps: Sequence[Step | str], depth: int) -> list[Step | str]:
    out: list[Step | str] = []
    for run in _runs(steps, depth):
        turns = list(
            dict.fromkeys(step.turns[depth] for step in run if isinstance(step, Step) and len(step.turns) > depth)
        )
        if len(turns) <= MOST or sum(isinstance(step, Step) for step in run) <= MOST_STEPS:
            out += run
            continue
        hidden = set(turns[FIRST:-LAST])
        said = False
        for step in run:
            if isinstance(step, Step) and step.turns[depth] in hidden:
                if not said:
                    out.append(_words(turns))
                    said = True
            elif isinstance(step, Step) or not said:
                out.append(step)
    return out


def _runs(steps: Sequence[Step | str], depth: int) -> list[list[Step | str]]:
    """Neighbouring steps of the same loop at a depth, within the same turns of the loops around it."""
    runs: list[list[Step | str]] = []
    last: object = None
    for step in steps:
        loop: object = None
        if isinstance(step, str):
            loop = last
        elif len(step.turns) > depth:
            loop = (*step.turns[:depth], step.turns[depth].loop)
        if runs and loop == last:
            runs[-1].append(step)
        else:
            runs.append([step])
        last = loop
    return runs


def _words(turns: Sequence[Turn]) -> str:
    hidden = turns[FIRST:-LAST]
    first, last = hidden[0], hidden[-1]
    if len(hidden) == 1:
        return f"{first.name} = {first.value} is done the same way"
    return f"{first.name} = {first.value} to {last.value} are done the same way"
