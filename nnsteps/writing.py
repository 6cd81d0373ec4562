"""A problem file once more, with other numbers: YAML text from the nodes of the file. Solves and checks nothing.

Published answers, remarks and the practice section belong to the printed numbers; they are left out. Comments are lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from nnsteps import reader
from nnsteps.ops import Array
from nnsteps.problem import Problem
from nnsteps.reader import Map, Node, Scalar, Seq
from nnsteps.trace import as_lists
from nnsteps.values import Words

_LEFT_OUT = ("answers", "practice", "aliases", "order", "source")
_PLAIN = re.compile(r"[^\W_][^\n\r\t]*")
_ALSO_SPECIAL = re.compile(r": |:$| #|^\s|\s$")


class Template:
    """The text of a problem file, with a gap for its title line and one for its given numbers."""

    def __init__(self, problem: Problem) -> None:
        tree = reader.read(problem.source_text or "", problem.file or problem.name)
        assert isinstance(tree, Map)
        pairs = [(key, part) for key, part in tree.pairs if key.text not in (*_LEFT_OUT, "given")]
        split = next(place for place, (key, _) in enumerate(pairs) if key.text == "steps")
        titles = [(key, part) for key, part in pairs[:split] if key.text == "title"]
        rest = [(key, part) for key, part in pairs[:split] if key.text != "title"]
        self._before = _mapping(titles) or [f"title: {_text(Scalar(problem.title))}"]
        self._between, self._after = _mapping(rest), _mapping(pairs[split:])

    def filled(self, given: Mapping[str, Array | Words], source: str) -> str:
        """The text with these numbers."""
        numbers = [f"  {name}: {value_text(value)}" for name, value in given.items()]
        lines = [*self._before, f"source: {_text(Scalar(source))}", *self._between]
        return "\n".join([*lines, *(["given:", *numbers] if numbers else []), *self._after]) + "\n"


def value_text(value: Array | Words) -> str:
    """A value as it is written in a problem file: a number, a list (a column), or a list of rows."""
    if isinstance(value, tuple):
        return "[" + ", ".join([json.dumps(word, ensure_ascii=False) for word in value]) + "]"
    if value.size == 1 and value.ndim == 2:
        return json.dumps(as_lists(value)[0][0])
    if value.ndim == 2 and value.shape[1] == 1:
        return json.dumps(as_lists(value.reshape(1, -1))[0])
    return json.dumps(as_lists(value))


def _mapping(pairs: list[tuple[Scalar, Node]]) -> list[str]:
    lines = []
    for key, part in pairs:
        if key.text != "remark":
            first, *more = _lines(part)
            lines += [f"{_text(key)}:{first}", *more]
    return lines


def _lines(node: Node) -> list[str]:
    """What stands behind a colon, and the lines under it."""
    match node:
        case Scalar():
            return [f" {_text(node)}" if node.text or node.quoted else ""]
        case Seq(items) if all(isinstance(item, Scalar) for item in items) and node.flow:
            return [" [" + ", ".join([_in_flow(item) for item in items if isinstance(item, Scalar)]) + "]"]
        case Seq(items):
            return ["", *[line for item in items for line in _item(item)]]
        case Map(pairs):
            return ["", *[f"  {line}" for line in _mapping(list(pairs))]] if pairs else [" {}"]
    raise AssertionError("arrays stand under `given` only")


def _item(node: Node) -> list[str]:
    if isinstance(node, Map) and node.pairs:
        first, *more = _mapping(list(node.pairs))
        return [f"  - {first}", *[f"    {line}" for line in more]]
    first, *more = _lines(node)
    return [f"  -{first}", *[f"  {line}" for line in more]]


def _text(scalar: Scalar) -> str:
    """A text so that YAML reads it again as it is."""
    text = scalar.text
    is_number = reader.is_like_number(Scalar(text))
    is_plain = not scalar.quoted and (is_number or (_PLAIN.fullmatch(text) and not _ALSO_SPECIAL.search(text)))
    return text if is_plain and text.isprintable() else json.dumps(text, ensure_ascii=False)


def _in_flow(scalar: Scalar) -> str:
    return scalar.text if not scalar.quoted and re.fullmatch(r"[\w./-]+", scalar.text) else json.dumps(scalar.text)
