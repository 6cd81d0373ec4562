"""Numbers at the ends of what a computer holds: right or told, and never nan, inf or −0 on a page.

Expected values are computed with 700 digits by the `decimal` module, which has no overflow in this range.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Context, Decimal, localcontext

import pytest

from nnsteps import solve
from nnsteps.errors import NumberError
from nnsteps.layout import page
from nnsteps.problem import Problem
from nnsteps.render import terminal
from nnsteps.trace import Trace
from nnsteps.view import View

Numbers = list[Decimal]
EXTREMES = [
    [1e3, -1e3], [1e3, 1e3, -1e3], [-1e3, -1e3], [1e300, -1e300], [1e300, 1e300], [-1e300, -1e300], [0, -1e300],
    [1e-300, -1e-300], [5e-324, 0], [7, 7, 7], [1e3], [-1e300], [5e-324], [0], [710, 709, -745], [40, -40, 0],
]  # fmt: skip
NO_NUMBER = re.compile(r"(?<!\w)(nan|inf|NaN|Infinity)(?!\w)|∞|[-−]0(?![.\d])|[-−]0\.0*(?![\d])")


def sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp()) if x >= 0 else x.exp() / (1 + x.exp())


def softplus(x: Decimal) -> Decimal:
    return max(x, Decimal(0)) + (1 + (-abs(x)).exp()).ln()


def shares(x: Numbers) -> Numbers:
    powers = [(one - max(x)).exp() for one in x]
    return [power / sum(powers) for power in powers]


def logsumexp(x: Numbers) -> Decimal:
    return max(x) + sum((one - max(x)).exp() for one in x).ln()


# formula and what is made of it: its values, and the gradient of the loss Σ k·y with weights k = 1, 2, … (Σ y, if one)
Expected = tuple[Numbers, Numbers]


def _softmax(x: Numbers, k: Numbers) -> Expected:
    p = shares(x)
    mean = sum(a * b for a, b in zip(p, k, strict=True))
    return p, [a * (b - mean) for a, b in zip(p, k, strict=True)]


def _log_softmax(x: Numbers, k: Numbers) -> Expected:
    return [one - logsumexp(x) for one in x], [b - a * sum(k) for a, b in zip(shares(x), k, strict=True)]


def _from_logits(x: Numbers, k: Numbers) -> Expected:
    return [logsumexp(x) - x[0]], [p - (i == 0) for i, p in enumerate(shares(x))]


def _binary(x: Numbers, k: Numbers) -> Expected:
    each = [softplus(one) - one * (i == 0) for i, one in enumerate(x)]
    return [sum(each) / len(x)], [(sigmoid(one) - (i == 0)) / len(x) for i, one in enumerate(x)]  # type: ignore[list-item]


FUNCTIONS: dict[str, Callable[[Numbers, Numbers], Expected]] = {
    "softmax(x)": _softmax,
    "log_softmax(x)": _log_softmax,
    "logsumexp(x)": lambda x, k: ([logsumexp(x)], shares(x)),
    "logsumexp(x, axis=0)": lambda x, k: ([logsumexp(x)], shares(x)),
    "sigmoid(x)": lambda x, k: (
        [sigmoid(a) for a in x],
        [b * sigmoid(a) * sigmoid(-a) for a, b in zip(x, k, strict=True)],
    ),
    "softplus(x)": lambda x, k: ([softplus(a) for a in x], [b * sigmoid(a) for a, b in zip(x, k, strict=True)]),
    "softmax_cross_entropy(x, t)": _from_logits,
    "cross_entropy(softmax(x), t)": _from_logits,
    "bce_with_logits(x, t)": _binary,
}


def worked(formula: str, x: list[float]) -> Trace:
    """The problem solved: y, L = Σ k·y with weights k = 1, 2, … where y has several numbers, and dL/dx."""
    t, k = [float(i == 0) for i in range(len(x))], [float(i + 1) for i in range(len(x))]
    several = not formula.startswith(("logsumexp", "softmax_cross", "cross", "bce"))
    steps = [f"y = {formula}", "L = sum(y * k)" if several else "L = sum(y)"]
    return solve(Problem(given={"x": x, "t": t, "k": k}, steps=steps, gradient={"of": "L", "wrt": ["x"]}))


def written(trace: Trace) -> str:
    return terminal.plain(terminal.draw(page(trace, View(work="all")), 100, False))


def close(found: float, wanted: Decimal) -> bool:
    """To 12 digits, or to a rounding error of a number of size 1."""
    return abs(found - float(wanted)) <= 1e-12 * abs(float(wanted)) + 2e-15


@pytest.mark.parametrize("x", EXTREMES, ids=str)
@pytest.mark.parametrize("formula", FUNCTIONS)
def test_values_and_gradients_are_right_and_the_page_has_numbers_only(formula: str, x: list[float]) -> None:
    if formula.startswith("cross_entropy") and shares_vanish(x):
        pytest.skip("a probability of 0: the loss from the logits is for this")
    trace = worked(formula, x)
    with localcontext(Context(prec=700, Emax=10**9, Emin=-(10**9))):
        values, slopes = FUNCTIONS[formula]([Decimal(one) for one in x], [Decimal(i + 1) for i in range(len(x))])
    for name, wanted in (("y", values), ("dL/dx", slopes)):
        found = trace[name].ravel().tolist()
        assert all(close(a, b) for a, b in zip(found, wanted, strict=True)), (name, found, [float(b) for b in wanted])
    assert not NO_NUMBER.search(written(trace))


def shares_vanish(x: list[float]) -> bool:
    """Whether the probability of the right class is too small for a number."""
    return max(x) - x[0] > 745


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("log(x)", "in y, log 0 has no value"),
        ("x / x", "in y, 0 ÷ 0 divides by zero"),
        ("exp(x + 1000)", "in y, e^1000 is too large for a number (overflow)"),
        ("(x + 1e200) ** 2", "is too large for a number (overflow)"),
    ],
)
def test_what_has_no_value_is_named_at_its_step(formula: str, words: str) -> None:
    with pytest.raises(NumberError) as caught:
        solve(Problem(given={"x": 0}, steps=[f"y = {formula}"]))
    assert caught.value.message.startswith("in y, ")
    assert caught.value.message.endswith(words)


def test_0_times_log_0_counts_as_0_in_a_cross_entropy() -> None:
    trace = solve(Problem(given={"p": [1, 0], "t": [1, 0]}, steps=["L = cross_entropy(p, t)"]))
    assert trace["L"] == 0
    assert not NO_NUMBER.search(written(trace))


def test_underflow_to_0_is_a_result() -> None:
    assert solve(Problem(given={"x": -1000}, steps=["y = exp(x)"]))["y"] == 0


@pytest.mark.parametrize(
    ("x", "is_told"),
    [([1e9, 1e9 + 1], True), ([1e12, 1e12 + 1, 1e12 + 2], True), ([1, 2], False), ([7, 7], False), ([1e9, 0], False)],
)
def test_a_variance_of_which_few_digits_are_left_says_so(x: list[float], is_told: bool) -> None:
    trace = solve(Problem(given={"x": x}, steps=["v = var(x)"]))
    exact = [Decimal(one) for one in x]
    mean = sum(exact) / len(x)
    assert close(trace["v"].item(), sum((one - mean) ** 2 for one in exact) / len(x))  # type: ignore[arg-type]
    assert ("few digits of the differences" in " ".join(written(trace).split())) == is_told
