"""Vet: what it counts, and which sections it finds unfair."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from nnsteps.cli import run
from nnsteps.collection import find
from nnsteps.practice import Practice
from nnsteps.problem import Problem
from nnsteps.vet import examine


def problem(vary: str, more: str = "") -> Problem:
    text = f"""\
given: {{x: [1, 2, 1], w: [[1, 2, 0]], b: 1}}
steps: ['z = w @ x + b', 'd = 2 * b']
practice:
  vary: {vary}
{more}"""
    return Problem.read(text, "small.yaml")


def test_acceptance_and_rejections_are_counted() -> None:
    small = problem("{x: integers 0..3, b: integers 1..9}", "  keep: ['z >= 8']\n  allow: [effort]\n")
    found = examine(small, 50, 1)
    tried = accepted = 0
    practice = Practice(small)
    for k in range(1, 51):
        variant = practice.variant(1, str(k))
        accepted += 1
        tried += variant.id.attempt + 1
    assert (found.count, found.attempts, found.ok) == (50, tried, True)
    assert dict(found.rejected) == {"z >= 8": tried - accepted}


def test_answers_are_counted_cell_by_cell() -> None:
    small = problem("{b: integers 0..1}", "  allow: [effort]\n")
    found = examine(small, 60, 1)
    numbers: list[list[float]] = []
    practice = Practice(small)
    for k in range(1, 61):
        trace = practice.variant(1, str(k)).by_hand
        numbers.append([float(trace["z"].item()), float(trace["d"].item())])
    cells = np.array(numbers)
    assert found.answers == 2
    assert found.zeros == pytest.approx((cells == 0).mean())
    assert found.ones == pytest.approx((cells == 1).mean())
    likeliest = sum(Counter(column).most_common(1)[0][1] for column in cells.T.tolist())
    assert found.guessed == pytest.approx(likeliest / cells.size)


def test_the_room_is_the_number_of_variants() -> None:
    found = examine(problem("{x: integers 0..3, b: integers 1..9}", "  allow: [effort]\n"), 20, 1)
    assert found.room == pytest.approx(math.log10(4**3 * 9))
    half = examine(problem("{x: integers 0..3, b: integers 0..1}", "  allow: [effort]\n  keep: [b > 0]\n"), 400, 1)
    assert half.room == pytest.approx(math.log10(4**3), abs=0.1)


def test_the_effort_is_that_of_the_sheets() -> None:
    found = examine(problem("{x: integers 0..1}", "  allow: [effort]\n"), 60, 1)
    assert found.effort == (3, 1, 2, 3)  # 2·b, and those of 1·x₁ and 2·x₂ that are not 0


def test_the_effort_stays_within_a_quarter() -> None:
    found = examine(find("hidden-layer"), 40, 1)
    original, least, _, most = found.effort
    assert original * 0.75 <= least <= most <= original * 1.25


POOLING = """\
given: {image: [[1, 2, 4, 0], [3, 0, 1, 2], [5, 1, 0, 3], [2, 2, 4, 9]]}
steps: ['a = max_pool2d(image)', 'b = avg_pool2d(image)']
gradient: {of: sum(a), wrt: [image]}
practice: {vary: {image: integers 0..20}}
"""


def test_no_window_of_a_pooling_has_two_largest_numbers() -> None:
    practice = Practice(Problem.read(POOLING, "pooling.yaml"))
    for k in range(30):
        image = practice.variant(1, str(k)).by_hand["image"]
        for window in (image[i : i + 2, j : j + 2].ravel() for i in (0, 2) for j in (0, 2)):
            assert (window == window.max()).sum() == 1
    assert practice.rejected["kink"] > 0


def test_the_products_of_a_convolution_are_effort() -> None:
    text = """\
given: {image: [[1, 2, 1], [3, 1, 1], [1, 1, 2]], filter: [[1, 0], [2, 1]], b: 1}
steps: ['z = conv2d(image, filter, b)']
gradient: {of: sum(z), wrt: [filter]}
practice: {vary: {b: integers 1..2}}
"""
    found = examine(Problem.read(text, "convolution.yaml"), 5, 1)
    assert found.effort[0] == 4 * 3 + 4 * 4  # windows × weights that are not 0; weights × slopes, all 1


def test_a_problem_whose_attempts_must_all_be_solved_is_given_up(monkeypatch: Any) -> None:
    monkeypatch.setattr("nnsteps.vet.MOST_SOLVED", 4)
    monkeypatch.setattr("nnsteps.vet.MOST_SOLVED_EACH", 1)
    text = """\
given: {word: [cat, dog, cow]}
steps: ['z = 2 * (word == "dog")[1, 1]']
practice: {vary: {word: permutation}, keep: [z > 1]}
"""
    small = Problem.read(text, "words.yaml")  # words choose, so no plan applies to another order of them
    found = examine(small, 50, 1)
    assert not found.ok
    assert 1 <= found.count < 50
    assert any("had to be solved; `z > 1` rejected" in failure for failure in found.failures)


def test_sheets_that_repeat_are_not_fair() -> None:
    found = examine(problem("{b: integers 1..3}"), 20, 1)
    assert (found.twice, found.ok) == (17, False)
    assert any("17 of 20 variants came twice" in failure for failure in found.failures)


def test_answers_that_can_be_guessed_are_not_fair() -> None:
    found = examine(problem("{x: {choice: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]}, b: integers 3..3}"), 30, 1)
    assert any("of the answers can be guessed" in failure for failure in found.failures)


def test_a_section_that_cannot_be_met_is_not_fair() -> None:
    found = examine(problem("{x: integers 1..3}", "  keep: ['z < 0']\n"), 5, 1)
    assert (found.count, found.ok) == (0, False)
    assert "`z < 0` rejected" in found.failures[0]


def test_steps_that_do_not_depend_on_what_varies_are_no_answers() -> None:
    assert examine(problem("{x: integers 1..3}"), 10, 1).answers == 1


@pytest.mark.parametrize("name", ["backprop", "self-attention", "single-neuron"])
def test_sheets_with_enough_room_do_not_repeat(name: str) -> None:
    found = examine(find(name), 200, 1)
    assert found.ok
    assert found.twice == 0 or found.room < 6


def test_the_command_prints_a_report_and_fails_where_sheets_are_not_fair(capsys: Any, tmp_path: Any) -> None:
    assert run(["vet", "single-neuron", "--count", "30"]) == 0
    report = capsys.readouterr().out
    assert report.startswith("ok  single-neuron   30 variants of ")
    assert all(word in report for word in ("effort", "answers", "room"))
    path = tmp_path / "small.yaml"
    path.write_text("given: {b: 1}\nsteps: ['d = 2 * b']\npractice: {vary: {b: integers 1..2}}\n", encoding="utf-8")
    assert run(["vet", str(path), "--count", "30"]) == 1
    assert "NOT FAIR" in capsys.readouterr().out
    assert run(["vet", "single-neuron", "--count", "none"]) == 2
