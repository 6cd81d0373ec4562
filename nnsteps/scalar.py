"""Cell arithmetic: the small tree that explains one number. Knows no arrays, no names and no formats.

Theory of operation. A tree is made of three things: `Ref` (one cell of a recorded array), `Const` (a number that the
formula itself holds) and `Fn` (one of the functions in FUNCTIONS). `evaluate` computes a tree, `inline` replaces
references by the trees behind them, `write` prints it. Whoever prints it supplies how a number looks, so the same
tree becomes `1·2 − 1·1`, `W₁[1,1]·x[1]` or a spreadsheet formula. Subtraction is the addition of a negation, so that
long sums are flat.

To add a function: one entry in FUNCTIONS, and its form in `write` if it is not written like a call.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from nnsteps.rounding import half_away


class Ref(NamedTuple):
    """One cell of a recorded array; `at` counts from 0."""

    node: int
    at: tuple[int, ...]


class Const(NamedTuple):
    """A number that stands in the formula itself."""

    value: float


class Fn(NamedTuple):
    """A function of smaller trees."""

    name: str
    args: tuple[Tree, ...]


Tree = Ref | Const | Fn


def fn(name: str, *args: Tree | float) -> Fn:
    """The tree of a function; plain numbers become constants."""
    return Fn(name, tuple(arg if isinstance(arg, (Ref, Const, Fn)) else Const(float(arg)) for arg in args))


def add(terms: Iterable[Tree]) -> Tree:
    """A flat sum; a sum of one term is that term, a sum of none is 0."""
    flat: list[Tree] = []
    for term in terms:
        if isinstance(term, Fn) and term.name == "add":
            flat.extend(term.args)
        else:
            flat.append(term)
    if not flat:
        return Const(0.0)
    return flat[0] if len(flat) == 1 else Fn("add", tuple(flat))


def sub(left: Tree, right: Tree) -> Tree:
    """left − right, as a flat sum."""
    if isinstance(right, Fn) and right.name == "add":
        return add([left, Fn("neg", (right,))])
    return add([left, neg(right)])


def neg(tree: Tree) -> Tree:
    """−tree; two negations cancel."""
    if isinstance(tree, Fn) and tree.name == "neg":
        return tree.args[0]
    return Const(-tree.value) if isinstance(tree, Const) and tree.value < 0 else Fn("neg", (tree,))


OPPOSITE: Mapping[str, str] = MappingProxyType({"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"})


# --- values ------------------------------------------------------------------------------------------------------


def _divide(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


def _power(a: float, b: float) -> float:
    try:
        value = a**b
    except ZeroDivisionError:
        return math.inf
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    return math.nan if isinstance(value, complex) else float(value)


def _exp(x: float) -> float:
    return math.exp(x) if x < 709.782712893384 else math.inf


def _log(x: float) -> float:
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def _sum(*terms: float) -> float:
    return math.fsum(terms) if all(map(math.isfinite, terms)) else sum(terms)


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "add": _sum,
    "mul": lambda *factors: math.prod(factors),
    "neg": lambda x: -x,
    "div": _divide,
    "pow": _power,
    "exp": _exp,
    "log": _log,
    "sqrt": lambda x: math.sqrt(x) if x >= 0 else math.nan,
    "log2": lambda x: math.log2(x) if x > 0 else _log(x),
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "erf": math.erf,
    "abs": abs,
    "sign": lambda x: float((x > 0) - (x < 0)),
    "floor": lambda x: float(math.floor(x)),
    "round": half_away,
    "max": lambda *numbers: max(numbers),
    "min": lambda *numbers: min(numbers),
    "if": lambda condition, yes, no: yes if condition else no,
    "choose": lambda place, *numbers: numbers[int(place) - 1],  # counted from 1
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "eq": lambda a, b: float(a == b),
    "ne": lambda a, b: float(a != b),
    "and": lambda *claims: float(all(claims)),
    "or": lambda *claims: float(any(claims)),
    "xlogy": lambda x, y: 0.0 if x == 0 else x * _log(y),
    "xdivy": lambda x, y: 0.0 if x == 0 else _divide(x, y),
}


def evaluate(tree: Tree, look_up: Callable[[Ref], float]) -> float:
    """The value of a tree. Branches that are not taken are not computed."""
    if isinstance(tree, Const):
        return tree.value
    if isinstance(tree, Ref):
        return look_up(tree)
    if tree.name == "if":
        condition, yes, no = tree.args
        return evaluate(yes if evaluate(condition, look_up) else no, look_up)
    return float(FUNCTIONS[tree.name](*(evaluate(arg, look_up) for arg in tree.args)))


def inline(tree: Tree, expand: Callable[[Ref], Tree | None]) -> Tree:
    """The same tree with references replaced by what `expand` gives for them; None leaves a reference alone."""
    while isinstance(tree, Ref):
        inner = expand(tree)
        if inner is None:
            return tree
        tree = inner
    if isinstance(tree, Const):
        return tree
    args = [inline(arg, expand) for arg in tree.args]
    if tree.name in ("if", "and", "or"):
        claims = 1 if tree.name == "if" else len(args)
        args[:claims] = [_claim(arg) for arg in args[:claims]]
    if all(map(operator.is_, args, tree.args)):
        return tree
    if tree.name == "add":
        return add(args)
    return neg(args[0]) if tree.name == "neg" and not _is_sum(args[0]) else Fn(tree.name, tuple(args))


def _claim(tree: Tree) -> Tree:
    """A claim without the 1 and 0 that it gives, where only the claim counts."""
    if isinstance(tree, Fn) and tree.name == "if" and tree.args[1:] == (Const(1.0), Const(0.0)):
        return tree.args[0]
    return tree


def taken(tree: Tree, look_up: Callable[[Ref], float]) -> Tree:
    """The tree with each `choose` replaced by what it chooses, as a person would write it."""
    if not isinstance(tree, Fn):
        return tree
    if tree.name == "choose":
        return taken(tree.args[int(evaluate(tree.args[0], look_up))], look_up)
    args = tuple([taken(arg, look_up) for arg in tree.args])
    return tree if args == tree.args else Fn(tree.name, args)


def refs(tree: Tree) -> Iterator[Ref]:
    """Every reference of the tree, from left to right."""
    if isinstance(tree, Ref):
        yield tree
    elif isinstance(tree, Fn):
        for arg in tree.args:
            yield from refs(arg)


# --- writing -----------------------------------------------------------------------------------------------------


class Signs(NamedTuple):
    """The symbols that arithmetic is written with."""

    minus: str = "−"
    times: str = "·"
    divide: str = " ÷ "
    root: str = "√"
    floor: tuple[str, str] = ("⌊", "⌋")
    ne: str = "≠"
    le: str = "≤"
    ge: str = "≥"
    raised: Mapping[float, str] = MappingProxyType({})


PAPER = Signs(raised=MappingProxyType({float(k): raised for k, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}))
ASCII = Signs(minus="-", times="*", divide=" / ", root="sqrt", floor=("floor(", ")"), ne="!=", le="<=", ge=">=")

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
Show = Callable[["Ref | Const"], str]


class Term(NamedTuple):
    """One term of a sum as it is written: its sign, its text, the tree without the sign."""

    sign: str
    text: str
    tree: Tree


def terms(tree: Tree, show: Show, signs: Signs = PAPER) -> list[Term]:
    """The terms of a sum (one for anything else). A negative first factor gives its sign to the term."""
    parts = tree.args if _is_sum(tree) and isinstance(tree, Fn) else (tree,)
    out = []
    for part in parts:
        body, negative = (part.args[0], True) if isinstance(part, Fn) and part.name == "neg" else (part, False)
        text = _at_least(body, PRODUCT, show, signs)
        if text.startswith(signs.minus) and not negative:
            text, negative = text.removeprefix(signs.minus), True
        elif text.startswith(signs.minus):
            text = (
                _product(body.args, show, signs, first=False)
                if isinstance(body, Fn) and body.name == "mul"
                else f"({text})"
            )
        out.append(Term(signs.minus if negative else "+", text, part))
    return out


def write(tree: Tree, show: Show, signs: Signs = PAPER) -> str:
    """The tree as text: `1·2 − 1·1 + 1·3 − 5`. `show` writes a reference or a constant."""
    return _write(tree, show, signs)[0]


def join(parts: Iterable[Term], signs: Signs = PAPER, space: str = " ") -> str:
    """Terms as one line; the first shows its sign only if it is negative."""
    text = ""
    for place, term in enumerate(parts):
        if place == 0:
            text = (signs.minus if term.sign != "+" and not is_nothing(term.text) else "") + term.text
        else:
            text += f" {term.sign}{space}{term.text}"
    return text


def _is_sum(tree: Tree) -> bool:
    return isinstance(tree, Fn) and tree.name == "add"


def _at_least(tree: Tree, level: int, show: Show, signs: Signs) -> str:
    text, own = _write(tree, show, signs)
    return text if own >= level else f"({text})"


def _factor(tree: Tree, first: bool, show: Show, signs: Signs, level: int = PRODUCT) -> str:
    """A factor: only a negative one that is not the first stands in brackets."""
    text, own = _write(tree, show, signs)
    if own < level or (text.startswith(signs.minus) and not first):
        return f"({text})"
    return text


def _product(args: tuple[Tree, ...], show: Show, signs: Signs, *, first: bool) -> str:
    """Factors; `first` says that a minus may begin the product."""
    factors = [
        _factor(arg, first and place == 0, show, signs, POWER if place or _is_quotient(arg) else PRODUCT)
        for place, arg in enumerate(args)
    ]
    return signs.times.join(factors)


def _is_quotient(tree: Tree) -> bool:
    """Whether a factor would be read with what follows it: 1 ÷ 3·2."""
    while isinstance(tree, Fn) and tree.name == "neg":
        tree = tree.args[0]
    return isinstance(tree, Fn) and tree.name in ("div", "xdivy")


def is_nothing(text: str) -> bool:
    """Whether a product begins with a 0, so that no minus belongs before it."""
    return text == "0" or text[:2] in ("0·", "0*", "0 ")


def _level(text: str) -> int:
    return PRODUCT if any(sign in text for sign in "/×*") else ATOM


def _write(tree: Tree, show: Show, signs: Signs) -> tuple[str, int]:
    if not isinstance(tree, Fn):
        text = show(tree)
        return text, _level(text)
    args = tree.args
    match tree.name:
        case "add":
            return join(terms(tree, show, signs), signs), SUM
        case "mul":
            return _product(args, show, signs, first=True), PRODUCT
        case "neg":
            text = _factor(args[0], False, show, signs)
            return text if is_nothing(text) else signs.minus + text, PRODUCT
        case "div" | "xdivy":
            return _factor(args[0], True, show, signs) + signs.divide + _factor(
                args[1], False, show, signs, POWER
            ), PRODUCT
        case "pow":
            base = _factor(args[0], False, show, signs, ATOM)
            raised = signs.raised.get(args[1].value) if isinstance(args[1], Const) else None
            return base + (raised or "^" + _exponent(args[1], show, signs)), POWER
        case "exp":
            return "e^" + _exponent(args[0], show, signs), POWER
        case "log":
            return "log " + _factor(args[0], False, show, signs, POWER), POWER
        case "sqrt":
            return signs.root + _bracket(args[0], show, signs, always=len(signs.root) > 1), POWER
        case "abs":
            return f"|{_write(args[0], show, signs)[0]}|", ATOM
        case "floor":
            return signs.floor[0] + _write(args[0], show, signs)[0] + signs.floor[1], ATOM
        case "xlogy":
            log = "log " + _factor(args[1], False, show, signs, POWER)
            return _factor(args[0], True, show, signs) + signs.times + log, PRODUCT
        case "lt" | "le" | "gt" | "ge" | "eq" | "ne":
            sign = {"lt": "<", "le": signs.le, "gt": ">", "ge": signs.ge, "eq": "=", "ne": signs.ne}[tree.name]
            left, right = (_write(arg, show, signs)[0] for arg in args)
            return f"{left} {sign} {right}", 0
        case "and" | "or":
            return f" {tree.name} ".join(_at_least(arg, 0, show, signs) for arg in args), 0
        case "if":
            condition, yes, no = (_write(arg, show, signs)[0] for arg in args)
            claim = condition if isinstance(args[0], Fn) else f"{condition} {signs.ne} 0"
            return f"({yes} if {claim}, else {no})", ATOM
        case "round" if args[1] == Const(0.0):
            return f"round({_write(args[0], show, signs)[0]})", ATOM
        case _:
            inner = ", ".join(_write(arg, show, signs)[0] for arg in args)
            return f"{tree.name}({inner})", ATOM


def _exponent(tree: Tree, show: Show, signs: Signs) -> str:
    """What is raised: a number stands as it is, also a negative one; anything longer in brackets."""
    text, own = _write(tree, show, signs)
    return text if own == ATOM or text.removeprefix(signs.minus).replace(".", "").isdigit() else f"({text})"


def _bracket(tree: Tree, show: Show, signs: Signs, *, always: bool) -> str:
    text, own = _write(tree, show, signs)
    return text if own == ATOM and not always and not text.startswith(signs.minus) else f"({text})"
