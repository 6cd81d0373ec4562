"""Export: problems to files of every format. Knows the table of formats and none of them from inside.

One problem gives its key, or its worksheet (--blank). Several problems give one sheet, worksheets first and the keys
behind, or with --out a file each. A key is only written of a trace that passes its own check.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from nnsteps.cli import FAILED, FINE, WRONG_INPUT, options, output, parts
from nnsteps.errors import CheckError, StepsError, UsageError
from nnsteps.limits import USUAL, Limits
from nnsteps.problem import Problem
from nnsteps.render.formats import FORMATS, Format, Page, Sheet
from nnsteps.solver import Settings
from nnsteps.trace import Trace
from nnsteps.verify import Report
from nnsteps.view import View

JSON = "json"
DEFAULTS = Settings()
BAR = 24  # signs of the progress bar


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    problems: tuple[str, ...]
    to: str
    settings: Settings = DEFAULTS
    work: str = "lines"
    blank: bool = False
    ask: tuple[str, ...] = ()
    flavor: str | None = None
    fragment: bool = False
    points: str | None = None
    title: str = ""
    out: str | None = None
    folder: str | None = None
    every: bool = False
    force: bool = False
    limits: Limits = field(default_factory=lambda: USUAL)


def export(order: Order) -> int:
    """Write what was asked for; gives the exit code. Errors: StepsError for everything that is wrong in it."""
    _refuse_contradictions(order)
    one = _format(order)
    if order.folder is not None:
        return _Folder(order, one).write()
    if one is None:
        (name,) = order.problems
        trace, _ = _checked(parts.find(name, order.limits), order)
        parts.write(parts.json_text(trace.to_json()), order.out, order.force)
        return FINE
    is_stream = order.out in (None, "-")
    if not one.is_text and is_stream and sys.stdout.isatty():
        raise UsageError(f"{one.name} is no text; it cannot be shown here", where="--to", hint="Name a file with -o.")
    if order.out is not None and not is_stream and not order.force:
        output.refuse_existing([order.out])
    points = _points(order)
    worksheets, keys = [], []
    for name, worth in zip(order.problems, points, strict=True):
        worksheet, key = _pages(parts.find(name, order.limits), order, worth)
        worksheets.append(worksheet)
        keys.append(key)
    several = len(order.problems) > 1
    pages = [*worksheets, *keys] if several and not order.blank else worksheets if order.blank else keys
    parts.write(one.write(_sheet(order, one, pages)), order.out, order.force)
    return FINE


# --- what was asked for ------------------------------------------------------------------------------------------


def _refuse_contradictions(order: Order) -> None:
    options.not_together(("-o", order.out is not None), ("--out", order.folder is not None))
    options.not_together(("--all", order.every), ("a PROBLEM", bool(order.problems)))
    is_json = order.to == JSON
    for name, is_there in (("--blank", order.blank), ("--points", order.points), ("--title", order.title)):
        options.not_together((f"--to {JSON}", is_json), (name, bool(is_there)))
    if order.every and order.folder is None:
        raise UsageError("--all writes many files", where="--all", hint="Name a folder for them:  --all --out DIR")
    if not order.every and not order.problems:
        hint = "Name one or more, or write --all.   nnsteps list shows what there is"
        raise UsageError("PROBLEM is missing", where="nnsteps export", hint=hint)
    if is_json and order.folder is None and len(order.problems) > 1:
        raise UsageError("JSON holds one problem", where="--to json", hint="--out DIR writes a file for each.")


def _format(order: Order) -> Format | None:
    """The format, ready to be used; None for JSON, which is the trace itself."""
    options.choice("--to", order.to, [*FORMATS, JSON])
    one = FORMATS.get(order.to)
    if order.flavor is not None:
        if one is None or not one.flavors:
            some = ", ".join(name for name, other in FORMATS.items() if other.flavors)
            raise UsageError(f"{order.to} has no flavors", where="--flavor", hint=f"It is for {some}.")
        options.choice("--flavor", order.flavor, one.flavors)
    if order.fragment and (one is None or not one.has_fragments):
        some = ", ".join(name for name, other in FORMATS.items() if other.has_fragments)
        raise UsageError(f"{order.to} has no fragments", where="--fragment", hint=f"It is for {some}.")
    if one is not None and one.package and importlib.util.find_spec(one.package) is None:
        raise UsageError(
            f"{one.name} needs {one.package}, which is not installed",
            where="--to",
            hint=f"pip install 'nnsteps[{one.extra}]'",
        )
    return one


def _points(order: Order) -> list[str]:
    """The points of each problem: one number for all of them, or as many as there are problems."""
    count = len(order.problems)
    if order.points is None:
        return [""] * count
    found = [text.strip() for text in order.points.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,4}(\.5)?", text) for text in found) or len(found) not in (1, count):
        hint = f"Write one number, or {count} with commas." if count > 1 else "Write a number: --points 10"
        raise UsageError(f"{order.points} does not give points to the problems", where="--points", hint=hint)
    return found if len(found) == count else found * count


# --- pages -------------------------------------------------------------------------------------------------------


def _checked(problem: Problem, order: Order) -> tuple[Trace, Report]:
    """The trace of a problem that passes its own check. Errors: CheckError with what was found wrong."""
    trace = parts.solve(problem, order.settings)
    report = parts.check(problem, trace, order.settings)
    if not report.ok:
        parts.say_failures(report)
        raise CheckError(
            "fails its own check, so it is not exported",
            where=problem.name,
            hint=f"nnsteps verify {problem.name} checks it again",
        )
    return trace, report


def _pages(problem: Problem, order: Order, points: str = "") -> tuple[Page, Page]:
    """The worksheet and the key of a problem."""
    from nnsteps.layout import page

    trace, report = _checked(problem, order)
    settings = order.settings
    digits = settings.digits if settings.digits is not None else problem.digits
    rounding = settings.rounding or problem.rounding
    folds = order.to not in FORMATS or FORMATS[order.to].folds
    view = View(work=order.work, digits=digits, rounding=rounding, checked=report, fold=folds)
    key = page(trace, view, parts.exact(trace, settings))
    blank = page(trace, replace(view, checked=None, blank=True, ask=order.ask))
    on_paper = blank._replace(sections=blank.sections[:-1])  # without the commands that would give it all away
    return Page(on_paper, problem.name, True, points, key), Page(key, problem.name, False, points)


def _sheet(order: Order, one: Format, pages: Sequence[Page]) -> Sheet:
    flavor = order.flavor or (one.flavors[0] if one.flavors else "")
    return Sheet(tuple(pages), order.title, flavor, order.fragment)


# --- a folder of files -------------------------------------------------------------------------------------------


class _Folder:
    """A file for each problem, in a folder."""

    def __init__(self, order: Order, one: Format | None) -> None:
        self.order, self.one = order, one
        self.folder = order.folder or "."

    def write(self) -> int:
        """Write all files; a problem that fails is told and left out. Gives the exit code."""
        order, code = self.order, FINE
        problems = list(self._problems())
        paths = [self._path(problem) for problem in problems]
        for path in paths:
            if paths.count(path) > 1:
                raise UsageError("would be written twice", where=path, hint="Give the problem files different names.")
        if not order.force:
            output.refuse_existing(paths)
        points = [""] * len(problems) if order.every and order.points is None else _points(self._named(problems))
        output.make_folder(self.folder)
        progress = _Progress(len(problems))
        for problem, path, worth in zip(problems, paths, points, strict=True):
            progress.show(problem.name)
            try:
                content = self._content(problem, worth)
            except StepsError as error:
                progress.clear()
                parts.tell(error)
                code = max(code, FAILED if isinstance(error, CheckError) else WRONG_INPUT)
                continue
            progress.clear()
            output.save(content, path, force=order.force)  # what keeps one file from being written keeps all of them
        return code

    def _problems(self) -> Iterator[Problem]:
        from nnsteps.collection import bundled

        if self.order.every:
            yield from bundled()
        else:
            yield from (parts.find(name, self.order.limits) for name in self.order.problems)

    def _named(self, problems: Iterable[Problem]) -> Order:
        return Order(tuple(problem.name for problem in problems), self.order.to, points=self.order.points)

    def _path(self, problem: Problem) -> str:
        stem = re.sub(r"[^\w.-]+", "-", problem.name).strip(".") or "problem"
        suffix = self.one.suffix if self.one is not None else ".json"
        return os.path.join(self.folder, stem + ("-worksheet" if self.order.blank else "") + suffix)

    def _content(self, problem: Problem, points: str) -> str | bytes:
        if self.one is None:
            trace, _ = _checked(problem, self.order)
            return parts.json_text(trace.to_json())
        worksheet, key = _pages(problem, self.order, points)
        return self.one.write(_sheet(self.order, self.one, [worksheet if self.order.blank else key]))


class _Progress:
    """A bar on standard error, if that is a terminal."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0
        self.is_shown = sys.stderr is not None and sys.stderr.isatty()
        self.width = output.width_of(sys.stderr) - 1 if self.is_shown else 0

    def show(self, name: str) -> None:
        """Draw the bar with what is being done."""
        full = BAR * self.done // max(1, self.count)
        text = f"[{'#' * full}{'.' * (BAR - full)}] {self.done + 1}/{self.count} {name}"
        self.done += 1
        self._put(text)

    def clear(self) -> None:
        """Take the bar away."""
        self._put("")

    def _put(self, text: str) -> None:
        if self.is_shown:
            output.write(f"\r{text[: self.width]:<{self.width}}\r", sys.stderr)
