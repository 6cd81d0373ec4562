"""Practice sheets: variants to pages and files, one after the other. Knows the table of formats, none from inside."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nnsteps.cli import FAILED, FINE, WRONG_INPUT, options, output, parts
from nnsteps.errors import BadValue, CheckError, FileError, Place, StepsError, UsageError
from nnsteps.limits import USUAL, Limits
from nnsteps.render.formats import FORMATS, Format, Page, Sheet

if TYPE_CHECKING:
    from nnsteps.document import Document
    from nnsteps.practice import Practice, Variant
    from nnsteps.problem import Problem

PLAIN, YAML, JSON = "plain", "yaml", "json"
ANSWERS = ("none", "after", "separate")
MOST_SHEETS = 1_000_000
INDEX = "index.csv"


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    problem: str
    seed: int = 1
    count: int = 1
    roster: str | None = None
    answers: str | None = None
    to: str = PLAIN
    folder: str | None = None
    force: bool = False
    limits: Limits = field(default_factory=lambda: USUAL)


def practice(order: Order) -> int:
    """Write the sheets that were asked for; gives the exit code. Errors: StepsError for what is wrong in it."""
    from nnsteps.practice import Practice

    known = [PLAIN, YAML, JSON, *FORMATS]
    options.choice("--to", order.to, known)
    answers = options.choice("--answers", order.answers, ANSWERS) if order.answers is not None else None
    has_pages = order.to not in (YAML, JSON)
    options.not_together((f"--to {order.to}", not has_pages), ("--answers", answers is not None))
    students: Iterable[Student] = (Student(str(number)) for number in range(1, order.count + 1))
    count = order.count
    if order.roster is not None:
        students = list(_students(order.roster, order.count))
        count = len(students)
    if order.folder is None:
        _refuse_stream(order, answers, count)
    source = Practice(parts.find(order.problem, order.limits))
    sheets = Sheets(order, source, answers or ("none" if order.folder is None else "separate"))
    return sheets.to_folder(students, order.folder) if order.folder is not None else sheets.to_stream(students)


def _refuse_stream(order: Order, answers: str | None, count: int) -> None:
    if answers == "separate":
        raise UsageError("separate keys are files of their own", where="--answers", hint="Name a folder:  --out DIR")
    if count > 1 and order.to != PLAIN:
        raise UsageError(
            f"{count} sheets are {count} files", where=f"--to {order.to}", hint="Name a folder:  --out DIR"
        )
    if order.to in FORMATS and not FORMATS[order.to].is_text and sys.stdout.isatty():
        raise UsageError(
            f"{order.to} is no text; it cannot be shown here", where="--to", hint="Name a folder:  --out DIR"
        )


# --- who gets a sheet --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Student:
    """Whose sheet it is: the key of the variant, and the id in the roster."""

    key: str
    id: str = ""


def _students(roster: str, count: int) -> Iterator[Student]:
    from nnsteps.ids import variant_key

    options.not_together(("--count", count != 1), ("--roster", True))
    seen: dict[str, int] = {}
    for line, id in _roster(roster):
        if id in seen:
            place = Place(roster, line, 1, text=id)
            raise BadValue(
                f"{id} is in line {seen[id]} already", place=place, hint="Each student has an id of their own."
            )
        seen[id] = line
        yield Student(variant_key(id), id)
    if not seen:
        hint = "Write a line for each student, the id first; a first line with `id` in it names the columns."
        raise FileError("there is no student in this file", where=roster, hint=hint)


def _roster(path: str) -> Iterator[tuple[int, str]]:
    """The line and the id of each student: of the column called id, else of the first."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            text = stream.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is not text in UTF-8"
        raise FileError(f"cannot be read: {reason[:1].lower()}{reason[1:]}", where=path) from None
    first = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    column = 0
    for number, row in enumerate(rows):
        words = [cell.strip() for cell in row]
        titles = [re.sub(r"[\W_]+", "", word.lower()) for word in words]
        named = [
            place for place, title in enumerate(titles) if title in ("id", "studentid", "student", "matriculation")
        ]
        if number == 0 and named:
            column = named[0]
        elif any(words):
            if len(words) <= column or not words[column]:
                place = Place(path, rows.line_num, 1, text=",".join(row))
                raise BadValue(
                    "this student has no id", place=place, hint="An id keeps the sheet when others are added."
                )
            yield rows.line_num, words[column]


# --- sheets ------------------------------------------------------------------------------------------------------


class Sheets:
    """Makes the sheets one by one and keeps none of them."""

    def __init__(self, order: Order, source: Practice, answers: str) -> None:
        self.order, self.source, self.answers = order, source, answers
        self.format: Format | None = FORMATS.get(order.to)

    def to_stream(self, students: Iterable[Student]) -> int:
        """Write to standard output."""
        code = FINE
        for number, (_, variant) in enumerate(self._variants(students)):
            for _, content in self.files(variant):
                parts.write("\n" + content if number and isinstance(content, str) else content)
        return code

    def to_folder(self, students: Iterable[Student], folder: str) -> int:
        """Write a file or two for each student, and an index of those that are there, also after an interruption."""
        path = os.path.join(folder, INDEX)
        if not self.order.force:
            output.refuse_existing([path])
        output.make_folder(folder)
        code, titles = FINE, [("sheet", "student", "files")]
        with output.growing(path) as index:
            rows = csv.writer(index, lineterminator="\n")
            for student, variant in self._variants(students):
                try:
                    files = {f"{variant.id}{ending}": content for ending, content in self.files(variant)}
                except CheckError as error:
                    parts.tell(error)
                    code = FAILED
                    continue
                paths = {os.path.join(folder, name): content for name, content in files.items()}
                output.save_all(paths, force=self.order.force)
                rows.writerows([*titles, (str(variant.id), student.id, " ".join(files))])
                titles.clear()
        return code

    def _variants(self, students: Iterable[Student]) -> Iterator[tuple[Student, Variant]]:
        waiting = deque[Student]()

        def keys() -> Iterator[str]:
            for student in students:
                waiting.append(student)
                yield student.key

        for variant in self.source.variants(self.order.seed, keys()):
            yield waiting.popleft(), variant

    def files(self, variant: Variant) -> Iterator[tuple[str, str | bytes]]:
        """The files of one variant: what their names end in, and what is in them."""
        if self.order.to == YAML:
            yield ".yaml", self.source.text(variant)
            return
        _check(variant)
        if self.order.to == JSON:
            yield ".json", parts.json_text(variant.by_hand.to_json())
            return
        worksheet = Page(_worksheet(variant), str(variant.id), True)
        suffix = self.format.suffix if self.format else ".txt"
        if self.answers == "none":
            yield f"-worksheet{suffix}" if self.order.folder else suffix, self._written(worksheet)
            return
        key = Page(_key(variant), str(variant.id))
        if self.answers == "after":
            yield suffix, self._written(worksheet, key)
        else:
            yield f"-worksheet{suffix}", self._written(worksheet)
            yield f"-key{suffix}", self._written(key)

    def _written(self, *pages: Page) -> str | bytes:
        if self.format is not None:
            return self.format.write(Sheet(pages, flavor=(self.format.flavors or ("",))[0]))
        from nnsteps.render import terminal

        is_ascii = self.order.folder is None and parts.is_ascii()
        width = parts.width(None, is_file=self.order.folder is not None)
        texts = [terminal.plain(terminal.draw(page.document, width, is_ascii)) for page in pages]
        return output.in_ascii("\n".join(texts)) if is_ascii else "\n".join(texts)


def _worksheet(variant: Variant) -> Document:
    from nnsteps.layout import page
    from nnsteps.view import View

    problem = variant.problem
    view = View(width=parts.width(None), digits=problem.digits, rounding=problem.rounding, blank=True, work="none")
    blank = page(variant.by_hand, view)
    return blank._replace(sections=blank.sections[:-1])  # without the commands that would give it all away


def _key(variant: Variant) -> Document:
    from nnsteps.layout import page
    from nnsteps.view import View

    problem, trace = variant.problem, variant.by_hand
    exact = variant.exact if any(node.by_hand for node in trace.nodes) else None
    return page(trace, View(width=parts.width(None), digits=problem.digits, rounding=problem.rounding), exact)


def _check(variant: Variant) -> None:
    """Refuse a key in which something is wrong."""
    from nnsteps.spotcheck import faults

    found = faults(variant.by_hand, variant.exact)
    if found:
        hint = f"nnsteps verify {variant.id} checks all of it"
        raise CheckError(f"fails its own check, so it is not handed out: {found[0]}", where=str(variant.id), hint=hint)


# --- the problem of an id ----------------------------------------------------------------------------------------


def find_id(text: str, limits: Limits) -> Problem:
    """The variant that an id stands for. A file that is not bundled must be beside it.

    Errors: UsageError where there is no such problem, or its numbers are no longer the same.
    """
    from nnsteps.ids import parse
    from nnsteps.practice import Practice

    folder, name = os.path.split(text)
    id = parse(name)
    assert id is not None
    source = Practice(_original(folder, id.problem, text, limits))
    variant, changes = source.rebuild(id)
    told = [f"new since this sheet was made: {', '.join(changes.new)}"] if changes.new else []
    if changes.lost:
        told.append("something that varied on this sheet no longer does")
    if told:
        parts.say(f"note: {'; '.join(told)}")
    return variant.problem.changed(source_text=source.text(variant))


def _original(folder: str, name: str, text: str, limits: Limits) -> Problem:
    """The problem file that an id was made from: beside it, or bundled."""
    from nnsteps.collection import entries, find
    from nnsteps.problem import Problem

    beside = os.path.join(folder, f"{name}.yaml")
    if not folder and any(entry.name == name for entry in entries()):
        return find(name, limits)
    if os.path.isfile(beside):
        return Problem.load(beside, limits)
    hint = f"The id of a problem that is not bundled needs its file:  nnsteps solve FOLDER/{os.path.basename(text)}"
    raise UsageError(f"there is no problem {name}, and no file {beside}", where=text, hint=hint)


# --- vet ---------------------------------------------------------------------------------------------------------


def vet(names: list[str], count: int, seed: int, limits: Limits) -> int:
    """Print what the variants of some problems are like; gives the exit code."""
    from nnsteps.vet import examine

    code = FINE
    for name in names:
        try:
            findings = examine(parts.find(name, limits), count, seed)
        except StepsError as error:
            if len(names) == 1:
                raise
            parts.tell(error)
            code = WRONG_INPUT
            continue
        parts.write("\n".join(findings.lines()) + "\n")
        code = code if findings.ok else max(code, FAILED)
    return code
