"""The numbers of the published exercises and sheets, as printed, and the exact ones beside them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import nnsteps
from nnsteps.collection import bundled, find
from nnsteps.problem import Problem
from nnsteps.verify import check

HERE = Path(__file__).parent
EXERCISES = sorted((HERE / "reference").glob("*.yaml"))  # named like the bundled problem
SHEETS = sorted((HERE / "reference" / "sheets").glob("*.yaml"))  # named like the bundled problem, too
REWRITTEN = sorted((HERE / "sheets").glob("*.yaml"))  # sheets without a bundled problem, in the language of problems
KEYS = ("expected", "expected_by_hand", "expected_exact")
WRONG = {(problem.name, name) for problem in bundled() for name in problem.answers.wrong}

# What our problem is given besides the published numbers: targets, the names of the experts, sentences as words.
SENTENCES = ("how are you", "who are you", "who am I", "query")
ADDED = {
    "gan": {"all_fake", "all_real"},
    "rlhf": {"target"},
    "switch-transformer": {"experts"},
    "vector-database": {f"tokens[{sentence}]" for sentence in SENTENCES},
}
SPLIT = {"vector-database": {"query": "tokens[query]"}}  # printed as one text, given as its words
# Sheets that lay their gradients out transposed: their name, and ours.
TRANSPOSED = {
    "backprop-batch": {
        f"d{name}T": f"dL/d{name}" for name in ("Z3", "W3", "b3", "A2", "Z2", "W2", "b2", "A1", "Z1", "W1", "b1")
    }
}
RENAMED = {
    "backprop-batch": {"dZ3": "dL/dZ3"},
    "mixture-of-experts": {"gate_probabilities_exact": "gate_probabilities"},
    "rlhf": {"loss_gradient": "dloss/dreward_gap"},
}
UNLISTED = {("backprop", "L")}  # follows from the printed numbers, the exercise itself does not print it
GROUPED = {"vector-database"}  # its answers are listed sentence by sentence


@cache
def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def values(name: str, exact: bool = False) -> dict[str, Any]:
    return dict(nnsteps.solve(name, exact=exact).to_json()["values"])


def members(table: dict[str, Any], *, grouped: bool = False) -> dict[str, Any]:
    """The same with each member of a family under its own name: x[1..4], embedding: {a: …}."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        numbers = re.fullmatch(r"(\w+)\[(\d+)\.\.(\d+)\]", name)
        if numbers:
            places = range(int(numbers[2]), int(numbers[3]) + 1)
            flat |= {f"{numbers[1]}[{k}]": part for k, part in zip(places, value, strict=True)}
        elif isinstance(value, dict):
            flat |= {f"{key}[{name}]" if grouped else f"{name}[{key}]": part for key, part in value.items()}
        else:
            flat[name] = value
    return flat


@cache
def published(path: Path, key: str) -> dict[str, Any]:
    return members(read(path).get(key, {}), grouped=key != "given" and path.stem in GROUPED)


def cases(paths: list[Path], *keys: str) -> list[Any]:
    return [
        pytest.param(path, key, name, id=f"{path.stem}-{name}")
        for path in paths
        for key in keys
        for name in published(path, key)
    ]


def close(ours: Any, printed: Any) -> None:
    """Equal to 1e-9, words to the letter, whatever sides of length 1 there are."""
    one, other = np.squeeze(ours), np.squeeze(printed)
    if "U" in (one.dtype.kind, other.dtype.kind):
        assert one.tolist() == other.tolist()
    else:
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def agree(path: Path, key: str, name: str, *, exact: bool = False) -> None:
    """Whether our value is the published one, which may be laid out or called otherwise."""
    printed, transposed = published(path, key)[name], TRANSPOSED.get(path.stem, {})
    if name in transposed:
        name, printed = transposed[name], np.transpose(printed)
    close(values(path.stem, exact)[RENAMED.get(path.stem, {}).get(name, name)], printed)


# --- the by-hand exercises and the sheets that are bundled -----------------------------------------------------


def test_no_reference_is_left_out() -> None:
    assert len(EXERCISES) >= 20
    assert len(SHEETS) >= 5
    assert len(REWRITTEN) >= 16
    assert {path.stem for path in EXERCISES + SHEETS} <= {problem.name for problem in bundled()}


@pytest.mark.parametrize("path", EXERCISES + SHEETS, ids=lambda path: path.stem)
def test_the_bundled_problem_has_the_published_numbers(path: Path) -> None:
    given = nnsteps.solve(path.stem).to_json()["given"]
    printed, split = published(path, "given"), SPLIT.get(path.stem, {})
    assert set(given) == set(printed) - set(split) | ADDED.get(path.stem, set())
    for name, value in printed.items():
        ours = given[split.get(name, name)]
        assert np.squeeze(ours).tolist() == np.squeeze(value.split() if name in split else value).tolist()


@pytest.mark.parametrize(("path", "key", "name"), cases(EXERCISES, "expected", "expected_by_hand"))
def test_by_hand_gives_what_is_printed(path: Path, key: str, name: str) -> None:
    agree(path, key, name)


@pytest.mark.parametrize(("path", "key", "name"), cases(EXERCISES, "expected_exact"))
def test_exact_gives_the_exact_numbers(path: Path, key: str, name: str) -> None:
    agree(path, key, name, exact=True)


@pytest.mark.parametrize(("path", "key", "name"), cases(SHEETS, "expected"))
def test_a_sheet_has_our_numbers(path: Path, key: str, name: str) -> None:
    agree(path, key, name)


@pytest.mark.parametrize("path", EXERCISES + SHEETS, ids=lambda path: path.stem)
def test_what_is_published_stands_as_an_answer_in_the_problem(path: Path) -> None:
    answers = find(path.stem).answers
    known = {*answers.by_hand, *answers.exact, *answers.wrong, *find(path.stem).given}
    ours = {**TRANSPOSED.get(path.stem, {}), **RENAMED.get(path.stem, {})}
    expected = {ours.get(name, name) for key in KEYS for name in published(path, key)}
    assert {(path.stem, name) for name in expected - known} <= UNLISTED


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


def test_who_comes_too_late_to_an_expert_passes_through_unchanged() -> None:
    trace = nnsteps.solve("switch-transformer")
    taken = [decision.chosen for decision in trace.decisions if decision.kind == "when"]
    assert taken == [(1,), (1,), (1,), (1,), (0,)]
    np.testing.assert_array_equal(trace["out"][:, 4], trace["Z"][:, 4])
    assert trace["gate"][0, 0] == trace["gate"][1, 0] == 9  # the tie that goes to the first


def test_mamba_scans_as_its_formulas_say() -> None:
    given, ours = published(HERE / "reference" / "mamba-s6.yaml", "given"), values("mamba-s6")
    x, structured, h = np.array(given["x"]), np.array(given["structured"]), np.zeros(2)
    for t in range(1, 5):
        w = np.array(given[f"layer[{t}]"]) @ x
        h = structured @ h + w[:2] * x[t - 1]
        close(ours[f"B[{t}]"], w[:2])
        close(ours[f"C[{t}]"], w[2:])
        close(ours[f"h[{t}]"], h)
        close(ours[f"y[{t}]"], w[2:] @ h)


def test_the_words_that_are_found_are_words_of_the_trace() -> None:
    assert values("vector-database")["nearest"] == "who am I"
    assert values("rlhf")["next_word"] == ["CEO", "is", "him"]
