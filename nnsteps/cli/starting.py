"""Problem files to begin with, and the schema that editors read beside them."""

from __future__ import annotations

import json
import os

from nnsteps import schema, starter
from nnsteps.cli import output, parts
from nnsteps.limits import Limits


def schema_text() -> str:
    """The JSON Schema of problem files, as it is written."""
    return json.dumps(schema.schema(), ensure_ascii=False, indent=2) + "\n"


def new(name: str, original: str | None, out: str | None, force: bool, limits: Limits) -> None:
    """Write a problem file and, beside it, the schema that its first line names; say what to do next.

    Errors: UsageError for a name that cannot be one; FileError where a file exists already.
    """
    starter.check_name(name)
    text = starter.starter(name) if original is None else starter.copy(parts.find(original, limits), name)
    path = out or f"{name}.yaml"
    if path == "-":
        output.write(text)
        return
    if not force:
        output.refuse_existing([path])
    output.save(text, path, force=force)
    beside = os.path.join(os.path.dirname(path), schema.FILE)
    _renew(beside, force)
    parts.say(f"{path} is written; {beside} tells editors what its keys mean.\nNext:  nnsteps solve {path}")


def _renew(path: str, force: bool) -> None:
    """Write the schema, unless there is one; that it is another one than today's is said."""
    text = schema_text()
    if force or not os.path.exists(path):
        output.save(text, path, force=force)
        return
    with open(path, encoding="utf-8", errors="replace") as stream:
        if stream.read(len(text) + 1) != text:
            parts.say(f"note: {path} is of another version.  nnsteps schema -o {path} --force  renews it")
