"""What the language refuses while a problem is solved: names that clash, missing members, loops without end."""

from __future__ import annotations

from typing import Any

import pytest

from nnsteps import Problem, StepsError
from nnsteps.solver import solve_problem
from tests.language import plain, solved

Y = ["y = x"]
GIVEN: dict[str, Any] = {
    "x": [1, 2],
    "W": [[1, 2], [3, 4]],
    "s": ["I", "you"],
    "e": {"A": 1, "B": 2},
    "h[0]": [0, 0],
    "h[1]": [1, 1],
    "n": 2.5,
}

REFUSED: list[tuple[list[Any], str, str]] = [
    # names that clash
    ([{"for x in 1..2": Y}], "a loop cannot run with the name x: it is a value", "Take another name."),
    ([{"for e in 1..2": Y}], "a loop cannot run with the name e: it is a family", "Take another name."),
    ([{"for t in 1..2": ["t = 3"]}], "t is the name of a loop", "Take another name for the result."),
    ([{"for t in 1..2": ["t[1] = 3"]}], "t is the name of a loop", "Take another name for the result."),
    ([{"for t in 1..2": Y}, "t = 3"], "t is the name of a loop", "Take another name for the result."),
    ([{"for i in 1..2": [{"for i in 1..3": Y}]}], "i is the name of the loop around this one", "Take another name."),
    ([{"For i in 1..2": Y}], "For i in 1..2 is not how this is written", "Write for t in 1..3, in small letters."),
    ([{"while x > 2": Y}], "while x > 2 is not how this is written", "until: CONDITION"),
    (["e[1] = 5"], "e is told apart by words, as in e[A]", "e[1] would not be like the others."),
    (['h["A"] = 5'], "h is told apart by numbers, as in h[0]", "h[A] would not be like the others."),
    (["x[1] = 3"], "x[1] cannot be set by itself", "x is one value; a step gives it a new one as a whole: x = …"),
    (["h = 3"], "h is a family of values", "Write h[…] = …, or take another name."),
    (["y = s(1)"], "s is a value, not a function", "Write * to multiply: s * (…)."),
    # members that are not there
    (["y = h[2]"], "there is no h[2]", "Its members: h[0], h[1]."),
    (["y = h[-1]"], "there is no h[-1]", "Its members: h[0], h[1]."),
    (['y = e["C"]'], "there is no e[C]", "Its members: e[A], e[B]."),
    (["y = e[s]"], "there is no e[I]", "Its members: e[A], e[B]."),
    (["y = e[3]"], "there is no e[3]", "Its members: e[A], e[B]."),
    (["y = h[1, 2]"], "h is a family with 1 index, [1,2] has 2", "A cell of a member is written h[1][…]."),
    (["y = h[5:6]"], "no member of h is there", "Its members: h[0], h[1]."),
    ([{"for t in 1..2": ["h[t] = h[t-2]"]}], "there is no h[-1]", "Its members: h[0], h[1]."),
    # places that are not there
    (["y = x[0]"], "x has no row 0", "It has 2 rows; indices count from 1."),
    (["y = W[1, 3]"], "W has no column 3", "It has 2 columns; indices count from 1."),
    (["y = W[1]"], "W (2×2) needs 2 indices, it has 1", "Write W[row, column], row(W, k) or col(W, k)."),
    (["y = x[2:1]"], "the slice 2:1 is empty", "Both ends belong to it, the smaller first: 1:2."),
    (["y = x[n]"], "the index n is not a whole number: 2.5", "It says which row, column or member, counted from 1."),
    (["y = h[n]"], "the index n is not a whole number: 2.5", "It says which row, column or member, counted from 1."),
    (['y = x["a"]'], "x has no row called a", "Give its rows names under `labels`, or write a number."),
    # results for several at once
    (
        ["h[1:2] = x"],
        "a step gives a value to one member, [1:2] names several",
        "Write one number or word, as in h[t].",
    ),
    (["h[x] = x"], "a step gives a value to one member, [x] names several", "Write one number or word, as in h[t]."),
    # loops
    (
        [{"for t in x": Y}],
        "x is an array; a loop runs over numbers, a family or words",
        "Write for t in 1..2, or give the",
    ),
    ([{"for t in 1..n": Y}], "n is not a whole number, it is 2.5", "Write whole numbers, as in for t in 1..4."),
    ([{"for t in s..4": Y}], "s is not a whole number, it is words", "Write whole numbers, as in for t in 1..4."),
    ([{"for t in q": Y}], "there is no value called q at this step", "The values known here:"),
    ([{"for t in 1..2": Y, "until": "y > 3"}], "a condition is one claim; y > 3 is 2×1", "Gather it with any(…) or"),
    ([{"for t in 1..2": Y, "until": "z > 3"}], "there is no value called z at this step", "The values known here:"),
    # conditions and headings
    ([{"when": "x > 1", "steps": Y}], "a condition is one claim; x > 1 is 2×1", "Gather it with any(…) or all(…)."),
    ([{"when": "s", "steps": Y}], "a condition is one claim; s is 2×1", "Gather it with any(…) or all(…)."),
    ([{"when": "n > 9", "steps": ["z = 1"]}, "y = z"], "there is no value called z at this step", "The values known"),
    ([{"Forward": Y}, {"repeat": "Foward"}], "there is no heading called Foward before this", "Did you mean Forward?"),
    (
        [{"repeat": "Forward"}, {"Forward": Y}],
        "there is no heading called Forward",
        "repeat names a heading that stands",
    ),
    (
        [{"In": ["x = 2 * x", {"repeat": "In"}]}],
        "there is no heading called In before this",
        "A heading cannot repeat itself",
    ),
    ([{"say": "x is {x"}], "this { is never closed", "Write {{ and }} for braces in the text."),
    ([{"say": "x is x}"}], "this } closes nothing", "Write {{ and }} for braces in the text."),
    (
        [{"for t in 1..2": ["c[t] = c[t-1]"]}],
        "there is no c[0] at this step",
        "Give it before the loop, under given:  c[0]",
    ),
    # words
    (["y = e[A]"], "there is no value called A at this step", 'A word is quoted: "A".'),
    ([{"step": "y = x[1]", "by hand": "s[2]"}], "the by-hand form of y gives words, the step itself numbers", ""),
    (["y = s + 1"], "s, a list of words, cannot be computed with", "Words are compared with == and !="),
    (["y = softmax(s)"], "s, a list of words, cannot be computed with", "Words are compared with == and !="),
    (["y = -s[1]"], "the word s[1] cannot be computed with", "Words are compared with == and !="),
    (["y = hstack(s, x)"], "s, a list of words, cannot be computed with", "Words are compared with == and !="),
    (['y = s > "I"'], "s, a list of words, cannot be computed with", "Words are compared with == and !="),
    # gradients
    (['L = e["A"] ** 2', 'g = grad(L, e["B"])'], "L does not use e[B]", "Its gradient would be 0 everywhere."),
    (['L = e["A"] ** 2', 'g = grad(L, e["C"])'], "there is no value called e[C]", "Did you mean e["),
    (["L = sum(e)", "g = grad(L, e)"], "e has several members", "Take one member: grad(L, e[A])."),
    (["L = sum(x)", "g = grad(L, s)"], "s is words; words have no gradient", "Take s out of wrt."),
]


@pytest.mark.parametrize(("steps", "message", "hint"), REFUSED, ids=lambda part: str(part)[:50])
def test_it_is_refused_in_these_words(steps: list[Any], message: str, hint: str) -> None:
    with pytest.raises(StepsError) as caught:
        solved(steps, GIVEN)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


WHOLE: list[tuple[str, str, str]] = [
    ("- for t in 1..2:\n      - y[t] = h[t]\n", "h", "there is no value called h"),
    ("- for t in 1..2:\n      - y[t] = x[t + 1]\n", "t + 1", "x has no row 3"),
    ("- for t in x:\n      - y = t\n", "x", "x is an array"),
    ("- for t in 1..3:\n      - y = x\n    until: y > 2\n", "y > 2", "a condition is one claim"),
    ("- when: x > 2\n    steps:\n      - y = x\n", "x > 2", "a condition is one claim"),
    ("- repeat: Forward\n", "Forward", "there is no heading"),
    ("- for t in 1..len(x):\n      - y = x\n", "len", "there is no function called len"),
    ('- say: "so {x} and {q}"\n', "q", "there is no value called q"),
]


@pytest.mark.parametrize(("item", "marked", "message"), WHOLE)
def test_the_report_points_at_the_part_that_is_wrong(item: str, marked: str, message: str) -> None:
    problem = Problem.read(f"given:\n  x: [1, 2]\nsteps:\n  {item}", "a.yaml")
    with pytest.raises(StepsError) as caught:
        solve_problem(problem)
    place = caught.value.place
    assert place is not None
    assert caught.value.message.startswith(message)
    assert place.text[place.column - 1 :][: place.length] == marked


ENDLESS: list[list[Any]] = [
    [{"for t in 1..1000000000": ["y = t"]}],
    [{"for t in 1000000000..1": ["y = t"]}],
    [{"for t in 1..10 ** 9": ["y = t"], "until": "t > 10 ** 8"}],
    [{"for i in 1..100": [{"for j in 1..1000": [{"say": "{i}"}]}]}],
]


@pytest.mark.parametrize("steps", ENDLESS, ids=["up", "down", "until", "nested"])
def test_loops_without_an_end_in_sight_are_refused_soon(steps: list[Any]) -> None:
    with pytest.raises(StepsError, match="10,000"):
        solved(steps)


def test_two_loops_one_after_the_other_may_have_one_name() -> None:
    assert plain(solved([{"for t in 1..2": ["y = t"]}, {"for t in 4..5": ["y = y + t"]}]), "y") == 2 + 4 + 5


def test_a_loop_name_may_be_that_of_a_function() -> None:
    assert plain(solved([{"for sum in 1..3": ["y = sum * 2", "z = sum(x)"]}], {"x": [1, 2]}), "y") == 6


@pytest.mark.parametrize("name", ["row", "col", "grad", "softmax", "matmul"])
def test_a_function_of_ones_own_cannot_have_the_name_of_another(name: str) -> None:
    with pytest.raises(StepsError, match=f"there is a function called {name} already"):
        solved(["y = x"], GIVEN, define={f"{name}(x)": "2 * x"})


def test_a_line_of_a_function_is_pointed_at_in_its_file() -> None:
    with pytest.raises(StepsError) as caught:
        Problem.read("define:\n  f(x): x +\nsteps:\n  - y = f(2)\n", "a.yaml")
    place = caught.value.place
    assert place is not None
    assert (place.file, place.line, place.text) == ("a.yaml", 2, "  f(x): x +")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"x": {"rows": ["a", "b", "c"]}}, "x is 2×1, there are 3 names for its rows"),
        ({"x": {"columns": ["a", "b"]}}, "x is 2×1, there are 2 names for its columns"),
        ({"z": {"rows": ["a", "b"]}}, "there is no value called z"),
    ],
)
def test_labels_must_fit(labels: dict[str, Any], message: str) -> None:
    with pytest.raises(StepsError) as caught:
        solved(Y, GIVEN, labels=labels)
    assert message in caught.value.message


def test_a_range_of_members_that_is_far_too_long_is_refused_at_once() -> None:
    with pytest.raises(StepsError):
        solved(Y, {"x": 1, "h[1..999999999]": [1, 2]})
