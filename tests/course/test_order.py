"""The problems as a course: what comes before what, and how long a file is."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from nnsteps.collection import bundled
from nnsteps.problem import Problem
from tests.sample import COLLECTION

PROBLEMS = {problem.name: problem for problem in bundled()}
MOST_LINES = 120


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_what_a_problem_builds_on_comes_before_it(problem: Problem) -> None:
    places = list(PROBLEMS)
    assert all(places.index(name) < places.index(problem.name) for name in problem.builds_on)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem_says_what_it_is_about_and_fits_two_pages(problem: Problem) -> None:
    assert problem.about
    assert problem.source
    assert problem.file is not None
    if problem.topic not in COLLECTION:  # there the published answers are many
        assert len(Path(problem.file).read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_topics_are_not_mixed() -> None:
    runs = [topic for topic, _ in groupby(problem.topic for problem in PROBLEMS.values())]
    assert len(runs) == len(set(runs))
