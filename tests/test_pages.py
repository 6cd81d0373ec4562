"""Pages: nothing cut, nothing wider than asked, every = true, blanks that betray nothing."""

from __future__ import annotations

import importlib.util
import io
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

import nnsteps
from nnsteps import strips, turns
from nnsteps.collection import find
from nnsteps.errors import UsageError
from nnsteps.layout import View, page
from nnsteps.problem import Problem
from nnsteps.render.canvas import columns, wrap
from nnsteps.render.terminal import draw, plain, show
from nnsteps.working import Writer
from tests.pages_cases import BATCH, FOLDER, PAGES, drawn
from tests.paper import Reader, agrees, promised
from tests.sample import sample

PROBLEMS = sample()
OTHERS = {
    "batch": BATCH,
    "line": Problem(
        given={"w": 2, "b": 1, "x": [[1, 2, 3]], "t": [[2, 4, 7]]},
        steps=["p = w * x + b", "L = mse(p, t)"],
        gradient={"of": "L", "wrt": ["w", "b"]},
    ),
    "skip": Problem(
        given={"x": [1, 2, 3], "U": [[1, 0, 2], [0, -1, 1]], "h": [1, -1], "V": [[1, 0], [0, 1]], "b": [1, 2]},
        steps=["n = tanh(U @ x + V @ h + b)", "s = n + h", "y = leaky_relu(s, alpha=0.1)", "q = sqrt(abs(y))"],
    ),
    "large numbers": Problem(given={"x": [1000, 1001]}, steps=["y = softmax(x)", "s = logsumexp(x)"]),
    "tiny numbers": Problem(given={"x": [1e-9, 123456.789, -3e15]}, steps=["y = x / 3", "z = y * 2"]),
    "wide": Problem(
        given={"W": np.arange(800).reshape(20, 40) % 7 - 3, "x": np.arange(40) % 3},
        steps=["z = W @ x", "a = relu(z)"],
    ),
    "pieces": Problem(
        given={"X": [[1, 2], [3, 4]]},
        steps=["y = X.T", "r = row(X, 1)", "e = X[2,1]", "v = vstack(X, y)", "m = max(X, axis=1)", "g = 1 < X <= 3"],
    ),
    "cube": Problem(given={"X": np.arange(24.0).reshape(2, 3, 4)}, steps=["y = relu(X - 7)", "s = mean(y)"]),
}
ALL = PROBLEMS | OTHERS
EVERY_WIDTH = {"backprop", "rnn", "mixture-of-experts", "vector-database", "transformer", *OTHERS}


def text(problem: Problem, width: int, exact: bool = False, **options: object) -> str:
    trace = nnsteps.solve(problem, exact=exact, rounding=str(options.get("rounding", "inside")))
    view = View(width=width, **options)  # type: ignore[arg-type]
    other = None if exact else nnsteps.solve(problem, exact=True)
    return plain(draw(page(trace, view, other), width, view.ascii))


@pytest.mark.parametrize("case", PAGES)
def test_a_golden_page_is_as_it_was_read(case: str) -> None:
    assert drawn(case) == (FOLDER / f"{case}.txt").read_text(encoding="utf-8")


def widths(name: str, all_of_them: tuple[int, ...]) -> tuple[int, ...]:
    """Two of the widths, others for each problem; every one of them for a few."""
    place = list(ALL).index(name)
    return all_of_them if name in EVERY_WIDTH else tuple(all_of_them[(place + k) % len(all_of_them)] for k in (0, 3))


@pytest.mark.parametrize("name", ALL)
def test_no_line_is_wider_than_asked(name: str) -> None:
    for width in widths(name, (40, 60, 80, 96, 120, 200)):
        for options in ({}, {"blank": True}, {"work": "all"}, {"ascii": True}):
            assert max(map(columns, text(ALL[name], width, **options).splitlines())) <= width


@pytest.mark.parametrize(
    ("name", "width"), [(name, width) for name in ALL for width in widths(name, (60, 80, 120, 200))]
)
def test_no_number_is_cut(name: str, width: int) -> None:
    trace = strips.drawn(nnsteps.solve(ALL[name]))
    writer = Writer(trace)
    words = set(re.split(r"[^\d.−×⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", text(ALL[name], width)))
    numbers = [step for step in turns.folded(trace.steps) if not isinstance(step, str) and step.node not in trace.wordy]
    for step in numbers:
        for row in writer.grid(step.node, "given").cells:
            for cell in row or ():
                assert cell.text in words or cell.text == "⋯", f"{cell.text} of {step.key}"


@pytest.mark.parametrize("name", ALL)
def test_an_ascii_page_is_ascii(name: str) -> None:
    for options in ({}, {"blank": True}, {"compare": True}):
        assert text(ALL[name], 100, ascii=True, **options).isascii()


@pytest.mark.parametrize("rounding", ["inside", "each-step"])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("name", "least"), [
    ("matrix-multiplication", 6), ("single-neuron", 1), ("four-neurons", 6), ("hidden-layer", 7), ("three-inputs", 18),
    ("seven-layers", 30), ("backprop", 48), ("batch", 20), ("line", 4), ("skip", 2), ("large numbers", 4),
    ("tiny numbers", 4),
])  # fmt: skip
def test_what_stands_left_of_an_equals_sign_gives_what_stands_right_of_it(
    name: str, least: int, exact: bool, rounding: str
) -> None:
    lines = promised(text(ALL[name], 120, exact=exact, work="all", rounding=rounding))
    assert len(lines) >= least
    wrong = [f"{left} = {right}" for left, right in lines if not agrees(left, right)]
    assert not wrong


def test_the_reader_of_worked_lines_finds_a_wrong_one() -> None:
    page_text = text(PROBLEMS["four-neurons"], 100)
    assert not all(agrees(left, right) for left, right in promised(page_text.replace("=  −1", "=   1", 1)))
    assert Reader("−(0·log 0.5 + 1·log 0.5 + 0·log 0)").value() == pytest.approx(0.6931471805599453)
    assert Reader("2·0.5 + 0·(−0.5) − 3^2 ÷ 2").value() == -3.5


def test_operands_left_of_the_spine_give_the_result_on_it() -> None:
    rows = re.findall(r"▏ *(\S+) *▕ − ▏ *(\S+) *▕ +=  +▏ *(\S+) *▕", text(PROBLEMS["backprop"], 100))
    assert [tuple(cell.replace("−", "-") for cell in row) for row in rows] == [
        ("0.5", "0", "0.5"), ("0.5", "1", "-0.5"), ("0", "0", "0"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_question_shows_no_answer_and_one_width_of_blank(name: str) -> None:
    trace = nnsteps.solve(PROBLEMS[name])
    question = text(PROBLEMS[name], 100, blank=True)
    assert {len(blank) for blank in re.findall(r"_+", re.sub(r"\w_\w", "", question))} <= {2, 3}
    asked = {name.partition("[")[0] for name in trace.problem.ask}
    shown = [step for step in trace.steps if step.kind != "backward" and (not asked or step.name in asked)]
    cells = sum(trace.value(step.node).size for step in shown)
    assert len(re.findall(r"___", question)) >= cells
    given_texts = {t for node in trace.given.values() for t in map(str, np.abs(trace.value(node)).ravel())}
    for step in shown if asked else trace.steps:
        for x in trace.value(step.node).flat:
            if str(abs(x)) not in given_texts and abs(x) > 24 and float(x).is_integer():
                assert not re.search(rf"[^\d.]{int(abs(x))}[^\d.]", question)


def test_a_question_leaves_blank_what_its_problem_asks_for() -> None:
    problem = Problem(
        given={"W": [[1, 1], [1, -7]], "x": [2, 1]}, steps=["y = W @ x", "z = relu(y)"], ask=["W[2,2]", "z"]
    )
    question = text(problem, 80, blank=True)
    assert len(re.findall("_+", question)) == 3
    assert "−7" not in question
    assert "W[2,2]" in question.replace("₂", "2") or "W[2,2]" in question
    assert re.search(r"▏ +−5 +▕", question), "what is not asked for is given"
    assert "·" not in question, "no arithmetic gives it away"
    assert "−7" in text(problem, 80)


def test_colour_changes_no_character() -> None:
    lines = draw(page(nnsteps.solve("backprop"), View()), 100)
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=True, color_system="truecolor", markup=False, emoji=False)
    show(lines, console)
    bare = re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue())
    assert [row.rstrip() for row in bare.splitlines()] == plain(lines).splitlines()
    assert "\x1b[" in stream.getvalue()


def test_the_picture_in_the_readme_is_of_this_page() -> None:
    folder = Path(__file__).parent.parent / "docs"
    spec = importlib.util.spec_from_file_location("picture", folder / "picture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.picture() == (folder / "backprop.svg").read_text(encoding="utf-8"), "run python docs/picture.py"


def test_brackets_and_colons_in_words_survive() -> None:
    problem = Problem(
        title="W[k] :x: [bold]", given={"x": [1, 2]}, steps=[{"step": "y = x[1] * x", "note": "see [1] :y:"}]
    )
    stream = io.StringIO()
    show(
        draw(page(nnsteps.solve(problem)), 80),
        Console(file=stream, width=80, force_terminal=True, markup=False, emoji=False),
    )
    for words in ("W[k] :x: [bold]", "see [1] :y:", "x[1]"):
        assert words in re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue())


def test_control_characters_of_an_author_are_shown_not_sent() -> None:
    problem = Problem(title="red \x1b[31m", given={"x": [1]}, steps=[{"step": "y = x", "note": "bell \x07"}])
    assert "\x1b" not in text(problem, 80)
    assert "\\x1b[31m" in text(problem, 80)


def test_parts_of_a_page_can_be_asked_for() -> None:
    whole = text(PROBLEMS["backprop"], 100)
    assert "UPDATE" in whole
    assert "BACKWARD" not in text(PROBLEMS["backprop"], 100, only="forward")
    assert "FORWARD" not in text(PROBLEMS["backprop"], 100, only="backward")
    assert "z₂ = W₂ a₁ + b₂" in text(PROBLEMS["backprop"], 100, step="z2")
    assert "z₁ = W₁ x + b₁" not in text(PROBLEMS["backprop"], 100, step="3")
    assert "y = softmax" not in text(PROBLEMS["backprop"], 100, until=5)


def test_a_loop_drawn_as_one_says_where_the_numbers_of_its_other_turns_are() -> None:
    drawn_page = text(PROBLEMS["backprop-through-time"], 100)
    assert "steps 4 to 9: the same for t = 2 and 3" in drawn_page
    assert "10  L = " in drawn_page


def test_the_first_window_of_a_filter_is_marked_in_the_image_above_its_result() -> None:
    given = {"x": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "w": [[1, 0], [0, 1]]}
    rows = text(Problem(given=given, steps=["y = conv2d(x, w)"]), 100).splitlines()
    image = next(k for k, row in enumerate(rows) if row.strip().startswith("x ▏"))
    numbers = [re.findall(r"\d◂?", row) for row in rows[image : image + 3]]
    assert numbers == [["1◂", "2◂", "3"], ["4◂", "5◂", "6"], ["7", "8", "9"]]
    result = next(k for k, row in enumerate(rows) if row.strip().startswith("y ▏"))
    assert image < result
    assert re.findall(r"\d+◂", rows[result].partition("▕")[0]) == ["6◂"]


def test_of_several_conditions_the_first_that_fails_is_told() -> None:
    steps = ["p = max_pool2d(x)", "L = sum(p)"]
    pool = Problem(given={"x": [[4, 1], [2, 5]]}, steps=steps, gradient={"of": "L", "wrt": ["x"]})
    drawn_page = text(pool, 100)
    assert re.search(r"5 > 4 and 5 > 1 and 5 > 2 +→ +1 +\[2,2\]", drawn_page)
    assert re.search(r" 4 < 5 +→ +0 +\[1,1\]", drawn_page)


@pytest.mark.parametrize("options", [{"step": "99"}, {"step": "z9"}, {"until": 0}, {"only": "update"}])
def test_a_part_that_does_not_exist_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        text(PROBLEMS["four-neurons"], 100, **options)


def test_a_name_or_number_longer_than_its_place_is_moved_not_cut() -> None:
    problem = Problem(
        given={"a_name_of_a_value_that_is_longer_than_the_page": [[1.71e-16, 3]]},
        steps=["y = a_name_of_a_value_that_is_longer_than_the_page / 7"],
    )
    page_text = text(problem, 40, work="all")
    assert max(map(columns, page_text.splitlines())) <= 40
    assert "1.71×10⁻¹⁶" in page_text
    assert "a_name_of_a_value_that_is_longer_than_the_page" in page_text.replace("\n", "")


def test_answers_that_are_not_listed_again_are_counted_and_their_steps_told() -> None:
    many = Problem(given={"x": [1, 2]}, steps=[f"s{k} = x + {k}" for k in range(1, 41)])
    answers = " ".join(text(many, 80).partition("ANSWERS")[2].split())
    listed = re.findall(r"s(\S+) \(", answers)
    assert listed == [str(k).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")) for k in range(1, 25)]
    assert "more 16 results, above in steps 25–40" in answers


def test_what_is_asked_for_is_never_lost_behind_what_is_rounded() -> None:
    by_hand = [{"step": f"r{k} = x / {k + 2}", "by hand": f"round(x / {k + 2}, digits=1)"} for k in range(12)]
    rounded = Problem(given={"x": [1, 2]}, steps=[*by_hand, "y = " + " + ".join(f"r{k}" for k in range(12))])
    answers = text(rounded, 80).partition("ANSWERS")[2]
    assert re.search(r"^y +\(", answers, re.MULTILINE)
    assert "more        3 results, above in steps 10–12" in answers


def test_what_is_given_stays_on_one_line_where_it_fits() -> None:
    columns_given = {f"column_{k}": [k, -k, k + 1] for k in range(7)}
    problem = Problem(given=columns_given, steps=["y = " + " + ".join(columns_given)])
    for width in (60, 80, 100):
        given = text(problem, width).partition("find")[0].splitlines()
        assert [line.count("(") for line in given] == [line.count(")") for line in given]


def test_a_running_sum_from_the_end_is_not_said_to_begin_at_the_start() -> None:
    forth = Problem(given={"p": [1, 2, 3]}, steps=["c = cumsum(p)"])
    back = Problem(given={"p": [1, 2, 3]}, steps=["c = cumsum(p, reverse=1)"])
    assert "each with all before it" in text(forth, 100)
    assert "each with all after it" in text(back, 100)


def test_a_table_in_a_sentence_shows_where_its_rows_end() -> None:
    problem = Problem(given={"T": [[-4, 7], [10, 5]]}, steps=["y = T + 0", {"say": "the table is {T}"}])
    assert "the table is (−4, 7; 10, 5)" in text(problem, 80)


def test_two_blocks_stand_with_a_sign_only_where_their_numbers_as_shown_give_the_result() -> None:
    exact = Problem(given={"x": [3, 1], "s": [0.5, 1]}, steps=["y = x * s"])
    assert "▏ 3 ▕ · ▏ 0.5 ▕ =" in text(exact, 100)
    rounded = Problem(given={"z": [70, 1], "d": [3, 1]}, steps=["s = d / 7", "y = z * s"])  # 70·0.43 is not 30
    page = text(rounded, 100)
    assert "▕ ·" not in page
    assert "70·0.43  ≈  30" in page
    assert all(agrees(left, right) for left, right in promised(page))


def test_pi_is_written_as_a_letter() -> None:
    page = text(Problem(given={"r": [1, 2]}, steps=["c = 2 * pi * r"]), 100)
    assert promised(page) == [("2·π·1", "6.28"), ("2·π·2", "12.57")]


def test_a_name_over_a_result_moves_aside_and_is_not_lost() -> None:
    page = text(find("rlhf"), 100)
    assert len(re.findall(r"^ .* ∂loss/∂\(R winner_embeddings\) +╔", page, re.MULTILINE)) == 1


def test_a_long_name_is_cut_behind_a_sign() -> None:
    assert wrap("mean(discriminator_gradient_fake)", 24) == ["mean(discriminator_", "gradient_fake)"]
    assert wrap("a = internationalization", 14) == ["a =", "internationali", "zation"]


def test_one_gate_inside_another_is_drawn_backwards_too() -> None:
    problem = Problem(
        given={"x": [2, -1]}, steps=["o = relu(relu(x))", "L = sum(o)"], gradient={"of": "L", "wrt": ["x"]}
    )
    backward = text(problem, 80).partition("BACKWARD")[2].partition("ANSWERS")[0]
    assert backward.count("pass") == 2  # cell 1 of both
    assert backward.count("stop") == 2  # cell 2 of both


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    batch=st.integers(1, 4),
    activation=st.sampled_from(["relu", "sigmoid", "tanh", "leaky_relu", "abs"]),
    decimals=st.integers(0, 3),
    seed=st.integers(0, 10**6),
    width=st.integers(40, 130),
)
def test_any_network_fits_any_width(
    sizes: list[int], batch: int, activation: str, decimals: int, seed: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    values = {"a0": np.round(rng.normal(size=(sizes[0], batch)), decimals), "t": np.zeros((sizes[-1], batch))}
    steps = []
    for k, (before, after) in enumerate(itertools.pairwise(sizes), start=1):
        values |= {f"W{k}": np.round(rng.normal(size=(after, before)), decimals), f"b{k}": np.ones(after)}
        steps += [f"z{k} = W{k} @ a{k - 1} + b{k}", f"a{k} = {activation}(z{k})"]
    steps.append(f"L = mse(a{len(sizes) - 1}, t)")
    wrt = [name for name in values if name[0] in "Wb"]
    problem = Problem(given=values, steps=steps, gradient={"of": "L", "wrt": wrt}, update={"rule": "sgd", "rate": 0.1})
    lines = text(problem, width, work="all").splitlines()
    assert max(map(columns, lines)) <= width


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ([1, 1, 1], "0.33 + 0.33 + 0.33  ≈  1"),  # three thirds, however many digits
        ([1, 1, 2], "0.25 + 0.25 + 0.5  =  1"),
        ([2, 1, 4], "0.29 + 0.14 + 0.57  =  1"),
    ],
)
def test_a_whole_result_follows_from_the_numbers_as_they_are_shown(given: list[int], line: str) -> None:
    """0.33 + 0.33 + 0.33 is 1 when it is rounded to a whole number, but that is not what = promises."""
    problem = nnsteps.Problem(given={"x": given}, steps=["p = x / sum(x)", "total = sum(p)"])
    text = plain(draw(page(nnsteps.solve(problem), View(width=100)), 100, False))
    assert line in text
