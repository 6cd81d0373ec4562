"""nnsteps export: what is left blank, what is written where, what is refused; only sound problems have keys."""

from __future__ import annotations

import html.parser
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nnsteps as package
from nnsteps.cli import run
from nnsteps.cli.commands import EXPORTS
from nnsteps.collection import entries
from nnsteps.errors import UnknownName, UsageError
from nnsteps.layout import View, page
from nnsteps.render.formats import FORMATS
from tests.sample import sample
from tests.test_markdown import found_in
from tests.tex_reader import BLANK

NAMES = list(sample())
SCHEMA = Path(__file__).parent.parent / "docs" / "trace.schema.json"
HOSTILE = r"=1+1 <b>$x$ \input{x}"
TWO_STEPS = "given:\n  x: [2, 1]\n  W: [[1, -1], [0, 1]]\nsteps:\n  - z = W @ x\n  - a = relu(z)\n"
WRONG = TWO_STEPS + "answers:\n  exact:\n    a: [1, 7]\n"


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "LANG", "LC_CTYPE", "PYTHONIOENCODING", "PYTHONUTF8", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def export(capsys):
    """Run nnsteps export in this process: gives exit code, standard output, standard error."""

    def call(*words):
        code = run(["export", *map(str, words)])
        captured = capsys.readouterr()
        err = captured.err if "\r" in captured.err else " ".join(captured.err.split())  # however it was wrapped
        return code, captured.out, err

    return call


def blanks(text: str) -> dict[str, int]:
    """How many cells are blank in each matrix of a worksheet that has any."""
    found: dict[str, int] = {}
    for one in found_in(text):
        count = sum(cell == BLANK for row in one.rows for cell in row)
        if count:
            found[one.name] = max(count, found.get(one.name, 0))
    return found


# --- one problem -------------------------------------------------------------------------------------------------


def test_the_key_of_a_problem_is_markdown_unless_asked_otherwise(export):
    code, out, err = export("single-neuron")
    assert (code, err) == (0, "")
    assert out.startswith("# Single neuron\n")
    assert out == export("single-neuron", "--to", "markdown")[1]
    assert "## ANSWERS" in out
    assert blanks(out) == {}


def test_a_worksheet_has_blanks_a_name_line_and_no_answers(export):
    code, out, err = export("single-neuron", "--blank")
    assert (code, err) == (0, "")
    assert blanks(out) == {"z": 1, "a": 1}
    assert "Name: ____" in out
    assert "ANSWERS" not in out
    assert "nnsteps solve" not in out


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["z1"], {"z1": 4}),
        (["z1[2]"], {"z1": 1}),
        (["z1[2,1]", "z1[4]", "L"], {"z1": 2, "L": 1}),
        (["dL/dW1"], {"dL/dW1": 12}),
        (["∂L/∂W₁[2,3]"], {"dL/dW1": 1}),
        (["W1[1,2]"], {"W1": 1}),
        (["update"], {"newW1": 12, "newb1": 4, "newW2": 8, "newb2": 2, "newW3": 6, "newb3": 3}),
        (["forward"], {"z1": 4, "a1": 4, "z2": 2, "a2": 2, "z3": 3, "y": 3, "L": 1, "a1T": 4, "a2T": 2}),
    ],
)
def test_ask_chooses_what_is_blank(export, asked, expected):
    code, out, _ = export("backprop", *[word for one in asked for word in ("--ask", one)])
    assert code == 0
    assert blanks(out) == expected


def test_asking_for_the_backward_pass_leaves_the_forward_pass(export):
    found = blanks(export("backprop", "--ask", "backward")[1])
    assert {"dL/dz3", "dL/dW1", "dL/db1"} <= set(found)
    assert all(name.startswith("dL/d") for name in found)


def test_what_is_asked_for_is_said_at_the_top(export):
    assert "- **find** z₁, ∂L/∂W₁\\[2,3\\]\n" in export("backprop", "--ask", "z1", "--ask", "dL/dW1[2,3]")[1]


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ("dL/dW9", "there is no value called dL/dW9", "Did you mean dL/dW"),
        ("forwrd", "there is no value called forwrd", "Did you mean forward?"),
        ("z1[9]", "z1 has no cell [9]", "z1[1] to z1[4]"),
        ("z1[0]", "z1 has no cell [0]", "z1[1] to z1[4]"),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest(export, asked, message, hint):
    code, out, err = export("backprop", "--ask", asked)
    assert (code, out) == (2, "")
    assert f"--ask: {message}" in err
    assert hint in err


def test_a_pass_that_a_problem_has_not_is_refused(export):
    code, _, err = export("single-neuron", "--ask", "backward")
    assert code == 2
    assert "has no backward steps" in err


def test_ask_works_in_python_too():
    trace = package.solve("backprop")
    with pytest.raises(UnknownName):
        page(trace, View(blank=True, ask=("nothing",)))
    with pytest.raises(UsageError):
        page(package.solve("single-neuron"), View(blank=True, ask=("update",)))


def test_numbers_can_be_written_in_other_ways(export):
    assert "0.495" in export("backprop", "--exact")[1]
    assert "≈ to one decimal" not in export("backprop", "--exact")[1]
    assert "0.69315" in export("backprop", "--digits", 5)[1]
    assert len(export("backprop", "--work", "none")[1]) < len(export("backprop")[1])
    assert export("backprop", "--digits", "x")[0] == 2


# --- several problems --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("to", "heading"), [("markdown", r"^## (.*)$"), ("latex", r"^\\nntitle\{(.*)\}\{")])
def test_worksheets_come_first_and_keys_behind(export, to, heading):
    code, out, err = export("single-neuron", "softmax", "--to", to, "--title", "Quiz", "--points", "10,5")
    assert (code, err) == (0, "")
    titles = re.findall(heading, out, re.M)
    assert [title.split(": key")[0].split(" (")[0].split(r"\hfill")[0] for title in titles] == [
        "Single neuron", "Softmax", "Single neuron", "Softmax",
    ]  # fmt: skip
    assert [": key" in title for title in titles] == [False, False, True, True]
    assert ["10" in title for title in titles] == [True, False] * 2
    assert out.index("Quiz") < out.index("Name:") < out.index("Single neuron")
    assert out.count("Name:") == 1


def test_blank_leaves_the_keys_out(export):
    out = export("single-neuron", "softmax", "--blank")[1]
    assert ": key" not in out
    assert "ANSWERS" not in out


@pytest.mark.parametrize("points", ["x", "1,2,3", "", "-1", "1e3"])
def test_points_are_numbers_as_many_as_problems(export, points):
    code, _, err = export("single-neuron", "softmax", "--points", points)
    assert code == 2
    assert "--points" in err


# --- files -------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_and_never_over_another(export, tmp_path):
    target = tmp_path / "key.md"
    assert export("softmax", "-o", target) == (0, "", "")
    first = target.read_bytes()
    assert first.decode() == export("softmax")[1]
    target.write_text("mine")
    code, out, err = export("softmax", "-o", target)
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert "--force" in err
    assert target.read_text() == "mine"
    assert export("softmax", "-o", target, "--force")[0] == 0
    assert target.read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["key.md"]


def test_a_folder_gets_a_file_for_each_problem(export, tmp_path):
    folder = tmp_path / "new" / "keys"
    assert export("softmax", "single-neuron", "--out", folder, "--to", "latex") == (0, "", "")
    assert export("softmax", "single-neuron", "--out", folder, "--to", "latex", "--blank") == (0, "", "")
    assert sorted(path.name for path in folder.iterdir()) == [
        "single-neuron-worksheet.tex", "single-neuron.tex", "softmax-worksheet.tex", "softmax.tex",
    ]  # fmt: skip
    code, _, err = export("gan", "softmax", "--out", folder, "--to", "latex")
    assert code == 2
    assert "softmax.tex: cannot be written: it exists already" in err
    assert not (folder / "gan.tex").exists(), "nothing is begun that cannot be finished"


def test_all_bundled_problems_are_written(export, tmp_path):
    code, out, said = export("--all", "--out", tmp_path, "--to", "markdown")
    assert (code, out) == (0, "")
    assert all(line.startswith("note: ") for line in said.splitlines())
    assert {path.stem for path in tmp_path.iterdir()} == {entry.name for entry in entries()}
    assert (tmp_path / "softmax.md").read_text(encoding="utf-8") == export("softmax")[1]


def test_two_problems_of_one_name_are_not_written_over_each_other(export, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.yaml").write_text(TWO_STEPS)
    code, _, err = export(tmp_path / "a" / "same.yaml", tmp_path / "b" / "same.yaml", "--out", tmp_path / "out")
    assert code == 2
    assert "would be written twice" in err


def test_progress_is_drawn_on_a_terminal_only(export, tmp_path, monkeypatch):
    assert export("softmax", "--out", tmp_path / "a")[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    err = export("softmax", "single-neuron", "--out", tmp_path / "b")[2]
    bars = [part.strip() for part in err.split("\r") if part.strip()]
    assert bars == [f"[{'.' * 24}] 1/2 softmax", f"[{'#' * 12}{'.' * 12}] 2/2 single-neuron"]
    assert err.endswith("\r")


def test_a_sheet_of_bytes_goes_to_a_pipe_and_not_to_a_screen(export, monkeypatch):
    pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
    command = [sys.executable, "-m", "nnsteps", "export", "single-neuron", "--to", "xlsx"]
    assert subprocess.run(command, capture_output=True, check=True).stdout[:2] == b"PK"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, _, err = export("single-neuron", "--to", "xlsx")
    assert code == 2
    assert "-o" in err


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "PROBLEM is missing"),
        (["--all"], "--all writes many files"),
        (["softmax", "--all", "--out", "x"], "exclude each other"),
        (["softmax", "-o", "x", "--out", "y"], "exclude each other"),
        (["softmax", "--to", "latx"], "Did you mean latex?"),
        (["softmax", "--flavor", "pandok"], "Did you mean pandoc?"),
        (["softmax", "--to", "latex", "--flavor", "pandoc"], "latex has no flavors"),
        (["softmax", "--fragment"], "markdown has no fragments"),
        (["softmx"], "Did you mean softmax?"),
        (["softmax", "single-neuron", "--to", "json"], '"JSON holds one problem"'),
        (["softmax", "--to", "json", "--blank"], "exclude each other"),
        (["softmax", "--work", "al"], "Did you mean all?"),
        (["softmax", "-o", "/nowhere/at/all.md"], "there is no such folder"),
    ],
)
def test_contradictions_are_told(export, words, message):
    code, out, err = export(*words)
    assert code == 2
    assert message in (out if "json" in words else err)


@pytest.mark.parametrize("more", [[], ["--blank"], ["--to", "latex"]])
def test_nothing_is_exported_of_a_problem_that_fails_its_own_check(export, tmp_path, more):
    (tmp_path / "wrong.yaml").write_text(WRONG)
    target = tmp_path / "key"
    code, out, err = export(tmp_path / "wrong.yaml", "-o", target, *more)
    assert (code, out) == (1, "")
    assert "wrong: fails its own check" in err
    assert "7" in err.partition("wrong: fails")[0], "what is wrong is said"
    assert not target.exists()


def test_a_failing_problem_does_not_keep_the_others_from_a_folder(export, tmp_path):
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "right.yaml").write_text(TWO_STEPS)
    code, _, err = export(tmp_path / "wrong.yaml", tmp_path / "right.yaml", "--out", tmp_path / "out")
    assert code == 1
    assert "wrong: fails its own check" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["right.md"]


def test_a_missing_extra_is_named(export, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "xlsxwriter" else real(name))
    code, _, err = export("softmax", "--to", "xlsx", "-o", "x.xlsx")
    assert code == 2
    assert "pip install 'nnsteps[xlsx]'" in err


# --- formats -----------------------------------------------------------------------------------------------------


def test_the_command_line_knows_every_format():
    assert (*FORMATS, "json") == EXPORTS
    for one in FORMATS.values():
        assert callable(importlib.import_module(one.module).write)


def test_formats_are_imported_when_they_are_used():
    script = "import sys, nnsteps.cli.export; print(*[m for m in sys.modules if m.startswith('nnsteps.render')])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert sorted(out) == ["nnsteps.render", "nnsteps.render.formats"]


class _Headings(html.parser.HTMLParser):
    """The text of the headings, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data if self.tags and self.tags[-1] == "h1" else ""


def test_a_hostile_title_stays_text_in_every_format(export):
    markdown = export("softmax", "--title", HOSTILE)[1]
    assert markdown.startswith("# \\=1+1 \\<b\\>&#36;x&#36; \\\\input\\{x\\}\n")
    latex = export("softmax", "--to", "latex", "--title", HOSTILE)[1]
    assert r"=1+1 $<$b$>$\$x\$ \textbackslash{}input\{x\}" in latex
    reader = _Headings()
    reader.feed(export("softmax", "--to", "html", "--title", HOSTILE)[1])
    assert HOSTILE in reader.text


@pytest.mark.parametrize("name", NAMES)
def test_json_is_what_the_schema_says(export, name):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    content = json.loads(export(name, "--to", "json")[1])
    validator.validate(content)
    assert content == json.loads(json.dumps(package.solve(name).to_json()))
    assert not validator.is_valid(content | {"extra": 1})
    assert not validator.is_valid(content | {"steps": [content["steps"][0] | {"kind": "sideways"}]})
