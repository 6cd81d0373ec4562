"""A problem file to begin with: one with comments that works as it is, or a copy of another problem. Writes no file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from nnsteps import collection, schema
from nnsteps.errors import BadValue, UsageError
from nnsteps.problem import Problem
from nnsteps.transliterate import to_ascii

EDITORS = f"# yaml-language-server: $schema={schema.FILE}"

_STARTER = """\
# A problem for nnsteps. What stands behind a # is for you; it is not printed.
# To see it worked out:  nnsteps solve {name}.yaml

title: {title}
about: One layer of two neurons, and what would make its output better.

# The numbers. A list is a column, a list of lists is a table, row by row.
given:
  x: [2, 1]                       # what goes in
  W: [[1, -1], [0, 2]]            # the weights, one row for each neuron
  b: [1, -3]                      # the biases
  target: [1, 1]                  # what should come out

# The steps in their order, each a name = a formula. A heading ends in a colon, and its steps stand under it,
# further in. @ multiplies matrices; nnsteps functions lists all functions.
steps:
  - Layer:
      - z = W @ x + b
      - step: a = relu(z)
        note: a negative number becomes 0
  - Loss:
      - L = mse(a, target)

# The way back: how much each weight and bias adds to the loss.
gradient: {{of: L, wrt: [W, b]}}

# Sheets with other numbers:  nnsteps practice {name}.yaml
practice:
  vary:
    x: integers 1..3
    W: integers -2..2
    b: integers -3..3

# More that a problem can say. To use a line, delete its # and the blank after it.
# source: Exercise 3 of the second week
# update: {{rule: sgd, rate: 0.1}}  # each weight takes a step downhill
# digits: 2                       # decimals on paper; without it as many as are needed
# rounding: each-step             # go on with the numbers as they are written down
# ask: [z, L]                     # what a worksheet leaves blank; without it everything
# answers:                        # what your source prints; nnsteps verify compares
#   by hand: {{z: [2, -1], L: 1}}
"""


def starter(name: str) -> str:
    """The text of a file with comments, which can be solved as it is."""
    return f"{EDITORS}\n#\n{_STARTER.format(name=name, title=_title(name))}"


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a problem and of its file. Errors: UsageError with a name that can."""
    plain = re.sub(r"\.ya?ml$", "", name.replace("\\", "/").rsplit("/", 1)[-1])
    likely = re.sub(r"[^A-Za-z0-9]+", "-", to_ascii(plain)).strip("-")
    if not name or name != likely:
        hint = f"Write {likely}." if likely else "Write my-problem, for example."
        if "/" in name and likely:
            hint = f"Write nnsteps new {likely} -o {name.rpartition('/')[0]}/{likely}.yaml"
        message = "a name has letters, digits and single hyphens between them"
        raise UsageError(f"this cannot be the name of a problem: {message}", where=name or "NAME", hint=hint)
    for entry in collection.entries():
        if entry.name == name:
            hint = f"Write nnsteps new my-{name} --from {name}"
            raise UsageError("there is a bundled problem of this name", where=name, hint=hint)


def copy(problem: Problem, name: str) -> str:
    """The file of a problem under another name, with its comments.

    What is true of the original only is left out: published answers, remarks about its numbers, its aliases and its
    place in teaching order. The source stays, as what the copy was made after.
    Errors: BadValue where the file is one { } and has no lines that could be left out.
    """
    text = (problem.source_text or "").replace("\r\n", "\n")
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)  # the reader has refused what would make this dangerous
    if root.flow_style:
        hint = "Write each key on a line of its own."
        raise BadValue("a problem inside { } cannot be copied", where=problem.file, hint=hint)
    edits = [*_about(root, text, _title(name)), *_cuts(root, text, _OWN), *_remarks(_value(root, "steps"), text)]
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    body = re.sub(r"\A(?:# yaml-language-server:.*\n)+", "", text)
    told = (
        f"# Begun as a copy of {problem.name}. What was true of its own numbers only, answers and remarks, is left out."
    )
    return f"{EDITORS}\n{told}\n{body}"


# --- a text without some of its parts ---------------------------------------------------------------------------

_OWN = ("answers", "aliases", "order")


class _Edit(NamedTuple):
    """What stands between two places of a text, and what is to stand there."""

    start: int
    end: int
    text: str = ""


def _about(root: Any, text: str, title: str) -> Iterator[_Edit]:
    """Another title, and the source as what the copy was made after."""
    old = _value(root, "title")
    if old is None:
        start = root.value[0][0].start_mark.index
        yield _Edit(start, start, f"title: {title}\n")
    else:
        yield _Edit(
            old.start_mark.index, _end(old, text), title if text[old.start_mark.index - 1] == " " else f" {title}"
        )
    source = _value(root, "source")
    if source is not None and source.value and source.style not in ("|", ">"):
        start = source.start_mark.index + bool(source.style)  # behind the quote
        yield _Edit(start, start, "after ")


def _value(root: Any, key: str) -> Any:
    return next((value for found, value in root.value if found.value == key), None)


def _remarks(node: Any, text: str) -> Iterator[_Edit]:
    """The cuts that leave the remarks out of a list of steps."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _remarks(item, text)
    elif isinstance(node, yaml.MappingNode):
        if any(key.value == "step" for key, _ in node.value):
            yield from _cuts(node, text, ("remark",))
        for _, value in node.value:
            yield from _remarks(value, text)


def _cuts(node: Any, text: str, unwanted: tuple[str, ...]) -> Iterator[_Edit]:
    """The cuts that leave some keys out of a mapping, with the lines that they stand on."""
    pairs = node.value
    for place, (key, value) in enumerate(pairs):
        if key.value not in unwanted:
            continue
        start, end = key.start_mark.index, _end(value, text)
        line = text.rfind("\n", 0, start) + 1
        if not node.flow_style and not text[line:start].strip():
            yield _Edit(line, (text.find("\n", end) + 1) or len(text))
        elif place + 1 < len(pairs):
            yield _Edit(start, pairs[place + 1][0].start_mark.index)
        else:
            yield _Edit(_end(pairs[place - 1][1], text), end)


def _end(node: Any, text: str) -> int:
    """Where the last sign of a node stands; a block ends with its last part, not with the comments behind it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        start, end = int(node.start_mark.index), node.end_mark.index
        return start + len(text[start:end].rstrip())
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last, text)


def _title(name: str) -> str:
    words = name.replace("-", " ")
    return words[:1].upper() + words[1:]
