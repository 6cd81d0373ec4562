"""YAML text to a tree of located nodes. Knows YAML, and nothing of what a problem file means.

The parser's events are read one by one: size, depth and count are checked before anything is built, every node keeps
its line and column, and every scalar stays the text that was written. (Composing would expand alias bombs, let a
repeated key win in silence, make 8 of 010, and kill the process at 100,000 nested brackets.)
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import numpy as np
import yaml

from nnsteps.errors import BadValue, FileError, Mistakes, Place, ReadError
from nnsteps.limits import USUAL, Limits, exceeded
from nnsteps.misread import explain, first_line


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text or number, as written. `flow` says that it stands inside [ ] or { }; `limits` hold for what it says."""

    text: str
    quoted: bool = False
    place: Place | None = None
    flow: bool = False
    limits: Limits = field(default_factory=lambda: USUAL, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Seq:
    items: "tuple[Node, ...]"
    place: Place | None = None
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Map:
    pairs: "tuple[tuple[Scalar, Node], ...]"
    place: Place | None = None
    flow: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """Numbers that came from code, not from text."""

    value: np.ndarray[Any, Any]
    place: Place | None = None


Node: TypeAlias = Scalar | Seq | Map | Array


def limits_of(node: Node) -> Limits:
    """What limits hold for a formula that stands in a node."""
    return node.limits if isinstance(node, Scalar) else USUAL


def read(text: str | bytes, file: str, limits: Limits = USUAL, mistakes: Mistakes | None = None) -> Node:
    """The tree of one YAML document; of a key that is given twice the first, the other is noted (or refused)."""
    source = decoded(text, file, limits)
    lines = re.split(r"\r\n|[\r\n\u0085\u2028\u2029]", source)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    noted = Mistakes() if mistakes is None else mistakes
    builder = _Builder(file, lines, limits, noted)
    try:
        for event in yaml.parse(source, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise explain(error, file, lines) from None
    except (yaml.YAMLError, RecursionError, MemoryError, ValueError) as error:
        raise ReadError(f"this is not YAML: {first_line(error)}", where=file) from None
    if mistakes is None:
        noted.tell()
    root = builder.root
    if root is None or (isinstance(root, Scalar) and not root.text and not root.quoted):
        raise FileError("there is nothing in this file", where=file, hint="A problem needs at least `steps:`.")
    return root


def decoded(source: str | bytes, file: str, limits: Limits = USUAL) -> str:
    """The text without byte order mark; what is too large, binary or unprintable is refused."""
    if len(source) > limits["file"]:
        raise exceeded("file", limits, f"this file is larger than {limits['file']:,} bytes", where=file)
    text = (source if isinstance(source, str) else _utf8(source, file)).removeprefix("\ufeff")
    if "\0" in text:
        raise _binary(file)
    found = _UNPRINTABLE.search(text)
    odd = re.search(rf"^[ -]*(?={_ODD_BLANK})", text, re.MULTILINE)
    if odd and not found:
        line = text[odd.start() :].split("\n", 1)[0]
        place = Place(file, text.count("\n", 0, odd.start()) + 1, odd.end() - odd.start() + 1, text=line)
        raise ReadError("this blank is not one that YAML knows", place=place, hint="Delete it, and type plain blanks.")
    if not found:
        return text
    before = text[: found.start()].split("\n")
    line = before[-1] + text[found.start() :].split("\n", 1)[0]
    place = Place(file, len(before), len(before[-1]) + 1, text=line)
    message = f"there is an invisible character ({ascii(found.group())[1:-1]}) here"
    raise ReadError(message, place=place, hint="Delete it.")


def _utf8(source: bytes, file: str) -> str:
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in source or not source[: error.start].strip():
            raise _binary(file) from None
        line = source.count(b"\n", 0, error.start) + 1
        hint = "Save the file as UTF-8 in your editor."
        raise FileError(f"the text is not UTF-8 from line {line} on", where=file, hint=hint) from None


_ODD_BLANK = r"[\u00a0\u2000-\u200b\u202f\u3000\ufeff]"  # looks like a blank, or like nothing, and is none
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _binary(file: str) -> FileError:
    return FileError("this is not a text file", where=file, hint="A problem is a YAML file: plain text, UTF-8.")


class _Builder:
    """Makes nodes of events; what is not yet closed stands on a stack, so nothing here recurses."""

    def __init__(self, file: str, lines: list[str], limits: Limits, mistakes: Mistakes) -> None:
        self.root: Node | None = None
        self._mistakes = mistakes
        self._file, self._lines, self._limits = file, lines, limits
        self._open: list[tuple[Any, list[Node]]] = []
        self._count = 0
        self._flow = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event of the parser."""
        match event:
            case yaml.ScalarEvent():
                self._check(event)
                self._add(self._scalar(event))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._check(event)
                if len(self._open) >= self._limits["nesting"]:
                    message = f"more than {self._limits['nesting']:,} lists or mappings inside each other"
                    raise exceeded("nesting", self._limits, message, place=self._place(event))
                self._open.append((event, []))
                self._flow += bool(event.flow_style)
            case yaml.SequenceEndEvent():
                start, items = self._close()
                self._add(Seq(tuple(items), self._place(start, event), bool(start.flow_style)))
            case yaml.MappingEndEvent():
                start, items = self._close()
                self._add(Map(self._pairs(items), self._place(start, event), bool(start.flow_style)))
            case yaml.AliasEvent():
                hint = f'Write the value out, or quote it: "*{event.anchor}".'
                raise ReadError("problem files have no aliases (*)", place=self._place(event), hint=hint)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    hint = "Put each problem into a file of its own."
                    raise ReadError("a second document begins here", place=self._place(event), hint=hint)

    def _close(self) -> tuple[Any, list[Node]]:
        start, items = self._open.pop()
        self._flow -= bool(start.flow_style)
        return start, items

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.root = node

    def _check(self, event: Any) -> None:
        self._count += 1
        if self._count > self._limits["parts"]:
            message = f"this file has more than {self._limits['parts']:,} parts"
            raise exceeded("parts", self._limits, message, place=self._place(event))
        if event.anchor is not None:
            place = self._place(event).part(0, len(event.anchor) + 1)
            hint = f'Delete &{event.anchor}, or quote the text if it is one: "&{event.anchor}".'
            raise ReadError("problem files have no anchors (&)", place=place, hint=hint)
        if event.tag is not None:
            place = self._place(event)
            tag = place.text[place.column - 1 :].split(" ")[0]
            hint = f'Delete {tag}, or quote the text if it is one: "{tag}".'
            raise ReadError("problem files have no tags (!)", place=place.part(0, len(tag)), hint=hint)

    def _pairs(self, items: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        seen: dict[str, Scalar] = {}
        pairs: list[tuple[Scalar, Node]] = []
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, Scalar):
                hint = 'Quote it: "h[1]": …' if isinstance(key, Seq) else "A key is a name or a word."
                raise ReadError("a list or mapping cannot be a key", place=key.place, hint=hint)
            if key.text == "<<" and not key.quoted:
                raise ReadError("problem files have no merge keys (<<)", place=key.place, hint="Write the keys out.")
            if first := seen.get(key.text):
                also: tuple[tuple[Place, str], ...] = ()
                if first.place and key.place:
                    also = ((first.place, f"given first in line {first.place.line}"),)
                hint = "A name has one value. Remove one of the two, or rename it."
                twice = f"{key.text} is given twice"
                self._mistakes.note(ReadError(twice, place=key.place, also=also, here="and again here", hint=hint))
                continue
            seen[key.text] = key
            pairs.append((key, value))
        return tuple(pairs)

    def _scalar(self, event: Any) -> Scalar:
        text, quoted = event.value, event.style in ("'", '"')
        if len(text) > self._limits["text"]:
            message = f"this text has {len(text):,} characters; {self._limits['text']:,} are allowed"
            raise exceeded("text", self._limits, message, len(text), place=self._place(event))
        return Scalar(text, quoted, self._text_place(event, text, quoted), self._flow > 0, self._limits)

    def _text_place(self, event: Any, text: str, quoted: bool) -> Place:
        """Where the first character of the text stands; not exact where the text is not what is seen."""
        start, end = event.start_mark, event.end_mark
        line = self._line(start.line)
        number, column = start.line + 1, start.column + 1
        if start.line == end.line and line[start.column + quoted : end.column - quoted] == text:
            return Place(self._file, number, column + quoted, len(text) or 1, line)
        block = self._block_place(start.line, text) if event.style in ("|", ">") else None
        if block:
            return block
        length = end.column if start.line == end.line else len(line.rstrip())
        return Place(self._file, number, column, max(1, length - start.column), line, exact=False)

    def _block_place(self, start: int, text: str) -> Place | None:
        """Where a block text of one line stands, which is not where its | stands."""
        for number in range(start + 1, len(self._lines)):
            line = self._line(number)
            if line.strip():
                indent = len(line) - len(line.lstrip())
                found = line[indent:].rstrip() == text.rstrip()
                return Place(self._file, number + 1, indent + 1, len(text.rstrip()), line) if found else None
        return None

    def _place(self, event: Any, end: Any = None) -> Place:
        start, stop = event.start_mark, (end or event).end_mark
        length = stop.column - start.column if start.line == stop.line else 1
        return Place(self._file, start.line + 1, start.column + 1, max(1, length), self._line(start.line))

    def _line(self, number: int) -> str:
        return self._lines[number] if number < len(self._lines) else ""


_PLAIN_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LIKE_NUMBER = re.compile(r"[-+−–]?\s*\.?[0-9]|[-+]?\.?(?:nan|inf|infinity)$", re.IGNORECASE)


def is_like_number(scalar: Scalar) -> bool:
    """Whether the text was meant as a number, be it a right one or not."""
    return not scalar.quoted and _LIKE_NUMBER.match(scalar.text) is not None


def number(scalar: Scalar, what: str = "") -> float:
    """The number that the text writes; `what` says where it stands, for the message."""
    text = scalar.text
    if not scalar.quoted and _PLAIN_NUMBER.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        value = float(text)
        if math.isinf(value):
            _refuse(scalar, what, "is too large for a computer", "The largest number is about 1.8e308.")
        return value
    _refuse_number(scalar, what)


def integer(scalar: Scalar, what: str = "") -> int:
    """The whole number that the text writes."""
    value = number(scalar, what)
    if value != int(value):
        _refuse(scalar, what, "is not a whole number", None)
    return int(value)


def _refuse(scalar: Scalar, what: str, fault: str, hint: str | None) -> NoReturn:
    shown = scalar.text if len(scalar.text) <= 40 else scalar.text[:39] + "…"
    shown = f'"{shown}"' if " " in shown else shown
    message = f"{shown} {fault}" if shown else f"a number is missing{' here' if not what else ''}"
    raise BadValue(f"{what}: {message}" if what else message, place=scalar.place, hint=hint)


def _refuse_number(scalar: Scalar, what: str) -> NoReturn:
    text = scalar.text
    plain = text.translate({ord("−"): "-", ord("–"): "-"})
    if scalar.quoted and _PLAIN_NUMBER.fullmatch(text):
        _refuse(scalar, what, "is quoted, so it is a word and not a number", f"Write {text} without quotes.")
    for pattern, hint in _NUMBER_HINTS:
        if found := re.fullmatch(pattern, plain, re.IGNORECASE):
            _refuse(scalar, what, "cannot be used as a number", found.expand(hint))
    if plain != text:
        _refuse(scalar, what, "is not a number", f"Write {plain} with the plain - of the keyboard.")
    likely = text.translate(str.maketrans("OoIl", "0011"))
    if _PLAIN_NUMBER.fullmatch(likely):
        _refuse(scalar, what, "is not a number", f"Did you mean {likely}?")
    if blank := re.search(_ODD_BLANK, text):
        _refuse(scalar, what, "is not a number", f"Type a plain blank for {ascii(blank.group())[1:-1]}, or nothing.")
    looks = "A number looks like 2, -0.5 or 1e-3."
    if what.endswith("]"):
        looks += " A list holds only numbers, or only words."
    _refuse(scalar, what, "is not a number", looks if text else "Write its value, such as 2 or [1, 2, 3].")


_NUMBER_HINTS = (
    (r"([-+]?)0+([1-9][0-9.]*)", r"A leading 0 means base eight in some files. Write \1\2."),
    (r"([-+]?)0+(0(?:\.[0-9]*)?)", r"Write \1\2."),
    (r"[-+]?[0-9.]+/[0-9.]+", "Write it as a decimal such as 0.3333, or compute it in a step."),
    (r"[-+]?[0-9.]+\s*%", "Write it as a decimal: 25% is 0.25."),
    (r"([-+]?[0-9]+),([0-9]+)", r"Write \1.\2: the decimal point is a dot."),
    (r"[-+]?[0-9][0-9_.]*_[0-9_.]*", "Write the digits without underscores."),
    (r"[0-9]+(?::[0-9]+)+", "Times are not numbers: write the number of seconds, or quote it as a word."),
    (r"[-+]?0[xob].*", "Write it in the decimal system."),
    (r"[-+]?\.?nan", "Every number of a problem is known. Leave the name out, or write its number."),
    (r"[-+]?\.?inf(?:inity)?", "Every number of a problem is finite; to mask a cell, use masked_fill in a step."),
    (r"[-+]?[0-9.]*[-+]?[0-9.]+[ij]", "A number has no imaginary part."),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", r'A date is no number; quote it if it is a word: "\g<0>".'),
    (r"\((.*)\)", r"Write square brackets: [\1]."),
    (r"[-+0-9.e ]+;[-+0-9.e ;]+", "Each row is a list: [[1, 2], [3, 4]]."),
    (r"yes|true|on", "Write 1."),
    (r"no|false|off", "Write 0."),
    (r"null|none|~", "Write 0 where nothing is meant."),
    (r"([-+]?[0-9.]+)e", r"Write \1e-3, for example."),
    (r"[-+]?[0-9.]+(?: +[-+]?[0-9.]+)+", "Put commas between numbers, and brackets around them: [1, 2, 3]."),
    (r"[-+0-9.e ()]+(?:\*+|/|\+)[-+*/0-9.e ()]+", "Compute it in a step."),
)


def scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar of a node, keys included, in reading order."""
    waiting = [node]
    while waiting:
        match waiting.pop():
            case Scalar() as scalar:
                yield scalar
            case Seq(items):
                waiting.extend(reversed(items))
            case Map(pairs):
                waiting.extend(reversed([part for pair in pairs for part in pair]))
