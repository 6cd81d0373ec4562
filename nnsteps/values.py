"""Located nodes to plain values: arrays, words, texts, the keys of a mapping. Knows no formulas and no problems.

A flat list of numbers is a column, nested lists are as nested, a number is 1×1; a flat list of texts is words.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

import numpy as np

from nnsteps.errors import BadValue, Mistakes, Place, UnknownKey, harmless, nearest
from nnsteps.limits import USUAL, Limits, exceeded
from nnsteps.reader import Array, Map, Node, Scalar, Seq, is_like_number, limits_of, number

RANK = 4  # at most
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Words: TypeAlias = tuple[str, ...]

_NOTHING = ("", "~", "null", "Null", "NULL")


def value(node: Node, name: str) -> Numbers | Words:
    """The array or the words that a node writes; `name` is what messages call it."""
    match node:
        case Array():
            return _from_code(node, name)
        case Scalar():
            return _finished(np.array([[_single(node, name)]]))
        case Seq(items) if items and all(_is_word(item) for item in items):
            return tuple([harmless(item.text) for item in items if isinstance(item, Scalar)])
        case Seq():
            return _nested(node, name)
        case Map():
            hint = "Write one number, a list [1, 2] or a list of rows [[1, 2], [3, 4]]."
            raise BadValue(f"{name} is neither a number nor a list", place=node.place, hint=hint)


def answer(node: Node, name: str) -> Numbers | Words | str:
    """The same for a published answer, which may also be one text."""
    if isinstance(node, Scalar) and not is_like_number(node) and node.text:
        return harmless(node.text)
    return value(node, name)


def text(node: Node, what: str) -> str:
    """The text of a scalar, with its blanks and line breaks as they were read."""
    if isinstance(node, Scalar) and (node.text or node.quoted):
        return node.text
    if isinstance(node, Scalar):
        raise BadValue(f"{what} is empty", place=node.place, hint="Write a text, or delete the key.")
    hint = "A text with [, {, # or a colon in it must be quoted." if getattr(node, "flow", False) else None
    raise BadValue(f"{what} is a text, not a {_kind(node)}", place=node.place, hint=hint)


def said(node: Node, what: str) -> str:
    """A text that is only ever shown, never read: what would steer a terminal is spelled out in it."""
    return harmless(text(node, what))


def texts(node: Node, what: str) -> tuple[str, ...]:
    """One such text or a list of them."""
    if isinstance(node, Seq):
        return tuple([said(item, what) for item in node.items])
    if isinstance(node, Map):
        raise BadValue(f"{what} is a text or a list, not a mapping", place=node.place, hint="Write [one, two].")
    return (said(node, what),)


def choice(node: Node, what: str, known: Iterable[str]) -> str:
    """One of the known words."""
    found, words = text(node, what), list(known)
    if found in words:
        return found
    raise BadValue(f"{what} cannot be {found}", place=node.place, hint=suggestion(found, words))


def fields(node: Node, what: str, known: Iterable[str]) -> dict[str, tuple[Scalar, Node]]:
    """The keys of a mapping, each with its own node and its value; one that is not known is refused."""
    keys = list(known)
    if not isinstance(node, Map):
        hint = f"Its keys: {', '.join(keys)}."
        raise BadValue(f"{what} is a mapping, not a {_kind(node)}", place=node.place, hint=hint)
    found: dict[str, tuple[Scalar, Node]] = {}
    mistakes = Mistakes()
    for key, inner in node.pairs:
        with mistakes.apart():
            found[known_key(key, what, keys)] = (key, inner)
    mistakes.tell()
    return found


def known_key(key: Scalar, what: str, known: list[str]) -> str:
    """The key as it is known. Errors: UnknownKey with the nearest one."""
    word = key.text
    if key.place is None and word not in known:  # in Python code a key has _ for its blanks
        word = word.replace("_", " ")
    if word in known:
        return word
    message = f"there is no key called {key.text} in {what}"
    raise UnknownKey(message, place=key.place, hint=suggestion(key.text, known))


def suggestion(word: str, known: list[str]) -> str:
    """A hint with the nearest known word, or with all of them."""
    close = nearest(word, known)
    return f"Did you mean {close}?" if close else f"Known here: {', '.join(known)}."


def from_python(data: object, limits: Limits = USUAL, depth: int = 0) -> Node:
    """Plain Python data and NumPy arrays as nodes without a place; arrays are taken whole."""
    if depth > limits["nesting"]:
        raise exceeded("nesting", limits, f"more than {limits['nesting']:,} lists or dicts inside each other")
    match data:
        case np.ndarray():
            return Array(data)
        case Scalar() | Seq() | Map() | Array():
            return data
        case str():
            return Scalar(data, quoted=True, limits=limits)
        case np.generic():
            return from_python(data.item(), limits, depth)
        case bool() | int() | float() | None:
            return Scalar("" if data is None else str(data), limits=limits)
        case Mapping():
            keys = [Scalar(str(key), quoted=True, limits=limits) for key in data]
            parts = [from_python(item, limits, depth + 1) for item in data.values()]
            return Map(tuple(zip(keys, parts, strict=True)))
        case list() | tuple():
            return Seq(tuple([from_python(item, limits, depth + 1) for item in data]))
    raise BadValue(
        f"a problem cannot hold a {type(data).__name__}", hint="Use numbers, texts, lists, dicts and arrays."
    )


def _kind(node: Node) -> str:
    return {Scalar: "text", Seq: "list", Map: "mapping", Array: "array"}[type(node)]


def is_text(node: Node) -> bool:
    """Whether a node is a text, and not meant as numbers."""
    return isinstance(node, Scalar) and not is_like_number(node)


def _is_word(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.quoted or not (is_like_number(node) or node.text in _NOTHING))


def _finished(array: Numbers) -> Numbers:
    array.setflags(write=False)
    return array


def _single(node: Scalar, name: str) -> float:
    if not _is_word(node):
        return number(node, name)
    try:
        return number(node, name)
    except BadValue as error:
        words = ", ".join(node.text.split())
        like_words = node.text and all(word.isalpha() for word in node.text.split())
        hint = f"Words are a list: [{words}]" if like_words else error.hint
        raise BadValue(error.message, place=error.place, hint=hint) from None


def _from_code(node: Array, name: str) -> Numbers | Words:
    array = node.value
    if array.dtype.kind == "U" and array.ndim == 1 and array.size:
        return tuple([harmless(str(word)) for word in array])
    if array.dtype.kind not in "iuf":
        raise BadValue(f"{name} holds {array.dtype}, not numbers", hint="Convert it with .astype(float).")
    if array.ndim > RANK:
        raise BadValue(f"{name} has {array.ndim} dimensions; {RANK} are the most")
    if not array.size:
        raise BadValue(f"{name} is empty")
    copy = np.array(array, dtype=np.float64, order="C")  # a copy: what the caller does later changes nothing here
    finite = np.isfinite(copy)
    if not finite.all():
        at = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise BadValue(f"{_cell(name, at)}: {copy[at]} cannot be used as a number")
    return _finished(copy if copy.ndim > 1 else copy.reshape(-1, 1))


def _nested(node: Seq, name: str) -> Numbers:
    """Rows of rows of numbers as an array, read level by level; every odd part is pointed at."""
    shape: list[int] = []
    level: list[Node] = [node]
    while True:
        length = _common_length(level, name, shape)
        shape.append(length)
        items = [item for part in level if isinstance(part, Seq) for item in part.items]
        _check_alike(items, name, shape)
        if isinstance(items[0], Scalar):
            break
        if len(shape) == RANK:
            hint = "Batches of channels of images are the most: O×C×h×w."
            raise BadValue(f"{name} has more than {RANK} levels of lists", place=items[0].place, hint=hint)
        level = items
    limits = limits_of(items[0])
    if len(items) > limits["numbers"]:
        message = f"{name} has {len(items):,} numbers; {limits['numbers']:,} are allowed"
        raise exceeded("numbers", limits, message, len(items), place=node.place)
    array = np.array(_numbers(items, name, shape)).reshape(shape if len(shape) > 1 else (-1, 1))
    return _finished(array)


def _numbers(items: list[Node], name: str, shape: list[int]) -> list[float]:
    numbers = []
    for k, item in enumerate(items):
        assert isinstance(item, Scalar)
        try:
            numbers.append(number(item))
        except BadValue:
            number(item, _cell(name, _path(k, shape)))
    return numbers


def _common_length(level: list[Node], name: str, shape: list[int]) -> int:
    lengths = [len(part.items) for part in level if isinstance(part, Seq)]
    common = Counter(lengths).most_common(1)[0][0]
    for k, (part, length) in enumerate(zip(level, lengths, strict=True)):
        if length == 0:
            what = f"{_part(name, _path(k, shape))} is empty" if shape else f"{name} is an empty list"
            raise BadValue(what, place=part.place, hint="Write its numbers, or delete it.")
        if length != common:
            found, others = _count(length), "the other has" if len(lengths) == 2 else "the others have"
            message = f"{_part(name, _path(k, shape))} has {found}, {others} {common}"
            hint = "All rows of a matrix are equally long."
            raise BadValue(message, place=part.place, hint=hint)
    return common


def _check_alike(items: list[Node], name: str, shape: list[int]) -> None:
    """All items numbers, or all of them lists."""
    kinds = Counter(type(item) for item in items)
    usual = Seq if kinds[Seq] > len(items) / 2 else type(items[0])
    for k, item in enumerate(items):
        if isinstance(item, Scalar | Seq) and type(item) is usual:
            continue
        if isinstance(item, Scalar | Seq):
            other = "lists" if usual is Seq else "numbers"
            found = "a list" if isinstance(item, Seq) else f"the single value {item.text}"
            _refuse_part(item.place, f"{_part(name, _path(k, shape))} is {found}, among {other}")
        _refuse_part(item.place, f"{_part(name, _path(k, shape))} is a {_kind(item)}, not a number")


def _refuse_part(place: Place | None, message: str) -> NoReturn:
    hint = "A column is [1, 2], a row [[1, 2]], a matrix a list of rows [[1, 2], [3, 4]]."
    raise BadValue(message, place=place, hint=hint)


def _path(k: int, shape: list[int]) -> tuple[int, ...]:
    """Where the k-th part of a level stands, from 0."""
    return tuple(int(i) for i in np.unravel_index(k, shape)) if shape else ()


def _part(name: str, path: tuple[int, ...]) -> str:
    return f"row {path[0] + 1} of {name}" if len(path) == 1 else _cell(name, path)


def _cell(name: str, path: tuple[int, ...]) -> str:
    return f"{name}[{','.join(str(i + 1) for i in path)}]" if path else name


def _count(length: int) -> str:
    return f"{length} number" if length == 1 else f"{length} numbers"
