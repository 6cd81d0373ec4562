"""The tree of a formula, and its text. Knows no operations, no arrays and no values.

Every node keeps its span, 0-based characters of the text it came from, so that whoever finds something wrong later can
point at it; spans do not count when two trees are compared. Whoever walks a tree may recurse: its depth is limited.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Num:
    value: float
    text: str
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Name:
    id: str
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Slice:
    low: "Expr | None"
    high: "Expr | None"
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Index:
    base: "Expr"
    items: "tuple[Expr | Slice, ...]"
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Call:
    fn: str
    args: "tuple[Expr, ...]"
    options: "tuple[tuple[str, Expr], ...]" = ()
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Attr:
    base: "Expr"
    name: str
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Neg:
    operand: "Expr"
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Expr"
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: "Expr"
    right: "Expr"
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Compare:
    first: "Expr"
    ops: tuple[str, ...]
    rest: "tuple[Expr, ...]"
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Logic:
    op: str
    items: "tuple[Expr, ...]"
    span: Span = field(default=(0, 0), compare=False, kw_only=True)


Expr: TypeAlias = Num | Word | Name | Index | Call | Attr | Neg | Not | Binary | Compare | Logic


def to_text(expr: Expr | Slice) -> str:
    """The formula as text, with as few brackets as can be; `parse(to_text(e)) == e`."""
    match expr:
        case Num(text=text) | Name(id=text):
            return text
        case Word(text):
            return _quoted(text)
        case Slice(low, high):
            return f"{to_text(low) if low else ''}:{to_text(high) if high else ''}"
        case Index(base, items):
            return f"{_inside(base, _POSTFIX)}[{_listed(items)}]"
        case Call(fn, args, options):
            pairs = ", ".join(f"{key}={to_text(value)}" for key, value in options)
            return f"{fn}({', '.join(filter(None, (_listed(args), pairs)))})"
        case Attr(base, name):
            return f"{_inside(base, _POSTFIX)}.{name}"
        case Neg(operand):
            return f"-{_inside(operand, _NEG)}"
        case Not(operand):
            return f"not {_inside(operand, _NOT)}"
        case Binary("**", left, right):
            return f"{_inside(left, _NUMBER)} ** {_inside(right, _NEG)}"
        case Binary(op, left, right):
            level = _level(expr)
            return f"{_inside(left, level)} {op} {_inside(right, level + 1)}"
        case Compare(first, ops, rest):
            parts = [f"{op} {_inside(item, _SUM)}" for op, item in zip(ops, rest, strict=True)]
            return " ".join([_inside(first, _SUM), *parts])
        case Logic(op, items):
            return f" {op} ".join(_inside(item, _level(expr) + 1) for item in items)


def names(expr: Expr | Slice) -> list[str]:
    """The names of values in a formula, in order of first appearance; what is called is no value."""
    found: dict[str, None] = {}
    waiting: list[Expr | Slice] = [expr]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name):
            found[node.id] = None
        elif not isinstance(node, (Num, Word)):
            waiting.extend(reversed(children(node)))
    return list(found)


def mentioned(expr: Expr | Slice) -> set[str]:
    """The names in a formula, of values and of functions; a quote stands for quoted words."""
    found: set[str] = set()
    waiting: list[Expr | Slice] = [expr]
    while waiting:
        node = waiting.pop()
        match node:
            case Name(id=name) | Call(fn=name):
                found.add(name)
            case Word():
                found.add('"')
        waiting += children(node)
    return found


def children(expr: Expr | Slice) -> list[Expr | Slice]:
    """The parts of a node, in reading order."""
    match expr:  # the commonest first: each case is tried in turn
        case Name() | Num() | Word():
            return []
        case Binary(_, left, right):
            return [left, right]
        case Call(_, args, options):
            return [*args, *(value for _, value in options)]
        case Attr(base, _):
            return [base]
        case Neg(operand) | Not(operand):
            return [operand]
        case Compare(first, _, rest):
            return [first, *rest]
        case Index(base, items):
            return [base, *items]
        case Logic(_, items):
            return list(items)
        case Slice(low, high):
            return [part for part in (low, high) if part is not None]


def substitute(expr: Expr, mapping: Mapping[str, Expr]) -> Expr:
    """The same formula with every name in `mapping` replaced by its tree; what is called is no name."""
    if isinstance(expr, Name):
        return mapping.get(expr.id, expr)
    return mapped(expr, lambda part: substitute(part, mapping))


def mapped(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same node with each of its parts changed, in reading order."""
    match expr:
        case Index(base, items):
            return replace(expr, base=change(base), items=tuple([_mapped_item(item, change) for item in items]))
        case Call(_, args, options):
            parts = tuple([change(arg) for arg in args])
            return replace(expr, args=parts, options=tuple([(key, change(value)) for key, value in options]))
        case Attr(base, _):
            return replace(expr, base=change(base))
        case Neg(operand) | Not(operand):
            return replace(expr, operand=change(operand))
        case Binary(_, left, right):
            return replace(expr, left=change(left), right=change(right))
        case Compare(first, _, rest):
            return replace(expr, first=change(first), rest=tuple([change(item) for item in rest]))
        case Logic(_, items):
            return replace(expr, items=tuple([change(item) for item in items]))
    return expr


def _mapped_item(item: Expr | Slice, change: Callable[[Expr], Expr]) -> Expr | Slice:
    if not isinstance(item, Slice):
        return change(item)
    low, high = (change(end) if end is not None else None for end in (item.low, item.high))
    return replace(item, low=low, high=high)


def number(value: float) -> Expr:
    """A number as a formula."""
    text = repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
    return Neg(Num(-value, text.removeprefix("-"))) if value < 0 else Num(value, text)


_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _NEG, _POWER, _NUMBER, _POSTFIX = range(10)


def _level(expr: Expr | Slice) -> int:
    """How tightly the node holds together, as in Python."""
    match expr:
        case Logic(op):
            return _OR if op == "or" else _AND
        case Not():
            return _NOT
        case Compare():
            return _COMPARE
        case Binary(op):
            return {"+": _SUM, "-": _SUM, "**": _POWER}.get(op, _PRODUCT)
        case Neg():
            return _NEG
        case Num(text=text):
            return _NEG if text.startswith("-") else _NUMBER
        case _:
            return _POSTFIX


def _inside(expr: Expr, level: int) -> str:
    return to_text(expr) if _level(expr) >= level else f"({to_text(expr)})"


def _listed(items: "tuple[Expr | Slice, ...]") -> str:
    return ", ".join([to_text(item) for item in items])


def _quoted(text: str) -> str:
    quote = "'" if '"' in text and "'" not in text else '"'
    escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return quote + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in escaped) + quote
