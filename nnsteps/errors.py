"""What can be wrong with someone's input, and how that is told. Knows no formulas, no YAML and no colours."""

import difflib
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

MOST_TOLD = 10  # mistakes in one report
MOST_GATHERED = 100  # then nobody looks any further
GUTTER = 8  # "    9 │ "
WIDE_ENOUGH = 30  # below this a report would be all gutter

Segment = tuple[str, str]  # (role, text); roles: place error source caret grey hint plain


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file: 1-based line and column, counted in characters; `text` is the whole source line.

    A place that is not `exact` (a text that YAML folded from several lines) has no parts: they are all the whole.
    """

    file: str
    line: int
    column: int
    length: int = 1
    text: str = ""
    exact: bool = True

    def part(self, start: int, length: int) -> "Place":
        """The place of `length` characters that begin `start` characters after this one begins."""
        if not self.exact:
            return self
        return Place(self.file, self.line, self.column + start, max(1, length), self.text)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class StepsError(Exception):
    """Something wrong with the input, told so that a person can mend it.

    StepsError
    ├── FileError       file      missing, a directory, binary, empty, too large
    ├── ReadError       yaml      not YAML, or a part of YAML that problem files do not use
    ├── UnknownKey      key       a key that means nothing here
    ├── BadValue        value     a ragged matrix, text among numbers, nan
    ├── FormulaError    formula   not a formula, or Python that formulas do not use
    ├── UnknownName     name      a value or function that does not exist
    ├── ShapeError      shape     arrays that do not fit together
    ├── NumberError     number    overflow, division by zero, the log of a negative number
    ├── GradientError   gradient  asked for where there is none
    ├── LimitError      limit     larger, deeper or longer than allowed
    ├── UsageError      usage     a wrong option or problem name
    └── CheckError      check     a check found something wrong

    Where several things are wrong in one input, the first is raised and has the `others`, in the order of the file.
    """

    code: ClassVar[str] = "error"
    others: "tuple[StepsError, ...]" = ()
    mistakes: "Mistakes | None" = None  # where it was gathered

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        where: str | None = None,
        hint: str | None = None,
        picture: tuple[str, ...] = (),
        also: tuple[tuple[Place, str], ...] = (),
        here: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.place, self.where, self.hint = message, place, where, hint
        self.picture, self.also, self.here = picture, also, here

    def __str__(self) -> str:
        prefix = self._prefix()
        return f"{prefix}: {self.message}" if prefix else self.message

    def report(self, width: int = 100) -> str:
        """The whole report as plain text: what, the source line with a caret, the picture and the hint."""
        return "\n".join("".join(text for _, text in line).rstrip() for line in self.lines(width)) + "\n"

    def lines(self, width: int = 100) -> list[list[Segment]]:
        """The same report as lines of (role, text), for whoever adds colour; the others follow, ten in all."""
        lines = self._own_lines(width)
        for other in self.others[: MOST_TOLD - 1]:
            lines += [[], *other._own_lines(width)]
        more = len(self.others) + 1 - MOST_TOLD
        if more > 0:
            least = "at least " if len(self.others) + 1 >= MOST_GATHERED else ""
            lines += [[], [("bold", f"and {least}{more} more mistake{'s' if more > 1 else ''}")]]
        return lines

    def _own_lines(self, width: int) -> list[list[Segment]]:
        width = max(width, WIDE_ENOUGH)
        lines = list(self._headline(width))
        if self.place and self.place.text.strip():
            lines += _excerpts(self.place, self.here, self.also, width)
        if self.picture and max(map(_cells, self.picture)) <= width:  # a picture cannot be folded
            lines += [[], *([("plain", visible(line))] for line in self.picture)]
        if self.hint:
            lines += [[], *([("hint", line)] for line in _wrapped(visible(self.hint, "\n"), width))]
        return lines

    def as_json(self) -> dict[str, Any]:
        """One versioned object: `error` is the first mistake, `errors` all of them, in the order of the file.

        Line and column are null where there is no place.
        """
        errors = [error._own_json() for error in (self, *self.others)]
        return {"version": 1, "error": errors[0], "errors": errors}

    def _own_json(self) -> dict[str, Any]:
        place = self.place
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "file": place.file if place else self.where,
            "line": place.line if place else None,
            "column": place.column if place else None,
        }
        if self.hint:
            error["hint"] = self.hint
        return error

    def _prefix(self) -> str:
        return str(self.place) if self.place else self.where or ""

    def _headline(self, width: int) -> Iterator[list[Segment]]:
        prefix = visible(f"{self._prefix()}: ") if self._prefix() else ""
        first, *rest = textwrap.wrap(
            prefix + visible(self.message), width, subsequent_indent="  ", break_on_hyphens=False
        ) or [""]
        cut = min(len(prefix), len(first))
        yield [("place", first[:cut]), ("error", first[cut:])]
        for line in rest:
            yield [("error", line)]


class FileError(StepsError):
    code = "file"


class ReadError(StepsError):
    code = "yaml"


class UnknownKey(StepsError):
    code = "key"


class BadValue(StepsError):
    code = "value"


class FormulaError(StepsError):
    code = "formula"


class UnknownName(StepsError):
    code = "name"


class ShapeError(StepsError):
    code = "shape"


class NumberError(StepsError):
    code = "number"


class GradientError(StepsError):
    code = "gradient"


class LimitError(StepsError):
    code = "limit"


class UsageError(StepsError):
    code = "usage"


class CheckError(StepsError):
    code = "check"


@dataclass
class Mistakes:
    """Mistakes that have nothing to do with each other, gathered so that all can be told at once.

    What may be wrong by itself is read (or computed) inside `with mistakes.apart(names):`. What is wrong is noted, its
    names are lost, and the work goes on behind it. What needs a lost name is passed over in silence. Too large an
    input, or too many mistakes, end the work at once.
    """

    found: list[StepsError] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # the names that have no value because of a mistake
    unfinished: Any = None  # what could be made of the input without its wrong parts, if that makes sense

    @contextmanager
    def apart(self, names: Iterable[str] = ()) -> Iterator[None]:
        """Note what is wrong inside; then the names are lost."""
        try:
            yield
        except StepsError as error:
            self.lost.update(names)
            self.note(error)

    def note(self, error: StepsError) -> None:
        """Remember a mistake, and those that it brings with it."""
        told = {str(known) for known in self.found}
        self.found += [one for one in (error, *error.others) if str(one) not in told]
        if len(self.found) >= MOST_GATHERED or any(isinstance(one, LimitError) for one in self.found):
            self.unfinished = None
            raise self.together() from None

    def together(self) -> StepsError:
        """The first of them, which has the others."""
        first, *others = sorted(self.found, key=_place_in_file)
        for one in others:
            one.others = ()
        first.others, first.mistakes = tuple(others), self
        return first

    def tell(self) -> None:
        """Raise them, if there are any."""
        if self.found:
            raise self.together() from None


def nearest(word: str, candidates: Iterable[str], alike: float = 0.6) -> str | None:
    """The candidate that was probably meant by `word`, at least so much alike (0 to 1), or None."""
    known = list(candidates)
    same = [name for name in known if name.lower() == word.lower()]
    same = same or [
        name for name in known if name.lower().translate(_LOOK_ALIKE) == word.lower().translate(_LOOK_ALIKE)
    ]
    close = same or difflib.get_close_matches(word, known, n=1, cutoff=alike)
    return close[0] if close else None


_LOOK_ALIKE = str.maketrans("oil", "011")
_BLANKS = "\n\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000"


def visible(text: str, keep: str = "") -> str:
    """The text with control characters, direction marks and the like spelled out, so that no terminal obeys them."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


def harmless(text: str) -> str:
    """The text of a page: the same, but blanks of all widths stay, and so do line breaks."""
    return visible(text, _BLANKS)


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(text: str, width: int) -> list[str]:
    """Each line of the text indented by two and folded, its inner blanks kept."""
    folded = (textwrap.wrap(line, width - 2, break_on_hyphens=False) or [""] for line in text.split("\n"))
    return [("  " + line).rstrip() for part in folded for line in part]


def _excerpts(place: Place, here: str, also: tuple[tuple[Place, str], ...], width: int) -> list[list[Segment]]:
    """The source lines concerned, in order, each with its marks underneath."""
    marks = sorted([(place, here, "^"), *((other, words, "─") for other, words in also)], key=_reading_order)
    lines: list[list[Segment]] = []
    last, shown = 0, ""
    for mark_place, words, sign in marks:
        source, before, long = _window(mark_place, width - GUTTER)
        if (mark_place.line, source) != (last, shown):
            if last and mark_place.line > last + 1:
                lines.append([("grey", "    ⋮ │")])
            lines.append([("grey", f"{mark_place.line:5} │ "), ("source", source)])
        role = "caret" if sign == "^" else "grey"
        room = width - GUTTER - before - long - 1
        if words and _cells(visible(words)) > room:  # beside the mark there is no room: put the words underneath
            lines.append([("grey", "      │ "), (role, " " * before + sign * long)])
            lines += [[("grey", "      │ "), (role, line)] for line in textwrap.wrap(visible(words), width - GUTTER)]
        else:
            lines.append([("grey", "      │ "), (role, (" " * before + sign * long + " " + visible(words)).rstrip())])
        last, shown = mark_place.line, source
    return lines


def _place_in_file(error: StepsError) -> tuple[int, int]:
    return (error.place.line, error.place.column) if error.place else (0, 0)


def _reading_order(mark: tuple[Place, str, str]) -> tuple[int, int]:
    return mark[0].line, mark[0].column


def _window(place: Place, width: int) -> tuple[str, int, int]:
    """The source line cut to `width` around the mark: (text, columns before the mark, columns of the mark)."""
    shown = [visible(char) for char in place.text]
    start = min(max(place.column - 1, 0), len(shown))
    end = min(start + place.length, len(shown))
    before, marked = "".join(shown[:start]), "".join(shown[start:end])
    after = "".join(shown[end:])
    if _cells(before + marked + after) > width:
        marked = _head(marked, width * 2 // 3)
        before = _tail(before, (width - _cells(marked)) // 2)
        after = _head(after, width - _cells(before + marked))
    return (before + marked + after).rstrip(), _cells(before), max(1, _cells(marked))


def _head(text: str, width: int) -> str:
    if _cells(text) <= width:
        return text
    while _cells(text) > max(width - 1, 0):
        text = text[: width - 1] if len(text) > width else text[:-1]
    return text + "…"


def _tail(text: str, width: int) -> str:
    if _cells(text) <= width:
        return text
    while _cells(text) > max(width - 1, 0):
        text = text[1 - width :] if len(text) > width > 1 else text[1:]
    return "…" + text
