"""Write the generated parts of README.md and docs/*.md anew: `python docs/build.py`. A test checks that they are fresh.

Three kinds of parts are generated, each in place:

- what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`: a table from the code (see TABLES);
- the output under each `$ …` line of a ```console block: nnsteps, or `ls` and `cat` of what it wrote; a ```yaml block
  whose first line is `# NAME.yaml` is a file that the commands after it can read;
- nothing else: all other words are written by hand.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # some tables are those of the tests
PAGES = ("README.md", "docs/cli.md", "docs/formulas.md", "docs/problems.md", "docs/course.md")


# --- tables from the code -----------------------------------------------------------------------------------


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(titles), ["---"] * len(list(titles)), *map(list, rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def topics() -> str:
    """The bundled problems by topic, in teaching order."""
    from nnsteps import collection

    names: dict[str, list[str]] = {}
    for problem in collection.bundled():
        names.setdefault(problem.topic or "other", []).append(problem.name)
    return table(("topic", "problems"), ((topic, ", ".join(found)) for topic, found in names.items()))


def course() -> str:
    """Every problem under its topic: what it is about, what it builds on, where the method comes from."""
    from nnsteps import collection

    groups: dict[str, list[tuple[str, str, str, str]]] = {}
    for problem in collection.bundled():
        row = (f"`{problem.name}`", problem.about or "", ", ".join(problem.builds_on), problem.source or "")
        groups.setdefault(problem.topic or "other", []).append(row)
    titles = ("problem", "what it is about", "builds on", "source")
    return "\n\n".join(f"## {topic.capitalize()}\n\n{table(titles, rows)}" for topic, rows in groups.items())


def functions() -> str:
    """All functions of formulas by family."""
    from nnsteps.cli import catalogue

    parts = []
    for family, members in catalogue.functions().items():
        rows = []
        for function in members:
            sign = catalogue.written(function)
            name = f"`{function.signature}`" + (f"<br>`{sign}`" if sign else "")
            rows.append((name, function.doc, f"`{function.shapes}`"))
        title = catalogue.FAMILIES[family]
        parts.append(f"### {title[:1].upper()}{title[1:]}\n\n" + table(("function", "what it gives", "shapes"), rows))
    return "\n\n".join(parts)


def onnx() -> str:
    """The formulas that the tests compare with the ONNX reference evaluator."""
    from tests.test_onnx import ROWS

    rows = ((f"`{row.formula}`", row.operator, row.differs) for row in ROWS)
    return table(("formula", "operator of ONNX", "what is different there"), rows)


def pytorch() -> str:
    """The formulas that the tests compare with PyTorch, where its conventions are others."""
    from tests.test_vocabulary import ROWS_OF_THE_TABLE

    rows = ((f"`{row.formula}`", row.differs) for row in ROWS_OF_THE_TABLE if row.differs)
    return table(("formula", "what is different in PyTorch"), rows)


def command_table(name: str) -> str:
    """The arguments and options of one command."""
    command = commands()[name]
    rows = []
    for parameter in command.params:
        words = ", ".join(parameter.opts) if parameter.param_type_name == "option" else ""
        shown = f"{words} {parameter.metavar or ''}".strip()
        rows.append((f"`{shown}`", parameter.help))
    return table(("", "what it does"), rows)


def commands() -> Mapping[str, Any]:
    """The commands by name."""
    import typer

    from nnsteps.cli.commands import app

    group: Any = typer.main.get_command(app)
    return group.commands


def keys(which: str) -> str:
    """The keys of a problem or of a step, in the words that editors show."""
    from nnsteps import schema

    return table(("key", "what it says"), ((f"`{key}`", words) for key, words in getattr(schema, which).items()))


def error_codes() -> str:
    """The codes of errors, as the docstring of their tree describes them."""
    from nnsteps.errors import StepsError

    rows = re.findall(r"── \w+ +(\w+) +(.+)", StepsError.__doc__ or "")
    return table(("code", "what is wrong"), ((f"`{code}`", f"{words[0].upper()}{words[1:]}.") for code, words in rows))


def limits() -> str:
    """Every limit of a problem, with its usual value."""
    from nnsteps.limits import LIMITS

    rows = ((f"`{name}`", f"{limit.usual:,}", limit.counts) for name, limit in LIMITS.items())
    return table(("limit", "usually", "of"), rows)


def json_example() -> str:
    """The JSON of a small problem, laid out for reading."""
    text = json.dumps(json.loads(run("solve single-neuron --to json", ROOT)), ensure_ascii=False, indent=2)
    flat = re.sub(
        r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s+", " ", found.group()).replace("[ ", "[").replace(" ]", "]"), text
    )
    flat = re.sub(
        r"\[\s+(\[[^{}]*?\])\s+\](?=,?\n)", lambda found: "[" + re.sub(r"\s+", " ", found.group(1)) + "]", flat
    )
    return f"```json\n{flat}\n```"


_COMMANDS = ("list", "show", "solve", "why", "verify", "export", "practice", "vet", "new", "schema", "functions")
TABLES: Mapping[str, Callable[[], str]] = {
    "topics": topics,
    "course": course,
    "functions": functions,
    "onnx": onnx,
    "pytorch": pytorch,
    "keys": lambda: keys("KEYS"),
    "step keys": lambda: keys("STEP_KEYS"),
    "json": json_example,
    "error codes": error_codes,
    "limits": limits,
    **{f"options of {name}": lambda name=name: command_table(name) for name in _COMMANDS},
}


# --- pages --------------------------------------------------------------------------------------------------


def printed(command: str, folder: Path) -> str:
    """What a command of a page prints in a folder."""
    program, _, rest = command.partition(" ")
    if program == "ls":
        return "".join(f"{path.name}\n" for path in sorted((folder / rest).iterdir()))
    if program == "cat":
        return (folder / rest).read_text(encoding="utf-8")
    assert program == "nnsteps", f"a page shows {program}, which is not known here"
    return run(rest, folder)


def run(command: str, folder: Path) -> str:
    """What nnsteps prints in a folder, results and messages in order."""
    from nnsteps import cli

    words = shlex.split(command)
    paper, before = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline=""), Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(paper), contextlib.redirect_stderr(paper):
            cli.run(words)
    finally:
        os.chdir(before)
    paper.flush()
    return paper.buffer.getvalue().decode()  # type: ignore[attr-defined]


def fresh(text: str) -> str:
    """A page with its generated parts made anew."""
    for name, make in TABLES.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin in text:
            head, rest = text.split(begin, 1)
            text = f"{head}{begin}\n{make()}\n{end}{rest.split(end, 1)[1]}"
    with tempfile.TemporaryDirectory() as folder:
        return re.sub(r"```(yaml|console)\n(.*?)```", lambda block: _block(block, Path(folder)), text, flags=re.DOTALL)


def _block(block: re.Match[str], folder: Path) -> str:
    kind, body = block.groups()
    if kind == "yaml":
        if name := re.match(r"# (\S+\.yaml)\n", body):
            (folder / name.group(1)).write_text(body, encoding="utf-8")
        return block.group()
    lines = [line for line in body.splitlines() if line.startswith("$ ")]
    shown = [f"{line}\n{printed(line.removeprefix('$ '), folder)}" for line in lines]
    return "```console\n" + "\n".join(shown) + "```"


def main() -> None:
    """Write all pages."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(fresh(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"
    main()
