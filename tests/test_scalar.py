"""Cell arithmetic: values, inlining, writing."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnsteps import scalar
from nnsteps.rounding import Style
from nnsteps.scalar import ASCII, Const, Fn, Ref, Tree, add, fn, neg, sub

X, Y, Z = (Ref(0, (k, 0)) for k in range(3))


def show(part: Ref | Const) -> str:
    return Style(4).write(part.value) if isinstance(part, Const) else "xyz"[part.at[0]]


def values(*numbers: float) -> Callable[[Ref], float]:
    return lambda ref: numbers[ref.at[0]]


VALUES = [
    (add([fn("mul", 2, 3), Const(-1.0)]), 5.0),
    (fn("div", 1, 4), 0.25),
    (fn("div", -1, 0), -math.inf),
    (fn("pow", 2, 10), 1024.0),
    (fn("pow", 0, -1), math.inf),
    (fn("exp", 0), 1.0),
    (fn("exp", 1000), math.inf),
    (fn("log", 0), -math.inf),
    (fn("sqrt", 9), 3.0),
    (fn("abs", -2), 2.0),
    (fn("floor", -2.5), -3.0),
    (fn("round", 2.5, 0), 3.0),
    (fn("round", -2.5, 0), -3.0),
    (fn("max", 1, 5, 3), 5.0),
    (fn("max", 4), 4.0),
    (fn("min", 4), 4.0),
    (fn("if", fn("gt", 2, 1), 10, 20), 10.0),
    (fn("and", 1, 0, 1), 0.0),
    (fn("or", 0, 0, 3), 1.0),
    (fn("xlogy", 0, 0), 0.0),
    (fn("xlogy", 2, 1), 0.0),
    (fn("xdivy", 0, 0), 0.0),
    (fn("eq", 2, 2), 1.0),
    (fn("ne", 2, 2), 0.0),
    (add([]), 0.0),
]


@pytest.mark.parametrize(("tree", "expected"), VALUES)
def test_a_tree_has_this_value(tree: Tree, expected: float) -> None:
    assert scalar.evaluate(tree, values()) == expected


@pytest.mark.parametrize(("name", "args"), [("div", (0, 0)), ("log", (-1,)), ("sqrt", (-1,)), ("pow", (-8, 1 / 3))])
def test_what_has_no_value_is_nan_and_no_exception(name: str, args: tuple[float, ...]) -> None:
    assert math.isnan(scalar.evaluate(fn(name, *args), values()))


def test_a_branch_that_is_not_taken_is_not_computed() -> None:
    def refuse(ref: Ref) -> float:
        raise AssertionError

    assert scalar.evaluate(fn("if", 1, 5, X), refuse) == 5


def test_sums_are_flat_and_negations_cancel() -> None:
    assert add([add([X, Y]), Z]) == Fn("add", (X, Y, Z))
    assert add([X]) == X
    assert neg(neg(X)) == X
    assert neg(Const(-2)) == Const(2)
    assert sub(X, Const(0)) == Fn("add", (X, Fn("neg", (Const(0),))))  # 1 − 0, never 1 + 0


WRITTEN = [
    (add([fn("mul", X, Y), fn("mul", neg(X), Z)]), "x·y − x·z", "x*y - x*z"),
    (sub(X, add([Y, Z])), "x − (y + z)", "x - (y + z)"),
    (fn("mul", X, Const(-2)), "x·(−2)", "x*(-2)"),
    (fn("mul", Const(-2), X), "−2·x", "-2*x"),
    (fn("mul", add([X, Y]), Z), "(x + y)·z", "(x + y)*z"),
    (fn("div", X, fn("mul", Y, Z)), "x ÷ (y·z)", "x / (y*z)"),
    (fn("pow", neg(X), Const(2)), "(−x)²", "(-x)^2"),
    (neg(fn("pow", X, Const(2))), "−x²", "-x^2"),
    (fn("exp", sub(X, Y)), "e^(x − y)", "e^(x - y)"),
    (fn("exp", Const(-1)), "e^−1", "e^-1"),
    (fn("sqrt", X), "√x", "sqrt(x)"),
    (fn("abs", X), "|x|", "|x|"),
    (fn("floor", X), "⌊x⌋", "floor(x)"),
    (fn("if", fn("gt", X, 0), Y, Const(0)), "(y if x > 0, else 0)", "(y if x > 0, else 0)"),
    (fn("max", Const(0), X), "max(0, x)", "max(0, x)"),
    (add([X, Const(-5)]), "x − 5", "x - 5"),
    (fn("le", X, Y), "x ≤ y", "x <= y"),
]


@pytest.mark.parametrize(("tree", "paper", "ascii"), WRITTEN)
def test_a_tree_is_written_with_its_signs(tree: Tree, paper: str, ascii: str) -> None:
    assert scalar.write(tree, show) == paper
    plain = scalar.write(tree, lambda part: show(part).replace("−", "-"), ASCII)
    assert plain == ascii


def test_the_sign_of_a_weight_becomes_the_operator() -> None:
    terms = [fn("mul", a, b) for a, b in ((1, 2), (-1, 1), (1, 3))]
    assert scalar.write(add([*terms, Const(-5)]), show) == "1·2 − 1·1 + 1·3 − 5"


def test_inlining_puts_the_inner_arithmetic_in_place() -> None:
    inner = {0: add([Y, Z])}
    tree = scalar.inline(fn("mul", Const(2), X), lambda ref: inner.get(ref.at[0]) if ref == X else None)
    assert scalar.write(tree, show) == "2·(y + z)"


NUMBERS = st.integers(-9, 9).map(lambda number: Const(float(number)))
TREES = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: add(pair)),
        st.tuples(inner, inner).map(lambda pair: sub(*pair)),
        st.tuples(inner, inner).map(lambda pair: fn("mul", *pair)),
        inner.map(neg),
        st.tuples(inner, inner).map(lambda pair: fn("max", *pair)),
        st.tuples(inner, st.integers(0, 3)).map(lambda pair: fn("pow", *pair)),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_what_is_written_in_ascii_means_what_it_says(tree: Tree) -> None:
    text = scalar.write(tree, lambda part: Style(4, ascii=True).write(getattr(part, "value", 0.0)), ASCII)
    expected = scalar.evaluate(tree, values())
    assert eval(text.replace("^", "**"), {"max": max}) == pytest.approx(expected, rel=1e-12)
