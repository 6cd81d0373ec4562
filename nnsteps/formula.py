"""Formula text to tree. Knows no operations, no arrays and no values.

Formulas are Python syntax read by Python's own `ast` against a whitelist: what the table in `_convert` does not name is
refused, and nothing is ever evaluated. `spelling` looks the text over first and gives the friendlier complaints.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, cast

from nnsteps import spelling
from nnsteps.errors import LimitError, Place, nearest
from nnsteps.expr import (
    Attr,
    Binary,
    Call,
    Compare,
    Expr,
    Index,
    Logic,
    Name,
    Neg,
    Not,
    Num,
    Slice,
    Span,
    Word,
    children,
    mapped,
    mentioned,
    names,
    number,
    substitute,
    to_text,
)
from nnsteps.limits import USUAL, Limits, exceeded
from nnsteps.spelling import Token, refuse

__all__ = [
    "Attr",
    "Binary",
    "Call",
    "Compare",
    "Expr",
    "Index",
    "Logic",
    "Name",
    "Neg",
    "Not",
    "Num",
    "Slice",
    "Span",
    "Word",
    "children",
    "mapped",
    "mentioned",
    "names",
    "number",
    "parse",
    "parse_step",
    "substitute",
    "to_text",
]

TOO_DEEP, SPLIT = "this formula has too many parts inside each other", "Split it into steps."
ATTRIBUTES = ("T", "values", "positions")


def parse(text: str, place: Place | None = None, limits: Limits = USUAL) -> Expr:
    """The tree of one formula; `place` is where its first character stands."""
    place = place or Place("formula", 1, 1, text=text)
    return _parse(spelling.tidy(text, place, limits), place, limits)


def parse_step(text: str, place: Place | None = None, limits: Limits = USUAL) -> tuple[Name | Index, Expr]:
    """Target and formula of `name = formula`; both have spans in the whole text."""
    place = place or Place("step", 1, 1, text=text)
    tidied = spelling.tidy(text, place, limits)
    sign = _equals_sign(tidied, place)
    left, right = tidied[: sign.start], " " * sign.end + tidied[sign.end :]
    if not left.strip():
        refuse(place, sign.start, sign.end, "there is no name before the =", "Write name = formula.")
    if not right.strip():
        refuse(place, sign.start, sign.end, "there is no formula after the =", "Write name = formula.")
    if second := re.match(r"\s*(\w+)\s*=(?!=)", right):
        start, end = second.span(1)
        hint = f"Write a step for each:  {second[1]} = …, then {left.strip()} = {second[1]}"
        refuse(place, start, end, "a step gives one name a value", hint)
    return _target(left, place, limits), _parse(right, place, limits)


_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Source:
    """The text being read, with what is needed to point into it."""

    text: str  # as `ast` was given it
    place: Place
    shift: int  # characters before what `ast` was given
    characters: tuple[int, ...]  # byte offset -> character offset; empty where they are the same
    limits: Limits

    def span(self, node: ast.expr | ast.keyword) -> Span:
        """Where the node stands in the text; `ast` counts bytes."""
        start, end = node.col_offset, cast(int, node.end_col_offset)
        if self.characters:
            start, end = self.characters[start], self.characters[end]
        return start + self.shift, end + self.shift

    def refuse(self, node: ast.expr | ast.keyword, message: str, hint: str | None = None) -> NoReturn:
        refuse(self.place, *self.span(node), message, hint)


def _parse(text: str, place: Place, limits: Limits) -> Expr:
    spelling.check(text, place, limits)
    shift = len(text) - len(text.lstrip())
    stripped = text.strip()
    try:
        tree = ast.parse(stripped, mode="eval").body
    except SyntaxError as error:
        at = shift + max(0, min((error.offset or 1) - 1, len(stripped) - 1))
        refuse(place, at, at + 1, "this cannot be read as a formula")
    except (ValueError, OverflowError):
        refuse(place, shift, shift + 1, "this cannot be read as a formula")
    except (RecursionError, MemoryError):
        raise LimitError(TOO_DEEP, place=place.part(shift, 1), hint=SPLIT) from None
    if (depth := _depth(tree)) > limits["depth"]:
        raise exceeded("depth", limits, TOO_DEEP, depth, place=place.part(shift, 1), hint=SPLIT)
    return _convert(tree, _Source(stripped, place, shift, _characters(stripped), limits))


def _depth(tree: ast.expr) -> int:
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        # a < b < c and "a and b and c" are one node here, and one inside the other when they are computed
        chain = len(node.ops) if isinstance(node, ast.Compare) else len(getattr(node, "values", "  ")) - 1
        waiting.extend((child, depth + chain) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
        if isinstance(node, ast.Call):
            waiting.extend((option.value, depth + 1) for option in node.keywords)
    return deepest


def _characters(text: str) -> tuple[int, ...]:
    if text.isascii():
        return ()
    offsets = [at for at, char in enumerate(text) for _ in char.encode()]
    return (*offsets, len(text))


def _convert(node: ast.expr, source: _Source) -> Expr:
    """The whitelist: one case for each kind of Python expression that a formula may use."""
    span = source.span(node)
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return Num(float(value), source.text[span[0] - source.shift : span[1] - source.shift], span=span)
        case ast.Constant(value=str(text)):
            return Word(text, span=span)
        case ast.Name(id=name):
            return Name(name, span=span)
        case ast.Subscript(value=base, slice=items):
            return Index(_convert(base, source), _items(items, source), span=span)
        case ast.Call(func=ast.Name(id=fn), args=args, keywords=keywords):
            return Call(fn, tuple([_convert(arg, source) for arg in args]), _options(keywords, source), span=span)
        case ast.Call(func=func):
            _refuse_call(func, source)
        case ast.Attribute(value=base, attr=name):
            if name not in ATTRIBUTES:
                _refuse_attribute(node, source)
            return Attr(_convert(base, source), name, span=span)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Neg(_convert(operand, source), span=span)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _convert(operand, source)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Not(_convert(operand, source), span=span)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            expr = Binary(_OPERATORS[type(op)], _convert(left, source), _convert(right, source), span=span)
            if expr.op == "**":
                _check_exponent(expr.right, source)
            return expr
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in _OPERATORS for op in ops):
            signs = tuple(_OPERATORS[type(op)] for op in ops)
            return Compare(_convert(left, source), signs, tuple([_convert(item, source) for item in rest]), span=span)
        case ast.BoolOp(op=op, values=values):
            return Logic(_OPERATORS[type(op)], tuple([_convert(item, source) for item in values]), span=span)
        case ast.Tuple():
            source.refuse(node, "values side by side are no formula", "Write one formula a step.")
    source.refuse(node, "this is Python that formulas do not use")


def _items(node: ast.expr, source: _Source) -> "tuple[Expr | Slice, ...]":
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    if not parts:
        source.refuse(node, "there is nothing in the index", "Write x[1].")
    return tuple([_item(part, source) for part in parts])


def _item(node: ast.expr, source: _Source) -> "Expr | Slice":
    if not isinstance(node, ast.Slice):
        return _convert(node, source)
    if node.step:
        source.refuse(node.step, "a slice has two ends and no step", "Write x[2:4].")
    low, high = (_convert(end, source) if end else None for end in (node.lower, node.upper))
    return Slice(low, high, span=source.span(node))


def _options(keywords: list[ast.keyword], source: _Source) -> "tuple[tuple[str, Expr], ...]":
    found: dict[str, Expr] = {}
    for option in keywords:
        if option.arg is None or option.arg in found:
            source.refuse(option, f"{option.arg or '**'} is given twice", "Keep one of the two.")
        found[option.arg] = _convert(option.value, source)
    return tuple(found.items())


def _refuse_call(func: ast.expr, source: _Source) -> NoReturn:
    match func:
        case ast.Attribute(attr="T"):
            source.refuse(func, ".T takes no brackets", "Write W.T.")
        case ast.Attribute(attr=name) if _root(func) in _MODULES:
            hint = _WRITTEN.get(name, f"Write {name}(x).")
            source.refuse(func, "only functions of nnsteps can be called, without a module", hint)
        case ast.Attribute(attr=name):
            source.refuse(func, f"a value has no function .{name}", _WRITTEN.get(name, f"Write {name}(x)."))
        case ast.Constant():
            source.refuse(func, "an operator is missing before the bracket", "For a product, write *: 2 * (…).")
        case ast.Call():
            source.refuse(func, "what a function gives cannot be called again", "For a product, write * between them.")
    source.refuse(func, "only a function can be called, by its name", "For a product, write * before the bracket.")


def _root(node: ast.expr) -> str:
    """The name that a chain of dots begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _refuse_attribute(node: ast.Attribute, source: _Source) -> NoReturn:
    _, end = source.span(node)
    hint = "After a dot stand T, values or positions: W.T, topk(x, 2).values."
    if node.attr in ("shape", "size"):
        hint = "Write size(x), the number of cells, or size(x, axis=0), the number of rows."
    if close := nearest(node.attr, ATTRIBUTES):
        hint = f"Did you mean .{close}?"
    refuse(source.place, end - len(node.attr) - 1, end, f".{node.attr} means nothing in a formula", hint)


def _check_exponent(exponent: Expr, source: _Source) -> None:
    """Refuse 9 ** 9 ** 9: a power grows without limit, so a written exponent may not."""
    value, most = _constant(exponent), source.limits["exponent"]
    if value is None or abs(value) <= most:
        return
    start, end = exponent.span
    message = f"the exponent {_quantity(value)} is too large; {most:,} is the largest"
    hint = "Powers so high leave the range of a computer's numbers."
    if isinstance(exponent, Binary):
        hint = "a ** b ** c is a ** (b ** c)."
    place = source.place.part(start, end - start)
    raise exceeded("exponent", source.limits, message, abs(value), place=place, hint=hint)


def _constant(expr: Expr) -> float | None:
    """The value of a formula of numbers only, as far as a float can hold it; None where names are in it."""
    match expr:
        case Num(value):
            return value
        case Neg(operand):
            inner = _constant(operand)
            return None if inner is None else -inner
        case Binary(op, left, right) if op in _ARITHMETIC:
            a, b = _constant(left), _constant(right)
            if a is None or b is None:
                return None
            return _computed(op, a, b)
    return None


def _computed(op: str, a: float, b: float) -> float | None:
    try:
        result = _ARITHMETIC[op](a, b)
    except ZeroDivisionError:
        return None
    except OverflowError:
        return math.inf
    return result if isinstance(result, float) else None


def _quantity(value: float) -> str:
    return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.0e}" if math.isfinite(value) else "here"


def _equals_sign(text: str, place: Place) -> Token:
    """The = that stands between name and formula."""
    depth = 0
    for token in spelling.tokens(text):
        depth += (token.text in "([") - (token.text in ")]")
        if token.kind == "sign" and token.text == "=" and depth <= 0:
            return token
        if token.kind == "sign" and token.text in _CHANGES and depth <= 0:
            name, op = text[: token.start].strip(), token.text[:-1]
            message = f"{token.text} is not how a step begins"
            hint = "Write name = formula." if op == ":" else f"Write {name} = {name} {op} …"
            refuse(place, token.start, token.end, message, hint)
    start = len(text) - len(text.lstrip())
    compared = next((token for token in spelling.tokens(text) if token.text == "=="), None)
    if compared:
        message = "== compares two values; a step is name = formula"
        refuse(place, compared.start, compared.end, message, "Write a single =.")
    message = "a step is name = formula; there is no = here"
    word = re.match(r"\w*", text.strip())
    hint = _STATEMENTS.get(word[0] if word else "", f"Give the result a name: y = {text.strip()}")
    refuse(place, start, len(text.rstrip()), message, hint)


def _target(text: str, place: Place, limits: Limits) -> Name | Index:
    """What stands before the =: a name, or a member of a family such as h[t]."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if "/" in text and re.fullmatch(r"\s*d\w+\s*/\s*d\w+\s*", text):
        message = f"{text.strip()} is the name of a gradient; a step's own name has no /"
        refuse(place, start, end, message, f"Write {re.sub(r'[^0-9A-Za-z]+', '_', text.strip())}.")
    if "," in text and "[" not in text:
        refuse(place, start, end, "a step gives one result", "Write one step for each; topk(x, 2).values takes a part.")
    target = _parse(text, place, limits)
    if isinstance(target, Name) or (isinstance(target, Index) and isinstance(target.base, Name)):
        return target
    message = f"{text.strip()} is no name for the result of a step"
    refuse(place, start, end, message, "A name has letters, digits and underscores: y, z1, h[t].")


_MODULES = ("np", "numpy", "torch", "math", "F", "nn", "tf", "jnp", "keras")
_WRITTEN = {
    "dot": "Write a @ b for a matrix product, dot(a, b) for columns.",
    "matmul": "Write a @ b.",
    "transpose": "Write x.T.",
    "array": "Put the numbers under `given` and use their name.",
    "tensor": "Put the numbers under `given` and use their name.",
    "power": "Write a ** b.",
    "concatenate": "Write concat(a, b), vstack(a, b) or hstack(a, b).",
    "shape": "Write size(x, axis=0).",
}
_STATEMENTS = {
    "import": "Functions are there without an import: exp(x).",
    "from": "Functions are there without an import: exp(x).",
    "def": 'A function of your own stands under define:  define: {"f(x)": "2 * x"}',
    "print": 'Every result is printed. For a sentence write - say: "x is {x}".',
    "assert": "To check a value, compare it in a step: ok = x > 0.",
    "return": "A step gives its result a name: y = x.",
}
_CHANGES = ("+=", "-=", "*=", "/=", "@=", "**=", "//=", ":=")
_ARITHMETIC: dict[str, Callable[[float, float], float | complex]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
