"""Tests that are marked slow run only where NNSTEPS_SLOW is set, as in .ci/run."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("NNSTEPS_SLOW"):
        for item in items:
            if item.get_closest_marker("slow") is not None:
                item.add_marker(pytest.mark.skip(reason="takes long; NNSTEPS_SLOW=1 runs it"))
