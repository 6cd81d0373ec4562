"""The words and signs of a formula's text, and what was probably meant where they are wrong. Knows no trees.

Python's own parser reads formulas, but its complaints are about Python. So the text is looked over first, sign by sign,
and whatever a person is likely to write by mistake is refused here with the place and the right way to write it.
"""

import keyword
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from nnsteps.errors import FormulaError, Place
from nnsteps.limits import Limits, exceeded

ALLOWED = "A formula has names, numbers, + - * / @ **, comparisons, and/or/not, brackets and calls such as exp(x)."

_TOKEN = re.compile(
    r"""
    (?P<blank>[ ]+)
  | (?P<number>(?:[0-9]|\.[0-9])(?:[eE][+-](?=[0-9])|[\w.])*)
  | (?P<name>[^\W\d][\w\u0300-\u036f]*)
  | (?P<word>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<sign>\*\*=?|//=?|<=|>=|==|!=|<>|:=|->|=>|&&|\|\||\.\.\.|\+\+|[-+*/@]=|\S)
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(r"\\(?:[\\'\"nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})|\\")

_BINARY = {"+", "-", "*", "/", "@", "**", "<", "<=", ">", ">=", "==", "!="}
_CLOSES = {"(": ")", "[": "]"}
_LOGIC = {"and", "or", "not"}

# sign: what to write instead
_INSTEAD = {
    "^": "A power is written **: x ** 2.",
    "·": "Write * between numbers, @ between matrices.",
    "⋅": "Write * between numbers, @ between matrices.",
    "×": "Write * between numbers, @ between matrices.",
    "⊙": "Write *: cell times cell.",
    "∘": "Write *: cell times cell.",
    "÷": "Write /.",
    "−": "Write the plain -, as on the keyboard.",
    "–": "Write the plain -, as on the keyboard.",
    "—": "Write the plain -, as on the keyboard.",
    "≤": "Write <=.",
    "≥": "Write >=.",
    "≠": "Write !=.",
    "<>": "Write !=.",
    "√": "Write sqrt(x).",
    "Σ": "Write sum(x).",
    "∑": "Write sum(x).",
    "∂": "Write grad(L, W).",
    "ᵀ": "Write .T after the name: W.T.",
    "²": "A power is written **: x ** 2.",
    "³": "A power is written **: x ** 3.",
    "&": "Write and.",
    "&&": "Write and.",
    "|": "Write abs(x) for |x|; a logical or is the word or.",
    "||": "Write sqrt(sum(x * x)) for the length of a vector; a logical or is the word or.",
    "!": "There is no factorial; the opposite of a claim is not x.",
    "$": "Formulas stand without $ and are not LaTeX.",
    "~": "Write not x.",
    "//": "Write floor(a / b).",
    "%": "Write a - b * floor(a / b); a percentage is a number such as 0.25.",
    "++": "Write one +.",
    "=>": "Write >=.",
    "...": "Write every part out.",
    "…": "Write every part out.",
    ":=": "Give the value a step of its own: name = formula.",
    "{": "Numbers in a list belong under `given`.",
    "}": "Numbers in a list belong under `given`.",
    ";": "Write one step a line.",
    "#": "Put what you want to say into the step's `note`.",
    "’": "A quoted word stands in ' or \".",
    "‘": "A quoted word stands in ' or \".",
    "“": "A quoted word stands in ' or \".",
    "”": "A quoted word stands in ' or \".",
}
# what LaTeX calls it: what to write
_LATEX = {
    "sigma": "sigmoid(x)", "frac": "a / b", "cdot": "* or @", "times": "* or @", "odot": "*", "sum": "sum(x)",
    "sqrt": "sqrt(x)", "top": ".T", "partial": "grad(L, W)", "le": "<=", "leq": "<=", "ge": ">=", "geq": ">=",
    "exp": "exp(x)", "log": "log(x)", "ln": "log(x)", "max": "max(x)", "min": "min(x)", "tanh": "tanh(x)",
}  # fmt: skip
_KEYWORD = {
    "lambda": "A value may be called lam; the page shows λ. A function of your own stands under define.",
    "True": "Write 1.",
    "False": "Write 0.",
    "None": "Leave it out.",
    "if": "Write where(condition, a, b).",
    "else": "Write where(condition, a, b).",
    "is": "Write ==.",
    "for": "A formula has no loops.",
    "in": "To compare, write ==.",
}


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # number name word sign
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def refuse(place: Place, start: int, end: int, message: str, hint: str | None = None) -> NoReturn:
    """Raise a FormulaError that points at text[start:end]."""
    raise FormulaError(message, place=place.part(start, end - start), hint=hint or ALLOWED) from None


def tidy(text: str, place: Place, limits: Limits) -> str:
    """The text with line breaks and tabs made blanks, every character where it was; too long a text is refused."""
    if len(text) > limits["text"]:
        message = f"this formula has {len(text):,} characters; {limits['text']:,} are allowed"
        raise exceeded("text", limits, message, len(text), place=place.part(0, 1), hint="Split it into several steps.")
    tidied = re.sub(r"[\t\n\r\f\v\u0085\u2028\u2029\u00a0\u2000-\u200a\u202f\u3000]", " ", text)
    for at, char in enumerate(tidied):
        if unicodedata.category(char) in ("Cc", "Cf", "Cs"):
            refuse(place, at, at + 1, f"there is an invisible character ({ascii(char)[1:-1]}) here", "Delete it.")
    if not tidied.strip():
        refuse(place, 0, max(1, len(text)), "there is no formula here", ALLOWED)
    return tidied


def tokens(text: str) -> Iterator[Token]:
    """The words and signs of a tidied text, blanks left out."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "blank":
            yield Token(str(match.lastgroup), match.group(), match.start())


def check(text: str, place: Place, limits: Limits) -> None:
    """Refuse what is misspelt: unknown signs, missing operators, open brackets, Python that formulas do not use."""
    open_brackets: list[tuple[Token, bool]] = []  # each with whether it belongs to a call
    last: Token | None = None
    wants_value = True
    for token in tokens(text):
        if token.kind in ("number", "word") or (token.kind == "name" and _word_of(token) not in _LOGIC):
            _check_value(token, last, place, limits)
            if not wants_value and not _is_dot(last):
                _refuse_neighbours(text, last, token, place)
            wants_value = False
        elif token.kind == "name":
            if _word_of(token) == "not":
                if not wants_value:
                    refuse(place, token.start, token.end, "`not` stands before a value, not after one", "x != y")
            elif wants_value:
                _refuse_missing(token, last, place)
            wants_value = True
        elif token.text in _CLOSES:
            if len(open_brackets) >= limits["brackets"]:
                message = f"more than {limits['brackets']:,} brackets are open here"
                where = place.part(token.start, 1)
                raise exceeded("brackets", limits, message, place=where, hint="Split it into several steps.")
            if token.text == "[" and wants_value:
                hint = "Put the numbers under `given` and use their name."
                refuse(place, token.start, token.end, "a list cannot be written in a formula", hint)
            open_brackets.append((token, not wants_value))
            wants_value = True
        elif token.text in ")]":
            _check_close(token, last, open_brackets, place)
            wants_value = False
        else:
            wants_value = _check_sign(token, last, wants_value, open_brackets, place)
        last = token
    if open_brackets:
        bracket = open_brackets[-1][0]
        missing = _CLOSES[bracket.text]
        message = f"this {bracket.text} is never closed"
        refuse(place, bracket.start, bracket.end, message, f"Add a {missing} where it ends.")
    if wants_value and last:
        refuse(place, last.start, last.end, f"the formula stops after {last.text}", "A value is missing at the end.")


def _word_of(token: Token) -> str:
    return unicodedata.normalize("NFKC", token.text)


def _is_dot(token: Token | None) -> bool:
    return token is not None and token.text == "."


def _check_value(token: Token, last: Token | None, place: Place, limits: Limits) -> None:
    at = (place, token.start, token.end)
    text = token.text
    if token.kind == "word":
        for escape in _ESCAPE.finditer(text):
            if escape.group() == "\\":
                message = "a backslash in a quoted word means nothing here"
                refuse(place, token.start + escape.start(), token.start + escape.end(), message, "Write \\\\ for one.")
    elif token.kind == "name":
        word = _word_of(token)
        if not text.isidentifier():
            if any(unicodedata.category(char) == "No" for char in text):
                base = text.rstrip("⁰¹²³⁴⁵⁶⁷⁸⁹")
                if base != text:
                    power = unicodedata.normalize("NFKC", text[len(base) :])
                    refuse(*at, f"{text}: a power is not written with a raised digit", f"Write {base} ** {power}.")
                refuse(
                    *at, f"{text}: a lowered digit cannot be typed in a name", f"Write {word}; the page shows {text}."
                )
            refuse(*at, f"{text} is not a name", "A name has letters, digits and underscores.")
        if keyword.iskeyword(word):
            hint = _KEYWORD.get(word, f"Call the value {word}_ instead.")
            refuse(*at, f"{word} is a word of Python and cannot be used in a formula", hint)
    elif _is_dot(last):
        refuse(*at, "a name is missing after the dot", "Write x.T, or topk(x, 2).values.")
    elif len(text) > limits["digits"]:
        message = f"this number has {len(text):,} characters; {limits['digits']:,} are allowed"
        where = place.part(token.start, len(text))
        raise exceeded("digits", limits, message, len(text), place=where, hint="Write it as 1.5e30.")
    elif not _NUMBER.fullmatch(text):
        _refuse_number(text, at)
    elif re.match(r"0[0-9]", text):
        refuse(*at, f"the number {text} begins with a 0", f"Write {text.lstrip('0') or '0'}.")
    elif float(text) in (float("inf"),):
        refuse(*at, f"the number {text} is too large for a computer", "The largest is about 1.8e308.")


def _refuse_number(text: str, at: tuple[Place, int, int]) -> NoReturn:
    found = f"{text} is neither a number nor a name"
    number = _NUMBER.match(text)
    rest = text[number.end() :] if number else ""
    if "_" in text and re.fullmatch(r"[0-9_.]+", text):
        refuse(*at, found, f"Write {text.replace('_', '')}.")
    if re.fullmatch(r"0[xob][0-9a-fA-F]*", text, re.IGNORECASE):
        refuse(*at, found, "Write the number in the decimal system.")
    if re.fullmatch(r"[0-9.]+[jJ]", text):
        refuse(
            *at, f"{text} is a complex number in Python; formulas have none", f"Write {text[:-1]} * j for a product."
        )
    if number and rest.isidentifier():
        refuse(*at, found, f"Write {number.group()} * {rest}.")
    refuse(*at, found, "A number looks like 2, 0.5 or 1e-3.")


def _refuse_neighbours(text: str, last: Token | None, token: Token, place: Place) -> NoReturn:
    """Two values side by side: W x, 2 x, (a) b."""
    assert last is not None
    if token.kind == "word" and last.end == token.start and last.kind == "name":
        message = f"{last.text} before a quoted word means nothing here"
        hint = f"Write the word alone: {token.text}. Sentences with values in them are not formulas."
        refuse(place, last.start, token.end, message, hint)
    operator = "*" if last.kind == "number" else "@"
    message = f"an operator is missing between {last.text} and {token.text}"
    hint = f"Write {last.text} {operator} {token.text}"
    hint += " for a matrix product, or * for cell times cell." if operator == "@" else "."
    if last.kind == token.kind == "name" and len(last.text) > 2 and last.text.islower():
        hint += f" A function has brackets: {last.text}({token.text})."
    refuse(place, token.start, token.end, message, hint)


def _refuse_missing(token: Token, last: Token | None, place: Place) -> NoReturn:
    """An operator with nothing before it."""
    message = f"a value is missing {f'between {last.text} and' if last else 'before'} {token.text}"
    refuse(place, token.start, token.end, message, "An operator stands between two values.")


def _check_close(token: Token, last: Token | None, open_brackets: list[tuple[Token, bool]], place: Place) -> None:
    at = (place, token.start, token.end)
    if not open_brackets:
        refuse(*at, f"this {token.text} closes nothing", "Delete it, or add the bracket that it closes.")
    bracket, is_call = open_brackets.pop()
    if _CLOSES[bracket.text] != token.text:
        missing = _CLOSES[bracket.text]
        hint = f"Write {missing} before it, or change one of the two."
        refuse(*at, f"{bracket.text} is closed by {token.text}", hint)
    if last and last != bracket and last.kind == "sign" and last.text not in ")],:":
        refuse(place, last.start, last.end, f"a value is missing between {last.text} and {token.text}", "Add it.")
    if last == bracket and not (bracket.text == "(" and is_call):
        refuse(
            place, bracket.start, token.end, f"there is nothing in {bracket.text}{token.text}", "A value belongs there."
        )


def _check_sign(
    token: Token,
    last: Token | None,
    wants_value: bool,
    open_brackets: list[tuple[Token, bool]],
    place: Place,
) -> bool:
    """Refuse a sign that cannot stand here; return whether a value must follow it."""
    at = (place, token.start, token.end)
    sign = token.text
    if sign in ("-", "+") and wants_value:
        return True
    if sign in ("*", "**") and last and last.text in "(,":
        refuse(*at, f"{sign} before an argument means nothing here", "Write the arguments one by one.")
    if sign in _BINARY:
        if wants_value:
            _refuse_missing(token, last, place)
        return True
    if sign == "," and open_brackets:
        if wants_value and (last is None or last.text != ":"):
            _refuse_missing(token, last, place)
        return True
    if sign == ":" and open_brackets and open_brackets[-1][0].text == "[":
        return True
    if sign == "." and not wants_value:
        return True
    if sign == "=":
        if open_brackets and open_brackets[-1][1] and last and last.kind == "name" and not wants_value:
            return True
        refuse(*at, "= names the result of a step; inside a formula it means nothing", "To compare, write ==.")
    if sign in ("'", '"'):
        hint = f"Add a {sign} at its end."
        if sign == "'" and last is not None and last.kind == "name":
            hint = f"A name has no prime: write {last.text}_new, or {last.text}.T for the transpose."
        refuse(*at, f"this {sign} opens a word that never ends", hint)
    if sign.endswith("=") and sign[:-1] in _BINARY | {"//"}:
        refuse(*at, f"{sign} is Python for changing a value", f"Write W = W {sign[:-1]} x.")
    if sign == ",":
        refuse(*at, "a comma belongs inside brackets", "Write one formula a step; a decimal point is a dot: 1.5.")
    refuse(*at, f"{sign} means nothing in a formula", _instead(token, last, place))


def _instead(token: Token, last: Token | None, place: Place) -> str | None:
    """What to write instead of a sign, as far as its neighbours tell."""
    rest = place.text[place.column - 1 + token.end :] if place.exact else ""
    if token.text == "\\":
        word = re.match(r"[a-zA-Z]*", rest)
        written = _LATEX.get(word[0]) if word else None
        return "Formulas are not LaTeX." + (f" Write {written}." if written else "")
    if token.text == "^" and re.match(r"\{?(T|top|\\top)\b", rest) and last is not None:
        return f"A transpose is written {last.text}.T."
    if token.text == "{" and last is not None and last.text.endswith("_"):
        return f"Write {last.text[:-1]}1, for example; the page shows the number lowered."
    return _INSTEAD.get(token.text)
