"""Files that mean no good: each ends soon, in little memory, with one message and exit code 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from nnsteps import solve
from nnsteps.errors import LimitError, UsageError
from nnsteps.limits import LIMITS
from nnsteps.ops import REGISTRY
from nnsteps.problem import Problem
from tests.hostile import CASES

SECONDS = 4  # of the processor; alone on a machine none takes 2
MEMORY = 500_000_000

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found() -> Found:
    """What all cases ended in; they share one process, so that its memory is that of the largest."""
    command = [sys.executable, "-m", "tests.hostile"]
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=600, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {line["name"]: line for line in lines}


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("name", CASES)
def test_it_ends_soon_with_one_message(found: Found, name: str) -> None:
    case, ended = CASES[name], found[name]
    assert (ended["code"], ended["out"]) == (2, ""), ended
    assert ended["seconds"] < SECONDS
    assert ended["memory"] < MEMORY
    assert ("--limit" in ended["err"]) == bool(case.limit)
    assert not case.limit or f"--limit {case.limit}" in ended["err"]
    assert len(ended["err"]) < 2_500
    assert len([line for line in ended["err"].splitlines() if line and line[0] not in " │⋮0123456789"]) <= 2


@pytest.mark.xdist_group("hostile")
def test_no_file_was_written_but_the_one_that_was_read(found: Found) -> None:
    assert found["files"]["left"] == ["case.yaml"]


@pytest.mark.parametrize("op", REGISTRY.values(), ids=REGISTRY)
def test_no_result_is_larger_than_was_announced(op: Any) -> None:
    import numpy as np

    sample = dict(op.sample(np.random.default_rng(1)))
    options = {**op.options, **{name: value for name, value in sample.items() if name in op.options}}
    values = [np.asarray(value) for name, value in sample.items() if name not in op.options]
    assert op.value(*values, **options).size <= op.needs(values, options).cells


# --- raising and lowering ----------------------------------------------------------------------------------------

TEXT = "given:\n  x: [1, 2, 3]\nsteps:\n  - for t in 1..3:\n      - x = x * 2 ** 3\n"
LOWERED = {
    "file": 20, "parts": 5, "nesting": 2, "text": 8, "depth": 2, "exponent": 2, "numbers": 2, "cells": 10, "work": 3,
    "operations": 4, "steps": 2, "turns": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", LOWERED)
def test_each_limit_holds_where_it_is_lowered(name: str) -> None:
    with pytest.raises(LimitError) as caught:
        solve(Problem.read(TEXT, "a.yaml", limits={name: LOWERED[name]}))
    assert f"--limit {name}=" in (caught.value.hint or "")
    assert solve(Problem.read(TEXT, "a.yaml"))["x"][0] == 512


def test_brackets_and_digits_are_limits_of_a_formula() -> None:
    for name, text in (("brackets", "y = ((2))"), ("digits", "y = 2.25")):
        steps = f"steps:\n  - {text}\n"
        with pytest.raises(LimitError):
            Problem.read(steps, "a.yaml", limits={name: 1})
        assert Problem.read(steps, "a.yaml", limits={name: 4}).limits[name] == 4


def test_a_problem_made_in_python_has_limits_too() -> None:
    steps = [{"for t in 1..20000": ["y = t"]}]
    with pytest.raises(LimitError, match="20,000 turns"):
        solve(Problem(steps=steps))
    problem = Problem(steps=steps, limits={"turns": 30_000, "steps": 30_000})
    assert solve(problem)["y"] == 20_000
    with pytest.raises(LimitError, match="more than 10 steps"):
        solve(problem, limits={"steps": 10, "turns": 30_000})


def test_what_a_message_advises_is_enough() -> None:
    with pytest.raises(LimitError) as caught:
        solve(Problem(steps=["y = sum(ones(1500, 1500))"]))
    advised = (caught.value.hint or "").partition("cells=")[2].split()[0]
    assert solve(Problem(steps=["y = sum(ones(1500, 1500))"], limits={"cells": int(advised)}))["y"] == 1500**2


@pytest.mark.parametrize(
    ("limits", "message"),
    [({"cels": 5}, "there is no limit called cels"), ({"cells": 0}, "cells cannot be 0"), ({"cells": 0.5}, "cells")],
)
def test_a_limit_that_is_none_is_refused(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        solve("softmax", limits=limits)
    if "cels" in limits:
        assert caught.value.hint is not None
        assert "Did you mean cells?" in caught.value.hint
        assert all(name in caught.value.hint for name in LIMITS)
