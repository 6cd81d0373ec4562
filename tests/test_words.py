"""Words, labels and functions of a problem's own: what they pick, how they travel, what they give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnsteps import Problem
from nnsteps.solver import Settings, solve_problem
from nnsteps.verify import check
from tests.language import plain, solved

# --- words -------------------------------------------------------------------------------------------------------

WORDS: list[tuple[str, Any]] = [
    ("s[2]", "are"),
    ("s[2:3]", ["are", "how"]),
    ("s[k]", ["how", "how"]),
    ("s[argmax(x)]", "are"),
    ("s[argmax(X, axis=0)]", ["how", "are"]),
    ('s == "how"', [1, 0, 1]),
    ('s != "how"', [0, 1, 0]),
    ("s == s[3]", [1, 0, 1]),
    ("s[1] == s[2]", 0),
    ('sum(s == "how")', 2),
    ('"you"', "you"),
    ("vstack(s[1], s[2])", ["how", "are"]),
    ("s.T", ["how", "are", "how"]),
]


@pytest.mark.parametrize(("formula", "expected"), WORDS)
def test_words_are_picked_compared_and_put_together(formula: str, expected: Any) -> None:
    given = {"s": ["how", "are", "how"], "k": [3, 1], "x": [0, 7, 1], "X": [[5, 1], [0, 3], [1, 2]]}
    assert plain(solved([f"y = {formula}"], given), "y") == expected


def test_a_word_is_a_word_in_the_json_of_a_step() -> None:
    there = solved(["y = s[2]", "z = s"], {"s": ["how", "are"]}).to_json()
    assert [step["value"] for step in there["steps"]] == ["are", ["how", "are"]]
    assert there["given"] == {"s": ["how", "are"]}


def test_a_word_may_have_another_by_hand() -> None:
    problem = Problem({"s": ["how", "are"]}, [{"step": "y = s[1]", "by hand": "s[2]"}, 'z = y == "are"'])
    assert [plain(solve_problem(problem, Settings(exact=exact)), "y") for exact in (False, True)] == ["are", "how"]
    assert plain(solve_problem(problem), "z") == 1


def test_words_stay_words_where_each_step_is_rounded() -> None:
    problem = Problem({"s": ["how", "are"], "x": [0.123456, 0]}, ["y = s[argmax(x)]", "z = 2 * x[1]"])
    trace = solve_problem(problem, Settings(rounding="each-step"))
    assert (plain(trace, "y"), plain(trace, "z")) == ("how", 0.24)


# --- labels ------------------------------------------------------------------------------------------------------

LABELS = {"W": {"rows": "s", "columns": ["p", "q"]}, "x": {"rows": ["u", "v"]}}
LABELLED: list[tuple[str, str, Any]] = [
    ("W", 'y["you", "p"]', 3),
    ("W", 'y["you"]', [3, 4]),
    ("W", 'y["q"]', [2, 4]),
    ("W", 'y["you", 2]', 4),
    ("W @ x", 'y["I"]', 1 * 10 + 2 * 20),
    ("W.T", 'y["p", "you"]', 3),
    ("relu(-W + 3)", 'y["I", "p"]', 2),
    ("W * 2", 'y["you", "q"]', 8),
    ("W + x", 'y["I", "q"]', 12),
    ("sum(W, axis=0)", 'y["q"]', 6),
    ("sum(W, axis=1)", 'y["you"]', 7),
    ("softmax(W * 0)", 'y["you", "q"]', 0.5),
    ("hstack(W, W)", 'y["you", 3]', 3),
    ("vstack(W, W)", 'y["q"]', [2, 4, 2, 4]),
    ("W[2:2, :]", 'y["you", "q"]', 4),
    ("W[:, 2]", 'y["you"]', 4),
    ("W[k, :]", 'y["I", "p"]', 1),
    ("x.T @ W", 'y["q"]', 10 * 2 + 20 * 4),
]


@pytest.mark.parametrize(("made", "asked", "expected"), LABELLED)
def test_labels_travel(made: str, asked: str, expected: Any) -> None:
    given = {"s": ["I", "you"], "W": [[1, 2], [3, 4]], "x": [10, 20], "k": [2, 1]}
    assert plain(solved([f"y = {made}", f"z = {asked}"], given, labels=LABELS), "z") == expected


def test_a_step_can_be_given_labels_of_its_own() -> None:
    trace = solved(["y = 2 * x", 'z = y["b"]'], {"x": [1, 2]}, labels={"y": {"rows": ["a", "b"]}})
    assert plain(trace, "z") == 4


def test_labels_of_a_family_are_those_of_its_members() -> None:
    labels = {"p": {"rows": ["a", "b"]}, "q": {"rows": ["c", "d"]}}
    trace = solved(['y = p[2]["b"]', "q[1] = p[1]", 'z = q[1]["c"]'], {"p[1]": [1, 2], "p[2]": [3, 4]}, labels=labels)
    assert (plain(trace, "y"), plain(trace, "z")) == (4, 1)


def test_members_that_are_looked_up_by_words_have_them_over_their_columns() -> None:
    trace = solved(["E = e[s]", 'y = E["B"]', "H = W @ E", 'z = H["A"]'], {
        "e": {"A": [1, 2], "B": [3, 4]}, "s": ["B", "A"], "W": [[1, 1]],
    })  # fmt: skip
    assert (plain(trace, "y"), plain(trace, "z")) == ([3, 4], 3)


# --- functions of one's own --------------------------------------------------------------------------------------

DEFINE = {
    "double(x)": "2 * x",
    "share(x, k=2)": ["y = x ** k", "out = y / sum(y)"],
    "mixed(a, b)": "double(a) + share(b, k=1)",
}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("double(x)", [2, 6]),
        ("share(x)", [1 / 10, 9 / 10]),
        ("share(x, k=3)", [1 / 28, 27 / 28]),
        ("mixed(x, x)", [2 + 1 / 4, 6 + 3 / 4]),
        ("double(double(x))[2]", 12),
    ],
)
def test_a_defined_function_is_its_lines(formula: str, expected: Any) -> None:
    np.testing.assert_allclose(plain(solved([f"y = {formula}"], {"x": [1, 3]}, define=DEFINE), "y"), expected)


def test_the_inner_steps_of_a_defined_function_are_in_the_trace() -> None:
    trace = solved(["y = share(x)"], {"x": [1, 3]}, define=DEFINE)
    assert [line["name"] for line in trace.to_json()["steps"][0]["inside"]] == ["y", "out"]


def test_a_defined_function_has_the_gradient_of_its_lines() -> None:
    problem = Problem({"x": [1, 3]}, ["L = sum(share(x) * x)"], {"of": "L", "wrt": ["x"]}, define=DEFINE)
    a, b = 1, 3  # L = (a³ + b³) / (a² + b²)
    share = (a**3 + b**3) / (a**2 + b**2)
    expected = [(3 * z**2 - 2 * z * share) / (a**2 + b**2) for z in (a, b)]
    np.testing.assert_allclose(solve_problem(problem)["dL/dx"].ravel(), expected)
    assert check(problem).ok
