"""To solve twice the turns of a loop is about twice the work, counted in calls of functions and not in seconds."""

import cProfile
import pstats

import pytest

from nnsteps import Problem
from nnsteps.solver import solve_problem

MOST = 2.6  # how many times as many calls; what is quadratic takes 4 times as many
CHAIN = """
given: {{x: 0.5, a: 0.9}}
steps:
  - for t in 1..{turns}:
      - x = tanh(a * x + 0.1)
  - L = sum(x ** 2)
gradient: {{of: L, wrt: [a]}}
"""
TRAINING = """
given: {{X: [[1, 2, 3]], T: [[2, 4, 7]], w: [[0.1]], b: [[0.2]]}}
steps:
  - for t in 1..{turns}:
      - Y = w @ X + b
      - L = mean((Y - T) ** 2)
      - w = w - 0.01 * grad(L, w)
      - b = b - 0.01 * grad(L, b)
"""
UPDATES = """
given: {{X: [[1, 2, 3]], T: [[2, 4, 7]], w: [[0.1]], b: [[0.2]]}}
steps:
  - for t in 1..{turns}:
      - L = mse(w @ X + b, T)
      - gradient: {{of: L}}
      - update: {{rule: sgd, rate: 0.01}}
"""


def calls(text: str) -> int:
    problem, profile = Problem.read(text, "loop.yaml"), cProfile.Profile()
    profile.runcall(solve_problem, problem)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", [CHAIN, TRAINING, UPDATES])
def test_twice_the_turns_take_about_twice_the_calls(text: str) -> None:
    calls(text.format(turns=3))  # whatever is prepared only once
    assert calls(text.format(turns=200)) < MOST * calls(text.format(turns=100))
