"""`nnsteps new` and `nnsteps schema`: files to begin with, which work at once."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from nnsteps import schema, starter
from nnsteps.cli import run
from nnsteps.collection import entries
from nnsteps.errors import StepsError
from nnsteps.practice import Practice
from nnsteps.problem import Problem
from nnsteps.solver import solve_problem
from nnsteps.verify import check

NAMES = [entry.name for entry in entries()]
HAND = """\
# by A. Teacher
title: 'Ours: one'   # a title
order: 3   # where it stands
source: "Sheet 2"
# the numbers
given: {x: 1}
aliases:
  - old
  - older   # in the first edition

# what is done
steps:
  - Head:   # first
      - step: y = 2 * x
        remark: y is
          twice as much
        note: doubled
  - {step: 'z = y + 1', remark: 'here 3, or so'}
  - {remark: "a: {b}", step: 'u = z'}
  - remark: first
    step: v = u
# the end
answers:
  by hand: {y: 2}
"""


@pytest.fixture
def nnsteps(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: gives exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def call(*words):
        code = run(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def fits(text):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    return jsonschema.Draft7Validator(schema.schema()).is_valid(json.loads(json.dumps(yaml.safe_load(text))))


def test_a_new_problem_works_at_once(nnsteps):
    code, out, err = nnsteps("new", "two-neurons")
    assert (code, out) == (0, "")
    assert err.endswith("Next:  nnsteps solve two-neurons.yaml\n")
    text = Path("two-neurons.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=nnsteps.schema.json\n")
    assert fits(text)
    assert nnsteps("verify", "two-neurons.yaml")[0] == 0
    assert nnsteps("vet", "two-neurons.yaml", "--count", "50")[0] == 0
    trace = solve_problem(Problem.load("two-neurons.yaml"))
    x, W, b, target = np.array([2, 1]), np.array([[1, -1], [0, 2]]), np.array([1, -3]), np.array([1, 1])
    a = np.maximum(W @ x + b, 0)
    assert trace["L"].item() == np.mean((a - target) ** 2)
    assert (trace["dL/dW"] == np.outer((a - target) * (W @ x + b > 0), x)).all()
    assert trace.problem.title == "Two neurons"
    assert json.loads(Path("nnsteps.schema.json").read_text(encoding="utf-8")) == schema.schema()


def test_the_keys_behind_a_sign_work_too():
    text = starter.starter("all-of-it")
    head, rest = text.split("# More that a problem can say.")
    line, rest = rest.split("\n", 1)
    used = f"{head}#{line}\n{re.sub('^# ', '', rest, flags=re.M)}"
    assert not re.search("^#", used.split(f"#{line}\n")[1], re.M)
    assert fits(used)
    report = check(Problem.read(used, "all-of-it.yaml"))
    assert report.ok
    assert "2 published answers" in report.line()
    assert set(yaml.safe_load(used)) > {"source", "update", "digits", "rounding", "ask", "answers"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("my net", "Write my-net."),
        ("net.yaml", "Write net."),
        ("sub/net.yml", "nnsteps new net -o sub/net.yaml"),
        ("größe", "Write grosse."),
        ("a_b", "Write a-b."),
        ("a--b-", "Write a-b."),
        ("..", "Write my-problem"),
        ("", "Write my-problem"),
        ("backprop", "nnsteps new my-backprop --from backprop"),
    ],
)
def test_a_name_that_cannot_be_one(nnsteps, name, hint):
    code, out, err = nnsteps("new", name)
    assert (code, out) == (2, "")
    assert hint in err
    assert list(Path().iterdir()) == []


def test_nothing_is_written_over(nnsteps):
    Path("net.yaml").write_text("mine")
    code, _, err = nnsteps("new", "net")
    assert code == 2
    assert "--force" in err
    assert Path("net.yaml").read_text() == "mine"
    assert not Path("nnsteps.schema.json").exists()
    assert nnsteps("new", "net", "--force")[0] == 0
    assert Path("net.yaml").read_text(encoding="utf-8") == starter.starter("net")


def test_a_schema_of_another_version_stays_and_is_told(nnsteps):
    Path("nnsteps.schema.json").write_text("{}")
    code, _, err = nnsteps("new", "net")
    assert code == 0
    assert "nnsteps schema -o nnsteps.schema.json --force" in err
    assert Path("nnsteps.schema.json").read_text() == "{}"
    assert nnsteps("schema", "-o", "nnsteps.schema.json", "--force") == (0, "", "")
    assert "of another version" not in nnsteps("new", "other")[2]


def test_another_place_and_standard_output(nnsteps):
    Path("week 1").mkdir()
    assert nnsteps("new", "net", "-o", "week 1/first.yaml")[0] == 0
    assert sorted(path.name for path in Path("week 1").iterdir()) == ["first.yaml", "nnsteps.schema.json"]
    assert nnsteps("new", "net", "-o", "-") == (0, starter.starter("net"), "")
    assert [path.name for path in Path().iterdir()] == ["week 1"]


def test_the_schema_is_printed(nnsteps):
    code, out, err = nnsteps("schema")
    assert (code, err) == (0, "")
    assert json.loads(out) == schema.schema()
    assert nnsteps("schema", "-o", "s.json") == (0, "", "")
    assert Path("s.json").read_text(encoding="utf-8") == out
    assert nnsteps("schema", "-o", "s.json")[0] == 2


# --- copies ------------------------------------------------------------------------------------------------------


def without_remarks(part):
    if isinstance(part, list):
        return [without_remarks(inner) for inner in part]
    if isinstance(part, dict):
        return {key: without_remarks(inner) for key, inner in part.items() if key != "remark" or "step" not in part}
    return part


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_the_problem_without_what_is_true_of_its_numbers_only(name):
    path = next(entry.path for entry in entries() if entry.name == name)
    original = Problem.load(path)
    text = starter.copy(original, "our-own")
    expected, found = yaml.safe_load(path.read_text(encoding="utf-8")), yaml.safe_load(text)
    for key in ("answers", "aliases", "order"):
        expected.pop(key, None)
    expected["title"] = "Our own"
    if "source" in expected:
        expected["source"] = f"after {expected['source']}"
    assert found == {**expected, "steps": without_remarks(expected["steps"])}
    assert Problem.read(text, "our-own.yaml").practice is not None or original.practice is None
    comments = re.findall(r"^#.*", path.read_text(encoding="utf-8"), re.M)
    assert [comment for comment in comments if comment not in text] == []


def test_a_copy_keeps_comments_and_loses_whole_lines_only():
    text = starter.copy(Problem.read(HAND, "hand.yaml", name="hand"), "new-one")
    assert (
        text
        == """\
# yaml-language-server: $schema=nnsteps.schema.json
# Begun as a copy of hand. What was true of its own numbers only, answers and remarks, is left out.
# by A. Teacher
title: New one   # a title
source: "after Sheet 2"
# the numbers
given: {x: 1}

# what is done
steps:
  - Head:   # first
      - step: y = 2 * x
        note: doubled
  - {step: 'z = y + 1'}
  - {step: 'u = z'}
  - step: v = u
# the end
"""
    )


def test_a_copy_of_a_file_without_title_and_with_other_line_ends():
    text = starter.copy(Problem.read("steps:\r\n  - y = 1\r\nanswers: {exact: {y: 1}}", "a.yaml"), "b")
    assert text.endswith("left out.\ntitle: B\nsteps:\n  - y = 1\n")
    with pytest.raises(StepsError, match="cannot be copied"):
        starter.copy(Problem.read("{steps: ['y = 1']}", "a.yaml"), "b")


def test_a_copy_of_a_file_of_ones_own_and_of_a_sheet(nnsteps):
    assert nnsteps("new", "first")[0] == 0
    assert nnsteps("new", "second", "--from", "first.yaml")[0] == 0
    text = Path("second.yaml").read_text(encoding="utf-8")
    assert text.count("yaml-language-server") == 1
    assert "title: Second\n" in text
    sheet = str(Practice(Problem.load("first.yaml")).variant(1, "1").id)
    assert nnsteps("new", "third", "--from", sheet)[0] == 0
    assert nnsteps("verify", "second.yaml", "third.yaml")[0] == 0


def test_the_sheets_of_a_copy_have_ids_of_their_own(nnsteps):
    assert nnsteps("new", "ours", "--from", "single-neuron")[0] == 0
    assert nnsteps("practice", "ours.yaml", "--to", "yaml", "--out", "sheets")[0] == 0
    (sheet,) = [path.stem for path in Path("sheets").glob("*.yaml")]
    assert sheet.startswith("ours-1.1.")
    assert nnsteps("solve", sheet)[0] == 0


def test_a_copy_of_nothing(nnsteps):
    code, _, err = nnsteps("new", "net", "--from", "backprob")
    assert code == 2
    assert "Did you mean backprop?" in err
