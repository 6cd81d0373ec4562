"""Which bundled problems a test goes through: a sample in the usual run, all of them where NNSTEPS_ALL is set."""

from __future__ import annotations

import os

from nnsteps.collection import bundled
from nnsteps.problem import Problem

COLLECTION = ("basics", "networks", "advanced", "normalization")  # of the other topics one problem each is enough


def sample() -> dict[str, Problem]:
    """The problems by name."""
    found: dict[str, Problem] = {}
    topics: set[str | None] = set()
    for problem in bundled():
        if os.environ.get("NNSTEPS_ALL") or problem.topic in COLLECTION or problem.topic not in topics:
            found[problem.name] = problem
        topics.add(problem.topic)
    return found
