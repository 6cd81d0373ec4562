"""Everything that is wrong with a file is told once, at its place, and nothing that only follows from it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nnsteps
from nnsteps import Problem, StepsError
from nnsteps.cli import parts, run
from nnsteps.errors import MOST_GATHERED
from nnsteps.solver import look_further

BAD = Path(__file__).parent / "bad"
FILES = sorted(path.stem for path in BAD.glob("*.yaml"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(BAD.parent.parent), "PYTHONIOENCODING": "utf-8"}
COMMANDS = (
    ["solve"], ["show"], ["why", "L"], ["verify"], ["export"], ["practice"], ["vet"],
)  # fmt: skip


def told(text: str, path: Path) -> list[str]:
    """Line and message of everything that is wrong in a file of this text."""
    path.write_text(text, "utf-8")
    with pytest.raises(StepsError) as caught:
        nnsteps.solve(str(path))
    found = (caught.value, *caught.value.others)
    return [f"{error.place.line if error.place else 0}: {error.message}" for error in found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.yaml"


# --- every wrong file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_told_in_these_words(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BAD)
    started = time.process_time()
    code = run(["solve", f"{name}.yaml"])
    assert time.process_time() - started < 2
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert err == Path(f"{name}.txt").read_text("utf-8")
    reports = [line for line in err.splitlines() if line.startswith(f"{name}.yaml:")]
    assert len(reports) == 1 or name.startswith("several-")


@pytest.mark.parametrize("name", FILES)
def test_no_report_is_wider_than_asked_or_holds_control_characters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(StepsError) as caught:
        parts.solve(parts.find(f"{name}.yaml"))
    for width in (40, 60, 100):
        report = look_further(caught.value).report(width)
        assert max(map(len, report.splitlines())) <= width
        assert report.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_told_to_programs_too(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BAD)
    assert run(["solve", f"{name}.yaml", "--to", "json"]) == 2
    out, err = capfd.readouterr()
    answer = json.loads(out)
    assert err == ""
    assert answer["error"] == answer["errors"][0]
    assert len(answer["errors"]) == 1 or name.startswith("several-")
    assert all(error["file"] == f"{name}.yaml" for error in answer["errors"])


def test_the_json_of_mistakes_is_what_its_schema_says(capfd: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads((BAD.parent.parent / "docs" / "error.schema.json").read_text("utf-8"))
    assert schema["$defs"]["error"]["properties"]["code"]["enum"] == [kind.code for kind in StepsError.__subclasses__()]
    for name in ("several-in-all-sections.yaml", "empty.yaml", "nothing-of-this-name.yaml"):
        assert run(["solve", str(BAD / name), "--to", "json"]) == 2
        answer = json.loads(capfd.readouterr().out)
        jsonschema.validate(answer, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**answer, "errors": []}, schema)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", ["several-in-all-sections", "unknown-key", "duplicate-key", "ragged-matrix"])
def test_every_command_tells_the_same(
    command: list[str], name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BAD)
    assert run([command[0], f"{name}.yaml", *command[1:]]) == 2
    assert capfd.readouterr() == ("", Path(f"{name}.txt").read_text("utf-8"))


@pytest.mark.parametrize("name", ["several-in-all-sections", "not-utf-8", "shape-matmul", "utf-16"])
def test_the_program_itself_tells_it(name: str) -> None:
    words = [sys.executable, "-m", "nnsteps", "solve", f"{name}.yaml"]
    done = subprocess.run(
        words, cwd=BAD, capture_output=True, text=True, encoding="utf-8", env=ENVIRONMENT, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", (BAD / f"{name}.txt").read_text("utf-8"))


# --- what is told, and what is not ------------------------------------------------------------------------------


def test_mistakes_of_every_kind_are_told_in_the_order_of_the_file(file: Path) -> None:
    text = """\
titel: Five
given:
  W: [[1, 2], [3]]
  x: [1, 2, 3]
  y: [1, 2]
steps:
  - a = x +
  - b = relo(x)
  - c = xx * 2
  - d = x + y
"""
    assert told(text, file) == [
        "1: there is no key called titel in a problem",
        "3: row 2 of W has 1 number, the other has 2",
        "7: the formula stops after +",
        "8: there is no function called relo",
        "9: there is no value called xx at this step",
        "10: x (3×1) and y (2×1) do not fit cell by cell",
    ]


@pytest.mark.parametrize(
    "steps",
    [
        "  - a = W @ x\n  - b = relu(a)\n  - L = sum(b)\ngradient: {of: L, wrt: [x]}\nupdate: {rule: sgd, rate: 0.1}\n",
        "  - when: sum(W) > 2\n    steps: ['a = x']\n    else: ['b = x']\n  - c = a + b\n",
        "  - for t in 1..size(W): ['a = t']\n  - c = a * t\n",
        '  - say: "so W is {W}"\n  - h[1] = W\n  - h[2] = h[1]\n  - k = hstack(h)\n',
        "  - for t in 1..3:\n      - x = W * x\n    until: sum(x) > 4\n  - z = x\n",
    ],
)
def test_what_needs_a_wrong_value_is_not_told(steps: str, file: Path) -> None:
    assert told("given: {W: [[1, 2], [3]], x: [1, 2]}\nsteps:\n" + steps, file) == [
        "1: row 2 of W has 1 number, the other has 2"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps:\n  - Layer: y = x\n  - repeat: Layer\n", ["2: the heading Layer has no list of steps under it"]),
        ("define: {f(x): g * x}\nsteps:\n  - y = f(2)\n", ["1: g is no argument of f"]),
        ("givn: {x: 1}\nsteps:\n  - y = x\n", ["1: there is no key called givn in a problem"]),
        ("inputs: {x: 1}\nsteps:\n  - y = x\n", ["1: there is no key called inputs in a problem"]),
        ("given: 7\nsteps:\n  - y = x\n", ["1: given is a mapping of names to values"]),
        ("given: {x: 1}\nsteps: [y = min(x, 2), 'z = q']\n", [
            "2: a formula inside [ ] or { } must be quoted: a comma would cut it",
            "2: there is no value called q at this step",
        ]),
        ("given: {x: 1}\nsteps:\n  - y = q\n  - y = x\n  - z = y + r\n", [
            "3: there is no value called q at this step", "5: there is no value called r at this step",
        ]),
    ],
)  # fmt: skip
def test_what_only_follows_is_not_told(text: str, expected: list[str], file: Path) -> None:
    assert told(text, file) == expected


def test_a_mistake_in_a_loop_is_one_mistake(file: Path) -> None:
    steps = "  - for t in 1..5:\n      - for s in 1..3:\n          - y[t,s] = q + t\n      - z[t] = t\n"
    assert told("given: {x: 1}\nsteps:\n" + steps, file) == ["5: there is no value called q at this step"]


def test_every_wrong_name_under_wrt_is_told(file: Path) -> None:
    text = "given: {x: 1}\nsteps: ['L = x * 2']\ngradient: {of: L, wrt: [a, x, b]}\n"
    assert told(text, file) == ["3: there is no value called a", "3: there is no value called b"]


def test_a_report_tells_ten_and_says_how_many_there_are_more(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    file.write_text("steps:\n" + "".join(f"  - y{k} = q{k}\n" for k in range(13)))
    assert run(["solve", file.name]) == 2
    report = capfd.readouterr().err
    assert report.count("there is no value called") == 10
    assert report.endswith("\n\nand 3 more mistakes\n")
    assert run(["solve", str(file), "--to", "json"]) == 2
    assert [error["line"] for error in json.loads(capfd.readouterr().out)["errors"]] == list(range(2, 15))


def test_thousands_of_mistakes_take_no_longer_than_a_hundred(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file.write_text("given: {x: 1}\nsteps:\n" + "".join(f"  - y{k} = q{k}\n" for k in range(5_000)))
    assert run(["solve", str(file)]) == 2
    assert capfd.readouterr().err.endswith(f"and at least {MOST_GATHERED - 10} more mistakes\n")


def test_too_much_ends_the_work_and_the_mistakes_before_it_are_told(file: Path) -> None:
    text = "given: {x: 1}\nsteps:\n  - y = q\n  - for t in 1..1000000: ['z = t']\n  - w = r\n"
    assert told(text, file) == [
        "3: there is no value called q at this step",
        "4: this would take 1,000,000 turns; all loops and repetitions together may take 10,000",
    ]


def test_problems_in_code_are_told_alike() -> None:
    with pytest.raises(StepsError) as caught:
        Problem(given={"x": [[1], [2, 3]]}, steps=["y = x +"], ttle="A")
    assert [error.message for error in (caught.value, *caught.value.others)] == [
        "there is no key called ttle in a problem",
        "row 2 of x has 2 numbers, the other has 1",
        "the formula stops after +",
    ]
