"""Step-by-step worked calculations of neural networks.

>>> import nnsteps
>>> trace = nnsteps.solve("backprop")
>>> trace["dL/db1"].ravel().tolist()
[0.0, -2.0, 2.0, -1.0]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Problem", "StepsError", "Trace", "solve"]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnsteps.errors import StepsError
    from nnsteps.problem import Problem
    from nnsteps.trace import Trace


def solve(
    problem: str | Problem,
    *,
    exact: bool = False,
    expand: bool = False,
    rounding: str | None = None,
    digits: int | None = None,
    limits: Mapping[str, int] | None = None,
) -> Trace:
    """The trace of a problem: a bundled name, a path, or a Problem.

    exact leaves the by-hand forms out, expand takes no shortcut in a gradient, rounding is "inside", "each-step" or
    "fractions", digits fixes the decimals on paper, limits={"cells": 5_000_000} allows a larger problem.

    Errors: StepsError says where, what was found, what was expected; what else is wrong stands in its `others`.
    """
    from nnsteps.collection import find
    from nnsteps.errors import StepsError
    from nnsteps.limits import with_changes
    from nnsteps.solver import Settings, look_further, solve_problem

    try:
        if isinstance(problem, str):
            found = find(problem, limits or {})
        else:
            found = problem if limits is None else problem.changed(limits=with_changes(limits))
    except StepsError as error:
        raise look_further(error) from None
    return solve_problem(found, Settings(exact, expand, rounding, digits))


def __getattr__(name: str) -> Any:
    """Problem, Trace and StepsError, imported when they are asked for: `nnsteps --help` needs none of them."""
    match name:
        case "Problem":
            from nnsteps.problem import Problem as found
        case "Trace":
            from nnsteps.trace import Trace as found  # type: ignore[assignment]
        case "StepsError":
            from nnsteps.errors import StepsError as found  # type: ignore[assignment]
        case _:
            raise AttributeError(name)
    return found
