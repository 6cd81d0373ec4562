"""The numbers of the published by-hand exercises, as printed, and the exact ones beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import nnsteps

FILES = sorted((Path(__file__).parent / "reference").glob("*.yaml"))


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def cases(key: str) -> list[Any]:
    return [pytest.param(path, name, id=f"{path.stem}-{name}") for path in FILES for name in read(path).get(key, {})]


def test_all_seven_exercises_are_here() -> None:
    assert len(FILES) == 7
    assert sum(len(read(path)["expected"]) for path in FILES) == 47


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_bundled_problem_has_the_published_numbers(path: Path) -> None:
    given = nnsteps.solve(path.stem).to_json()["given"]
    published = read(path)["given"]
    assert set(given) == set(published)
    for name, value in published.items():
        assert np.squeeze(given[name]).tolist() == np.squeeze(value).tolist()


@pytest.mark.parametrize(("path", "name"), cases("expected"))
def test_by_hand_gives_what_is_printed(path: Path, name: str) -> None:
    values = nnsteps.solve(path.stem).to_json()["values"]
    assert np.squeeze(values[name]).tolist() == np.squeeze(read(path)["expected"][name]).tolist()


@pytest.mark.parametrize(("path", "name"), cases("expected_exact"))
def test_exact_gives_the_exact_numbers(path: Path, name: str) -> None:
    values = nnsteps.solve(path.stem, exact=True).to_json()["values"]
    np.testing.assert_allclose(
        np.squeeze(values[name]), np.squeeze(read(path)["expected_exact"][name]), rtol=1e-9, atol=1e-12
    )


def test_the_alias_of_the_source_finds_the_exercise() -> None:
    assert nnsteps.solve("backpropagation").problem.name == "backprop"


def test_the_gradients_are_those_that_were_asked_for() -> None:
    gradients = nnsteps.solve("backprop").to_json()["gradients"]
    assert list(gradients) == ["dL/dW3", "dL/db3", "dL/dW2", "dL/db2", "dL/dW1", "dL/db1"]
