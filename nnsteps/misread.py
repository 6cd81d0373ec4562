"""A YAML parser's complaint in words for a teacher: what was found and how to write it. Knows no nodes."""

import re

import yaml

from nnsteps.errors import Place, ReadError

_KEY = re.compile(r"\s*(?:-\s+)*([^:]+?):\s+(.*)")


def explain(error: yaml.MarkedYAMLError, file: str, lines: list[str]) -> ReadError:
    """The same complaint as a ReadError that points at the place."""
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return ReadError(f"this is not YAML: {first_line(error)}", where=file)
    line, column = _seen(lines, mark.line, mark.column)
    text = lines[line]
    char = text[column : column + 1]
    place = Place(file, line + 1, column + 1, text=text)
    opened = place
    if context is not None:
        at, start = _seen(lines, context.line, context.column)
        opened = Place(file, at + 1, start + 1, text=lines[at])
    problem, during = error.problem or "", error.context or ""

    if "\t" in text[: len(text) - len(text.lstrip())] or char == "\t":
        place = Place(file, line + 1, text.index("\t") + 1, text=text)
        hint = "Indent with blanks: two for each level."
        return ReadError("there is a tab here; YAML is indented with blanks", place=place, hint=hint)
    if "mapping values are not allowed" in problem:
        return _second_colon(place, text, lines[line - 1] if line else "")
    if "flow sequence" in during or "flow mapping" in during:
        return _open_bracket(place, opened, char, text)
    if "unexpected end of stream" in problem or "document indicator" in problem:
        return ReadError(
            "this quote is never closed", place=opened, hint=f"Add a {_char(opened)} at the end of the text."
        )
    if "escape" in problem:
        hint = "In double quotes a backslash is special. Use single quotes, or write \\\\."
        return ReadError("this backslash means nothing", place=place, hint=hint)
    if _closes_a_text(text[:column]) and char and char not in "]})":
        return _text_after(place, text, column)
    if char == "," and "node content" in problem:
        message = "nothing stands before this comma"
        return ReadError(message, place=place, hint="Write what is missing, or delete the comma.")
    if "cannot start any token" in problem or "alphabetic or numeric" in problem:
        place = opened if "alphabetic" in problem else place
        rest = text[place.column - 1 :].rstrip()
        hint = f"Quote the text: {_quoted(rest)}"
        return ReadError(f"an unquoted text cannot begin with {_char(place)}", place=place, hint=hint)
    if char and char in "]})":
        return ReadError(f"there is one {char} too many", place=place, hint="Delete it.")
    if "expected key" in problem or "'-' indicator" in problem or "block end" in problem:
        return _misaligned(place, opened, lines)
    if "expected ':'" in problem:
        place = Place(file, opened.line, opened.column, len(opened.text.strip()), opened.text)
        hint = "A line is `key: value` or `- step`; a long text in several lines stands after `|`."
        return ReadError("this line is neither a key with a colon nor a list item", place=place, hint=hint)
    return ReadError(f"this is not YAML: {first_line(error)}", place=place, hint="Quote the text if it is one.")


def first_line(error: Exception) -> str:
    """The shortest form of a parser's complaint."""
    problem = getattr(error, "problem", None)
    return str(problem or error).split("\n")[0] or type(error).__name__


def _seen(lines: list[str], line: int, column: int) -> tuple[int, int]:
    """The same place, or the end of the last line with something on it when it is behind the end."""
    if line < len(lines) and (lines[line].strip() or line == 0):
        return line, min(column, len(lines[line]))
    line = min(line, len(lines) - 1)
    while line and not lines[line].strip():
        line -= 1
    return line, max(0, len(lines[line].rstrip()) - 1)


def _char(place: Place) -> str:
    return place.text[place.column - 1 : place.column]


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text and "'" not in text else '"' + text.replace('"', "'") + '"'


def _second_colon(place: Place, text: str, above: str) -> ReadError:
    found = _KEY.match(text)
    if found and ":" in found.group(2):
        key, value = found.groups()
        hint = f"Quote it:  {key}: {_quoted(value.strip())}"
        if value.rstrip().endswith(":"):
            hint = f'Quote it:  "{key}: {value.strip()[:-1]}":'
        return ReadError("a text with a colon in it must be quoted", place=place, hint=hint)
    if step := re.match(r"\s*-\s+(\w+\s*=.*)", above):
        hint = f"Write in the line above:  - step: {step.group(1).strip()}"
        return ReadError("a step with something beside it needs the key `step`", place=place, hint=hint)
    message = "this key stands deeper than the line above, which already has a value"
    return ReadError(message, place=place, hint="Begin it in the column of the key above, or quote the text above.")


def _open_bracket(place: Place, opened: Place, char: str, text: str) -> ReadError:
    bracket = _char(opened)
    closing = "]" if bracket == "[" else "}"
    index = re.search(r"\w[\w.]*\[[^\],]*\]?$", text[: place.column])
    if place.line == opened.line and char == "[" and index:
        name = re.match(r"[\w.]*\[[^\]]*\]?", text[index.start() :])
        hint = f'Quote it: "{name.group() if name else index.group()}".'
        return ReadError("a name with an index must be quoted inside [ ] and { }", place=place, hint=hint)
    if char and char in "]}":
        return ReadError(f"{bracket} is closed by {char}", place=place, hint=f"Write {closing}.")
    if place.line == opened.line and place.column < len(text.rstrip()):
        hint = f"Write a comma or {closing} here, or quote the text."
        return ReadError(f"a comma or {closing} is missing here", place=place, hint=hint)
    return ReadError(f"this {bracket} is never closed", place=opened, hint=f"Add a {closing} where it ends.")


def _misaligned(place: Place, opened: Place, lines: list[str]) -> ReadError:
    columns = {opened.column: opened.line}
    for number in range(place.line - 1, 0, -1):
        if above := lines[number - 1].strip():
            columns[lines[number - 1].index(above) + 1] = number
            break
    known = " or ".join(f"{column}, as in line {line}" for column, line in columns.items() if column != place.column)
    hint = f"Lines that belong together begin in the same column: {known}." if known else "It may lack a - or a colon."
    return ReadError("this line does not line up with those that it belongs to", place=place, hint=hint)


def _closes_a_text(before: str) -> bool:
    return bool(re.search(r"""["'\]}]\s*$""", before))


def _text_after(place: Place, text: str, column: int) -> ReadError:
    closing = text[:column].rstrip()[-1]
    hint = "Quote the whole text, or delete what follows the closing sign."
    return ReadError(f"there is text after the closing {closing}", place=place, hint=hint)
