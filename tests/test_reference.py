"""The numbers of the published exercises and sheets, as printed, and the exact ones beside them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import nnsteps
from nnsteps.collection import bundled
from nnsteps.problem import Problem
from nnsteps.verify import check

HERE = Path(__file__).parent
EXERCISES = sorted((HERE / "reference").glob("*.yaml"))  # named like the bundled problem
SHEETS = sorted((HERE / "reference" / "sheets").glob("*.yaml"))  # named like the bundled problem, too
REWRITTEN = sorted((HERE / "sheets").glob("*.yaml"))  # sheets without a bundled problem, in the language of problems
WRONG = {(problem.name, name) for problem in bundled() for name in problem.answers.wrong}

# What our problem is given besides the published numbers: targets, and the diagonals that masks are put on.
ADDED = {"gan": {"all_fake", "all_real"}, "dropout": {"I4", "I3"}}
# A problem that so far goes only a part of the way of its sheet, which then sorts words and looks one up.
NOT_YET = {"temperature": {"V", "r", "Vs", "ps", "left", "right", "word"}}
# Sheets that lay their gradients out transposed: their name, and ours.
TRANSPOSED = {
    "backprop-batch": {
        f"d{name}T": f"dL/d{name}" for name in ("Z3", "W3", "b3", "A2", "Z2", "W2", "b2", "A1", "Z1", "W1", "b1")
    }
}
RENAMED = {"backprop-batch": {"dZ3": "dL/dZ3"}}


@cache
def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def values(name: str, exact: bool = False) -> dict[str, Any]:
    return dict(nnsteps.solve(name, exact=exact).to_json()["values"])


def cases(paths: list[Path], *keys: str) -> list[Any]:
    return [
        pytest.param(path, key, name, id=f"{path.stem}-{name}")
        for path in paths
        for key in keys
        for name in read(path).get(key, {})
        if name not in NOT_YET.get(path.stem, ())
    ]


def close(ours: Any, published: Any) -> None:
    """Equal to 1e-9, whatever sides of length 1 there are."""
    np.testing.assert_allclose(np.squeeze(ours), np.squeeze(published), rtol=1e-9, atol=1e-9)


# --- the by-hand exercises and the sheets that are bundled -----------------------------------------------------


def test_no_reference_is_left_out() -> None:
    assert len(EXERCISES) >= 13
    assert len(SHEETS) >= 4
    assert len(REWRITTEN) >= 15
    assert {problem.name for problem in bundled()} == {path.stem for path in EXERCISES + SHEETS}


@pytest.mark.parametrize("path", EXERCISES + SHEETS, ids=lambda path: path.stem)
def test_the_bundled_problem_has_the_published_numbers(path: Path) -> None:
    given = nnsteps.solve(path.stem).to_json()["given"]
    published = read(path)["given"]
    missing = NOT_YET.get(path.stem, set())
    assert set(given) == (set(published) | ADDED.get(path.stem, set())) - missing
    for name, value in published.items():
        if name not in missing:
            assert np.squeeze(given[name]).tolist() == np.squeeze(value).tolist()


@pytest.mark.parametrize(("path", "key", "name"), cases(EXERCISES, "expected", "expected_by_hand"))
def test_by_hand_gives_what_is_printed(path: Path, key: str, name: str) -> None:
    close(values(path.stem)[name], read(path)[key][name])


@pytest.mark.parametrize(("path", "key", "name"), cases(EXERCISES, "expected_exact"))
def test_exact_gives_the_exact_numbers(path: Path, key: str, name: str) -> None:
    close(values(path.stem, exact=True)[name], read(path)[key][name])


@pytest.mark.parametrize(("path", "key", "name"), cases(SHEETS, "expected"))
def test_a_sheet_has_our_numbers(path: Path, key: str, name: str) -> None:
    published = read(path)[key][name]
    transposed = TRANSPOSED.get(path.stem, {})
    if name in transposed:
        name, published = transposed[name], np.transpose(published)
    name = RENAMED.get(path.stem, {}).get(name, name)
    close(values(path.stem)[name], published)


@pytest.mark.parametrize(("problem", "names"), NOT_YET.items())
def test_what_is_not_there_yet_is_not_there(problem: str, names: set[str]) -> None:
    there = nnsteps.solve(problem).to_json()
    assert not names & (set(there["values"]) | set(there["given"]))


# --- the sheets that are not bundled ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", REWRITTEN, ids=lambda path: path.stem)
def test_a_sheet_in_our_language_is_solved_and_verified(path: Path) -> None:
    problem = Problem.load(path)
    report = check(problem)
    assert report.ok, report.failures
    assert report.answers >= len({step.name for step in nnsteps.solve(problem).steps})


@pytest.mark.parametrize("path", [path for path in REWRITTEN if Problem.load(path).ask], ids=lambda path: path.stem)
def test_what_a_workbook_asks_for_is_a_cell_of_the_exercise(path: Path) -> None:
    trace = nnsteps.solve(Problem.load(path))
    for name in trace.problem.ask:
        assert trace.why(name)


# --- what is printed wrong -------------------------------------------------------------------------------------


def test_the_wrong_answers_are_these() -> None:
    names = ("dL/dZ2", "dL/dW2", "dL/db2", "dL/dA1", "dL/dZ1", "dL/dW1", "dL/db1")
    assert {("backprop-batch", name) for name in names} == WRONG
    assert [path.stem for path in REWRITTEN if Problem.load(path).answers.wrong] == ["autoencoder-small"]


def test_the_backpropagation_sheet_forgot_the_relu_of_layer_2() -> None:
    trace = nnsteps.solve("backprop-batch")
    printed = {name: np.array(wrong.printed) for name, wrong in trace.problem.answers.wrong.items()}
    for name, ours in {
        "dL/dZ2": trace["dL/dA2"],
        "dL/dW2": trace["dL/dA2"] @ trace["A1"].T,
        "dL/dA1": trace["W2"].T @ trace["dL/dA2"],
        "dL/dZ1": np.where(trace["Z1"] > 0, trace["W2"].T @ trace["dL/dA2"], 0),
    }.items():
        close(printed[name], ours)
    close(printed["dL/dW1"], printed["dL/dZ1"] @ trace["X"].T)
    for name in ("1", "2"):
        close(printed[f"dL/db{name}"], printed[f"dL/dZ{name}"].sum(axis=1))


def test_the_autoencoder_sheet_shows_its_input_for_the_gradient() -> None:
    problem = Problem.load(HERE / "sheets" / "autoencoder-small.yaml")
    trace = nnsteps.solve(problem)
    close(problem.answers.wrong["dY"].printed, trace["X"])
    close(trace["dY"], trace["Y"] - trace["X"])


# --- more about single exercises -------------------------------------------------------------------------------


def test_the_alias_of_the_source_finds_the_exercise() -> None:
    assert nnsteps.solve("backpropagation").problem.name == "backprop"


def test_the_gradients_are_those_that_were_asked_for() -> None:
    gradients = nnsteps.solve("backprop").to_json()["gradients"]
    assert list(gradients) == ["dL/dW3", "dL/db3", "dL/dW2", "dL/db2", "dL/dW1", "dL/db1"]


def test_two_losses_of_one_problem_have_their_own_gradients() -> None:
    gradients = nnsteps.solve("gan").to_json()["gradients"]
    assert {name.split("/")[0] for name in gradients} == {"dL_D", "dL_G"}
    close(gradients["dL_D/dD_logit_fake"], values("gan")["discriminator_gradient_fake"])
    close(gradients["dL_G/dD_logit_fake"], values("gan")["generator_gradient"])


def test_a_dropped_neuron_is_dropped_only_in_training() -> None:
    trace = nnsteps.solve("dropout")
    assert not trace["a1_dropped"][1].any()
    close(trace["a1_all"], trace["a1"])
    close(trace["Y_inference"], trace["W3"] @ trace["a2_all"] + trace["b3"])
