"""Are the laws strong enough? Wrong records, made at random, each of which they must catch.

    python -m tests.mutations --count 200 --seed 1

A mutant is an operation, a compound or a shortcut with one sign, name, number, index, axis, factor or term changed in a
gradient formula, or in the arithmetic of its cells. The tests of `test_laws` that concern it are run on it, in this
process. A mutant that survives is wrong in a way that no law sees, or is right in spite of its looks: those are
explained in EQUIVALENT. Survivors without an explanation make the exit code 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import itertools
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from nnsteps.compounds import COMPOUNDS, SHORTCUTS, Compound, Shortcut
from nnsteps.expr import Attr, Binary, Call, Compare, Expr, Name, Neg, Num, children, mapped, names, number, to_text
from nnsteps.formula import parse
from nnsteps.ops import REGISTRY, Cells, Op
from nnsteps.scalar import Const, Fn, Ref, Tree
from tests import test_laws
from tests.test_laws import drawn

Record = Op | Compound | Shortcut


class Mutant(NamedTuple):
    """A wrong record: where it belongs, and what was changed in it."""

    table: dict[Any, Any]
    key: Any
    record: Record
    change: str

    @property
    def name(self) -> str:
        """The operation, or the two functions of a shortcut."""
        return self.key if isinstance(self.key, str) else " of ".join(self.key)


# (name, change): why no law could see it
COPIED = "shapes are repaired outside of the rules: a gradient with fewer cells is copied into all of them"
EQUIVALENT: Mapping[tuple[str, str], str] = {
    ("mean", "x: spread(g, x) / 3  →  g / 3"): COPIED,
    ("sum", "x: spread(g, x)  →  spread(g, g)"): COPIED,
    ("sum", "x: spread(g, x)  →  g"): COPIED,
    ("max", "x: keep(spread(g, x), first_max(x, axis=axis))  →  keep(spread(g, g), first_max(x, axis=axis))"): COPIED,
    ("sum_to", "x: spread(g, x)  →  spread(g, out)"): COPIED,
    ("stack", "x1: shaped(g[1:1, :, :], x1)  →  shaped(g[1:1, :, :], x2)"): "what is stacked has one shape",
}


# --- changes -----------------------------------------------------------------------------------------------------

OTHER_SIGN = {"+": "-", "-": "+", "*": "/", "/": "*", "**": "*", "@": "*"}
OTHER_CLAIM = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "!=", "!=": "=="}
OTHER_FUNCTION = {
    "max": "min", "min": "max", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "ne", "ne": "eq", "and": "or",
    "or": "and", "sin": "cos", "cos": "sin", "exp": "tanh", "tanh": "sin", "log": "sqrt", "sqrt": "abs", "abs": "neg",
    "div": "mul", "mul": "add", "add": "mul", "pow": "mul", "sub": "add", "xlogy": "mul", "xdivy": "mul",
}  # fmt: skip


def changed_formulas(expr: Expr, known: list[str]) -> Iterator[Expr]:
    """The formula with one thing in it changed, in every way."""
    yield from _changed(expr, known)
    parts = children(expr)
    for place, part in enumerate(parts):
        for other in changed_formulas(part, known):  # type: ignore[arg-type]
            count = itertools.count()
            yield mapped(
                expr, lambda child, other=other, count=count, place=place: other if next(count) == place else child
            )


def _changed(expr: Expr, known: list[str]) -> Iterator[Expr]:
    match expr:
        case Binary(op=op, left=left, right=right):
            yield Binary(OTHER_SIGN[op], left, right)
            yield left
            yield right
            if op in ("-", "/", "@", "**"):
                yield Binary(op, right, left)
        case Compare(first=first, ops=(op,), rest=rest):
            yield Compare(first, (OTHER_CLAIM[op],), rest)
        case Neg(operand=operand):
            yield operand
        case Attr(base=base):
            yield base
        case Num(value=value):
            yield number(value + 1)
            yield number(value * 2)
        case Name(id=name):
            yield from (Name(other) for other in known if other != name)
        case Call(fn=fn, args=args, options=options):
            for place, (option, value) in enumerate(options):
                rest = options[:place] + options[place + 1 :]
                yield Call(fn, args, rest)
                if isinstance(value, Num):
                    yield Call(fn, args, (*rest, (option, number(abs(1 - value.value)))))
            if fn in ("sum", "spread", "keep", "relu", "sigmoid", "exp", "abs", "sign", "sin", "cos", "transpose"):
                yield args[0]


def changed_trees(tree: Tree, shapes: Mapping[int, tuple[int, ...]]) -> Iterator[Tree]:
    """The arithmetic of a cell with one thing in it changed, in every way."""
    if isinstance(tree, Const):
        yield Const(tree.value + 1)
        yield Const(-tree.value if tree.value else 2.0)
    elif isinstance(tree, Ref):
        for axis, side in enumerate(shapes[tree.node]):
            if side > 1:
                at = list(tree.at)
                at[axis] = (at[axis] + 1) % side
                yield Ref(tree.node, tuple(at))
    else:
        if tree.name in OTHER_FUNCTION:
            yield Fn(OTHER_FUNCTION[tree.name], tree.args)
        for place, part in enumerate(tree.args):
            rest = tree.args[:place] + tree.args[place + 1 :]
            if tree.name in ("add", "mul", "max", "min", "and", "or") and len(rest) > 1:
                yield Fn(tree.name, rest)
            elif rest and not (tree.name == "if" and rest == (Const(1.0), Const(0.0))):  # a claim is 1 or 0 anyhow
                yield part
            for other in changed_trees(part, shapes):
                yield Fn(tree.name, (*tree.args[:place], other, *tree.args[place + 1 :]))
        if len(tree.args) == 1:
            yield tree.args[0]


# --- mutants -----------------------------------------------------------------------------------------------------


def _nth(options: list[Any], where: float) -> Any:
    return options[int(where * len(options))]


def _wrong_rule(
    rules: Mapping[str, str | None], argument: str, known: list[str], where: float
) -> dict[str, str | None]:
    text = rules.get(argument)
    if text is None:
        return dict(rules)
    found = [*changed_formulas(parse(text), known), Neg(parse(text))]
    return {**rules, argument: to_text(_nth(found, where))}


def _said(record: Op | Compound, argument: str) -> str | None:
    inputs, options = drawn(record)
    return (record.rules(options, tuple(x.shape for x in inputs)) or {}).get(argument)


def wrong_gradient(record: Op | Compound, rng: random.Random) -> Mutant | None:
    """A record with one of its gradient formulas changed, in the same way for all options."""
    inputs, options = drawn(record)
    rules = record.rules(options, tuple(x.shape for x in inputs)) or {}
    written = [argument for argument, rule in rules.items() if rule is not None]
    if not written:
        return None
    argument, where = rng.choice(written), rng.random()
    known = ["g", "out", *(record.argument(k) for k in range(len(inputs)))]

    def grad(options: Any, shapes: Any) -> Mapping[str, str | None]:
        return _wrong_rule(record.rules(options, shapes) or {}, argument, known, where)

    wrong = dataclasses.replace(record, grad=grad)
    if _said(wrong, argument) == to_text(parse(rules[argument] or "")):
        return None
    change = f"{argument}: {rules[argument]}  →  {_said(wrong, argument)}"
    return Mutant(REGISTRY if isinstance(record, Op) else COMPOUNDS, record.name, wrong, change)  # type: ignore[arg-type]


def wrong_shortcut(key: tuple[str, str], rng: random.Random) -> Mutant:
    """A shortcut with its formula changed."""
    rule, where = SHORTCUTS[key], rng.random()

    def change(text: str) -> str:
        expr = parse(text)
        return to_text(_nth([*changed_formulas(expr, names(expr)), Neg(expr)], where))

    wrong = dataclasses.replace(rule, grad=lambda options, shapes: change(rule.grad(options, shapes)))
    text = rule.grad({"reduction": "sum"}, ((2, 2), (2, 2)))
    return Mutant(SHORTCUTS, key, wrong, f"{text}  →  {change(text)}")


def wrong_cell(op: Op, rng: random.Random) -> Mutant | None:
    """An operation whose cells are explained wrongly, all in the same way."""
    where = rng.random()

    def cell(at: Any, *xs: Cells, **options: Any) -> Tree:
        tree = op.cell(at, *xs, **options)
        found = list(changed_trees(tree, {x.node: x.shape for x in xs}))
        return _nth(found, where) if found else tree

    inputs, options = drawn(op)
    at = (0,) * op.value(*inputs, **options).ndim
    cells = [Cells(k, x.shape) for k, x in enumerate(inputs)]
    before, after = op.cell(at, *cells, **options), cell(at, *cells, **options)
    if before == after:
        return None
    change = f"cell: {_short(before)}  →  {_short(after)}"
    return Mutant(REGISTRY, op.name, dataclasses.replace(op, cell=cell), change)


def _short(tree: Tree) -> str:
    if isinstance(tree, Const):
        return f"{tree.value:g}"
    if isinstance(tree, Ref):
        return f"x{tree.node + 1}[{','.join(str(k + 1) for k in tree.at)}]"
    return f"{tree.name}({', '.join(map(_short, tree.args))})"


def mutants(count: int, seed: int) -> Iterator[Mutant]:
    """So many wrong records, no two alike."""
    rng, seen = random.Random(seed), set[tuple[str, str]]()
    kinds: list[Callable[[], Mutant | None]] = [
        lambda: wrong_gradient(REGISTRY[rng.choice(sorted(REGISTRY))], rng),
        lambda: wrong_gradient(COMPOUNDS[rng.choice(sorted(COMPOUNDS))], rng),
        lambda: wrong_cell(REGISTRY[rng.choice(sorted(REGISTRY))], rng),
        lambda: wrong_shortcut(rng.choice(sorted(SHORTCUTS)), rng),
    ]
    while len(seen) < count:
        mutant = rng.choices(kinds, weights=(8, 4, 8, 1))[0]()
        if mutant is not None and (mutant.name, mutant.change) not in seen:
            seen.add((mutant.name, mutant.change))
            yield mutant


# --- the laws ----------------------------------------------------------------------------------------------------


class Law(NamedTuple):
    """A test with its arguments."""

    test: Callable[..., None]
    arguments: Mapping[str, Any]
    source: str


@cache
def laws() -> tuple[Law, ...]:
    """All tests of test_laws."""
    found = []
    for name, test in inspect.getmembers(test_laws, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        source = inspect.getsource(test)
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        for chosen in itertools.product(*(mark.args[1] for mark in marks)):
            arguments: dict[str, Any] = {}
            for (asked, _), values in zip((mark.args for mark in marks), chosen, strict=True):
                arguments |= {asked: values} if isinstance(asked, str) else dict(zip(asked, values, strict=True))
            if set(arguments) == set(inspect.signature(test).parameters):  # not those that need a fixture
                found.append(Law(test, arguments, source))
    return tuple(found)


def _concerns(law: Law, key: Any) -> bool:
    """Whether a test goes through the record: by its name, as one of a family of operations, or in its text."""
    if isinstance(key, tuple):
        return (law.arguments.get("outer"), law.arguments.get("inner")) == key
    asked = law.arguments.get("name")
    of_family = isinstance(asked, str) and key.startswith(f"{asked}_") and "_grad" in law.source
    return asked == key or of_family or f'REGISTRY["{key}"]' in law.source


def survives(mutant: Mutant) -> bool:
    """Whether every law holds for a wrong record."""
    right = mutant.table[mutant.key]
    mutant.table[mutant.key] = mutant.record
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for law in laws():
                if _concerns(law, mutant.key):
                    law.test(**law.arguments)
    except Exception:  # an assertion that fails, or a formula that means nothing
        return False
    finally:
        mutant.table[mutant.key] = right
    return True


def main() -> int:
    """Make mutants, tell which of them survive."""
    parser = argparse.ArgumentParser(description="Try the laws on wrong records.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    survivors = unexplained = 0
    for mutant in mutants(asked.count, asked.seed):
        if survives(mutant):
            reason = EQUIVALENT.get((mutant.name, mutant.change))
            print(f"{mutant.name}   {mutant.change}\n    {reason or 'SURVIVED, and is not explained'}", flush=True)
            survivors, unexplained = survivors + 1, unexplained + (reason is None)
    print(f"{asked.count} mutants: {asked.count - survivors} caught, {survivors} survived, "
          f"{unexplained} of them not explained")  # fmt: skip
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
