"""A problem: given numbers, steps, answers, each with its place in the file. Knows no operations and computes nothing.

A file and Python code come to the same tree of nodes, and one function makes the problem of it: both are checked alike.
"""

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from nnsteps import families, forms, items, reader, values
from nnsteps.compounds import Compound
from nnsteps.definitions import definitions
from nnsteps.errors import BadValue, FileError, Mistakes, Place, UnknownKey, harmless, nearest
from nnsteps.families import Key
from nnsteps.items import GradientItem, Heading, Item, Loop, Repeat, Say, StepItem, UpdateItem, When
from nnsteps.limits import USUAL, Limits, with_changes
from nnsteps.reader import Array, Map, Node, Scalar, Seq
from nnsteps.values import Numbers, Words

__all__ = [
    "Answer", "Answers", "Given", "GradientItem", "Heading", "Item", "Loop", "Problem", "Repeat", "Say", "StepItem",
    "UpdateItem", "When", "WrongAnswer",
]  # fmt: skip

ROUNDINGS = ("inside", "each-step", "fractions")
DIGITS = 15  # more are not in a float


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A given array (float64, rank 2 to 4, read-only) or a list of words."""

    name: str
    value: Numbers | Words
    place: Place | None = None
    family: str = ""  # of a member: the name that it shares
    key: Key = ()  # of a member: its index


@dataclass(frozen=True, slots=True)
class Label:
    """The names of the rows or columns of a value: words, or the name of a given list of words."""

    words: Words
    place: Place | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    name: str
    value: Numbers | Words | str
    place: Place | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WrongAnswer:
    """A published answer that is known to be wrong, and why."""

    name: str
    printed: Numbers | Words | str
    why: str
    place: Place | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    by_hand: Mapping[str, Answer] = field(default_factory=dict)
    exact: Mapping[str, Answer] = field(default_factory=dict)
    wrong: Mapping[str, WrongAnswer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Problem:
    """One exercise. The top-level `gradient` and then `update` are the last of its steps."""

    name: str
    title: str
    given: Mapping[str, Given]
    steps: tuple[Item, ...]
    topic: str | None
    aliases: tuple[str, ...]
    builds_on: tuple[str, ...]
    about: str | None
    source: str | None
    answers: Answers
    order: int | None
    rounding: str
    digits: int | None
    ask: tuple[str, ...]
    freeze: tuple[str, ...]
    conventions: tuple[str, ...]
    labels: Mapping[str, tuple[Label | None, Label | None]]  # of rows and columns
    defined: Mapping[str, Compound]  # functions of its own
    practice: Node | None
    notes: tuple[str, ...]
    file: str | None
    source_text: str | None
    limits: Limits

    def __init__(
        self,
        given: Mapping[str, object] | None = None,
        steps: Iterable[object] = (),
        gradient: object = None,
        update: object = None,
        *,
        name: str = "problem",
        title: str | None = None,
        limits: Mapping[str, int] = USUAL,
        **other: object,
    ) -> None:
        """A problem in Python: the keys are those of a file, with _ for their blanks; `limits` as in nnsteps.limits."""
        asked = with_changes(limits)
        listed = steps if isinstance(steps, str) else list(steps)
        data = {"given": given, "steps": listed, "gradient": gradient, "update": update, "title": title, **other}
        node = values.from_python({key: part for key, part in data.items() if part is not None}, asked)
        assert isinstance(node, Map)
        mistakes = Mistakes()
        self._fill(_build(node, name, asked, mistakes))
        self._refuse(mistakes)

    @classmethod
    def read(
        cls, text: str | bytes, file: str, name: str | None = None, limits: Mapping[str, int] = USUAL
    ) -> "Problem":
        """The problem that a YAML text describes; `file` is what messages call it, `limits` as in nnsteps.limits.

        Errors: StepsError, the first of all that is wrong in it; its `mistakes.unfinished` is the problem without that.
        """
        mistakes, asked = Mistakes(), with_changes(limits)
        node = reader.read(text, file, asked, mistakes)
        if not isinstance(node, Map):
            hint = "Its keys: given, steps, gradient, answers, …; only steps is required."
            if isinstance(node, Scalar) and "=" in node.text:
                hint = f"Write steps: and under it, further in:  - {node.text.strip()}"
            raise BadValue("a problem is a mapping of keys", place=node.place, hint=hint)
        problem = cls.__new__(cls)
        problem._fill(_build(node, name or harmless(Path(file).stem), asked, mistakes, file))
        return problem._set(file=file, source_text=reader.decoded(text, file, asked))._refuse(mistakes)

    @classmethod
    def load(cls, path: str | Path, limits: Mapping[str, int] = USUAL) -> "Problem":
        """The problem in a file."""
        path, most = Path(path), with_changes(limits)["file"]
        try:
            with path.open("rb") as stream:
                data = stream.read(most + 1)
        except (OSError, ValueError) as error:
            raise FileError(_why(error), where=str(path)) from None
        return cls.read(data, str(path), limits=limits)

    def changed(self, **changes: Any) -> "Problem":
        """The same problem with some of its fields replaced."""
        problem = type(self).__new__(type(self))
        problem._fill({part.name: getattr(self, part.name) for part in fields(self)})
        return problem._set(**changes)

    def _fill(self, content: Mapping[str, Any]) -> None:
        for part in fields(self):
            object.__setattr__(self, part.name, content[part.name])

    def _refuse(self, mistakes: Mistakes) -> "Problem":
        """The problem, if nothing is wrong with it."""
        unspeakable = [name for name in mistakes.lost if not name.isidentifier() or keyword.iskeyword(name)]
        for broken in items.broken(self.steps):
            if not any(name in broken.text for name in unspeakable):
                mistakes.note(broken.mistake)
        mistakes.unfinished = self if mistakes.unfinished else None
        mistakes.tell()
        return self

    def _set(self, **changes: Any) -> "Problem":
        for key, part in changes.items():
            object.__setattr__(self, key, part)
        return self


def _why(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "there is no file of this name"
        case IsADirectoryError():
            return "this is a directory, not a file"
        case PermissionError():
            return "this file may not be read"
    return f"this file cannot be read ({getattr(error, 'strerror', None) or error})"


# --- from nodes ---------------------------------------------------------------------------------------------


def _build(node: Map, name: str, limits: Limits, mistakes: Mistakes, file: str | None = None) -> dict[str, Any]:
    """The fields of the problem that a tree of nodes describes; what is wrong is noted, and missing in them."""
    found = _sections(node, mistakes)
    if "steps" not in found:
        hint = "Write steps: and under it, each on a line:  - y = W @ x + b"
        mistakes.note(BadValue("this problem has no steps", where=file, hint=hint))
    for key, check in _CHECKS.items():
        if key in found:
            with mistakes.apart():
                check(*found[key])
    content = {attribute: default for attribute, default, _ in _KEYS.values()}
    for key, (attribute, _, read) in _KEYS.items():
        if key in found:
            with mistakes.apart(_lost_with(key, found[key][1])):
                content[attribute] = read(found[key][1], key)
    content |= {"name": name, "given": {}, "steps": (), "title": content["title"] or _title(name)}
    content |= {"file": file, "source_text": None, "limits": limits}
    with mistakes.apart():
        content["given"] = _given(found["given"][1], mistakes) if "given" in found else {}
        steps = forms.steps(found["steps"][1]) if "steps" in found else ()
        steps += forms.gradients(found["gradient"][1]) if "gradient" in found else ()
        content["steps"] = steps + ((forms.update(found["update"][1]),) if "update" in found else ())
        mistakes.unfinished = len(found) == len(node.pairs)  # else it is not known what the others meant
    if mistakes.unfinished:
        names = [*dict.fromkeys([*(given.family or given.name for given in content["given"].values()), *mistakes.lost])]
        everything = [*names, *items.results(content["steps"])]
        for key, known in (("freeze", names), ("ask", everything)):
            if key in found:
                _check_names(reader.scalars(found[key][1]), key, known, mistakes)
        if "labels" in found and isinstance(found["labels"][1], Map):
            _check_names([key for key, _ in found["labels"][1].pairs], "labels", everything, mistakes)
    return content


def _sections(node: Map, mistakes: Mistakes) -> dict[str, tuple[Scalar, Node]]:
    """The keys of a problem, each with its node and its value; a misspelt one is noted, and read as it was meant."""
    keys = ["given", "steps", "gradient", "update", *_KEYS, *_CHECKS]
    found: dict[str, tuple[Scalar, Node]] = {}
    for key, part in node.pairs:
        try:
            found[values.known_key(key, "a problem", keys)] = (key, part)
        except UnknownKey as mistake:
            likely = nearest(key.text, keys)
            if likely is None and not isinstance(part, Map) and not values.is_text(part):
                mistake.hint = f"{mistake.hint}\nIf {key.text} is a given number, write it further in, under given:"
            mistakes.note(mistake)
            if likely:
                found.setdefault(likely, (key, part))
    return found


def _lost_with(key: str, section: Node) -> list[str]:
    """What has no value where a section is wrong: its functions; words, where they are labels."""
    if key == "define" and isinstance(section, Map):
        return [name.text.partition("(")[0].strip() for name, _ in section.pairs]
    return ['"'] if key == "labels" else []


def _title(name: str) -> str:
    words = re.sub(r"[-_]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def _given(node: Node, mistakes: Mistakes) -> dict[str, Given]:
    if isinstance(node, Scalar) and not node.text:
        return {}
    if not isinstance(node, Map):
        raise BadValue("given is a mapping of names to values", place=node.place, hint=_how_given(node))
    found: dict[str, Given] = {}
    is_family: dict[str, bool] = {}
    for key, part in node.pairs:
        with mistakes.apart([key.text.partition("[")[0].strip(), *re.findall(r"\w+", key.text)]):
            for given in _members(key, part):
                base = given.family or given.name
                if given.name in found:
                    if given.family:
                        raise BadValue(f"{given.name} is given twice", place=key.place, hint="Keep one of the two.")
                    message = f"{key.text} and {found[given.name].name} are the same name"
                    raise BadValue(message, place=key.place, hint="Rename one of the two.")
                if is_family.setdefault(base, bool(given.family)) != bool(given.family):
                    message = f"{base} cannot be a value and a family of values"
                    raise BadValue(message, place=key.place, hint="Rename one of the two.")
                found[given.name] = given
    return found


def _how_given(node: Node) -> str:
    """What was meant by a section `given` that is no mapping."""
    text = node.text if isinstance(node, Scalar) else ""
    if found := re.match(r"(\w+)\s*=\s*(.+)", text):
        return f"Write a colon and a blank:  {found[1]}: {found[2]}"
    if found := re.match(r"(\w+):(\S.*)", text):
        return f"A blank belongs behind the colon:  {found[1]}: {found[2]}"
    dashes = "Leave out the -, and w" if isinstance(node, Seq) and not node.flow else "W"
    return dashes + "rite each name with its value:  x: [2, 1, 3]"


def _members(key: Scalar, part: Node) -> Iterator[Given]:
    """What one key gives: a value, or members of a family: X[1]: …, x[1..4]: […], expert: {A: …, B: …}."""
    split = families.split_name(key.text)
    if split is None:
        name = _name(key)
        if not isinstance(part, Map):
            yield Given(name, values.value(part, name), key.place)
        elif not part.pairs:
            raise BadValue(f"{name} has no members", place=key.place, hint="Write {A: [1, 2], B: [3, 4]}.")
        else:
            yield from _mapped(name, (), part)
        return
    name = _name(Scalar(split[0], place=key.place))
    numbers = families.range_of(split[1])
    if numbers is None:
        yield _member(name, families.key_of(split[1]), part, key.place)
        return
    items = part.items if isinstance(part, Seq) else part.value if isinstance(part, Array) else ()
    if len(items) != len(numbers):
        found = f"{len(items)} of them" if isinstance(part, (Seq, Array)) else "no list"
        message = f"{key.text} needs a list of {len(numbers)} values; found {found}"
        raise BadValue(message, place=part.place or key.place, hint="Each item is one member.")
    for number, item in zip(numbers, items, strict=True):
        inner = item if isinstance(part, Seq) else Array(np.atleast_1d(item))
        yield _member(name, (number,), inner, key.place)


def _mapped(name: str, above: Key, part: Map) -> Iterator[Given]:
    for key, inner in part.pairs:
        index = (*above, *families.key_of(f'"{harmless(key.text)}"' if key.quoted and key.place else key.text))
        if isinstance(inner, Map) and inner.pairs:
            yield from _mapped(name, index, inner)
        else:
            yield _member(name, index, inner, key.place)


def _member(family: str, key: Key, node: Node, place: Place | None) -> Given:
    name = families.member_name(family, key)
    return Given(name, values.value(node, name), place, family, key)


def _name(key: Scalar) -> str:
    """The name as formulas will know it: Python folds letters that look alike."""
    text = key.text
    name = unicodedata.normalize("NFKC", text)
    if text.isidentifier() and not keyword.iskeyword(name):
        return name
    if keyword.iskeyword(name):
        hint = "Write lam; the page shows λ." if name == "lambda" else f"Write {name}_, for example."
        raise BadValue(f"{text} is a word of Python and cannot be a name", place=key.place, hint=hint)
    hint = "A name has letters, digits and underscores, and begins with a letter."
    likely = re.sub(r"\W+", "_", name).strip("_")
    if likely.isidentifier() and not keyword.iskeyword(likely):
        hint = f"Write {likely}." + ("" if re.search(r"[\s-]", text) else " " + hint)
    raise BadValue(f"{text} cannot be a name" if text else "a name is missing", place=key.place, hint=hint)


def _check_names(listed: Iterable[Scalar], what: str, known: list[str], mistakes: Mistakes) -> None:
    """Note what names none of the known values; gradients are known when they have been computed."""
    for part in listed:
        name = re.split(r"[\[#]", part.text)[0].strip()
        if name not in known and "/d" not in name:
            message = f"{what}: {name} is not given" if what == "freeze" else f"{what}: there is no value called {name}"
            mistakes.note(BadValue(message, place=part.place, hint=values.suggestion(name, known)))


def _optional(read: Callable[[Node, str], Any]) -> Callable[[Node, str], Any]:
    """The same reader, but an empty value is as good as none."""
    return lambda node, what: None if isinstance(node, Scalar) and not node.text else read(node, what)


def _integer(node: Node, what: str) -> int:
    if not isinstance(node, Scalar):
        raise BadValue(f"{what} is a whole number", place=node.place)
    return reader.integer(node, what)


def _digits(node: Node, what: str) -> int:
    digits = _integer(node, what)
    if 0 <= digits <= DIGITS:
        return digits
    raise BadValue(f"digits cannot be {digits}", place=node.place, hint=f"It is a whole number from 0 to {DIGITS}.")


def _rounding(node: Node, what: str) -> str:
    return values.choice(node, what, ROUNDINGS)


def _conventions(node: Node, what: str) -> tuple[str, ...]:
    if isinstance(node, Map):
        return tuple([f"{key.text}: {values.said(part, key.text)}" for key, part in node.pairs])
    return values.texts(node, what)


def _labels(node: Node, what: str) -> dict[str, tuple[Label | None, Label | None]]:
    if not isinstance(node, Map):
        hint = "Write labels: {X: {columns: tokens, rows: [size, weight]}}."
        raise BadValue("labels is a mapping of names to their sides", place=node.place, hint=hint)
    found = {}
    for key, part in node.pairs:
        if not isinstance(part, Map):
            hint = f"Write {key.text}: {{rows: [a, b]}}, or {key.text}: {{columns: [a, b]}}."
            raise BadValue(f"the labels of {key.text} need a side", place=part.place, hint=hint)
        sides = values.fields(part, f"the labels of {key.text}", ("rows", "columns"))
        rows, columns = (
            Label(values.texts(sides[side][1], side), sides[side][1].place) if side in sides else None
            for side in ("rows", "columns")
        )
        found[key.text] = (rows, columns)
    return found


def _raw(node: Node, what: str) -> Node:
    return node


def _answers(node: Node, what: str) -> Answers:
    found = values.fields(node, what, ("by hand", "exact", "wrong"))
    read = {key: _named_parts(part, key) for key, (_, part) in found.items()}
    return Answers(
        by_hand={answer.name: answer for key, part in read.get("by hand", ()) for answer in _answer(key, part)},
        exact={answer.name: answer for key, part in read.get("exact", ()) for answer in _answer(key, part)},
        wrong={key.text: _wrong(key, part) for key, part in read.get("wrong", ())},
    )


def _named_parts(node: Node, what: str) -> tuple[tuple[Scalar, Node], ...]:
    if isinstance(node, Map):
        return node.pairs
    hint = "Write each name with its value:  y: [0.5, 0.5, 0]"
    raise BadValue(f"{what} is a mapping of names to answers", place=node.place, hint=hint)


def _answer(key: Scalar, node: Node) -> Iterator[Answer]:
    """One answer; a range of members (y[1..4]) gives several."""
    name, index = families.split_name(key.text) or (key.text, "")
    numbers = families.range_of(index)
    if numbers is not None and (not isinstance(node, Seq) or len(node.items) != len(numbers)):
        raise BadValue(f"{key.text} needs a list of {len(numbers)} answers", place=node.place or key.place)
    if numbers is None or not isinstance(node, Seq):
        yield Answer(key.text, values.answer(node, key.text), key.place)
        return
    for number, item in zip(numbers, node.items, strict=True):
        member = families.member_name(name, (number,))
        yield Answer(member, values.answer(item, member), key.place)


def _wrong(key: Scalar, node: Node) -> WrongAnswer:
    found = values.fields(node, f"the wrong answer {key.text}", ("printed", "why"))
    for part in ("printed", "why"):
        if part not in found:
            hint = f"Write {key.text}: {{printed: …, why: …}}."
            raise BadValue(f"the wrong answer {key.text} has no `{part}`", place=key.place, hint=hint)
    printed = values.answer(found["printed"][1], key.text)
    return WrongAnswer(key.text, printed, values.said(found["why"][1], "why"), key.place)


def _check_version(key: Scalar, node: Node) -> None:
    if _integer(node, "version") != 1:
        hint = "Delete the line, or get a newer nnsteps."
        raise BadValue("only version 1 is known", place=node.place, hint=hint)


_CHECKS: Mapping[str, Callable[[Scalar, Node], None]] = {"version": _check_version}

# key: (field, value where it is missing, reader)
_KEYS: Mapping[str, tuple[str, Any, Callable[[Node, str], Any]]] = {
    "title": ("title", None, _optional(values.said)),
    "topic": ("topic", None, _optional(values.said)),
    "aliases": ("aliases", (), values.texts),
    "builds on": ("builds_on", (), values.texts),
    "about": ("about", None, _optional(values.said)),
    "source": ("source", None, _optional(values.said)),
    "answers": ("answers", Answers(), _answers),
    "order": ("order", None, _integer),
    "rounding": ("rounding", "inside", _rounding),
    "digits": ("digits", None, _digits),
    "ask": ("ask", (), values.texts),
    "freeze": ("freeze", (), values.texts),
    "conventions": ("conventions", (), _conventions),
    "labels": ("labels", {}, _labels),
    "define": ("defined", {}, definitions),
    "practice": ("practice", None, _raw),
    "notes": ("notes", (), values.texts),
}
