"""What would steer a terminal, or turn the direction of writing, is shown as text, in every format."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from pathlib import Path

import pytest

import nnsteps
from nnsteps.cli import main
from nnsteps.render.formats import FORMATS

pytest.importorskip("xlsxwriter")

EVIL = r"\e[31m \e]0;t\a \x9b2J \u202E \u2066 \u200B \x7f"  # as YAML writes it
SHOWN = r"\x1b[31m"
HARMLESS = "\n\r\t\u2061"  # the last: between a function and its argument in MathML
PROBLEM = f"""
title: "title {EVIL}"
about: "about {EVIL}"
source: "source {EVIL}"
conventions: ["convention {EVIL}"]
given:
  x: [1, 2]
  w: ["word {EVIL}", b]
labels: {{x: {{rows: ["row {EVIL}", s]}}}}
steps:
  - "heading {EVIL}":
      - {{step: "y = 2 * x", note: "note {EVIL}", remark: "remark {EVIL}"}}
  - say: "say {EVIL} {{w}}"
  - L = sum(y)
gradient: {{of: L, wrt: [x]}}
notes: "notes {EVIL}"
practice: {{vary: {{x: integers 1..5}}, allow: [effort]}}
"""


def harmful(text: str) -> set[str]:
    """The control and format characters of a text."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf") and char not in HARMLESS}


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    path = tmp_path / "evil.yaml"
    path.write_text(PROBLEM, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "words", [["solve"], ["solve", "--width", "40"], ["show"], ["verify"], ["vet", "--count", "3"]]
)
def test_no_command_sends_them(problem: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([words[0], str(problem), *words[1:]])
    out, err = capsys.readouterr()
    assert ended.value.code in (0, 1)
    assert harmful(out + err) == set()
    assert words[0] in ("verify", "vet") or SHOWN in out


@pytest.mark.parametrize("format", [*FORMATS, "json"])
@pytest.mark.parametrize("blank", [[], ["--blank"]])
def test_no_format_holds_them(problem: Path, format: str, blank: list[str], tmp_path: Path) -> None:
    if format == "json" and blank:
        pytest.skip("JSON has no worksheets")
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main(["export", str(problem), "--to", format, "-o", str(out), *blank])
    assert ended.value.code == 0
    data = out.read_bytes()
    parts = [data]
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
    text = "".join(part.decode("utf-8") for part in parts)
    assert harmful(text) == set()
    assert "title" in text
    assert "x1b" in text


def test_python_texts_are_treated_alike() -> None:
    problem = nnsteps.Problem(given={"x": 1, "w": ["a\x1b[31m", "b"]}, steps=["y = x"], title="t\u202e")
    assert problem.title == r"t\u202e"
    assert problem.given["w"].value == (r"a\x1b[31m", "b")


def test_letters_of_all_writings_stay_as_they_are() -> None:
    title = "Größe\u00a0: 重み, вес, משקל: 1 → 2 ✓"
    assert nnsteps.Problem(given={"x": 1}, steps=["y = x"], title=title).title == title


@pytest.mark.parametrize("format", ["plain", "markdown", "html"])
def test_a_roster_writes_nowhere_else(tmp_path: Path, format: str, capsys: pytest.CaptureFixture[str]) -> None:
    roster, folder = tmp_path / "roster.csv", tmp_path / "deep" / "sheets"
    ids = ["../../x", "/etc/x", "=cmd|x", "..", "-x", "a\x1b[31mb", "l" * 300, "a\\b", "CON"]
    roster.write_text("\n".join(["id", *ids]), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["practice", "single-neuron", "--roster", str(roster), "--to", format, "--out", str(folder)])
    assert ended.value.code == 0
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {roster}
    assert {path.parent for path in written} == {folder}
    assert len(written) == 2 * len(ids) + 1
    assert all(path.name.startswith(("single-neuron-1.", "index.csv")) for path in written)
    assert harmful("".join(path.read_text("utf-8") for path in written if path.name != "index.csv")) == set()
