"""Names and formulas as people write them: W₁, ∂L/∂z₃, ReLU(z₁). Knows no arrays and no values.

Theory of operation. `pretty` writes one name, `caption` a formula. A caption is put together from pieces that know how
tightly they hold (`_Piece.level`), so that brackets stand exactly where the reader would otherwise read something else.
How a function is written is said by its own record (`look.written`; {0} is an argument, {low} an option); a piece of
such a template is asked for no more than its surroundings demand, which `_slot` reads off the characters beside it.
Where a template cannot be written in ASCII, or says nothing of an option that differs from its default, the plain call
is written instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from nnsteps.compounds import Compound, find
from nnsteps.errors import StepsError
from nnsteps.expr import Attr, Binary, Call, Compare, Expr, Index, Logic, Name, Neg, Not, Num, Slice, Word, to_text
from nnsteps.expr import number as constant
from nnsteps.formula import parse, parse_step, substitute
from nnsteps.rounding import Style

GREEK: Mapping[str, str] = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip  # no capital Sigma and Pi: they would be taken for a sum and a product
LATIN = {letter: name for name, letter in GREEK.items() if name != "eps"}
SUBSCRIPTS = dict(zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_GRADIENT = re.compile(r"d(?P<loss>.+?)(?<! )/d(?P<name>.+)")
_VERSION = re.compile(r"(?P<name>.+)#(?P<number>\d+)")
_CONTRIBUTION = re.compile(r"(?P<name>.+)@(?P<number>\d+)")
_CELL = re.compile(r"(?P<name>.+?)(?P<cell>(\[[^\[\]]*\])+)")
_RUNNING = re.compile(r"([\[,]\w+)-(\d+)(?=[,\]])")  # t-1
_INDEXED = re.compile(r"(?P<base>[^\W\d_]+?)(?P<digits>\d+)")
_UNDERSCORED = re.compile(r"(?P<base>[^\W\d_]+)_(?P<index>[a-z]{0,2}\d*)")


# --- names -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def pretty(name: str, ascii: bool = False) -> str:
    """A name of the trace as it stands on paper.

    Example: pretty("dL/dW1") -> "∂L/∂W₁"; pretty("W1#2") -> "new W₁"; pretty("alpha") -> "α"; pretty("h_z") -> "h_z",
             because Unicode has no subscript z.
    """
    if found := _VERSION.fullmatch(name):
        inner, number = pretty(found["name"], ascii), int(found["number"])
        if _GRADIENT.fullmatch(found["name"]):
            return f"{inner} ({number})"
        if number == 1:
            return f"old {inner}"
        return f"new {inner}" if number == 2 else f"new {inner} ({number - 1})"
    if found := _GRADIENT.fullmatch(name):
        sign = "d" if ascii else "∂"
        return f"{sign}{_part(found['loss'], ascii)}/{sign}{_part(found['name'], ascii)}"
    if found := _CELL.fullmatch(name):
        cell = found["cell"].replace(", ", ",")
        return pretty(found["name"], ascii) + (cell if ascii else _RUNNING.sub(r"\1−\2", cell))
    if not name.isidentifier() and (formula := _formula(name)) is not None:
        return caption(formula, ascii)
    return _letters(name) if ascii else _with_subscripts(name)


def _formula(text: str) -> Expr | None:
    """What a value without a name of its own is called by: its formula."""
    try:
        expr = parse(text)
    except StepsError:
        return None
    return None if isinstance(expr, Name) else expr


def _part(text: str, ascii: bool) -> str:
    """What stands above or below the line of a gradient: a name, or a formula in brackets."""
    if found := re.fullmatch(r"\((\w+(?:\[.*\])?#\d+)\)", text):  # an earlier value of a name
        return f"({pretty(found[1], ascii)})"
    if found := _CONTRIBUTION.fullmatch(text):
        mark = f"@{found['number']}" if ascii else f"⁽{found['number'].translate(SUPERSCRIPTS)}⁾"
        return _part(found["name"], ascii) + mark
    try:
        expr = parse(text)
    except StepsError:
        return pretty(text, ascii)
    return caption(expr, ascii) if isinstance(expr, (Name, Index)) else f"({caption(expr, ascii)})"


def _letters(name: str) -> str:
    return "".join(LATIN.get(letter, letter) for letter in name)


def _with_subscripts(name: str) -> str:
    if found := _INDEXED.fullmatch(name):
        return GREEK.get(found["base"], found["base"]) + _lowered(found["digits"])
    if (found := _UNDERSCORED.fullmatch(name)) and found["index"]:
        base = GREEK.get(found["base"], found["base"])
        # a long word under the line is hard to read: batch_no stays as it is
        if all(letter in SUBSCRIPTS for letter in found["index"]) and (len(base) <= 2 or found["index"].isdigit()):
            return base + _lowered(found["index"])
        return f"{base}_{found['index']}"
    return GREEK.get(name, name)


def _lowered(text: str) -> str:
    return "".join(SUBSCRIPTS[letter] for letter in text)


# --- formulas ----------------------------------------------------------------------------------------------------

WORDS, LOGIC, CLAIM, SUM, PRODUCT, PREFIX, POWER, ATOM = range(8)  # how tightly a piece holds


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a caption. `open`: it ends in something that would swallow a factor written behind it (Σ x)."""

    text: str
    level: int
    open: bool = False


@dataclass(frozen=True, slots=True)
class _Signs:
    minus: str
    times: str
    divide: str
    transposed: str
    compare: Mapping[str, str]


_PAPER = _Signs("−", " · ", " ÷ ", "ᵀ", {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="})
_ASCII = _Signs("-", " * ", " / ", ".T", {"==": "="})
_PLAIN = str.maketrans({"Σ": "sum", "·": "*", "÷": "/", "−": "-", "ᵀ": ".T"})
_AXES = ("per column", "per row")


@lru_cache(maxsize=4096)
def caption(expr: Expr, ascii: bool = False, *, flat: bool = True) -> str:
    """A formula as the caption of a page: `relu(W1 @ x + b1)` -> "ReLU(W₁ x + b₁)".

    flat: all values are tables of rows and columns, so that axis=0 can be called "per column".
    """
    return _Writer(ascii, flat).piece(expr).text


class _Writer:
    """Writes one formula, with one set of signs."""

    def __init__(self, ascii: bool, flat: bool) -> None:
        self.ascii, self.flat = ascii, flat
        self.signs = _ASCII if ascii else _PAPER

    def piece(self, expr: Expr | Slice) -> _Piece:
        signs = self.signs
        match expr:
            case Num():
                return _Piece(self._number(expr), ATOM)
            case Word(text=text):
                return _Piece(f'"{text}"', ATOM)
            case Name(id=name):
                text = pretty(name, self.ascii)
                return _Piece(text, PREFIX if "/" in text or " " in text else ATOM)
            case Slice(low, high):
                return _Piece(":".join("" if end is None else self.piece(end).text for end in (low, high)), WORDS)
            case Index(base, items):
                places = ",".join(self.piece(item).text for item in items)
                bare = isinstance(base, Name) and "/d(" not in base.id  # ∂L/∂h[2] is a cell of ∂L/∂h
                return _Piece(f"{self.piece(base).text if bare else self.at_least(base, ATOM)}[{places}]", ATOM)
            case Attr(base, "T"):
                return _Piece(self.at_least(base, ATOM) + signs.transposed, POWER)
            case Attr(base, name):
                return _Piece(f"{self.at_least(base, ATOM)}.{name}", ATOM)
            case Neg(operand):
                inner = self.piece(operand)
                brackets = inner.level < PRODUCT or inner.text.startswith(signs.minus)
                return _Piece(signs.minus + (f"({inner.text})" if brackets else inner.text), PRODUCT, inner.open)
            case Not(operand):
                return _Piece(f"not {self.at_least(operand, SUM)}", LOGIC)
            case Compare(first, ops, rest):
                sides = (
                    f" {signs.compare.get(op, op)} {self.at_least(side, SUM)}"
                    for op, side in zip(ops, rest, strict=True)
                )
                return _Piece(self.at_least(first, SUM) + "".join(sides), CLAIM)
            case Logic(op, items):
                return _Piece(f" {op} ".join(self.at_least(item, CLAIM) for item in items), LOGIC)
            case Binary():
                return self._binary(expr)
            case Call():
                return self._call(expr)

    def at_least(self, expr: Expr | Slice, level: int, *, first: bool = True) -> str:
        """The text of a part, in brackets if it holds less tightly, or begins with a minus behind an operator."""
        piece = self.piece(expr)
        brackets = piece.level < level or (not first and piece.text.startswith(self.signs.minus))
        return f"({piece.text})" if brackets else piece.text

    def _number(self, number: Num) -> str:
        if re.fullmatch(r"\d+(\.\d+)?", number.text):
            return number.text
        return Style(12, ascii=self.ascii).write(number.value)

    def _binary(self, expr: Binary) -> _Piece:
        signs, left, right = self.signs, expr.left, expr.right
        match expr.op:
            case "+":
                return _Piece(f"{self.at_least(left, SUM)} + {self.at_least(right, SUM, first=False)}", SUM)
            case "-":
                return _Piece(
                    f"{self.at_least(left, SUM)} {signs.minus} {self.at_least(right, PRODUCT, first=False)}", SUM
                )
            case "**":
                return self._power(left, right)
            case "/":
                return self._product(signs.divide, expr)
            case "@" if not _holds_gradient(expr):
                return self._product(" ", expr)
            case _:
                return self._product(signs.times, expr)

    def _product(self, sign: str, expr: Binary) -> _Piece:
        head, tail = self.piece(expr.left), self.piece(expr.right)
        mixed = isinstance(expr.left, Binary) and "@" in (expr.op, expr.left.op) and expr.op != expr.left.op
        mixed = mixed and not (sign != " " and isinstance(expr.left, Binary) and expr.left.op == "@")
        left = f"({head.text})" if head.level < PRODUCT or head.open or mixed else head.text
        gradient_below = expr.op == "/" and isinstance(expr.right, Name) and "/" in expr.right.id
        closed = tail.level >= PREFIX and not tail.text.startswith(self.signs.minus) and not gradient_below
        return _Piece(left + sign + (tail.text if closed else f"({tail.text})"), PRODUCT, closed and tail.open)

    def _power(self, base: Expr, exponent: Expr) -> _Piece:
        text = self.at_least(base, ATOM, first=False)
        if isinstance(exponent, Num) and exponent.text.isdigit() and not self.ascii:
            return _Piece(text + exponent.text.translate(SUPERSCRIPTS), POWER)
        return _Piece(f"{text}^{self.at_least(exponent, ATOM)}", POWER)

    # --- calls ---

    def _call(self, call: Call) -> _Piece:
        if call.fn == "grad" and len(call.args) == 2:
            return self.piece(Name(f"d{to_text(call.args[0])}/d{to_text(call.args[1])}"))
        record = find(call.fn)
        args, options = call.args, dict(call.options)
        if record is not None and not getattr(record, "variadic", False):
            args, extra = args[: len(record.args)], args[len(record.args) :]
            options = dict(zip(record.options, extra, strict=False)) | options
            options = {name: value for name, value in options.items() if not _is(value, record.options.get(name))}
        axis = options.get("axis")
        along = ""
        reduces = record is None or record.look.kind != "shaping"  # flip(x, axis=1) is no "per row"
        if self.flat and reduces and isinstance(axis, Num) and axis.value in (0, 1):
            along = _AXES[int(axis.value)]
            options.pop("axis")
        written = record.look.written if record is not None else ""
        slots = set(re.findall(r"\{([a-z]\w*)\}", written))
        if self.ascii and not written.translate(_PLAIN).isascii():
            written = ""
        body = self._body(record, args, options) if options and isinstance(record, Compound) else None
        if body is not None:
            piece = body
        elif record is not None and written and (record.look.terse or slots.issuperset(options)):
            piece = self._template(
                written, args, {**{name: constant(record.options[name]) for name in slots}, **options}
            )
        else:
            inner = [self.piece(arg).text for arg in args]
            inner += [f"{name}={self.piece(value).text}" for name, value in options.items()]
            piece = _Piece(f"{call.fn}({', '.join(inner)})", ATOM)
        return _Piece(f"{piece.text} {along}", WORDS) if along else piece

    def _body(self, record: Compound, args: tuple[Expr, ...], options: Mapping[str, Expr]) -> _Piece | None:
        """A compound with unusual options as what it is made of, if that is one line: Σ (p − t)²."""
        values = {name: value.text for name, value in options.items() if isinstance(value, Word)}
        if len(values) < len(options):
            return None
        lines = record.lines({**record.options, **values})
        if len(lines) > 1:
            return None
        _, formula = parse_step(lines[0])
        return self.piece(substitute(formula, dict(zip(record.args, args, strict=True))))

    def _template(self, written: str, args: tuple[Expr, ...], options: Mapping[str, Expr]) -> _Piece:
        if written == "{0}":
            return self.piece(args[0])
        parts = re.split(r"\{(\w+)\}", written)
        text, levels = "", []
        for place, part in enumerate(parts):
            if place % 2 == 0:
                text += part.translate(_PLAIN) if self.ascii else part
                continue
            before, after = parts[place - 1], parts[place + 1]
            level, first = _slot(before, after, "".join(parts[:place]))
            piece = self.piece(args[int(part)] if part.isdigit() else options[part])
            levels.append(piece.level)
            brackets = piece.level < level or (not first and piece.text.startswith(self.signs.minus))
            if level == PRODUCT and _FACTOR_BEFORE.match(after):
                brackets = brackets or piece.open
            text += f"({piece.text})" if brackets else piece.text
        own = _own_level(written)
        if own == PREFIX and levels and levels[-1] < PREFIX:
            return _Piece(text, PRODUCT, open=True)
        return _Piece(text, own, open=own == PREFIX)


_FACTOR_BEFORE = re.compile(r"\s?[·÷]")
_FACTOR_BEHIND = re.compile(r".*[·÷]\s?", re.DOTALL)


def _slot(before: str, after: str, all_before: str) -> tuple[int, bool]:
    """What a template asks of the piece in this place: how tightly it holds, and whether it may begin with a minus."""
    opened = sum(all_before.count(sign) for sign in "(⌊[") - sum(all_before.count(sign) for sign in ")⌋]")
    if before.endswith(("(", "⌊", "[", "|")) and after.startswith((")", "⌋", "]", "|", ",")):
        return WORDS, True
    if opened > 0 and before.endswith(", ") and after.startswith((")", ",")):
        return WORDS, True
    if before.endswith(("^", "√")) or after.startswith(("^", "ᵀ", "²")):
        return ATOM, before.endswith("√")
    if before.endswith("log "):
        return POWER, False
    if _FACTOR_BEHIND.fullmatch(before):
        return PREFIX, False
    if _FACTOR_BEFORE.match(after):
        return PRODUCT, before == ""
    if before.endswith("Σ "):
        return PRODUCT, False
    if before.endswith("− "):
        return PRODUCT, False
    return (SUM, True) if before == "" else (CLAIM, True)


def _own_level(written: str) -> int:
    """How tightly a written template holds as a whole."""
    outside = re.sub(r"\([^()]*\)|\|[^|]*\||⌊[^⌋]*⌋", "", written)
    outside = re.sub(r"\{\w+\}", "", outside)
    if re.search(r"[^\W\d_]{2,} | [^\W\d_]{2,}", outside.replace("log ", "")):
        return WORDS
    if outside.startswith("Σ"):
        return PREFIX
    if re.search(r"[·÷]|^−", outside):
        return PRODUCT
    return POWER if re.search(r"[\^√ᵀ²]", outside) else ATOM


def _holds_gradient(expr: Expr) -> bool:
    """Whether a factor of a product is a gradient; then its dots are written."""
    match expr:
        case Name(id=name):
            return "/" in name
        case Call(fn="grad"):
            return True
        case Attr(base, _) | Index(base, _):
            return _holds_gradient(base)
        case Neg(operand):
            return _holds_gradient(operand)
        case Binary(op, left, right) if op in "@*/":
            return _holds_gradient(left) or _holds_gradient(right)
        case Call(args=args):
            return any(_holds_gradient(arg) for arg in args)
    return False


def _is(expr: Expr, value: object) -> bool:
    """Whether an option is written with its default."""
    match expr:
        case Num(value=number):
            return number == value
        case Neg(Num(value=number)):
            return -number == value
        case Word(text=text):
            return text == value
    return False
