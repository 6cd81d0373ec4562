"""The `practice` section of a problem file: what may vary, and what must hold. Draws numbers, checks nothing.

    practice:
      vary:                                   # a name given in the problem: what its cells may be
        x: integers 0..3
        W1: integers -1..1 keeping zeros      # a 0 of the file stays 0
        b1: integers -5..2 except 0
        rate: decimals 0.1..0.5 step 0.1
        W2: byhand                            # 1, 0 or −1
        target: one_hot                       # a single 1 in each column
        P: permutation of columns             # the file's own columns in another order
        T: {choice: [1, 2, 5]}
        who: {words: [cat, dog, cow]}         # as many different words as the file has
        X: {integers: 0..3, shape: [2, n]}
      sizes: {n: 2..4}                        # whole numbers that shapes are made of
      keep: [any(z1 < 0), max(abs(grad(L, W1))) <= 9]
      allow: [kink]                           # a rule of nnsteps.fairness that this problem breaks on purpose
      digits: 3                               # the most that an answer may have

To add a kind of numbers: its class in nnsteps.kinds, its reader here, and its name in `_KINDS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

import numpy as np

from nnsteps import reader, values
from nnsteps.draws import Draws
from nnsteps.errors import BadValue, Mistakes, Place, UnknownName
from nnsteps.formula import Expr, parse
from nnsteps.kinds import Cells, Kind, OneHot, Permutation, Vocabulary, Whole
from nnsteps.limits import Limits, exceeded
from nnsteps.ops import Array, Shape
from nnsteps.problem import Given, Problem
from nnsteps.reader import Map, Node, Scalar, Seq, limits_of
from nnsteps.values import Words

BYHAND = (1.0, 1.0, 1.0, 0.0, 0.0, 0.0, -1.0, -1.0)
RULES = ("relu", "kink", "margin", "saturation", "zero gradient", "rounded away", "digits", "effort", "ending")


@dataclass(frozen=True, slots=True)
class Variable:
    """A given name that varies. A side of the shape may be the name of a size."""

    name: str
    kind: Kind
    shape: tuple[int | str, ...]
    place: Place | None = None

    def draw(self, draws: Draws, sizes: Mapping[str, int]) -> Array | Words:
        """The value of one attempt."""
        value = self.kind.draw(draws, self.name, self.sides(sizes))
        if not isinstance(value, tuple):
            value.setflags(write=False)
        return value

    def stack(self, many: Sequence[Draws]) -> Array:
        """The values of several attempts, with one more side in front; not where sizes vary."""
        shape = self.sides({})
        if isinstance(self.kind, Cells):
            return self.kind.stack(many, self.name, shape)
        return np.stack([np.asarray(self.kind.draw(draws, self.name, shape)) for draws in many])

    def sides(self, sizes: Mapping[str, int]) -> Shape:
        """The shape, with these sizes."""
        return tuple([sizes[side] if isinstance(side, str) else side for side in self.shape])


@dataclass(frozen=True, slots=True)
class Constraint:
    """A formula over the values of a solved problem that must hold."""

    formula: Expr
    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Variation:
    """The whole section."""

    variables: Mapping[str, Variable]
    sizes: Mapping[str, Cells] = field(default_factory=dict)
    keep: tuple[Constraint, ...] = ()
    allow: frozenset[str] = frozenset()
    digits: int | None = None
    place: Place | None = None

    def draw_sizes(self, draws: Draws) -> dict[str, int]:
        """The sizes of one attempt."""
        return {name: int(cells.draw(draws, name, (1,))[0]) for name, cells in self.sizes.items()}

    def room(self) -> float:
        """The logarithm of how many variants there are, accepted or not; where sizes vary, with the largest."""
        largest = {name: int(max(cells.numbers)) for name, cells in self.sizes.items()}
        return sum(variable.kind.room(variable.sides(largest)) for variable in self.variables.values())


def read(problem: Problem, mistakes: Mistakes | None = None) -> Variation:
    """What the practice section of a problem says.

    Errors: BadValue where there is none, or with the place of what is wrong in it, unless mistakes are gathered.
    """
    node, noted = problem.practice, Mistakes() if mistakes is None else mistakes
    if node is None:
        hint = "Add practice: {vary: {x: integers 0..3}} to it."
        raise BadValue("this problem says nothing of practice", where=problem.file or problem.name, hint=hint)
    variation = Variation({}, place=node.place)
    with noted.apart():
        variation = _read(problem, node, noted)
    if mistakes is None:
        noted.tell()
    return variation


def _read(problem: Problem, node: Node, mistakes: Mistakes) -> Variation:
    found = values.fields(node, "practice", ("vary", "sizes", "keep", "allow", "digits"))
    if "vary" not in found:
        hint = "Say what may vary:  vary: {x: integers 0..3}"
        raise BadValue("practice has no `vary`", place=node.place, hint=hint)
    sizes = {key.text: _size(key, part) for key, part in _pairs(found["sizes"][1], "sizes")} if "sizes" in found else {}
    variables: dict[str, Variable] = {}
    for key, part in _pairs(found["vary"][1], "vary"):
        if key.text.partition("[")[0].strip() in mistakes.lost:
            continue
        with mistakes.apart():
            for given in _given(problem, key):
                if given.name in sizes:
                    raise BadValue(f"{given.name} is a size and a given name", place=key.place, hint="Rename the size.")
                variables[given.name] = _variable(given, part, key.place, sizes)
    keep: list[Constraint] = []
    for part in _listed(found["keep"][1]) if "keep" in found else ():
        with mistakes.apart():
            keep.append(_constraint(part))
    allowed = _listed(found["allow"][1]) if "allow" in found else ()
    return Variation(
        variables,
        sizes,
        tuple(keep),
        frozenset(values.choice(part, "allow", RULES) for part in allowed),
        _digits(found["digits"][1]) if "digits" in found else None,
        node.place,
    )  # fmt: skip


# --- parts of the section ---------------------------------------------------------------------------------------


def _pairs(node: Node, what: str) -> tuple[tuple[Scalar, Node], ...]:
    if isinstance(node, Map) and node.pairs:
        return node.pairs
    hint = "Write {x: integers 0..3}." if what == "vary" else "Write {n: 2..4}."
    raise BadValue(f"{what} is a mapping of names", place=node.place, hint=hint)


def _listed(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Seq) else (node,)


def _given(problem: Problem, key: Scalar) -> list[Given]:
    """The given values of a name: one, or all members of a family."""
    name = key.text.replace(" ", "")
    found = [given for given in problem.given.values() if name in (given.name, given.family)]
    if not found:
        known = list(dict.fromkeys(given.family or given.name for given in problem.given.values()))
        raise UnknownName(f"vary: {key.text} is not given", place=key.place, hint=values.suggestion(key.text, known))
    return found


def _constraint(node: Node) -> Constraint:
    text = values.text(node, "keep")
    if isinstance(node, Scalar) and node.flow and not node.quoted and text.count("(") != text.count(")"):
        hint = "Put it on a line of its own that begins with -, or quote it."
        raise BadValue("a formula inside [ ] must be quoted: a comma would cut it", place=node.place, hint=hint)
    return Constraint(parse(text, node.place, limits_of(node)), text.strip(), node.place)


def _digits(node: Node) -> int:
    digits = reader.integer(node, "digits") if isinstance(node, Scalar) else 0
    if not 1 <= digits <= 12:
        raise BadValue("digits is a whole number from 1 to 12", place=node.place)
    return digits


def _size(key: Scalar, node: Node) -> Cells:
    numbers = _range(values.text(node, key.text), Decimal(1), node.place, limits_of(node))
    if numbers[0] < 1:
        raise BadValue(
            f"the size {key.text} begins with {numbers[0]:g}", place=node.place, hint="A side has at least 1."
        )
    return Cells(numbers)


def _variable(given: Given, node: Node, place: Place | None, sizes: Mapping[str, Cells]) -> Variable:
    old: Shape = (len(given.value),) if isinstance(given.value, tuple) else given.value.shape
    word, asked = _asked(given, node)
    shape = _shape(asked.pop("shape"), old, sizes) if "shape" in asked else old
    is_fixed = shape == old
    kind = _KINDS[word](given, asked, node.place)
    for key, part in asked.items():
        raise BadValue(f"{word} has no {key}", place=part.place)
    if isinstance(given.value, tuple) != isinstance(kind, Vocabulary):
        hint = "Write {words: [cat, dog]}." if isinstance(given.value, tuple) else "Write integers 0..3, for example."
        what = "words" if isinstance(given.value, tuple) else "numbers"
        raise BadValue(f"{given.name} is a list of {what}, it cannot be {word}", place=node.place, hint=hint)
    needs_shape = isinstance(kind, (Whole, Permutation)) or (isinstance(kind, Cells) and kind.still is not None)
    if needs_shape and not is_fixed:
        raise BadValue(
            f"{given.name} has the shape of the file where it is drawn from the file's numbers", place=node.place
        )
    if isinstance(kind, Vocabulary) and len(kind.words) < old[0]:
        raise BadValue(f"{given.name} needs {old[0]} words, {len(kind.words)} are listed", place=node.place)
    if isinstance(kind, OneHot) and (len(shape) != 2 or shape[0] == 1):
        raise BadValue(f"{given.name} has one row: nothing can vary in a one_hot", place=node.place)
    return Variable(given.name, kind, shape, place)


def _shape(node: Node, old: Shape, sizes: Mapping[str, Cells]) -> tuple[int | str, ...]:
    sides: list[int | str] = []
    for part in _listed(node):
        text = values.text(part, "shape")
        if text not in sizes and not re.fullmatch(r"[1-9][0-9]{0,3}", text):
            hint = values.suggestion(text, list(sizes)) if sizes else "Write sizes: {n: 2..4} beside vary."
            raise BadValue(f"{text} is neither a number nor one of the sizes", place=part.place, hint=hint)
        sides.append(text if text in sizes else int(text))
    if len(sides) != len(old):
        raise BadValue(f"the shape has {len(sides)} sides, in the file there are {len(old)}", place=node.place)
    limits = limits_of(_listed(node)[0])
    cells = math.prod(side if isinstance(side, int) else int(max(sizes[side].numbers)) for side in sides)
    if cells > limits["numbers"]:
        message = f"this shape has {cells:,} numbers; {limits['numbers']:,} are allowed"
        raise exceeded("numbers", limits, message, cells, place=node.place)
    return tuple(sides)


# --- kinds of numbers -------------------------------------------------------------------------------------------

Asked = dict[str, Node]


def _asked(given: Given, node: Node) -> tuple[str, Asked]:
    """The kind, and what is said about it: `integers 0..3 except 0` and {integers: 0..3, except: 0} are the same."""
    if isinstance(node, Map):
        asked = {key.text: part for key, part in node.pairs}
        word = next((key for key in asked if key in _KINDS), "")
        strange = [key for key, _ in node.pairs if key.text not in (*_KINDS, *_MODIFIERS, "shape")]
    else:
        word, *rest = re.split(rf"\b({'|'.join(_MODIFIERS)})\b", values.text(node, given.name))
        word, _, own = word.strip().partition(" ")
        texts = {word: own, **dict(zip(rest[::2], rest[1::2], strict=True))}
        place = node.place
        asked = {key: Scalar(text.strip(), place=place) for key, text in texts.items()}
        strange = [Scalar(word, place=place)] if word not in _KINDS else []
    if strange or not word:
        found = strange[0].text if strange else "this"
        hint = values.suggestion(found, [*_KINDS, *_MODIFIERS])
        raise BadValue(f"{found} is no kind of numbers", place=(strange[0] if strange else node).place, hint=hint)
    return word, asked


def _integers(given: Given, asked: Asked, place: Place | None) -> Kind:
    part = asked.pop("integers")
    return _cells(given, asked, _range(values.text(part, "integers"), Decimal(1), part.place, limits_of(part)))


def _decimals(given: Given, asked: Asked, place: Place | None) -> Kind:
    part = asked.pop("decimals")
    if "step" not in asked:
        raise BadValue("decimals need a step", place=part.place, hint="Write decimals 0..1 step 0.1.")
    by = asked.pop("step")
    step = _decimal(values.text(by, "step"), by.place)
    if step <= 0:
        raise BadValue("the step is above 0", place=by.place)
    return _cells(given, asked, _range(values.text(part, "decimals"), step, part.place, limits_of(part)))


def _byhand(given: Given, asked: Asked, place: Place | None) -> Kind:
    asked.pop("byhand")
    return _cells(given, asked, BYHAND)


def _choice(given: Given, asked: Asked, place: Place | None) -> Kind:
    part = asked.pop("choice")
    if isinstance(part, Scalar):
        part = Seq(tuple([Scalar(word.strip(), place=part.place) for word in part.text.split(",")]), part.place)
    listed = _listed(part)
    if not listed:
        raise BadValue("choice: there is nothing to choose from", place=part.place)
    if all(isinstance(item, Scalar) for item in listed):
        return _cells(
            given, asked, tuple([reader.number(item, "choice") for item in listed if isinstance(item, Scalar)])
        )
    arrays = []
    for item in listed:
        array = values.value(item, given.name)
        if isinstance(array, tuple) or isinstance(given.value, tuple) or array.shape != given.value.shape:
            raise BadValue(f"each choice has the shape of {given.name}, or is one number", place=item.place)
        arrays.append(array)
    return Whole(tuple(arrays))


def _one_hot(given: Given, asked: Asked, place: Place | None) -> Kind:
    asked.pop("one_hot")
    return OneHot()


def _permutation(given: Given, asked: Asked, place: Place | None) -> Kind:
    part = asked.pop("permutation")
    text = part.text.removeprefix("of ").strip() if isinstance(part, Scalar) else "?"
    if isinstance(given.value, tuple):
        return Vocabulary(given.value)
    if text not in ("", "cells", "rows", "columns"):
        raise BadValue(f"permutation of {text}", place=part.place, hint="Write permutation of rows, or of columns.")
    return Permutation(given.value, {"rows": 0, "columns": 1}.get(text))


def _words(given: Given, asked: Asked, place: Place | None) -> Kind:
    part = asked.pop("words")
    words = (
        values.texts(part, "words")
        if isinstance(part, Seq)
        else tuple(values.text(part, "words").replace(",", " ").split())
    )
    if len(set(words)) < len(words):
        raise BadValue(
            "a word comes twice", place=part.place, hint="Each word once: they are drawn without repetition."
        )
    return Vocabulary(words)


_KINDS: Mapping[str, Callable[[Given, Asked, Place | None], Kind]] = {
    "integers": _integers,
    "decimals": _decimals,
    "byhand": _byhand,
    "choice": _choice,
    "one_hot": _one_hot,
    "permutation": _permutation,
    "words": _words,
}
_MODIFIERS = ("except", "step", "keeping")


def _cells(given: Given, asked: Asked, numbers: tuple[float, ...]) -> Cells:
    if "except" in asked:
        part = asked.pop("except")
        texts = (
            values.texts(part, "except")
            if isinstance(part, Seq)
            else re.split(r"\s*(?:,|and)\s*", values.text(part, "except"))
        )
        out = {float(_decimal(text, part.place)) for text in texts}
        numbers = tuple([number for number in numbers if number not in out])
        if not numbers:
            raise BadValue("nothing is left to choose from", place=part.place)
    if "keeping" not in asked:
        return Cells(numbers)
    part = asked.pop("keeping")
    if values.text(part, "keeping") != "zeros":
        raise BadValue("only zeros can be kept", place=part.place, hint="Write keeping zeros.")
    if isinstance(given.value, tuple):
        _refuse_words(given, part.place)
    return Cells(numbers, given.value == 0)


def _refuse_words(given: Given, place: Place | None) -> NoReturn:
    raise BadValue(f"{given.name} is a list of words", place=place, hint="Write {words: [cat, dog]}.")


def _range(text: str, step: Decimal, place: Place | None, limits: Limits) -> tuple[float, ...]:
    """The numbers of LOW..HIGH."""
    low_text, dots, high_text = text.partition("..")
    if not dots:
        raise BadValue(f"{text or 'nothing'} is not a range", place=place, hint="Write 0..3, for example.")
    low, high = _decimal(low_text, place), _decimal(high_text, place)
    if high < low:
        raise BadValue(
            f"the range {text} is empty", place=place, hint=f"Write {high_text.strip()}..{low_text.strip()}."
        )
    count = int((high - low) / step) + 1
    if count > limits["numbers"]:
        message = f"the range {text} has more than {limits['numbers']:,} numbers"
        raise exceeded("numbers", limits, message, count, place=place)
    return tuple([float(low + k * step) + 0.0 for k in range(count)])


def _decimal(text: str, place: Place | None) -> Decimal:
    word = text.strip()
    reader.number(Scalar(word, place=place), "")
    return Decimal(word)
