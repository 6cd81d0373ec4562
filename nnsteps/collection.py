"""The bundled problems, and how a name becomes a problem. Solves nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nnsteps.errors import UsageError, nearest
from nnsteps.limits import USUAL, with_changes
from nnsteps.problem import Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """A bundled problem file."""

    name: str
    topic: str
    path: Path


def folder() -> Path:
    """Where the bundled problems are: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    inside = here / "problems"
    return inside if inside.is_dir() else here.parent / "problems"


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """All bundled files, by topic and name. Reads no file."""
    return tuple(Entry(path.stem, path.parent.name, path) for path in sorted(folder().glob("*/*.yaml")))


def bundled() -> list[Problem]:
    """All bundled problems, in teaching order."""
    problems = [Problem.load(entry.path) for entry in entries()]
    return sorted(problems, key=lambda problem: (problem.order if problem.order is not None else 10_000, problem.name))


def find(name: str, limits: Mapping[str, int] = USUAL) -> Problem:
    """The problem that a name, an alias, a path or "-" (standard input) stands for.

    Errors: UsageError with the nearest name; whatever is wrong in the file.
    """
    if name == "-":
        return Problem.read(sys.stdin.buffer.read(), "standard input", name="problem", limits=limits)
    for entry in entries():
        if entry.name == name:
            return Problem.load(entry.path, limits)
    if name.endswith((".yaml", ".yml")) or "/" in name or os.path.exists(name):
        return Problem.load(name, limits)
    aliases: dict[str, str] = {}
    for problem in bundled():
        if name in problem.aliases:
            return problem.changed(limits=with_changes(limits))
        aliases |= dict.fromkeys((problem.name, *problem.aliases), problem.name)
    near = nearest(name, aliases)
    hint = f"Did you mean {near}?   nnsteps list shows all of them" if near else "nnsteps list shows all of them"
    raise UsageError("there is no problem or file of this name", where=name, hint=hint)
