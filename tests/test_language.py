"""The language beyond plain steps: loops, conditions, sentences, families, places, gradients through all of them.

Expected values are worked out in plain Python beside each case.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from nnsteps.formula import to_text
from nnsteps.ops import REGISTRY
from tests.language import heard, plain, solved

# --- loops -------------------------------------------------------------------------------------------------------


def test_a_loop_runs_from_number_to_number_both_included() -> None:
    trace = solved([{"for t in 1..4": ["h[t] = t ** 2"]}, "last = t"])
    assert [plain(trace, f"h[{t}]") for t in range(1, 5)] == [t**2 for t in range(1, 5)]
    assert plain(trace, "last") == 4


def test_a_loop_runs_downwards_where_the_second_number_is_smaller() -> None:
    trace = solved([{"for t in 3..1": ["r = 10 * r + t"]}], {"r": 0})
    assert plain(trace, "r") == 321


def test_a_loop_over_negative_numbers_has_negative_members() -> None:
    trace = solved([{"for t in -1..1": ["y[t] = 2 * t"]}])
    assert [plain(trace, f"y[{t}]") for t in (-1, 0, 1)] == [-2, 0, 2]


def test_loops_inside_each_other_make_members_with_two_indices() -> None:
    trace = solved([{"for i in 1..2": [{"for j in 1..3": ["w[i,j] = 10 * i + j"]}]}, "s = sum(w)", "c = w[2,3]"])
    expected = {(i, j): 10 * i + j for i in (1, 2) for j in (1, 2, 3)}
    assert {key: plain(trace, f"w[{key[0]},{key[1]}]") for key in expected} == expected
    assert plain(trace, "s") == sum(expected.values())
    assert plain(trace, "c") == 23


def test_the_bound_of_an_inner_loop_may_be_the_name_of_the_outer_one() -> None:
    trace = solved([{"for i in 1..4": [{"for j in 1..i": ["n = n + j"]}]}], {"n": 0})
    assert plain(trace, "n") == sum(j for i in range(1, 5) for j in range(1, i + 1))


def test_a_bound_may_be_a_count() -> None:
    trace = solved([{"for t in 1..size(X, axis=1)": ["c[t] = sum(X[:, t])"]}], {"X": [[1, 2, 3], [4, 5, 6]]})
    assert [plain(trace, f"c[{t}]") for t in (1, 2, 3)] == [5, 7, 9]
    assert not trace.decisions


def test_a_bound_that_is_a_number_of_the_problem_is_a_decision() -> None:
    trace = solved([{"for t in 1..n": ["y[t] = t"]}], {"n": 3})
    assert [(d.kind, d.chosen, trace.value(d.by).item()) for d in trace.decisions] == [("bound", (3,), 3)]


def test_a_loop_over_a_family_runs_through_its_labels_in_the_order_of_the_file() -> None:
    trace = solved(
        [{"for k in e": ["d[k] = 2 * e[k]", "order = 10 * order + e[k]"]}, "last = k"],
        {"e": {"B": 3, "A": 1}, "order": 0},
    )
    assert (plain(trace, "d[A]"), plain(trace, "d[B]"), plain(trace, "order")) == (2, 6, 31)
    assert plain(trace, "last") == "A"


def test_a_loop_over_a_numbered_family_leaves_out_its_initial_value() -> None:
    trace = solved([{"for t in h": ["s = s + h[t]"]}], {"h[0]": 100, "h[1]": 1, "h[2]": 20, "s": 0})
    assert plain(trace, "s") == 21


def test_a_loop_over_words_runs_through_all_of_them_even_twice() -> None:
    given = {"words": ["to", "be", "to"], "e": {"to": 1, "be": 10}, "s": 0}
    assert plain(solved([{"for w in words": ["s = s + e[w]"]}], given), "s") == 12


def test_the_steps_of_a_loop_know_their_turns() -> None:
    trace = solved([{"for i in 1..2": [{"for w in s": ["y[i,w] = i"]}]}, "z = 1"], {"s": ["a", "b"]})
    turns = [[(turn.name, turn.value) for turn in step.turns] for step in trace.steps]
    assert turns == [[("i", i), ("w", w)] for i, w in itertools.product((1, 2), "ab")] + [[]]
    assert trace.to_json()["steps"][1]["turn"] == {"i": 1, "w": "b"}


def test_until_ends_a_loop_after_the_turn_in_which_it_holds() -> None:
    trace = solved([{"for t in 1..10": ["x = 2 * x"], "until": "x > 20"}, "n = t"], {"x": 1})
    x, n = 1, 0
    while not x > 20:
        x, n = 2 * x, n + 1
    assert (plain(trace, "x"), plain(trace, "n")) == (x, n)
    assert [d.chosen for d in trace.decisions if d.kind == "until"] == [(0,)] * (n - 1) + [(1,)]
    assert not trace.warnings


def test_a_bound_that_is_reached_before_until_holds_is_reported() -> None:
    trace = solved([{"for t in 1..3": ["x = 2 * x"], "until": "x > 20"}], {"x": 1})
    assert plain(trace, "x") == 8
    assert trace.warnings == ["for t: the loop came to its end before x > 20 held"]


def test_until_ends_the_inner_loop_only() -> None:
    steps = [{"for i in 1..3": ["x = 1", {"for t in 1..9": ["x = 2 * x", "n = n + 1"], "until": "x > 4 * i"}]}]
    assert plain(solved(steps, {"n": 0}), "n") == 3 + 4 + 4  # 8 > 4, 16 > 8, 16 > 12


# --- conditions, headings again, sentences -----------------------------------------------------------------------


@pytest.mark.parametrize(("x", "expected"), [([1, 2], [1, 2]), ([1, -2], [-1, 2]), ([0, 0], [0, 0])])
def test_a_condition_chooses_its_steps_or_the_others(x: list[int], expected: list[int]) -> None:
    trace = solved([{"when": "sum(x) > 0", "steps": ["y = x"], "else": ["y = -x"]}], {"x": x})
    assert plain(trace, "y") == expected
    assert [(d.kind, d.chosen) for d in trace.decisions] == [("when", (float(sum(x) > 0),))]
    assert trace.asides[0].kind == "when"


def test_without_else_nothing_is_done_where_the_condition_does_not_hold() -> None:
    trace = solved([{"when": "x > 5", "steps": ["y = 1"]}, "z = x"], {"x": 2})
    assert [step.name for step in trace.steps] == ["z"]


def test_a_repeated_heading_runs_with_the_values_of_now() -> None:
    trace = solved([{"Forward": ["y = w * x"]}, "w = w + 1", {"repeat": "Forward"}], {"w": 2, "x": 5})
    assert [(step.key, trace.value(step.node).item()) for step in trace.steps] == [("y", 10), ("w#2", 3), ("y#2", 15)]
    assert [step.heading for step in trace.steps] == [("Forward",), (), ("Forward",)]


def test_a_heading_may_be_repeated_in_a_loop() -> None:
    trace = solved([{"Double": ["x = 2 * x"]}, {"for t in 1..3": [{"repeat": "Double"}]}], {"x": 1})
    assert plain(trace, "x") == 2**4


def test_a_sentence_has_values_in_it() -> None:
    given = {"x": [1, 2], "s": ["how", "are"], "y": 0.5}
    trace = solved([{"say": "sum {sum(x)}, {s[2]} {{so}} {y}"}, {"for t in 1..2": [{"say": "{t}: {x[t] * 3}"}]}], given)
    assert heard(trace) == ["sum 3, are {so} 0.5", "1: 3", "2: 6"]
    assert [aside.after for aside in trace.asides] == [0, 0, 0]
    assert [[turn.value for turn in aside.turns] for aside in trace.asides] == [[], [1], [2]]


# --- families ----------------------------------------------------------------------------------------------------

GIVEN_FAMILIES: list[tuple[dict[str, Any], str, Any]] = [
    ({"X[1]": [1, 2], "X[2]": [3, 4]}, "X[2]", [3, 4]),
    ({"X[1]": [1, 2], "X[2]": [3, 4]}, "X[2][1]", 3),
    ({"x[1..3]": [5, 6, 7]}, "x[2]", 6),
    ({"x[1..2]": [[1, 2], [3, 4]]}, "x[2]", [3, 4]),
    ({"x[3..1]": [5, 6, 7]}, "x[1]", 7),
    ({"x[-1..0]": [5, 6]}, "x[-1]", 5),
    ({"e": {"A": [1, 2], "B": [3, 4]}}, 'e["B"]', [3, 4]),
    ({"e": {"A": [1, 2], "B": [3, 4]}}, "e[2]", [3, 4]),
    ({"e": {"B": [1, 2], "A": [3, 4]}}, "e[2][1]", 3),
    ({"e": {"how are you": 1}}, 'e["how are you"]', 1),
    ({"e[A]": 1, "e[B]": 2}, 'e["B"]', 2),
    ({"w[1,1]": 1, "w[1,2]": 2}, "w[1,2]", 2),
    ({"e": {"A": {"x": 1, "y": 2}, "B": {"x": 3, "y": 4}}}, 'e["B", "x"]', 3),
    ({"e": {1: 5, 2: 6}}, "e[2]", 6),
    ({"e": {"A": 1, "B": 2}, "s": ["B", "A", "B"]}, "e[s]", [2, 1, 2]),
    ({"e": {"A": [1, 2], "B": [3, 4]}, "s": ["B", "A", "B"]}, "e[s]", [[3, 1, 3], [4, 2, 4]]),
    ({"e": {"A": 1, "B": 2}, "s": ["B", "A"]}, "e[s[1]]", 2),
    ({"x[1..4]": [5, 6, 7, 8]}, "x[2:3]", [6, 7]),
    ({"x[1..4]": [5, 6, 7, 8]}, "x[:2]", [5, 6]),
    ({"x[0..3]": [5, 6, 7, 8]}, "x[2:]", [7, 8]),
    ({"x[0..2]": [5, 6, 7]}, "x[0:1]", [5, 6]),
    ({"x[1..3]": [5, 6, 7], "k": [3, 1]}, "x[k]", [7, 5]),
    ({"x[1..3]": [5, 6, 7], "z": [1, 9, 2]}, "x[argmax(z)]", 6),
    ({"x[0..2]": [9, 5, 6]}, "x", [5, 6]),
    ({"x[0..2]": [9, 5, 6]}, "sum(x)", 11),
    ({"e": {"B": 1, "A": 2}}, "e", [1, 2]),
    ({"h[1]": [1, 2], "h[2]": [3, 4]}, "h", [[1, 3], [2, 4]]),
    ({"h[2]": [1, 2], "h[1]": [3, 4]}, "h", [[3, 1], [4, 2]]),
    ({"h[1]": [1, 2], "h[2]": [3, 4]}, "hstack(h)", [[1, 3], [2, 4]]),
    ({"h[1]": [1, 2], "h[2]": [3, 4]}, "vstack(h)", [1, 2, 3, 4]),
    ({"r[1]": [[1, 2]], "r[2]": [[3, 4]]}, "r", [[1, 2], [3, 4]]),
    ({"r[1]": [[1, 2]], "r[2]": [[3, 4]]}, "r[2:2]", [3, 4]),
    ({"h[1]": [[1, 2], [3, 4]], "h[2]": [5, 6]}, "h", [[1, 2, 5], [3, 4, 6]]),
    ({"h[1]": [1, 2], "h[2]": [3, 4]}, "mean(h, axis=1)", [2, 3]),
    ({"h[1]": [1, 2], "h[2]": [3, 4]}, "h.T @ h[1]", [5, 11]),
]


@pytest.mark.parametrize(("given", "formula", "expected"), GIVEN_FAMILIES)
def test_a_family_is_read(given: dict[str, Any], formula: str, expected: Any) -> None:
    assert plain(solved([f"y = {formula}"], given), "y") == expected


def test_single_numbers_stack_to_a_column_and_columns_stand_side_by_side() -> None:
    trace = solved(["a = x", "b = c", "d = r"], {"x[1..2]": [1, 2], "c[1]": [1, 2], "c[2]": [3, 4], "r[1]": [[1, 2]]})
    assert [trace[name].shape for name in "abd"] == [(2, 1), (2, 2), (1, 2)]


def test_the_members_that_steps_make_can_be_read_like_given_ones() -> None:
    trace = solved([{"for t in 1..3": ["h[t] = h[t-1] + x[t]"]}, "y = h[3]", "z = h[1:2]"], {
        "h[0]": 0, "x[1..3]": [1, 10, 100],
    })  # fmt: skip
    assert (plain(trace, "y"), plain(trace, "z")) == (111, [1, 11])
    assert [to_text(step.formula) for step in trace.steps[:2]] == ["h[0] + x[1]", "h[1] + x[2]"]


def test_a_slice_along_one_index_takes_the_members_that_are_there() -> None:
    steps = [
        {"for i in 1..3": [{"for j in 1..i": ["w[i,j] = 10 * i + j"]}]},
        "r = w[2,:]",
        "c = w[:,1]",
        "m = w[2:3,2]",
    ]
    trace = solved(steps)
    assert [plain(trace, name) for name in "rcm"] == [[21, 22], [11, 21, 31], [22, 32]]


def test_a_member_may_get_a_new_value() -> None:
    trace = solved(["h[1] = h[1] + 1", "y = h[1]"], {"h[1]": 4})
    assert (plain(trace, "y"), trace["h[1]"].item(), trace.value(trace.given["h[1]"]).item()) == (5, 5, 4)


# --- places in arrays --------------------------------------------------------------------------------------------

W = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
PLACES: list[tuple[str, Any]] = [
    ("W[2:3, 1]", [4, 7]),
    ("W[1:2, 2:3]", [[2, 3], [5, 6]]),
    ("W[k, 1]", [7, 1]),
    ("W[k, k]", [[9, 7], [3, 1]]),
    ("W[:, k]", [[3, 1], [6, 4], [9, 7]]),
    ("col(W, k[1])", [3, 6, 9]),
    ("row(W, size(k))", [4, 5, 6]),
    ("x[k]", [30, 10]),
    ("x[k[2]]", 10),
    ("x[argmax(x)]", 30),
    ("x[size(k) + 1]", 30),
    ("W[argmax(x), argmin(x)]", 7),
]


@pytest.mark.parametrize(("formula", "expected"), PLACES)
def test_places_may_be_values(formula: str, expected: Any) -> None:
    assert plain(solved([f"y = {formula}"], {"W": W, "x": [10, 20, 30], "k": [3, 1]}), "y") == expected


def test_a_loop_name_picks_a_cell_without_a_decision() -> None:
    trace = solved([{"for t in 1..3": ["y[t] = x[t] * W[t, 4 - t]"]}], {"W": W, "x": [10, 20, 30]})
    assert [plain(trace, f"y[{t}]") for t in (1, 2, 3)] == [10 * 3, 20 * 5, 30 * 7]
    assert not trace.decisions


def test_what_the_numbers_chose_is_recorded() -> None:
    given = {"e": {"A": [1, 2], "B": [3, 4]}, "x": [5, 9], "s": ["A", "B"]}
    trace = solved(["y = e[argmax(x)]", "z = e[s[argmin(x)]]", "u = x[argmax(x)]"], given)
    made = [decision for decision in trace.decisions if decision.kind in ("member", "cell")]
    member, word_cell, word, cell = made
    assert (member.kind, member.chosen, trace.value(member.by).item()) == ("member", (2,), 2)
    assert (member.node, member.among) == (trace.given["e[B]"], (trace.given["e[A]"], trace.given["e[B]"]))
    assert (word_cell.kind, word_cell.chosen) == ("cell", (1,))
    assert (word.kind, word.chosen, word.node) == ("member", ("A",), trace.given["e[A]"])
    assert (cell.kind, cell.chosen) == ("cell", (2,))
    assert [decision.step for decision in made] == [1, 2, 2, 3]
    assert {decision.margin for decision in made if trace.nodes[decision.by].op is REGISTRY["argmax"]} == {9 - 5}


def test_a_tie_goes_to_the_first_with_a_margin_of_zero() -> None:
    trace = solved(["y = e[argmax(x)]"], {"e": {"A": 1, "B": 2, "C": 3}, "x": [5, 9, 9]})
    assert plain(trace, "y") == 2
    assert [decision.margin for decision in trace.decisions if decision.kind == "member"] == [0]


# --- gradients ---------------------------------------------------------------------------------------------------

LOOKED_UP: dict[str, Any] = {"e": {"A": [1, 2], "B": [3, 4]}, "s": ["B", "A", "B"], "W": [[1, 2]]}
LOOK_UP = ["y = W @ e[s]", "L = sum(y ** 2)"]


def test_a_member_that_is_looked_up_twice_has_two_contributions() -> None:
    trace = solved(LOOK_UP, LOOKED_UP, gradient={"of": "L", "wrt": ["e", "W"]})
    once = {key: 2 * (e[0] + 2 * e[1]) * np.array([1, 2]) for key, e in LOOKED_UP["e"].items()}
    np.testing.assert_array_equal(trace["dL/de[A]"].ravel(), once["A"])
    np.testing.assert_array_equal(trace["dL/de[B]@1"].ravel(), once["B"])
    np.testing.assert_array_equal(trace["dL/de[B]@2"].ravel(), once["B"])
    np.testing.assert_array_equal(trace["dL/de[B]"].ravel(), 2 * once["B"])
    assert list(trace.to_json()["gradients"]) == ["dL/de[A]", "dL/de[B]", "dL/dW"]


def test_a_family_in_wrt_means_the_members_that_the_loss_uses() -> None:
    trace = solved(['L = sum(e["B"] ** 2)'], LOOKED_UP, gradient={"of": "L", "wrt": "e"})
    assert {name: np.ravel(value).tolist() for name, value in trace.to_json()["gradients"].items()} == {
        "dL/de[B]": [6, 8]
    }


def test_a_gradient_with_respect_to_a_cell_is_one_number() -> None:
    trace = solved([*LOOK_UP, 'g = grad(L, e["A"][2])', "h = grad(L, W[1,2])", "k = grad(L, e[1])"], LOOKED_UP)
    assert (plain(trace, "g"), plain(trace, "k")) == (2 * 5 * 2, [10, 20])
    assert plain(trace, "h") == 2 * (11 * 4 + 5 * 2 + 11 * 4)


def slope(steps: list[Any], given: dict[str, Any], name: str, at: tuple[int, ...]) -> float:
    """The central difference of the loss in one cell of a given value."""
    values = []
    for sign in (1, -1):
        moved = np.array(solved(["nothing = 0"], given)[name])
        moved[at] += sign * 1e-6
        values.append(solved(steps, {**given, name: moved})["L"].item())
    return (values[0] - values[1]) / 2e-6


def test_the_gradient_of_a_cell_is_called_like_the_cell() -> None:
    trace = solved(["L = sum(W ** 2)"], {"W": W}, gradient={"of": "L", "wrt": ["W[2,3]"]})
    assert trace.to_json()["gradients"] == {"dL/dW[2,3]": [[2 * 6]]}


def test_a_name_in_wrt_means_the_value_that_the_loss_was_computed_from() -> None:
    steps = [{"for t in 1..2": ["x = w * x"]}, "L = x ** 2", "x = 0 * x"]
    trace = solved(steps, {"x": 2, "w": 3}, gradient={"of": "L", "wrt": ["x", "w"]})
    x = 2 * 3 * 3
    assert trace.to_json()["gradients"] == {"dL/dx": [[2 * x]], "dL/dw": [[2 * x * 2 * 2 * 3]]}  # L = (2 w²)²


GRADIENTS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "chosen cells": (["L = sum(x[k] ** 2) + 3 * x[argmax(x)]"], {"x": [1, 2, 5], "k": [3, 1, 3]}, "x"),
    "a slice": (["L = sum(W[2:3, k] ** 2)"], {"W": W, "k": [3, 1, 3]}, "W"),
    "a branch": ([{"when": "sum(x) > 3", "steps": ["L = sum(x ** 3)"], "else": ["L = sum(x)"]}], {"x": [1, 4]}, "x"),
    "a loop with until": ([{"for t in 1..9": ["y = y * w"], "until": "y > 20"}, "L = y"], {"w": 1.7, "y": 1}, "w"),
    "a heading again": ([{"F": ["y = w * y"]}, {"repeat": "F"}, "L = sum(y)"], {"w": 3, "y": [1, 2]}, "w"),
    "a whole family": ([{"for t in 1..3": ["h[t] = w ** t"]}, "L = sum(h ** 2)"], {"w": 1.5}, "w"),
    "a slice of a family": (["L = sum(h[1:2] ** 2)"], {"h[1]": [1, 2], "h[2]": [3, 4], "h[3]": [5, 6]}, "h[2]"),
}


@pytest.mark.parametrize(("steps", "given", "name"), GRADIENTS.values(), ids=GRADIENTS)
def test_a_gradient_agrees_with_a_difference(steps: list[Any], given: dict[str, Any], name: str) -> None:
    gradient = solved([*steps, {"gradient": {"of": "L", "wrt": [name]}}], given)[f"dL/d{name}"]
    for at in np.ndindex(*gradient.shape):
        assert gradient[at] == pytest.approx(slope(steps, given, name, at), abs=1e-6)


@pytest.mark.parametrize("formula", ['W["b", :]', 'W["b"]', "W[2:2, :]", "W[k, :]"])
def test_what_is_picked_by_its_label_gets_its_gradient_back(formula: str) -> None:
    trace = solved(
        [f"L = sum({formula} ** 2)"],
        {"W": W, "k": [2]},
        labels={"W": {"rows": ["a", "b", "c"]}},
        gradient={"of": "L", "wrt": "W"},
    )
    np.testing.assert_array_equal(trace["dL/dW"], [[0, 0, 0], [8, 10, 12], [0, 0, 0]])


def by_formula(w: float) -> float:
    return w - 0.01 * 2 * (3 * w - 12) * 3


@pytest.mark.parametrize(
    "last",
    [
        ["w = w - 0.01 * grad(L, w)"],
        [{"gradient": {"of": "L", "wrt": ["w"]}}, {"update": {"rule": "sgd", "rate": 0.01}}],
    ],
)
def test_a_loop_trains(last: list[Any]) -> None:
    trace = solved([{"for t in 1..5": ["y = w @ x", "L = (y - 12) ** 2", *last]}], {"w": 2, "x": 3})
    expected = [2.0]
    for _ in range(5):
        expected.append(by_formula(expected[-1]))
    assert [trace[f"w#{k}" if k > 1 else "w"].item() for k in range(2, 7)] == pytest.approx(expected[1:])
    assert [step.key for step in trace.steps if step.name == "dL/dw"] == ["dL/dw", *(f"dL/dw#{k}" for k in range(2, 6))]


def test_an_update_changes_the_members_of_a_family_but_the_frozen_ones() -> None:
    steps = ['y = W["A"] @ x + W["B"] @ x', "L = (y - 1) ** 2"]
    trace = solved(
        steps,
        {"x": [1, 2], "W": {"A": [[1, 1]], "B": [[2, 0]]}},
        gradient={"of": "L", "wrt": "W"},
        update={"rule": "sgd", "rate": 0.1},
        freeze=["W[A]"],
    )
    np.testing.assert_allclose(trace["W[B]"], [[2 - 0.8, 0 - 1.6]])  # y = 5, so the slope is 2 · 4 · x
    assert [step.name for step in trace.steps if step.kind == "update"] == ["W[B]"]
