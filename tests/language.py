"""Problems in a few words, for the tests of the language."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnsteps import Problem, Trace
from nnsteps.solver import solve_problem


def solved(steps: list[Any], given: dict[str, Any] | None = None, **other: Any) -> Trace:
    """The trace of a problem whose steps are given as in a file."""
    return solve_problem(Problem(given=given, steps=steps, **other))


def plain(trace: Trace, name: str) -> Any:
    """A value as lists without sides of length 1, words as texts."""
    return np.squeeze(trace.to_json()["values"][name]).tolist()


def heard(trace: Trace) -> list[str]:
    """The sentences that were said."""
    return [
        "".join(
            part if isinstance(part, str) else str(np.squeeze(trace.plain(part[1])).tolist()) for part in aside.parts
        )
        for aside in trace.asides
        if aside.kind == "say"
    ]
