"""Parts that several commands have: find, solve, check, print."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnsteps.cli import options, output
from nnsteps.errors import FileError, StepsError
from nnsteps.limits import USUAL, Limits

if TYPE_CHECKING:
    from nnsteps.problem import Problem
    from nnsteps.solver import Settings
    from nnsteps.trace import Trace
    from nnsteps.verify import Report
    from nnsteps.view import View

WIDEST = 1000  # columns


def width(value: str | None, *, is_file: bool = False) -> int:
    """The columns that were asked for, or those of the terminal."""
    if value is not None:
        return options.whole("--width", value, output.LEAST, WIDEST)
    return output.IN_A_PIPE if is_file else output.width_of(sys.stdout)


def is_ascii() -> bool:
    """Whether the page is to be written in ASCII."""
    return output.is_ascii(sys.stdout)


def find(name: str, limits: Limits = USUAL) -> Problem:
    """The problem of a name, a path, the id of a practice sheet, or - for standard input."""
    from nnsteps.collection import find
    from nnsteps.ids import parse

    if name == "-" and sys.stdin is None:
        raise FileError("standard input is closed", where=name)
    if parse(os.path.basename(name)) and not os.path.exists(name):
        from nnsteps.cli.practice import find_id

        return find_id(name, limits)
    return complete(find(name, limits))


def complete(problem: Problem) -> Problem:
    """The same problem, its practice section looked at too: whatever is wrong in a file, every command says it."""
    if problem.practice is not None:
        from nnsteps import variation
        from nnsteps.errors import Mistakes

        mistakes = Mistakes(unfinished=problem)
        variation.read(problem, mistakes)
        mistakes.tell()
    return problem


def solve(problem: Problem, settings: Settings | None = None) -> Trace:
    """The trace; what should be known about it is said on standard error."""
    from nnsteps.solver import solve_problem

    trace = solve_problem(problem, settings)
    for warning in trace.warnings:
        output.write_lines([[("bold", "note: "), ("plain", warning)]], sys.stderr)
    return trace


def print_page(
    trace: Trace,
    view: View,
    settings: Settings | None = None,
    *,
    plain: bool = False,
    out: str | None = None,
    force: bool = False,
) -> None:
    """Draw a trace on the terminal, in a pipe or into a file."""
    from nnsteps.layout import page
    from nnsteps.render import terminal

    lines = terminal.draw(page(trace, view, exact(trace, settings)), view.width, view.ascii)
    if not plain and out is None and output.is_coloured(sys.stdout):
        output.on_screen(lambda console: terminal.show(lines, console), sys.stdout, view.width)
    else:
        text = terminal.plain(lines)
        write(output.in_ascii(text) if view.ascii else text, out, force)


def exact(trace: Trace, settings: Settings | None) -> Trace | None:
    """The exact trace of a problem with numbers by hand; None where the trace is exact already."""
    from nnsteps.solver import Settings, solve_problem

    if trace.exact or not any(node.by_hand for node in trace.nodes):
        return None
    return solve_problem(trace.problem, replace(settings or Settings(), exact=True, rounding="inside"))


def check(problem: Problem, trace: Trace | None = None, settings: Settings | None = None) -> Report:
    """What a check of the whole problem finds, and of the trace that is shown, which settings may have changed."""
    from nnsteps.solver import Settings
    from nnsteps.verify import check

    return check(problem, trace if settings != Settings() else None)


def say(text: str) -> None:
    """Say something on standard error."""
    output.write_lines([[("plain", line)] for line in text.splitlines()], sys.stderr)


def say_failures(report: Report) -> None:
    """Say on standard error what a check found wrong."""
    lines = [line for text in report.failures for line in text.splitlines()]
    output.write_lines([[("error", f"  {line}")] for line in lines], sys.stderr)


def json_text(content: dict[str, Any]) -> str:
    """The content as one line of JSON that the output can show."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeError:
        text = json.dumps(content, allow_nan=False)
    return text + "\n"


def write(text: str | bytes, out: str | None = None, force: bool = False) -> None:
    """Write a result to standard output or to a file."""
    if out is None or out == "-":
        output.write(text)
    else:
        output.save(text, out, force=force)


def tell(error: StepsError, *, as_json: bool = False) -> None:
    """Tell a person, or a program, all that is wrong with the input."""
    if error.mistakes is not None:
        from nnsteps.solver import look_further

        error = look_further(error)
    if as_json:
        output.write(json_text(error.as_json()))
    else:
        output.write_lines(error.lines(output.width_of(sys.stderr)), sys.stderr)
