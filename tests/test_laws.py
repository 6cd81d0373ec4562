"""The laws that hold for every operation and every compound, whoever registers it."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import nnsteps
from nnsteps import precision, scalar
from nnsteps.compounds import COMPOUNDS, SHORTCUTS, Compound, Stable
from nnsteps.evaluate import evaluate, parsed
from nnsteps.formula import Name, names, parse, parse_step
from nnsteps.ops import REGISTRY, Cells, Op
from nnsteps.ops.registry import stretches
from nnsteps.rounding import Style
from nnsteps.scalar import fn
from nnsteps.scope import Scope
from nnsteps.solver import Settings, solve_problem
from nnsteps.trace import Trace
from nnsteps.verify import check

Arrays = list[np.ndarray]
EMPTY = nnsteps.Problem(given={"x": 1}, steps=["y = x"])
OPS = sorted(REGISTRY)


def drawn(record: Op | Compound, seed: int = 0) -> tuple[Arrays, dict[str, Any]]:
    """The sample of a record, as arrays in order and options."""
    sample = dict(record.sample(np.random.default_rng(seed)))
    options = {name: sample.get(name, default) for name, default in record.options.items()}
    inputs: Arrays = []
    while len(inputs) < (len(record.args) if not getattr(record, "variadic", False) else 99):
        name = record.argument(len(inputs))
        if name not in sample:
            break
        inputs.append(np.asarray(sample[name], dtype=float))
    assert inputs, record.name
    return inputs, options


# --- law 1: the explanation is the value -------------------------------------------------------------------------


def law_1(op: Op, inputs: Arrays, options: Mapping[str, Any]) -> None:
    """Each cell's arithmetic gives the cell of the array."""
    value = op.value(*inputs, **options)
    cells = [Cells(k, x.shape) for k, x in enumerate(inputs)]

    def look_up(ref: scalar.Ref) -> float:
        return float(inputs[ref.node][ref.at])

    assert value.dtype == np.float64
    assert value.ndim >= 2
    for at in np.ndindex(*value.shape):
        tree = op.cell(at, *cells, **options)
        found, scale = scalar.evaluate(tree, look_up), precision.scale(tree, look_up)
        assert abs(found - value[at]) <= 1e-13 * max(scale, abs(value[at])) + 1e-300, (op.name, at)


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_arithmetic_of_every_cell_gives_the_cell(name: str, seed: int) -> None:
    op = REGISTRY[name]
    law_1(op, *drawn(op, seed))


STRETCHING = [name for name in OPS if REGISTRY[name].check is stretches]


@pytest.mark.parametrize("name", STRETCHING)
def test_it_does_so_where_sides_of_length_1_stretch(name: str) -> None:
    op = REGISTRY[name]
    (first, *others), options = drawn(op)
    wide = [np.broadcast_to(x, (2, 3)) if set(x.shape) != {1} else np.full((2, 3), x.item()) for x in (first, *others)]
    for shapes in itertools.product([(2, 3), (2, 1), (1, 3), (1, 1)], repeat=len(wide)):
        law_1(op, [x[: side[0], : side[1]] for x, side in zip(wide, shapes, strict=True)], options)


ANY_RANK = [
    name
    for name in OPS
    if REGISTRY[name].look.kind in ("elementwise", "gate", "claim") and "axis" not in REGISTRY[name].options
]


@pytest.mark.parametrize("name", ANY_RANK)
def test_it_does_so_in_a_stack_of_matrices(name: str) -> None:
    op = REGISTRY[name]
    inputs, options = drawn(op)
    law_1(op, [np.stack([x, x[::-1, ::-1]]) for x in inputs], options)
    law_1(op, [np.stack([x, x]) if k == 0 else np.stack([x]) for k, x in enumerate(inputs)], options)


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (1, 2, 4, 5))]
)
def test_a_product_of_stacks_is_explained(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    law_1(REGISTRY["matmul"], [rng.normal(size=a), rng.normal(size=b)], {})


REDUCTIONS = ["sum", "mean", "max", "min", "first_max", "first_min", "any", "all", "size", "count", "argmax", "argmin"]


@pytest.mark.parametrize("axis", [None, 0, 1, 2])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_reduction_is_explained_along_every_axis(name: str, axis: int | None) -> None:
    x = np.random.default_rng(4).normal(size=(2, 3, 4)).round(1)
    law_1(REGISTRY[name], [x], {"axis": axis})
    law_1(REGISTRY[name], [np.ones((1, 1, 1))], {"axis": axis})


# --- law 2: the gradient formulas are the gradient ---------------------------------------------------------------


def backward(record: Op | Compound, inputs: Arrays, options: Mapping[str, Any], g: np.ndarray) -> dict[int, np.ndarray]:
    """What the rules of a record pass back to each argument that has a rule."""
    trace = Trace(EMPTY)
    nodes = [trace.record(None, (), x) for x in inputs]
    value = forward(record, inputs, options)
    bound = {record.argument(k): node for k, node in enumerate(nodes)}
    bound |= {"out": trace.record(None, (), value), "g": trace.record(None, (), g)}
    rules = record.rules(options, tuple(x.shape for x in inputs))
    assert rules is not None
    found = {}
    for k, node in enumerate(nodes):
        rule = rules.get(record.argument(k))
        if rule is not None:
            part = evaluate(trace, parsed(rule), Scope(bound, inner=True, options=options))
            # shapes are repaired outside of the rules
            part = REGISTRY["sum_to"].value(
                np.broadcast_to(
                    trace.value(part), np.broadcast_shapes(trace.value(part).shape, trace.value(node).shape)
                ),
                inputs[k],
            )
            found[k] = part
    return found


def forward(record: Op | Compound, inputs: Arrays, options: Mapping[str, Any]) -> np.ndarray:
    """The value of a record."""
    if isinstance(record, Op):
        return record.value(*inputs, **options)
    trace = Trace(EMPTY)
    bound = {record.argument(k): trace.record(None, (), x) for k, x in enumerate(inputs)}
    return trace.value(body(trace, record.lines(options), bound, options))


def body(trace: Trace, lines: tuple[str, ...], bound: Mapping[str, int], options: Mapping[str, Any]) -> int:
    """Evaluate the lines of a compound."""
    node, known = -1, dict(bound)
    for line in lines:
        target, formula = parse_step(line)
        assert isinstance(target, Name)
        node = known[target.id] = evaluate(trace, formula, Scope(known, inner=True, options=options))
    return node


def law_2(record: Op | Compound, inputs: Arrays, options: Mapping[str, Any], seed: int = 0) -> None:
    """⟨c, J d⟩ by central difference is ⟨Jᵀc, d⟩ from the formulas, for every argument."""
    rng = np.random.default_rng(seed + 1000)  # not that of the sample: a rule must not take g for x
    c = rng.normal(size=forward(record, inputs, options).shape)
    passed = backward(record, inputs, options, c)
    for k, x in enumerate(inputs):
        if k not in passed:
            continue
        assert passed[k].shape == x.shape
        for _ in range(3):
            d = rng.normal(size=x.shape)

            def along(h: float, k: int = k, d: np.ndarray = d) -> float:
                moved = [x + h * d if place == k else x for place, x in enumerate(inputs)]
                return float((c * forward(record, moved, options)).sum())

            h = 1e-4
            slope = (8 * (along(h) - along(-h)) - along(2 * h) + along(-2 * h)) / (12 * h)
            assert slope == pytest.approx(float((passed[k] * d).sum()), rel=1e-7, abs=1e-8), (
                record.name,
                record.argument(k),
            )


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_formulas_are_the_gradient(name: str, seed: int) -> None:
    op = REGISTRY[name]
    law_2(op, *drawn(op, seed), seed)


@pytest.mark.parametrize("name", OPS)
def test_no_rule_is_tested_on_nothing_but_zeros(name: str) -> None:
    op = REGISTRY[name]
    seen: dict[int, bool] = {}
    for seed in (0, 1):
        inputs, options = drawn(op, seed)
        ones = np.ones(op.value(*inputs, **options).shape)
        for k, part in backward(op, inputs, options, ones).items():
            seen[k] = seen.get(k, False) or bool(part.any())
    assert all(seen.values())


@pytest.mark.parametrize("name", STRETCHING)
def test_they_are_so_where_sides_of_length_1_stretch(name: str) -> None:
    op = REGISTRY[name]
    inputs, options = drawn(op)
    wide = [np.broadcast_to(x, (2, 3)) if set(x.shape) != {1} else np.full((2, 3), x.item()) for x in inputs]
    for place in range(len(wide)):
        for rows, columns in ((2, 1), (1, 3), (1, 1)):
            law_2(op, [x[:rows, :columns] if k == place else x for k, x in enumerate(wide)], options)


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (1, 2, 4, 5))]
)
def test_a_product_of_stacks_has_its_gradient(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    law_2(REGISTRY["matmul"], [rng.normal(size=a), rng.normal(size=b)], {})


@pytest.mark.parametrize("axis", [None, 0, 1, 2])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_a_reduction_has_its_gradient_along_every_axis(name: str, axis: int | None) -> None:
    law_2(REGISTRY[name], [np.random.default_rng(6).normal(size=(2, 3, 4))], {"axis": axis})


ALONG = ["cumsum", "sort", "argsort", "topk_values", "topk_positions", "flip", "roll"]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", ALONG)
def test_what_works_along_an_axis_does_so_in_a_stack(name: str, axis: int) -> None:
    op, x = REGISTRY[name], np.random.default_rng(9).normal(size=(3, 2, 4))
    law_1(op, [x], {**op.options, "axis": axis})
    law_2(op, [x], {**op.options, "axis": axis})


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_is_looked_up_in_a_stack_is_explained_and_has_its_gradient(axis: int) -> None:
    rng = np.random.default_rng(10)
    x, at = rng.normal(size=(3, 3, 3)), np.array([[3.0, 1.0, 3.0, 3.0]])
    law_1(REGISTRY["gather"], [x, at], {"axis": axis})
    law_2(REGISTRY["gather"], [x, at], {"axis": axis})
    taken = REGISTRY["gather"].value(x, at, axis=axis)
    law_1(REGISTRY["scatter"], [taken, x, at], {"axis": axis})
    law_2(REGISTRY["scatter"], [taken, x, at], {"axis": axis})
    along = rng.integers(1, 4, size=(3, 3, 3)).astype(float)
    law_1(REGISTRY["take_along"], [x, along], {"axis": axis})
    law_2(REGISTRY["take_along"], [x, along], {"axis": axis})
    law_1(REGISTRY["put_along"], [x, x, along], {"axis": axis})
    law_2(REGISTRY["put_along"], [x, x, along], {"axis": axis})


@pytest.mark.parametrize("axis", [0, 1])
def test_every_position_that_may_be_looked_up_is_explained(axis: int) -> None:
    x, at = np.random.default_rng(14).normal(size=(4, 4)), np.array([[1.0, 2.0, 3.0, 4.0]])
    law_1(REGISTRY["gather"], [x, at], {"axis": axis})
    law_1(REGISTRY["pick"], [x, at], {})
    law_1(REGISTRY["take_along"], [x, np.broadcast_to(at, (4, 4)).copy()], {"axis": axis})


RANKS = [  # of image and filter
    ("conv1d", (3, 7), (3, 2)),
    ("conv1d", (2, 3, 7), (4, 3, 2)),
    ("conv2d", (4, 5), (2, 3)),
    ("conv2d", (4, 5), (3, 2, 2)),
    ("conv2d", (3, 4, 5), (3, 2, 2)),
    ("conv2d", (2, 3, 4, 5), (4, 3, 2, 2)),
    ("conv_transpose2d", (3, 4), (2, 3)),
    ("conv_transpose2d", (2, 3, 3, 2), (3, 4, 2, 2)),
]


@pytest.mark.parametrize(("name", "image", "weights"), RANKS)
def test_windows_of_every_rank_are_explained_and_have_their_gradients(
    name: str, image: tuple[int, ...], weights: tuple[int, ...]
) -> None:
    rng, op = np.random.default_rng(11), REGISTRY[name]
    options = {**op.options, "stride": 2, "padding": 1}
    x, w, b = rng.normal(size=image), rng.normal(size=weights), rng.normal(size=(1, 1))
    assert op.check is not None
    op.check(("x", "w"), image, weights, **options)
    law_1(op, [x, w, b], options)
    law_2(op, [x, w, b], options)
    if name != "conv_transpose2d":
        out = rng.normal(size=op.value(x, w, **options).shape)
        for back, inputs in (("input", [out, w, x]), ("weight", [x, out, w])):
            law_1(REGISTRY[f"{name}_{back}_grad"], inputs, options)
            law_2(REGISTRY[f"{name}_{back}_grad"], inputs, options)


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (2, 2, 4, 5)])
@pytest.mark.parametrize("size", [0, 2])
def test_pooling_of_every_rank_is_explained_and_has_its_gradient(name: str, shape: tuple[int, ...], size: int) -> None:
    x = np.random.default_rng(12).normal(size=shape)
    law_1(REGISTRY[name], [x], {**REGISTRY[name].options, "size": size})
    law_2(REGISTRY[name], [x], {**REGISTRY[name].options, "size": size})


def law_flat(op: Op, inputs: Arrays, options: Mapping[str, Any]) -> None:
    """An argument without a rule changes nothing while it moves a little, jumps apart."""
    rules = op.rules(options, tuple(x.shape for x in inputs))
    value = op.value(*inputs, **options)
    still = (
        np.ones(value.shape, dtype=bool)
        if op.distance is None
        else np.broadcast_to(op.distance(*inputs, **options) > 0, value.shape)
    )
    for k in range(len(inputs)):
        if op.argument(k) in rules:
            continue
        for sign in (1e-9, -1e-9):
            moved = [
                x * (1 + sign * (1 + np.arange(x.size).reshape(x.shape))) if k == place else x
                for place, x in enumerate(inputs)
            ]
            assert (op.value(*moved, **options) == value)[still].all(), (op.name, op.argument(k))


@pytest.mark.parametrize("name", OPS)
def test_what_passes_nothing_back_is_flat(name: str) -> None:
    op = REGISTRY[name]
    law_flat(op, *drawn(op))


@pytest.mark.parametrize("name", [*OPS, *sorted(COMPOUNDS)])
def test_every_rule_can_be_read_and_uses_only_what_it_knows(name: str) -> None:
    record = REGISTRY.get(name) or COMPOUNDS[name]
    inputs, options = drawn(record)
    for every in _all_options(record, options):
        rules = record.rules(every, tuple(x.shape for x in inputs)) or {}
        arguments = {record.argument(k) for k in range(len(inputs))}
        lines = {line.partition(" = ")[0] for line in record.lines(every)} if isinstance(record, Compound) else set()
        assert set(rules) <= arguments
        for rule in rules.values():
            if rule is not None:
                assert set(names(parse(rule))) <= {"g", "out", *arguments, *record.options, *lines}


def _all_options(record: Op | Compound, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield dict(options)
    for word in ("sum", "mean", "none") if "reduction" in record.options else ():
        yield {**options, "reduction": word}
    for axis in (0, 1) if "axis" in record.options else ():
        yield {**options, "axis": axis}


# --- law 3: it can be written ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPS)
def test_every_cell_can_be_written(name: str) -> None:
    op = REGISTRY[name]
    inputs, options = drawn(op)
    cells = [Cells(k, x.shape) for k, x in enumerate(inputs)]

    def show(part: scalar.Ref | scalar.Const) -> str:
        return Style(2, ascii=True).write(
            part.value if isinstance(part, scalar.Const) else float(inputs[part.node][part.at])
        )

    for at in np.ndindex(*op.value(*inputs, **options).shape):
        tree = op.cell(at, *cells, **options)
        assert scalar.write(tree, show)
        assert scalar.write(tree, show, scalar.ASCII).isascii()


@pytest.mark.parametrize("name", [*OPS, *sorted(COMPOUNDS)])
def test_every_record_says_what_it_is(name: str) -> None:
    record = REGISTRY.get(name) or COMPOUNDS[name]
    assert record.doc.endswith(".")
    assert record.shapes
    assert len(record.look.words(drawn(record)[1])) <= 36


# --- compounds ---------------------------------------------------------------------------------------------------


def compound_problem(name: str, options: Mapping[str, Any], seed: int = 0) -> tuple[nnsteps.Problem, list[str]]:
    """A problem whose loss weighs the cells of the compound; and the arguments that have a gradient."""
    record = COMPOUNDS[name]
    inputs, _ = drawn(record, seed)
    value = forward(record, inputs, options)
    weights = np.random.default_rng(7).normal(size=value.shape)
    written = ", ".join(
        [
            *record.args,
            *(
                f'{key}="{word}"' if isinstance(word, str) else f"{key}={word}"
                for key, word in options.items()
                if word is not None
            ),
        ]
    )
    rules = record.rules(options, tuple(x.shape for x in inputs)) or {}
    wrt = [arg for arg in record.args if rules.get(arg, "") is not None]
    given = {**dict(zip(record.args, inputs, strict=True)), "c": weights}
    problem = nnsteps.Problem(
        given=given, steps=[f"o = {name}({written})", "L = sum(o * c)"], gradient={"of": "L", "wrt": wrt}
    )
    return problem, wrt


CASES = [
    (name, options)
    for name in sorted(COMPOUNDS)
    for options in _all_options(COMPOUNDS[name], drawn(COMPOUNDS[name])[1])
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_compound_is_explained_and_has_its_gradient(name: str, options: dict[str, Any]) -> None:
    problem, _ = compound_problem(name, options)
    report = check(problem)
    assert report.ok, report.failures
    assert report.gradients > 0


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_closed_gradient_is_the_long_way(name: str, options: dict[str, Any], seed: int) -> None:
    problem, wrt = compound_problem(name, options, seed)
    closed = solve_problem(problem, Settings(exact=True))
    long = solve_problem(problem, Settings(exact=True, expand=True))
    for arg in wrt:
        np.testing.assert_allclose(closed[f"dL/d{arg}"], long[f"dL/d{arg}"], rtol=1e-10, atol=1e-12)


STABLE = [(name, options) for name, options in CASES if COMPOUNDS[name].stable is not None]


@pytest.mark.parametrize(("name", "options"), STABLE)
def test_the_stable_form_gives_the_same_where_both_work(name: str, options: dict[str, Any]) -> None:
    record = COMPOUNDS[name]
    inputs, _ = drawn(record)
    assert record.stable is not None
    stable = record.stable(options)
    trace = Trace(EMPTY)
    bound = {arg: trace.record(None, (), x) for arg, x in zip(record.args, inputs, strict=True)}
    safe = trace.value(body(trace, stable.body, bound, options))
    np.testing.assert_allclose(safe, forward(record, inputs, options), rtol=1e-13)


def test_softmax_of_very_large_numbers_is_right_and_says_so() -> None:
    problem = nnsteps.Problem(
        given={"z": [1000, 1001, -1000]}, steps=["y = softmax(z)", "l = logsumexp(z)", "s = log_softmax(z)"]
    )
    trace = solve_problem(problem)
    e = math.e
    np.testing.assert_allclose(trace["y"].ravel(), [1 / (1 + e), e / (1 + e), 0], rtol=1e-15)  # only differences count
    assert trace["l"].item() == pytest.approx(1000 + math.log(1 + e), rel=1e-15)
    np.testing.assert_allclose(
        trace["s"].ravel(), [-math.log(1 + e), 1 - math.log(1 + e), -2000 - math.log(1 + e)], rtol=1e-13
    )
    assert trace.nodes[trace.node("y")].words == "subtract the largest first; the result is the same"
    assert check(problem).ok


def test_softmax_of_ordinary_numbers_takes_the_plain_form() -> None:
    trace = nnsteps.solve(nnsteps.Problem(given={"z": [1, 2]}, steps=["y = softmax(z)"]))
    assert trace.nodes[trace.node("y")].words == ""


def test_a_loss_on_logits_is_right_where_the_probability_is_zero() -> None:
    problem = nnsteps.Problem(
        given={"z": [1000, 0], "y": [0, 1]},
        steps=["L = softmax_cross_entropy(z, y)"],
        gradient={"of": "L", "wrt": ["z"]},
    )
    trace = solve_problem(problem)
    assert trace["L"].item() == 1000.0
    np.testing.assert_allclose(trace["dL/dz"].ravel(), [1, -1], atol=1e-300)


# --- shortcuts ---------------------------------------------------------------------------------------------------


def shortcut_problem(target: object, steps: list[str]) -> nnsteps.Problem:
    rng = np.random.default_rng(8)
    given = {"W": rng.normal(size=(3, 4)), "x": rng.normal(size=(4, 2)), "t": target}
    return nnsteps.Problem(given=given, steps=["z = W @ x", *steps], gradient={"of": "L", "wrt": ["W", "z"]})


ONE_HOT = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
PAIRS = [
    ("softmax", "cross_entropy", ONE_HOT),
    ("softmax", "cross_entropy", np.array([[0.2, 0.5], [0.3, 0.5], [0.5, 0.0]])),
    ("sigmoid", "bce", np.array([[0.0, 1.0], [1.0, 0.3], [0.0, 0.9]])),
]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize(("inner", "outer", "target"), PAIRS)
def test_a_shortcut_is_the_long_way(inner: str, outer: str, target: np.ndarray, reduction: str) -> None:
    problem = shortcut_problem(target, [f"y = {inner}(z)", f'L = {outer}(y, t, reduction="{reduction}")'])
    short, long = solve_problem(problem), solve_problem(problem, Settings(exact=True, expand=True))
    (step,) = [step for step in short.steps if step.name == "dL/dz"]
    assert step.words == SHORTCUTS[outer, inner].words
    assert "dL/dy" not in short.names
    assert "dL/dy" in long.names
    for name in ("dL/dz", "dL/dW"):
        np.testing.assert_allclose(short[name], long[name], rtol=1e-10, atol=1e-12)
    assert check(problem).ok


def test_a_shortcut_is_not_taken_where_the_targets_do_not_add_to_1() -> None:
    problem = shortcut_problem(
        np.array([[0.5, 1.0], [1.0, 0.0], [0.0, 0.7]]), ["y = softmax(z)", "L = cross_entropy(y, t)"]
    )
    trace = solve_problem(problem)
    assert not any("in one step" in step.words for step in trace.steps)
    p, t = trace["y"], trace["t"]
    np.testing.assert_allclose(trace["dL/dz"], p * t.sum(axis=0) - t, rtol=1e-12, atol=1e-14)
    assert check(problem).ok


def test_a_shortcut_is_not_taken_where_the_inner_gradient_is_asked_for() -> None:
    problem = shortcut_problem(ONE_HOT, ["y = softmax(z)", "L = cross_entropy(y, t)"])
    asked = nnsteps.Problem(
        given={name: given.value for name, given in problem.given.items()},
        steps=["z = W @ x", "y = softmax(z)", "L = cross_entropy(y, t)"], gradient={"of": "L", "wrt": ["y", "z"]},
    )  # fmt: skip
    trace = solve_problem(asked)
    np.testing.assert_allclose(trace["dL/dy"], -trace["t"] / trace["y"])
    np.testing.assert_allclose(trace["dL/dz"], trace["y"] - trace["t"], atol=1e-14)


def test_a_shortcut_is_not_taken_along_the_other_axis() -> None:
    problem = shortcut_problem(ONE_HOT, ["y = softmax(z, axis=1)", "L = cross_entropy(y, t)"])
    assert not any("in one step" in step.words for step in solve_problem(problem).steps)
    assert check(problem).ok


@pytest.mark.parametrize("y", [[0, 1, 1], [0.5, 0.2, 0.1], [0, 0, 0]])
def test_a_closed_gradient_is_not_used_where_its_condition_fails(y: list[float]) -> None:
    problem = nnsteps.Problem(
        given={"z": [0.3, -1, 2], "y": y},
        steps=["L = softmax_cross_entropy(z, y)"],
        gradient={"of": "L", "wrt": ["z", "y"]},
    )
    assert check(problem).ok


# --- the laws can fail -------------------------------------------------------------------------------------------


def test_a_wrong_rule_is_refused() -> None:
    tanh = REGISTRY["tanh"]
    law_2(tanh, *drawn(tanh))
    for rule in ("g * (1 - out)", "g", "-g * (1 - out * out)", "g * (1 - out * out) + 0.00001 * x"):
        with pytest.raises(AssertionError):
            law_2(dataclasses.replace(tanh, grad={"x": rule}), *drawn(tanh))


def test_a_wrong_cell_is_refused() -> None:
    tanh = REGISTRY["tanh"]
    for cell in (
        lambda at, x: fn("tanh", fn("mul", x[at], 1 + 1e-10)),
        lambda at, x: x[at],
        lambda at, x: fn("tanh", x[(0, 0)]),
    ):
        with pytest.raises(AssertionError):
            law_1(dataclasses.replace(tanh, cell=cell), *drawn(tanh))


def test_what_is_falsely_called_flat_is_refused() -> None:
    with pytest.raises(AssertionError):
        law_flat(dataclasses.replace(REGISTRY["tanh"], grad={}), *drawn(REGISTRY["tanh"]))


NETWORK = nnsteps.Problem(
    given={"W": [[0.5, -0.3], [0.2, 0.8]], "x": [1, 2], "t": [1, 0]},
    steps=["z = W @ x", "a = tanh(z)", "y = softmax(a)", "L = cross_entropy(y, t)"],
    gradient={"of": "L", "wrt": ["W", "x"]},
)


def test_the_self_check_refuses_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(NETWORK).ok
    monkeypatch.setitem(REGISTRY, "tanh", dataclasses.replace(REGISTRY["tanh"], grad={"x": "g * (1 - out)"}))
    report = check(NETWORK)
    assert not report.ok
    assert any("dL/dW[1,1]" in failure and "a central difference gives" in failure for failure in report.failures)


def test_the_self_check_refuses_a_wrong_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dataclasses.replace(REGISTRY["tanh"], cell=lambda at, x: fn("tanh", fn("mul", x[at], 1 + 1e-9)))
    monkeypatch.setitem(REGISTRY, "tanh", wrong)
    report = check(NETWORK)
    assert any(failure.startswith("problem: a[1] is ") and "its arithmetic" in failure for failure in report.failures)
    assert any("its worked line" in failure for failure in report.failures)


def test_the_self_check_refuses_a_wrong_shortcut(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SHORTCUTS["cross_entropy", "softmax"]
    monkeypatch.setitem(
        SHORTCUTS, ("cross_entropy", "softmax"), dataclasses.replace(right, grad=lambda options, shapes: "g * (y - p)")
    )
    assert not check(NETWORK).ok


def test_the_self_check_refuses_a_wrong_closed_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = nnsteps.Problem(
        given={"z": [1, 2]}, steps=["y = softmax(z)", "L = sum(y * y)"], gradient={"of": "L", "wrt": ["z"]}
    )
    assert check(problem).ok
    monkeypatch.setitem(
        COMPOUNDS, "softmax", dataclasses.replace(COMPOUNDS["softmax"], grad=lambda options, shapes: {"x": "out * g"})
    )
    assert not check(problem).ok


def test_the_self_check_refuses_a_wrong_stable_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells are explained, so they agree with themselves; the published answer does not."""
    wrong = Stable("max(abs(x)) > 700", ("e = exp(x - max(x))", "out = e"), "wrong")
    monkeypatch.setitem(COMPOUNDS, "softmax", dataclasses.replace(COMPOUNDS["softmax"], stable=lambda options: wrong))
    answers = {"exact": {"y": [0.5, 0.5]}}
    assert not check(nnsteps.Problem(given={"z": [1000, 1000]}, steps=["y = softmax(z)"], answers=answers)).ok
