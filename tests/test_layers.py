"""Imports point down: the table in docs/architecture.md is the law."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = re.findall(
    r"^\| (\d+) \| ((?:`\w+` ?)+)\|", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.MULTILINE
)
ORDER = {name: (int(row), k) for row, names in ROWS for k, name in enumerate(re.findall(r"\w+", names))}
FILES = sorted((ROOT / "nnsteps").rglob("*.py"))
UPWARDS = {("trace", "why"), ("trace", "saying"), ("trace", "render")}  # methods that ask something above
HEAVY = {"rich", "typer"}


def part(path: Path) -> str:
    """The module or package of a file: nnsteps/ops/products.py -> ops."""
    return path.relative_to(ROOT / "nnsteps").parts[0].removesuffix(".py")


def imports(tree: ast.AST, *, at_once: bool = False) -> Iterator[str]:
    """The full names of what a file imports; those inside functions only if not `at_once`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if at_once and isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node, at_once=at_once)


def test_the_table_lists_every_module():
    names = {part(path) for path in FILES} - {"__init__", "__main__"}
    assert names == set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    own = part(path)
    if own in ("__init__", "__main__"):
        return
    for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top == "nnsteps" and other in ORDER and other != own and (own, other) not in UPWARDS:
            assert ORDER[other] < ORDER[own], f"{own} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rich_and_typer_stay_where_they_belong(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tops = {name.partition(".")[0] for name in imports(tree)}
    assert "typer" not in tops or path.name == "commands.py"
    assert "rich" not in tops or path.name in ("output.py", "terminal.py", "colours.py")
    at_once = {name.partition(".")[0] for name in imports(tree, at_once=True)}
    assert not (HEAVY & at_once) or path.name in ("commands.py", "colours.py")  # themselves imported when needed
    if part(path) in ("cli", "__init__", "__main__") and path.name != "catalogue.py":
        assert not {"numpy", "yaml"} & at_once


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_prints(path):
    if part(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "exit", "quit", "eval", "exec"), f"line {node.lineno}"


def test_the_check_sees_an_import_that_points_up():
    found = list(imports(ast.parse("def f():\n    from nnsteps.cli import output\nimport rich.text")))
    assert found == ["nnsteps.cli.output", "rich.text"]
    assert ORDER["cli"] > ORDER["ops"]
