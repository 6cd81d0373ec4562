"""Problems: what a file says is what the problem holds, and what is wrong with it is said so that it can be mended."""

from pathlib import Path

import numpy as np
import pytest

from nnsteps.errors import FileError, StepsError
from nnsteps.formula import Index, Name, Num, parse
from nnsteps.problem import GradientItem, Heading, Problem, StepItem, UpdateItem

BACKPROP = """\
title: Backpropagation
topic: basics
aliases: [backpropagation]
builds on: [seven-layers]
given:
  x:  [2, 1, 3]      # a column
  W1: [[1, -1, 1], [1, 1, 0]]
  rate: 1e-1
  names: [how, are, you]
steps:
  - Layer 1:
      - z1 = W1 @ x
      - "a1 = relu(z1)"
  - step: y = softmax(a1)
    by hand: round(softmax(a1), 1)
    remark: e³ comes twice
  - h[1] = y
gradient: {of: L, wrt: [W1, "h[1]"]}
update: {rule: sgd, rate: rate}
answers:
  by hand: {y: [0.5, 0.5, 0], dL/dz3: [[1, 2]], nearest: who am I}
  wrong: {L: {printed: 3, why: a sum was forgotten}}
digits: 2
practice:
  vary: {x: integers 0..3}
"""


def step(text: str, **other: object) -> StepItem:
    [item] = Problem(steps=[{"step": text, **other}] if other else [text]).steps
    assert isinstance(item, StepItem)
    return item


def test_a_file_becomes_a_problem() -> None:
    problem = Problem.read(BACKPROP, "dir/backprop.yaml")
    assert (problem.name, problem.title, problem.topic) == ("backprop", "Backpropagation", "basics")
    assert (problem.aliases, problem.builds_on, problem.digits) == (("backpropagation",), ("seven-layers",), 2)
    assert (problem.rounding, problem.order, problem.ask, problem.notes) == ("inside", None, (), ())
    assert problem.given["x"].value.tolist() == [[2], [1], [3]]  # type: ignore[union-attr]
    assert problem.given["rate"].value.tolist() == [[0.1]]  # type: ignore[union-attr]
    assert problem.given["names"].value == ("how", "are", "you")
    assert problem.file == "dir/backprop.yaml"
    assert problem.source_text == BACKPROP
    assert problem.practice is not None


def test_the_items_of_a_file_are_steps_headings_gradient_and_update_in_this_order() -> None:
    heading, by_hand, member, gradient, update = Problem.read(BACKPROP, "backprop.yaml").steps
    assert isinstance(heading, Heading)
    assert [item.text for item in heading.items if isinstance(item, StepItem)] == ["z1 = W1 @ x", "a1 = relu(z1)"]
    assert isinstance(by_hand, StepItem)
    assert by_hand.by_hand == parse("round(softmax(a1), 1)")
    assert (by_hand.by_hand_text, by_hand.note) == ("round(softmax(a1), 1)", None)
    assert by_hand.remark == "e³ comes twice"
    assert isinstance(member, StepItem)
    assert member.target == Index(Name("h"), (Num(1, "1"),))
    assert isinstance(gradient, GradientItem)
    assert (gradient.of, gradient.wrt) == (Name("L"), (Name("W1"), parse("h[1]")))
    assert isinstance(update, UpdateItem)
    assert (update.rule, update.rate) == ("sgd", Name("rate"))


def test_answers_are_arrays_words_and_texts_under_any_name() -> None:
    answers = Problem.read(BACKPROP, "backprop.yaml").answers
    assert answers.by_hand["dL/dz3"].value.tolist() == [[1, 2]]  # type: ignore[union-attr]
    assert answers.by_hand["nearest"].value == "who am I"
    assert answers.wrong["L"].why == "a sum was forgotten"
    assert answers.wrong["L"].printed.tolist() == [[3]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("- y = relo(x)", "relo"),
        ('- "y = relo(x)"', "relo"),
        ("-   step:   y = relo(x)", "relo"),
        ("- 'y = relo(x)'", "relo"),
        ("- step: |\n      y = relo(x)", "relo"),
        ('- {step: "y = relo(x)"}', "relo"),
        ("- é: \n      - y = relo(x)", "relo"),
    ],
)
def test_a_part_of_a_formula_has_its_column_in_the_file(line: str, shown: str) -> None:
    item = Problem.read(f"steps:\n  {line}\n", "a.yaml").steps[0]
    item = item.items[0] if isinstance(item, Heading) else item
    assert isinstance(item, StepItem)
    assert item.place is not None
    start, _ = item.formula.span
    place = item.place.part(start, 4)
    assert place.text[place.column - 1 :][: place.length] == shown


def test_a_formula_in_several_lines_is_one_formula_and_points_at_its_beginning() -> None:
    [item] = Problem.read("steps:\n  - y = a\n      + b\n", "a.yaml").steps
    assert isinstance(item, StepItem)
    assert item.formula == parse("a + b")
    assert item.place is not None
    assert (item.place.line, item.place.part(4, 1).column) == (2, 5)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, [[3]]),
        ([1, 2], [[1], [2]]),
        ([[1, 2]], [[1, 2]]),
        ([[[1, 2]], [[3, 4]]], [[[1, 2]], [[3, 4]]]),
        (np.float64(0.1), [[0.1]]),
        (np.array(2), [[2]]),
        (np.array([1, 2]), [[1], [2]]),
        (np.array([[1, 2]], dtype=np.int8), [[1, 2]]),
        ((1, 2.5), [[1], [2.5]]),
    ],
)
def test_given_in_code_is_an_array_of_rank_two_or_more(value: object, expected: list[object]) -> None:
    array = Problem(given={"x": value}, steps=["y = x"]).given["x"].value
    assert isinstance(array, np.ndarray)
    assert array.tolist() == expected
    assert array.dtype == np.float64
    assert array.flags.c_contiguous
    assert not array.flags.writeable


def test_given_arrays_are_copies() -> None:
    mine = np.ones((2, 2))
    problem = Problem(given={"x": mine.T}, steps=["y = x"])
    mine[0, 0] = 7
    assert problem.given["x"].value.tolist() == [[1, 1], [1, 1]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"given": {"x": [1, float("nan")]}}, "x[2]: nan cannot be used as a number"),
        ({"given": {"x": np.array([1, np.inf])}}, "x[2]: inf cannot be used as a number"),
        ({"given": {"x": np.array([[1, 2], [3, np.nan]])}}, "x[2,2]: nan cannot be used as a number"),
        ({"given": {"x": [[1, 2], [3]]}}, "row 2 of x has 1 number, the other has 2"),
        ({"given": {"x": True}}, "x: True cannot be used as a number"),
        ({"given": {"x": object()}}, "a problem cannot hold a object"),
        ({"given": {"x": np.array([object()])}}, "x holds object, not numbers"),
        ({"given": {"x": np.zeros((1, 1, 1, 1, 1))}}, "x has 5 dimensions; 4 are the most"),
        ({"given": {"x": np.zeros((0, 3))}}, "x is empty"),
        ({"given": {"a b": 1}}, "a b cannot be a name"),
        ({"steps": "y = x"}, "the steps are a list, each on a line that begins with -"),
        ({"steps": []}, "steps: there is no step"),
        ({"steps": ["y = x ^ 2"]}, "^ means nothing in a formula"),
        ({"ttle": "A"}, "there is no key called ttle in a problem"),
        ({"gradient": {"wrt": "x"}}, "gradient has no `of`"),
        ({"update": {"rule": "sgd"}}, "update has no rate"),
    ],
)
def test_code_is_checked_like_a_file(data: dict[str, object], message: str) -> None:
    with pytest.raises(StepsError) as caught:
        Problem(**{"steps": ["y = x"], **data})  # type: ignore[arg-type]
    assert caught.value.message == message


def test_code_may_write_underscores_for_the_blanks_of_keys() -> None:
    problem = Problem(steps=["y = x"], builds_on=["a"], answers={"by_hand": {"y": [1]}})
    assert problem.builds_on == ("a",)
    assert list(problem.answers.by_hand) == ["y"]
    assert step("y = exp(x)", by_hand="3 ** x").by_hand == parse("3 ** x")


def test_names_that_look_alike_are_one_name() -> None:
    problem = Problem(given={"ｘ": 1}, steps=["y = x"])
    assert list(problem.given) == ["x"]


@pytest.mark.parametrize(("name", "title"), [("seven-layers", "Seven layers"), ("rnn", "Rnn")])
def test_a_title_is_made_of_the_name_where_there_is_none(name: str, title: str) -> None:
    assert Problem(steps=["y = x"], name=name).title == title


def test_a_problem_can_be_changed_without_touching_the_first() -> None:
    first = Problem(steps=["y = x"])
    second = first.changed(rounding="fractions")
    assert (first.rounding, second.rounding, second.steps) == ("inside", "fractions", first.steps)


def test_one_gradient_or_a_list_of_them_stand_at_the_end() -> None:
    steps = Problem(steps=["y = x"], gradient=[{"of": "a"}, {"of": "b", "wrt": "x"}]).steps
    assert [item.wrt for item in steps if isinstance(item, GradientItem)] == [(), (Name("x"),)]


def test_loading_tells_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    for path, message in [
        (tmp_path / "no.yaml", "there is no file of this name"),
        (tmp_path, "this is a directory, not a file"),
    ]:
        with pytest.raises(FileError) as caught:
            Problem.load(path)
        assert str(caught.value) == f"{path}: {message}"
        assert caught.value.as_json()["error"]["file"] == str(path)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffgiven:\r\n  x: 1\r\nsteps:\r\n  - y = x\r\n".encode())
    assert list(Problem.load(path).given) == ["x"]
