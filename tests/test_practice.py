"""Practice sheets: reproducible, fair by rules that are computed here a second time, and rebuilt from their ids."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnsteps import differences, ids, scalar
from nnsteps.cli import run
from nnsteps.collection import bundled, entries, find
from nnsteps.errors import StepsError
from nnsteps.ops import REGISTRY, Op
from nnsteps.practice import Practice, Variant
from nnsteps.problem import Problem
from nnsteps.records import BACKWARD
from nnsteps.scalar import Fn, Tree
from nnsteps.solver import Settings, solve_problem
from nnsteps.spotcheck import faults
from nnsteps.trace import Trace
from nnsteps.variation import read
from nnsteps.verify import check
from tests.practice_cases import FILE, PROBLEMS, SEED
from tests.sample import sample
from tests.test_draws import number

NAMES = list(sample())
NET = """\
given:
  x: [2, 1]
  W: [[1, -1], [0, 1], [1, 1]]
  b: [0, 1, -4]
  t: [0, 1, 0]
steps:
  - z = W @ x + b
  - a = relu(z)
  - step: y = softmax(a)
    by hand: round(softmax(a), 1)
    remark: about these numbers
  - L = cross_entropy(y, t)
gradient: {of: L, wrt: [W, b]}
answers:
  by hand: {z: [1, 2, -1]}
practice:
"""
VARY = "  vary: {x: integers 1..3, W: integers -1..1, b: integers -3..2, t: one_hot}\n"


def net(section: str = VARY, name: str = "net") -> Problem:
    return Problem.read(NET + section, f"{name}.yaml")


def refused(section: str, text: str = NET) -> str:
    with pytest.raises(StepsError) as caught:
        Practice(Problem.read(text + section, "net.yaml"))
    return str(caught.value)


# --- the same for ever -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_pinned_sheets_are_still_the_same(name: str) -> None:
    practice = Practice(find(name))
    for place, pinned in enumerate(json.loads(FILE.read_text(encoding="utf-8"))[name], start=1):
        variant = practice.variant(SEED, str(place))
        assert str(variant.id) == pinned["id"]
        assert {name: np.asarray(value).tolist() for name, value in variant.numbers.items()} == pinned["numbers"]


@pytest.mark.parametrize("pinned", json.loads(FILE.read_text(encoding="utf-8"))["hidden-layer"], ids=lambda p: p["id"])
def test_the_pinned_numbers_are_those_of_an_independent_reading(pinned: dict[str, Any]) -> None:
    id = ids.parse(pinned["id"])
    assert id is not None
    ranges = {"x": (1, 4), "W1": (-1, 1), "b1": (-5, 2), "W2": (-1, 1), "b2": (-3, 3)}  # as the file says
    for name, (low, high) in ranges.items():
        cells = np.ravel(pinned["numbers"][name])
        what = (id.problem, id.seed, id.variant, id.attempt, name)
        assert [low + number(high - low + 1, k, *what) for k in range(cells.size)] == cells.tolist()


def sheets(folder: Path, **env: str) -> dict[str, bytes]:
    words = ["practice", "backprop", "--seed", "7", "--count", "3", "--out", str(folder)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **env}
    subprocess.run([sys.executable, "-m", "nnsteps", *words], check=True, env=environment, timeout=60)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_another_process_hash_seed_or_time_zone_changes_no_byte(tmp_path: Path) -> None:
    first = sheets(tmp_path / "a", PYTHONHASHSEED="0", TZ="UTC")
    assert len(first) == 7
    assert sheets(tmp_path / "b", PYTHONHASHSEED="12345", TZ="Asia/Kathmandu") == first


def test_another_seed_or_variant_gives_another_problem() -> None:
    practice = Practice(find("backprop"))
    texts = [practice.text(practice.variant(seed, str(k))).split("given:")[1] for seed in range(5) for k in range(5)]
    assert len(set(texts)) == 25


def test_variants_share_their_arithmetic_until_one_of_them_goes_on() -> None:
    practice = Practice(find("backprop"))
    one, other = (practice.variant(1, key).by_hand for key in "12")
    node = one.by_key["z1"]
    assert one.explain(node, (0, 0)) is other.explain(node, (0, 0))
    assert any(one.value(node).ravel() != other.value(node).ravel())
    one.bind("x1", one.record(REGISTRY["copy"], (one.by_key["a1"],), one["a1"]))
    other.bind("x2", other.record(REGISTRY["neg"], (other.by_key["a1"],), -other["a1"]))
    assert len(one.nodes) == len(other.nodes)
    assert scalar.evaluate(one.explain(one.by_key["x1"], (1, 0)), one.look_up) == one["a1"][1, 0]
    assert scalar.evaluate(other.explain(other.by_key["x2"], (1, 0)), other.look_up) == -other["a1"][1, 0]


def test_the_variants_made_before_change_nothing() -> None:
    practice = Practice(find("mixture-of-experts"))
    before = [str(practice.variant(1, str(k)).id) for k in range(8)]
    assert [str(Practice(find("mixture-of-experts")).variant(1, str(k)).id) for k in reversed(range(8))] == before[::-1]


# --- fair --------------------------------------------------------------------------------------------------------


def broken(trace: Trace, original: Trace, allowed: frozenset[str]) -> list[str]:
    """The rules that a solved variant breaks, found without the code that makes variants."""
    found = []
    backward = {node for step in trace.steps if step.kind == BACKWARD for node in range(step.first, step.node + 1)}
    for node in trace.nodes:
        inputs = [trace.value(i) for i in node.inputs]
        if not isinstance(node.op, Op) or node.out is not None:
            continue
        if node.op.look.gate and node.value.size > 1 and not (inputs[0] > 1e-9).any():
            found.append("relu")
        if node.op.name in ("relu", "abs") and (np.abs(inputs[0]) < 1e-9).any():
            found.append("kink")
        if node.op.name in ("argmax", "argmin") and node.id not in backward:
            axis = node.options["axis"]
            ordered = np.sort(inputs[0], axis=axis) if axis is not None else np.sort(inputs[0].ravel())
            gaps = np.diff(ordered, axis=axis if axis is not None else 0)
            edge = np.take(gaps, -1 if node.op.name == "argmax" else 0, axis=axis if axis is not None else 0)
            if (np.abs(edge) < 1e-9).any():
                found.append("margin")
    for gradient in trace.gradients:
        if not np.abs(trace.value(gradient.node)).max() > 1e-9 and np.abs(original[gradient.name]).max() > 1e-9:
            found.append("zero gradient")
    for step in trace.steps:
        value = trace.value(step.node)
        if not (np.isfinite(value) | ((value == -np.inf) & (step.node in trace.masked))).all():
            found.append("rounded away")
    for node in trace.nodes:
        if node.op is not None and node.op.name in ("softmax", "sigmoid"):
            among = np.isfinite(trace.value(node.inputs[0])) if node.op.name == "softmax" else np.ones((2, 1))
            axis = node.options.get("axis", 0)
            if (np.where(among.sum(axis=axis, keepdims=True) > 1, node.value, 0) > 0.99).any():
                found.append("saturation")
    ended = [sum("the loop came to its end" in text for text in one.warnings) for one in (trace, original)]
    if ended[0] and not ended[1]:
        found.append("ending")
    return [rule for rule in dict.fromkeys(found) if rule not in allowed]


def products(trace: Trace) -> int:
    """How many products have no factor 0, counted one by one."""
    count = 0
    for node in trace.nodes:
        if node.op is not None and node.op.name.startswith("conv") and node.out is None:
            trees = [trace.cell(node.id, at) for at in np.ndindex(node.value.shape)]
            count += sum(factors_alive(trace, tree) for tree in trees if tree is not None)
        if node.op is None or node.out is not None or node.op.name not in ("matmul", "mul"):
            continue
        a, b = (trace.value(i) for i in node.inputs)
        if node.op.name == "mul":
            count += sum(
                bool(x) and bool(y) for x, y in zip(*(side.ravel() for side in np.broadcast_arrays(a, b)), strict=True)
            )
        else:
            a, b = np.broadcast_arrays(a[..., :, :, None], b[..., None, :, :])
            count += sum(bool(x) and bool(y) for x, y in zip(a.ravel(), b.ravel(), strict=True))
    return count


def factors_alive(trace: Trace, tree: Tree) -> int:
    """How many products of a worked line have no factor 0."""
    if not isinstance(tree, Fn):
        return 0
    if tree.name == "mul":
        return int(all(trace.look_up(ref) for ref in scalar.refs(tree)))
    return sum(factors_alive(trace, part) for part in tree.args)


def digits(x: float) -> int:
    text = format(Decimal(repr(round(abs(x), 9))).normalize(), "f")
    return len(text.replace(".", "").lstrip("0")) or 1


def assert_fair(practice: Practice, variant: Variant) -> None:
    section = practice.variation
    original = solve_problem(practice.problem)
    again = Problem.read(practice.text(variant), f"{variant.id}.yaml")
    assert again.name == str(variant.id)
    for trace, settings in ((variant.by_hand, Settings()), (variant.exact, Settings(exact=True))):
        solved = solve_problem(again, settings)
        assert [step.key for step in solved.steps] == [step.key for step in trace.steps]
        for step, other in zip(solved.steps, trace.steps, strict=True):
            assert np.array_equal(solved.value(step.node), trace.value(other.node)), step.key
        assert broken(solved, original, section.allow) == []
    assert not faults(variant.by_hand, variant.exact)
    if "effort" not in section.allow and not section.sizes:
        before = products(original)
        assert abs(products(variant.by_hand) - before) <= before / 4
    for step in variant.by_hand.steps:
        if step.key in original.by_key and "digits" not in section.allow and step.node not in original.wordy:
            cells = original[step.key].ravel()
            if all(abs(x - round(x, 4)) < 1e-9 for x in cells):
                longest = max(4, *map(digits, cells.tolist()))
                assert max(map(digits, variant.by_hand.value(step.node).ravel().tolist())) <= longest, step.key


@pytest.mark.parametrize("name", NAMES)
def test_five_sheets_of_every_problem_are_fair_and_their_keys_verify(name: str) -> None:
    practice = Practice(find(name))
    for seed in range(5):
        variant = practice.variant(seed, "1")
        assert_fair(practice, variant)
        if seed == 0:
            report = check(Problem.read(practice.text(variant), "variant.yaml"))
            assert report.ok, report.failures


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.name for entry in entries()])
def test_two_hundred_sheets_of_every_problem_are_fair_and_different(name: str) -> None:
    practice = Practice(find(name))
    seen = set()
    for seed in range(200):
        variant = practice.variant(seed, "1")
        assert_fair(practice, variant)
        report = check(Problem.read(practice.text(variant), "variant.yaml"))
        assert report.ok, report.failures
        seen.add(practice.text(variant).split("given:")[1])
    if practice.variation.room() > np.log(1e6 * practice.attempts / 200):
        assert len(seen) == 200


def test_every_bundled_problem_has_a_practice_section() -> None:
    assert [problem.name for problem in bundled() if problem.practice is None] == []


POOLS = """\
given: {image: [[1, 2, 0, 1], [3, 0, 2, 4]], weight: [[1, 2]]}
steps:
  - highest = max_pool2d(image)
  - L = sum(weight * HOW)
gradient: {of: L, wrt: [image]}
practice:
  vary: {image: integers 0..2, weight: integers 1..2}
  allow: [effort]
"""


@pytest.mark.parametrize(("how", "ties"), [("avg_pool2d(image)", True), ("highest", False)])
def test_a_tie_matters_where_a_gradient_comes_back(how: str, ties: bool) -> None:
    practice = Practice(Problem.read(POOLS.replace("HOW", how), "pools.yaml"))
    images = [practice.variant(1, str(k)).by_hand["image"] for k in range(30)]
    windows = [np.sort(image[:, j : j + 2].ravel()) for image in images for j in (0, 2)]
    assert any(window[-1] == window[-2] for window in windows) == ties


NEAR = """\
given: {x: [1, 2], w: [[3, -2]]}
steps:
  - y = relu(w @ x / 70)
  - z = relu(w @ x / 64)
practice:
  vary: {x: integers 1..3, w: integers -3..3 except 0}
  allow: [effort, relu, digits]
"""


def test_what_a_person_rounds_is_not_near_a_kink() -> None:
    practice = Practice(Problem.read(NEAR, "near.yaml"))
    variants = [practice.variant(1, str(k)).by_hand for k in range(60)]
    sums = np.array([(one["w"] @ one["x"]).item() for one in variants])
    assert np.abs(sums).min() == 2  # 1/70 and 1/64 are below 0.02


MASKED = """\
given: {S: [[1, 2, 0], [0, 1, 2], [1, 0, 1]], v: [[1, 2, 3]]}
steps:
  - M = causal_mask(S)
  - A = softmax(M)
  - best = topk(M, 2).positions
  - z = v @ A
practice:
  vary: {S: integers -9..9, v: integers 1..3}
"""


def test_masked_cells_are_no_numbers_and_the_others_are_judged() -> None:
    practice = Practice(Problem.read(MASKED, "masked.yaml"))
    for k in range(30):
        A, S = (practice.variant(1, str(k)).by_hand[name] for name in "AS")
        assert A[:, 0].tolist() == [1, 0, 0]
        assert A[:, 1:].max() <= 0.99
        assert S[0, 1] != S[1, 1]  # the two best of the second column are not the same
        assert len(set(S[:, 2])) == 3


HALVING = """\
given: {w: 5, v: 3}
steps:
  - for t in 1..4:
      - w = w / 2
    until: w < 1
  - y = w * v
practice:
  vary: {w: integers 1..31, v: integers 1..9}
  allow: [effort]
"""


@pytest.mark.parametrize(("start", "ends"), [("w: 5", True), ("w: 40", False)])
def test_a_loop_does_not_come_to_its_end_unless_it_does_in_the_original(start: str, ends: bool) -> None:
    practice = Practice(Problem.read(HALVING.replace("w: 5", start), "halving.yaml"))
    drawn = [float(practice.variant(1, str(k)).problem.given["w"].value.item()) for k in range(80)]  # type: ignore[union-attr]
    assert (max(drawn) < 16) == ends  # 16 halved four times is 1


def test_constraints_of_the_file_hold_by_hand_and_exactly() -> None:
    keep = "  keep: [any(z < 0), 'max(a) <= 3', 'max(abs(grad(L, W))) >= 0.4', 'sum(z[1:2]) != 3']\n"
    practice = Practice(net(VARY + keep))
    for k in range(20):
        variant = practice.variant(1, str(k))
        for trace in (variant.by_hand, variant.exact):
            z = trace["z"].ravel()
            assert (z < 0).any()
            assert trace["a"].max() <= 3
            assert np.abs(trace["dL/dW"]).max() >= 0.4 * (1 - 1e-9)
            assert abs(z[0] + z[1] - 3) > 1e-9


def test_a_gradient_that_the_problem_does_not_ask_for_can_be_constrained() -> None:
    practice = Practice(net(VARY + "  keep: ['all(abs(grad(L, x)) > 0.05)']\n"))
    variant = practice.variant(1, "1")
    given = {name: given.value.tolist() for name, given in variant.problem.given.items()}  # type: ignore[union-attr]
    steps = ["z = W @ x + b", "a = relu(z)", {"step": "y = softmax(a)", "by hand": "round(softmax(a), 1)"}]
    slow = Problem(given=given, steps=[*steps, "L = cross_entropy(y, t)"], gradient={"of": "L", "wrt": ["x"]})
    assert (np.abs(solve_problem(slow)["dL/dx"]) > 0.05).all()


@pytest.mark.parametrize(
    ("keep", "sums"),
    [("sum(x) <= 0.3", {0.2, 0.3}), ("sum(x) < 0.3", {0.2}), ("sum(x) >= 0.3", {0.3, 0.4}), ("sum(x) > 0.3", {0.4}),
     ("sum(x) == 0.3", {0.3}), ("sum(x) != 0.3", {0.2, 0.4})],
)  # fmt: skip
def test_what_is_equal_but_for_rounding_noise_is_equal_in_a_constraint(keep: str, sums: set[float]) -> None:
    text = f"""\
given: {{x: [0.1, 0.2]}}
steps: ['y = x']
practice:
  vary: {{x: decimals 0.1..0.2 step 0.1}}
  keep: [{keep}]
"""
    assert 0.1 + 0.2 > 0.3  # the noise
    practice = Practice(Problem.read(text, "noise.yaml"))
    found = {round(float(practice.variant(1, str(k)).by_hand["x"].sum()), 9) for k in range(60)}
    assert found == sums


@pytest.mark.parametrize(("keep", "sums"), [("sum(x) < 0.8", {0.2}), ("sum(x) >= 0.8", {0.8, 1.4})])
def test_noise_below_a_bound_is_noise_too(keep: str, sums: set[float]) -> None:
    text = f"""\
given: {{x: [0.1, 0.7]}}
steps: ['y = x']
practice:
  vary: {{x: {{choice: [0.1, 0.7]}}}}
  keep: ['{keep}']
"""
    assert 0.1 + 0.7 < 0.8  # the noise
    practice = Practice(Problem.read(text, "noise.yaml"))
    assert {round(float(practice.variant(1, str(k)).by_hand["x"].sum()), 9) for k in range(40)} == sums


def test_the_probability_of_the_target_is_never_rounded_to_0() -> None:
    practice = Practice(net(VARY + "  allow: [digits, saturation, effort]\n"))
    for k in range(20):
        by_hand = practice.variant(1, str(k)).by_hand
        assert float(by_hand["y"][by_hand["t"] == 1].item()) >= 0.1
        assert np.isfinite(by_hand["L"]).all()


def test_a_route_that_the_original_does_not_take_is_taken_by_variants() -> None:
    practice = Practice(find("mixture-of-experts"))
    chosen = set()
    for k in range(12):
        variant = practice.variant(1, str(k))
        gate = variant.by_hand["gate_values"]
        experts = np.argmax(gate, axis=0) + 1
        chosen.add(tuple(experts.tolist()))
        for t in (1, 2):
            X, W = variant.by_hand["X"], variant.by_hand[f"expert[{experts[t - 1]}]"]
            assert np.array_equal(variant.by_hand[f"y[{t}]"], np.maximum(W @ X[:, t - 1 : t], 0))
    assert len(chosen) > 2


def test_notes_stay_and_remarks_and_answers_vanish() -> None:
    text = NET.replace("remark: about", "note: for all numbers\n    remark: about") + VARY
    practice = Practice(Problem.read(text, "net.yaml"))
    written = practice.text(practice.variant(1, "1"))
    assert "for all numbers" in written
    assert not any(word in written for word in ("remark", "about these", "answers", "practice"))


# --- kinds of numbers --------------------------------------------------------------------------------------------


def values_of(given: str, vary: str, count: int = 60) -> list[Any]:
    text = f"given: {{v: {given}, one: 1}}\nsteps: ['y = one']\npractice:\n  vary: {{v: {vary}}}\n"
    practice = Practice(Problem.read(text, "kinds.yaml"))
    return [practice.variant(1, str(k)).numbers["v"] for k in range(count)]


@pytest.mark.parametrize(
    ("vary", "cells"),
    [("integers -1..2", {-1, 0, 1, 2}), ("integers -1..2 except 0", {-1, 1, 2}), ("byhand", {-1, 0, 1}),
     ("decimals 0..0.3 step 0.1", {0, 0.1, 0.2, 0.3}), ("{choice: [1, 2, 5]}", {1, 2, 5}),
     ("{integers: 0..3, except: [0, 2]}", {1, 3}), ("{decimals: 0.5..1, step: 0.25}", {0.5, 0.75, 1})],
)  # fmt: skip
def test_cells_take_all_of_their_values_and_no_other(vary: str, cells: set[float]) -> None:
    drawn = values_of("[1, 0, 2]", vary)
    assert {float(x) for value in drawn for x in value.flat} == cells
    assert {value.shape for value in drawn} == {(3, 1)}


def test_zeros_of_the_file_can_be_kept() -> None:
    drawn = values_of("[[1, 0], [0, 2]]", "integers 1..2 keeping zeros")
    assert all((value[[0, 1], [1, 0]] == 0).all() and (value[[0, 1], [0, 1]] > 0).all() for value in drawn)


def test_one_hot_has_a_single_one_in_each_column() -> None:
    drawn = values_of("[[1, 0], [0, 1], [0, 0]]", "one_hot")
    assert all((value.sum(axis=0) == 1).all() and set(value.flat) == {0, 1} for value in drawn)
    assert len({value.tobytes() for value in drawn}) == 9


def test_permutations_keep_the_numbers_the_rows_or_the_columns() -> None:
    cells = values_of("[[1, 2], [3, 4]]", "permutation", 400)
    assert len({value.tobytes() for value in cells}) == 24
    rows = values_of("[[1, 2], [3, 4], [5, 6]]", "permutation of rows")
    assert {tuple(row) for value in rows for row in value} == {(1, 2), (3, 4), (5, 6)}
    columns = values_of("[[1, 2], [3, 4], [5, 6]]", "permutation of columns")
    assert {tuple(column) for value in columns for column in value.T} == {(1, 3, 5), (2, 4, 6)}


def test_a_whole_value_can_be_chosen() -> None:
    drawn = values_of("[[1, 2], [3, 4]]", "{choice: [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]}")
    assert {tuple(value.flat) for value in drawn} == {(1, 0, 0, 1), (0, 1, 1, 0)}


def test_words_are_drawn_without_repetition() -> None:
    drawn = values_of("[a, b]", "{words: [cat, dog, cow]}")
    assert set(drawn) == {(a, b) for a in ("cat", "dog", "cow") for b in ("cat", "dog", "cow") if a != b}


WORDS = """\
given:
  table: {cat: [1, 2], dog: [0, 3], cow: [2, 2]}
  who: [cat, dog]
steps:
  - E = table[who]
  - best = who[argmax(sum(E, axis=0))]
practice:
  vary: {who: {words: [cat, dog, cow]}, table: integers 0..5}
"""


def test_words_that_choose_values_are_solved_anew() -> None:
    practice = Practice(Problem.read(WORDS, "words.yaml"))
    seen = set()
    for k in range(10):
        variant = practice.variant(1, str(k))
        who = variant.numbers["who"]
        columns = [variant.by_hand[f"table[{word}]"] for word in who]
        assert np.array_equal(variant.by_hand["E"], np.hstack(columns))
        best = who[int(np.argmax([column.sum() for column in columns]))]
        assert variant.by_hand.texts(variant.by_hand.node("best")) == (best,)
        seen.add(who)
    assert len(seen) > 3


def test_shapes_vary_together() -> None:
    section = """\
  vary: {x: {integers: 1..3, shape: [n, 1]}, W: {integers: -1..1, shape: [3, n]}, b: integers -3..2, t: one_hot}
  sizes: {n: 2..4}
"""
    practice = Practice(net(section))
    found = [practice.variant(1, str(k)) for k in range(15)]
    assert {variant.by_hand["x"].shape[0] for variant in found} == {2, 3, 4}
    assert all(variant.by_hand["W"].shape == (3, variant.by_hand["x"].shape[0]) for variant in found)
    for variant in found[:5]:
        assert_fair(practice, variant)


def test_each_step_rounding_is_solved_anew() -> None:
    text = "rounding: each-step\ndigits: 1\n" + NET + VARY
    practice = Practice(Problem.read(text, "net.yaml"))
    variant = practice.variant(1, "1")
    again = solve_problem(Problem.read(practice.text(variant), "again.yaml"))
    assert all(np.array_equal(again[name], variant.by_hand[name]) for name in ("z", "y", "L", "dL/dW"))


# --- what is wrong with a section --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("  vary: {y: integers 0..3}\n", "net.yaml:17:10: vary: y is not given"),
        ("  vary: {x: integer 0..3}\n", "net.yaml:17:13: integer is no kind of numbers"),
        ("  vary: {x: integers 3..0}\n", "net.yaml:17:13: the range 3..0 is empty"),
        ("  vary: {x: integers 3}\n", "net.yaml:17:13: 3 is not a range"),
        ("  vary: {x: integers a..b}\n", "net.yaml:17:13: a is not a number"),
        ("  vary: {x: integers 0..1 except 0 and 1}\n", "net.yaml:17:13: nothing is left to choose from"),
        ("  vary: {x: integers 0..9999999}\n", "net.yaml:17:13: the range 0..9999999 has more than 50,000 numbers"),
        ("  vary: {x: decimals 0..1}\n", "net.yaml:17:13: decimals need a step"),
        ("  vary: {x: {decimals: 0..1, step: 0}}\n", "the step is above 0"),
        ("  vary: {x: {words: [a, b]}}\n", "net.yaml:17:13: x is a list of numbers, it cannot be words"),
        ("  vary: {x: {choice: [[[1, 2]], [[3, 4]]]}}\n", "each choice has the shape of x"),
        ("  vary: {x: {integers: 0..3, shape: [n, 1]}}\n", "n is neither a number nor one of the sizes"),
        ("  vary: {x: {integers: 0..3, shap: [2, 1]}}\n", "shap is no kind of numbers"),
        ("  vary: {x: integers 0..3 keeping ones}\n", "only zeros can be kept"),
        ("  vary: {}\n", "vary is a mapping of names"),
        ("  keep: [max(x) < 3]\n", "practice has no `vary`"),
        (VARY + "  allow: [kinks]\n", "net.yaml:18:11: allow cannot be kinks"),
        (VARY + "  keep: [max(q) < 3]\n", "net.yaml:18:14: there is no value called q"),
        (VARY + "  keep: [max(x)]\n", "net.yaml:18:10: `keep` holds conditions; this is a number"),
        (VARY + "  keep: [max(x, 3) < 4]\n", "a formula inside [ ] must be quoted"),
        (VARY + "  keep: ['max(grad(L)) < 4']\n", "grad needs a loss and a name"),
        (VARY + "  digits: 0\n", "digits is a whole number from 1 to 12"),
        (VARY + "  sizes: {x: 2..3}\n", "x is a size and a given name"),
        (VARY + "  sizes: {n: 0..3}\n", "the size n begins with 0"),
        (VARY + "  seeds: 3\n", "there is no key called seeds in practice"),
    ],
)
def test_a_mistake_in_the_section_is_told_with_its_place(section: str, message: str) -> None:
    assert message in refused(section)


def test_contradictory_constraints_are_given_up_with_the_one_that_rejects_most() -> None:
    practice = Practice(net(VARY + "  keep: ['max(x) < 1', 'max(x) > 0']\n"))
    with pytest.raises(StepsError) as caught:
        practice.variant(1, "1")
    assert str(caught.value).startswith(
        "net.yaml:18:11: practice: none of 20,000 tries was accepted; `max(x) < 1` rejected"
    )


def test_a_rule_that_can_never_hold_is_named() -> None:
    text = NET.replace("b: [0, 1, -4]", "b: [-90, -90, -90]")
    practice = Practice(Problem.read(text + "  vary: {x: integers 1..2}\n", "net.yaml"))
    with pytest.raises(StepsError, match=r"none of 20,000 tries was accepted; the rule `relu` rejected 20,000"):
        practice.variant(1, "1")


OWN_WAYS = """\
given: {w: [5, 3], far: 1}
steps:
  - for t in 1..40:
      - w = w - 1
    until: max(w) < 0
  - last = sum(w) + far
practice:
  vary: {w: integers 1..30, far: integers 1..9}
  allow: [effort, kink, margin]
"""


def test_attempts_that_have_to_be_solved_are_given_up_sooner(monkeypatch: Any) -> None:
    monkeypatch.setattr("nnsteps.practice.TRIES", 1_000)
    practice = Practice(Problem.read(OWN_WAYS + "  keep: ['last > 10']\n", "far.yaml"))  # the loop ends with w ≤ −1
    with pytest.raises(StepsError, match="`last > 10` rejected"):
        practice.variant(1, "1")
    assert 1_000 / 40 <= practice.attempts < 60  # nearly every attempt has another number of turns than the file


# --- ids ---------------------------------------------------------------------------------------------------------


def test_an_id_brings_back_the_same_numbers() -> None:
    practice = Practice(find("backprop"))
    for k in range(5):
        variant = practice.variant(3, str(k))
        again, changes = Practice(find("backprop")).rebuild(variant.id)
        assert changes == ((), False)
        assert practice.text(again) == practice.text(variant)
        assert np.array_equal(again.by_hand["dL/dW1"], variant.by_hand["dL/dW1"])


def test_a_new_variable_or_constraint_leaves_all_other_draws_alone() -> None:
    old = "  vary: {x: integers 1..3, W: integers -1..1, t: one_hot}\n"
    made = [Practice(net(old)).variant(5, str(k)) for k in range(8)]
    for section in (
        "  vary: {x: integers 1..3, b: integers -3..2, W: integers -1..1, t: one_hot}\n",
        "  vary: {t: one_hot, W: integers -1..1, b: integers -3..2, x: integers 1..3}\n",
        old + "  keep: ['max(x) == 3']\n  allow: [kink]\n",
    ):
        edited = Practice(net(section))
        for variant in made:
            again, changes = edited.rebuild(variant.id)
            assert changes.new == (("b",) if "b:" in section else ())
            assert all(np.array_equal(again.numbers[name], variant.numbers[name]) for name in ("x", "W", "t"))


def test_a_lost_variable_leaves_all_other_draws_alone() -> None:
    variant = Practice(net()).variant(5, "1")
    again, changes = Practice(net("  vary: {x: integers 1..3, W: integers -1..1, t: one_hot}\n")).rebuild(variant.id)
    assert changes == ((), True)
    assert np.array_equal(again.numbers["W"], variant.numbers["W"])


def test_a_number_that_differs_is_refused() -> None:
    made = [Practice(net()).variant(5, str(k)).id for k in range(10)]
    edited = Practice(net(VARY.replace("x: integers 1..3", "x: integers 4..6")))
    for id in made:
        with pytest.raises(StepsError, match="the problem file has changed since"):
            edited.rebuild(id)


# --- the command line --------------------------------------------------------------------------------------------


@pytest.fixture
def nnsteps(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("NO_COLOR", "FORCE_COLOR", "LANG", "LC_CTYPE", "PYTHONIOENCODING", "PYTHONUTF8", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def call(*words: str) -> tuple[int, str, str]:
        code = run(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_worksheet_shows_its_id_and_no_answer_and_the_id_solves_it(nnsteps: Any) -> None:
    code, sheet, _ = nnsteps("practice", "four-neurons", "--seed", "3")
    id = sheet.splitlines()[0].split()[2].rstrip(",")
    assert (code, id.startswith("four-neurons-3.1.")) == (0, True)
    assert "nnsteps solve" not in sheet
    code, page, _ = nnsteps("solve", id)
    assert code == 0
    assert id in page.splitlines()[0]
    assert "nnsteps why" not in sheet
    assert nnsteps("verify", id)[0] == 0
    assert nnsteps("show", id, "--yaml")[1] == nnsteps("practice", "four-neurons", "--seed", "3", "--to", "yaml")[1]


def test_a_folder_gets_worksheets_keys_and_an_index(nnsteps: Any, tmp_path: Path) -> None:
    assert nnsteps("practice", "single-neuron", "--count", "3", "--out", str(tmp_path))[0] == 0
    names = [name for row in rows(tmp_path) for name in row["files"].split()]
    assert sorted(names) == sorted(path.name for path in tmp_path.glob("single*"))
    assert [name.rsplit("-", 1)[1] for name in names] == ["worksheet.txt", "key.txt"] * 3
    worksheet, key = ((tmp_path / name).read_text(encoding="utf-8") for name in names[:2])
    assert "__" in worksheet
    assert "__" not in key
    assert nnsteps("practice", "single-neuron", "--count", "3", "--out", str(tmp_path))[0] == 2
    assert nnsteps("practice", "single-neuron", "--count", "3", "--out", str(tmp_path), "--force")[0] == 0


@pytest.mark.parametrize(("answers", "endings"), [("none", 1), ("after", 1), ("separate", 2)])
@pytest.mark.parametrize("to", ["plain", "markdown"])
def test_answers_are_left_out_appended_or_separate(
    nnsteps: Any, tmp_path: Path, to: str, answers: str, endings: int
) -> None:
    assert nnsteps("practice", "single-neuron", "--answers", answers, "--to", to, "--out", str(tmp_path))[0] == 0
    (row,) = rows(tmp_path)
    names = row["files"].split()
    assert len(names) == endings
    texts = [(tmp_path / name).read_text(encoding="utf-8") for name in names]
    assert all(row["sheet"] in text for text in texts)
    keys = [" ANSWERS " in text for text in texts]
    if to == "plain":
        assert [text.count(" FORWARD ") for text in texts] == {"none": [1], "after": [2], "separate": [1, 1]}[answers]
        assert keys == {"none": [False], "after": [True], "separate": [False, True]}[answers]


def test_problem_files_are_solved_by_every_command(nnsteps: Any, tmp_path: Path) -> None:
    assert nnsteps("practice", "rnn", "--count", "2", "--to", "yaml", "--out", str(tmp_path))[0] == 0
    for path in tmp_path.glob("*.yaml"):
        for words in (("solve",), ("show",), ("verify",), ("solve", "--to", "json")):
            assert nnsteps(words[0], str(path), *words[1:])[0] == 0


def test_a_late_student_changes_nobodys_sheet(nnsteps: Any, tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text("name,id\nAnna,s1\nBen,s2\n", encoding="utf-8")
    assert (
        nnsteps("practice", "backprop", "--roster", str(roster), "--to", "yaml", "--out", str(tmp_path / "a"))[0] == 0
    )
    roster.write_text("name,id\nZoe,late one\nBen,s2\nAnna,s1\n", encoding="utf-8")
    assert (
        nnsteps("practice", "backprop", "--roster", str(roster), "--to", "yaml", "--out", str(tmp_path / "b"))[0] == 0
    )
    before, after = ({row["student"]: row for row in rows(tmp_path / part)} for part in "ab")
    assert set(after) == {"s1", "s2", "late one"}
    assert {name: after[name] for name in before} == before
    for row in before.values():
        assert (tmp_path / "a" / row["files"]).read_bytes() == (tmp_path / "b" / row["files"]).read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "there is no student in this file"), ("id\n", "there is no student in this file"),
     ("id\ns1\ns2\ns1\n", "class.csv:4:1: s1 is in line 2 already"), ("name,id\nAnna,\n", "this student has no id")],
)  # fmt: skip
def test_a_roster_that_cannot_be_used_is_refused(nnsteps: Any, tmp_path: Path, text: str, message: str) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text(text, encoding="utf-8")
    code, out, said = nnsteps("practice", "backprop", "--roster", str(roster), "--out", str(tmp_path / "a"))
    assert (code, out) == (2, "")
    assert message in " ".join(said.split())


@pytest.mark.parametrize(
    "words",
    [("--seed", "x"), ("--count", "0"), ("--answers", "behind"), ("--to", "word"), ("--answers", "separate"),
     ("--count", "2", "--to", "yaml"), ("--roster", "no.csv"), ("--to", "yaml", "--answers", "after")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(nnsteps: Any, words: tuple[str, ...]) -> None:
    code, out, said = nnsteps("practice", "backprop", *words)
    assert (code, out) == (2, "")
    assert said


def test_the_id_of_a_file_needs_the_file(nnsteps: Any, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET + VARY, encoding="utf-8")
    _, text, _ = nnsteps("practice", str(tmp_path / "net.yaml"), "--to", "yaml")
    id = text.splitlines()[1].removeprefix("source: ")
    code, _, said = nnsteps("solve", id)
    assert code == 2
    assert "needs its file" in said
    assert nnsteps("show", str(tmp_path / id), "--yaml")[1] == text
    (tmp_path / "net.yaml").write_text(
        NET.replace("b: [0", "c: 1\n  b: [0") + VARY.replace("x:", "c: integers 1..2, x:")
    )
    code, _, said = nnsteps("solve", str(tmp_path / id))
    assert (code, said) == (0, "note: new since this sheet was made: c\n")


def test_memory_does_not_grow_with_the_count(nnsteps: Any, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        words = ("--count", str(count), "--to", "yaml", "--force", "--out", str(tmp_path))
        assert nnsteps("practice", "matrix-multiplication", *words)[0] == 0
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(5)
    assert peak(300) < peak(30) + 60_000


def test_a_key_with_a_wrong_number_is_not_handed_out() -> None:
    variant = Practice(net()).variant(1, "1")
    assert not faults(variant.by_hand, variant.exact)
    for name in ("a", "dL/dW", "L"):
        spoilt = Practice(net()).variant(1, "1").by_hand
        node = spoilt.nodes[spoilt.node(name)]
        spoilt.nodes[node.id] = node._replace(value=node.value + 1.0)
        assert faults(spoilt, variant.exact)
    exact = Practice(net()).variant(1, "1").exact
    node = exact.nodes[exact.node("dL/dW")]
    exact.nodes[node.id] = node._replace(value=node.value * 1.001)
    assert "the slope of L is" in faults(variant.by_hand, exact)[0]


def test_terms_that_cancel_leave_a_zero_on_the_page_and_no_fault_in_the_check(nnsteps: Any) -> None:
    variant = Practice(find("gradient-descent")).variant(11, "1")
    assert 0 < abs(variant.by_hand["gradient[2]"][1, 0]) < 1e-15  # 2·(1.8 + 0.6 − 0.6 − 1.8) ÷ 4
    assert not faults(variant.by_hand, variant.exact)
    assert "2·(1·1.8 + 1·0.6 + 1·(−0.6) + 1·(−1.8)) ÷ 4  =   0" in nnsteps("solve", str(variant.id))[1]


def test_kinks_are_found_by_differences_as_well() -> None:
    practice = Practice(find("backprop"))
    variant = practice.variant(1, "1")
    values = [node.value for node in variant.exact.nodes]
    assert not differences.kinks(variant.exact, sorted(variant.exact.ancestors(variant.exact.node("L"))), values)


def test_the_section_is_read_once_with_all_its_parts() -> None:
    section = read(net(VARY + "  keep: [any(z < 0)]\n  allow: [kink]\n  digits: 3\n"))
    assert (list(section.variables), section.allow, section.digits) == (["x", "W", "b", "t"], frozenset({"kink"}), 3)
    assert [constraint.text for constraint in section.keep] == ["any(z < 0)"]
