"""Solving, exporting and practising all bundled problems warns of nothing: `python -X dev -W error` is clean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nnsteps.cli.commands import EXPORTS
from nnsteps.collection import entries

NAMES = [entry.name for entry in entries()]
PROGRAM = """
import sys
from nnsteps import cli
codes = {cli.run(words.split(",")) for words in sys.argv[1:]}
sys.exit(max(codes))
"""


def strict(*commands: str) -> None:
    """Run commands one after the other, with every warning an error."""
    line = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM, *commands]
    run = subprocess.run(line, capture_output=True, text=True, timeout=1_500, check=False)
    assert run.returncode == 0, run.stderr[-3_000:]
    assert "Warning" not in run.stderr


@pytest.mark.slow
def test_solving_warns_of_nothing() -> None:
    strict(*(f"solve,{name}" for name in NAMES))


@pytest.mark.slow
@pytest.mark.parametrize("to", EXPORTS)
def test_exporting_warns_of_nothing(to: str, tmp_path: Path) -> None:
    if to == "xlsx":
        pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
    strict(f"export,--all,--to,{to},--out,{tmp_path}")


@pytest.mark.slow
def test_practice_warns_of_nothing() -> None:
    strict(*(f"practice,{name}" for name in NAMES if "practice:" in _text(name)))


def _text(name: str) -> str:
    return next(entry.path for entry in entries() if entry.name == name).read_text(encoding="utf-8")
