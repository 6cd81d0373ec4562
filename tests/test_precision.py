"""How exactly a number can be known: against arithmetic with fractions and with many digits."""

import math
import random
from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import pytest

from nnsteps import precision, scalar
from nnsteps.scalar import Const, Fn, Ref, Tree, add, fn, neg

UNIT = 2.0**-53


def cell(k: int) -> Ref:
    return Ref(0, (k, 0))


def scale(tree: Tree, *numbers: float) -> float:
    return precision.scale(tree, lambda ref: numbers[ref.at[0]])


X, Y, Z = cell(0), cell(1), cell(2)


@pytest.mark.parametrize(
    ("tree", "numbers", "expected"),
    [
        (X, (5,), 5),
        (add([X, Y]), (1e9, -1e9), 2e9),
        (fn("mul", 0.5, add([X, Y])), (1e9, -1e9), 1e9),
        (fn("div", add([X, Y]), 4), (1e9, -1e9), 5e8),
        (fn("div", fn("mul", 2, add([X, Y])), 4), (8, -8), 8),
        (fn("pow", add([X, Y]), 2), (8, -7), 2 * 15),
        (fn("sqrt", add([X, Y])), (8, -4), 0.5 / 2 * 12),
        (fn("log", add([X, Y])), (9, -8), 17),
        (fn("abs", add([X, Y])), (8, -8), 16),
        (fn("max", 0, add([X, Y])), (8, -8), 16),
        (fn("floor", add([X, Y])), (8, -5.5), 2),  # the steps of a floor lose nothing
        (fn("exp", X), (10,), math.exp(10)),  # a reference is the same number for everybody
    ],
)
def test_the_scale_is_that_of_the_terms_also_where_they_cancel(
    tree: Tree, numbers: tuple[float, ...], expected: float
) -> None:
    assert scale(tree, *numbers) == pytest.approx(expected)


def random_tree(rng: random.Random, depth: int) -> Tree:
    if depth == 0:
        return cell(rng.randrange(6))
    inner = [random_tree(rng, depth - 1) for _ in range(rng.randint(2, 3))]
    name = rng.choice(["add", "add", "mul", "div", "pow", "neg", "abs", "sqrt", "exp", "log"])
    match name:
        case "add":
            return add([inner[0], *map(neg, inner[1:])])
        case "mul" | "div":
            return fn(name, *inner[:2])
        case "pow":
            return fn("pow", inner[0], 2)
        case "exp":
            return fn("exp", fn("div", inner[0], fn("add", 1, fn("abs", inner[0]))))
        case "sqrt" | "log":
            return fn(name, fn("add", 0.5, fn("abs", inner[0])))
        case _:
            return fn(name, inner[0])


def accurate(tree: Tree, numbers: list[float]) -> Decimal:
    """The value with 60 digits."""
    if isinstance(tree, Ref):
        return Decimal(numbers[tree.at[0]])
    if isinstance(tree, Const):
        return Decimal(tree.value)
    args: list[Any] = [accurate(arg, numbers) for arg in tree.args]
    match tree.name:
        case "add":
            return sum(args, Decimal(0))
        case "mul":
            return args[0] * args[1]
        case "div":
            return args[0] / args[1]
        case "pow":
            return args[0] ** 2
        case "neg":
            return -args[0]
        case "abs":
            return abs(args[0])
        case "sqrt":
            return args[0].sqrt()
        case "exp":
            return args[0].exp()
        case _:
            assert tree.name == "log"
            return args[0].ln()


def naive(tree: Tree, numbers: list[float]) -> float:
    """The value as NumPy might find it: sums from left to right, every operation rounded."""
    if not isinstance(tree, Fn):
        return tree.value if isinstance(tree, Const) else numbers[tree.at[0]]
    args = [naive(arg, numbers) for arg in tree.args]
    if tree.name == "add":
        total = 0.0
        for term in args:
            total += term
        return total
    return float(scalar.FUNCTIONS[tree.name](*args))


def test_two_ways_to_a_number_differ_by_a_few_units_of_its_scale_and_no_more() -> None:
    getcontext().prec = 60
    rng, checked, cancelled = random.Random(1), 0, 0
    for _ in range(3_000):
        tree = random_tree(rng, rng.randint(1, 4))
        numbers = [rng.choice([-2.4, -1.2, -0.6, 0.1, 0.3, 0.6, 1.2, 1.8]) for _ in range(6)]
        try:
            expected, found = accurate(tree, numbers), naive(tree, numbers)
        except (ArithmeticError, ValueError, OverflowError):
            continue
        size = scale(tree, *numbers)
        if not math.isfinite(found) or not math.isfinite(size):
            continue
        checked += 1
        cancelled += size > 1e6 * abs(found)
        assert abs(Decimal(found) - expected) <= Decimal(40 * UNIT * size), scalar.write(tree, str)
    assert checked > 2_000
    assert cancelled > 10


def test_a_wrong_number_is_still_far_from_its_line() -> None:
    line = fn("div", fn("mul", 2, add([fn("mul", X, Y), Z])), 4)
    numbers = 1.2, 0.5, -0.6  # they cancel
    assert Fraction(scale(line, *numbers)) * Fraction(UNIT) < Fraction(1, 10**15)
