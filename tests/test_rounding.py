"""How numbers are written."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnsteps.ops import REGISTRY
from nnsteps.rounding import Style, canonical, decimals, half_away, style_for

HALF_AWAY = [
    (0.5, 0, 1.0),
    (1.5, 0, 2.0),
    (2.5, 0, 3.0),
    (-0.5, 0, -1.0),
    (-2.5, 0, -3.0),
    (2.675, 2, 2.68),  # the nearest float is below, the number on paper is not
    (1.005, 2, 1.01),
    (0.285, 2, 0.29),
    (-1.005, 2, -1.01),
    (0.4999, 0, 0.0),
    (0.1 + 0.2, 1, 0.3),
    (1234.5, -2, 1200.0),
    (1e300, 2, 1e300),
    (1e300, 15, 1e300),
    (1e12, 0, 1e12),
    (1e15, 0, 1e15),
    (123456789012345.0, 0, 123456789012345.0),  # more than 12 digits, but whole
    (123456789012345.6, 0, 123456789012346.0),
    (999999999999.4, 0, 999999999999.0),
    (900000000000.1, 0, 900000000000.0),
    (-123456789012344.5, 0, -123456789012345.0),
    (12345678901.25, 1, 12345678901.3),
]


@pytest.mark.parametrize(("x", "digits", "expected"), HALF_AWAY)
def test_halves_go_away_from_zero(x: float, digits: int, expected: float) -> None:
    assert half_away(x, digits) == expected


@pytest.mark.parametrize(("x", "digits", "expected"), HALF_AWAY)
def test_the_operation_rounds_as_a_person_does_too(x: float, digits: int, expected: float) -> None:
    with np.errstate(over="ignore"):  # as while a problem is solved
        assert REGISTRY["round"].value(np.array([[x]]), digits=digits).item() == expected


def test_rounding_makes_no_minus_zero() -> None:
    assert math.copysign(1, half_away(-0.2)) == 1.0
    assert math.copysign(1, half_away(-0.0)) == 1.0


@pytest.mark.parametrize("x", [math.inf, -math.inf])
def test_infinity_stays_what_it_is(x: float) -> None:
    assert half_away(x, 2) == x


def test_a_number_is_taken_to_twelve_significant_digits() -> None:
    assert canonical(0.1 + 0.2) == canonical(0.3)
    assert canonical(1 / 3) == canonical(0.333333333333)
    assert decimals(0.1 + 0.2) == 1
    assert decimals(100.0) == 0
    assert decimals(1 / 3) == 12


WRITTEN = [
    (3.0, 2, "3", "3"),
    (-0.5, 2, "−0.5", "-0.5"),
    (0.5, 4, "0.5", "0.5"),  # exact: no digit that it does not need
    (0.495462642578, 4, "0.4955", "0.4955"),
    (4.4999999, 2, "4.50", "4.50"),  # rounded: all its decimals
    (2.675, 2, "2.68", "2.68"),
    (-0.004, 2, "0.00", "0.00"),
    (-0.0, 2, "0", "0"),
    (1000000.0, 2, "1000000", "1000000"),
    (1.5e13, 2, "1.5×10¹³", "1.5e13"),
    (1.23456e-7, 4, "1.23×10⁻⁷", "1.23e-7"),
    (-1.23456e-7, 4, "−1.23×10⁻⁷", "-1.23e-7"),
    (9.996e-6, 4, "1.00×10⁻⁵", "1.00e-5"),
    (math.inf, 2, "∞", "inf"),
    (-math.inf, 2, "−∞", "-inf"),
]


@pytest.mark.parametrize(("x", "digits", "paper", "ascii"), WRITTEN)
def test_a_number_is_written(x: float, digits: int, paper: str, ascii: str) -> None:
    assert Style(digits).write(x) == paper
    assert Style(digits, ascii=True).write(x) == ascii


@pytest.mark.parametrize(
    ("x", "text"), [(0.5, "1/2"), (-2 / 3, "−2/3"), (3.0, "3"), (0.1 + 0.2, "3/10"), (math.pi, "3.14")]
)
def test_fractions_are_written_where_there_are_any(x: float, text: str) -> None:
    assert Style(2, fractions=True).write(x) == text


BLOCKS = [
    ([1.0, 2.0, -3.0], 0),
    ([0.5, 0.25], 2),
    ([0.125, 3.0], 3),
    ([1 / 3], 2),
    ([20.0855369, 0.367879441], 2),
    ([0.495462642578, 0.00907471484431], 4),
    ([0.0123456], 3),
    ([0.0], 0),
    ([1e-9, 1 / 3], 2),
    ([], 0),
]


@pytest.mark.parametrize(("numbers", "digits"), BLOCKS)
def test_a_block_has_as_many_decimals_as_its_smallest_number_needs(numbers: list[float], digits: int) -> None:
    assert style_for(numbers).decimals == digits


def test_digits_fix_the_decimals() -> None:
    assert style_for([1 / 3, 0.001], 6).decimals == 6


FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e11, max_value=1e11)


@given(FINITE, st.integers(0, 6))
def test_what_is_shown_is_within_half_a_unit(x: float, digits: int) -> None:
    style = Style(digits)
    unit = 10.0**-digits
    slack = abs(x) * 1e-11  # twelve significant digits come first
    small = 0 < abs(x) < 1e-4
    allowed = max(unit / 2, abs(x) * 0.005 if small else 0) + slack
    assert abs(style.shown(x) - x) <= allowed


@given(FINITE, st.integers(0, 6))
def test_the_text_stands_for_what_is_shown(x: float, digits: int) -> None:
    style = Style(digits, ascii=True)
    assert float(Fraction(style.write(x))) == style.shown(x)
    assert style.write(x) not in ("-0", "-0.0", "-0.00")


@given(FINITE, st.integers(0, 6))
def test_rounding_twice_changes_nothing(x: float, digits: int) -> None:
    once = half_away(x, digits)
    assert half_away(once, digits) == once


@given(FINITE, st.integers(0, 6))
def test_the_sign_only_changes_the_sign(x: float, digits: int) -> None:
    assert half_away(-x, digits) == -half_away(x, digits) + 0.0
