"""No key leaves the program with a wrong number: an operation is broken on purpose, and every command refuses.

Broken are, in turn, the gradient of ReLU (the slope of the loss is another one) and the arithmetic of its cells (the
worked lines give other numbers).
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nnsteps import collection, scalar
from nnsteps.cli import run
from nnsteps.cli.commands import EXPORTS
from nnsteps.ops import REGISTRY
from nnsteps.problem import Problem
from nnsteps.render.formats import FORMATS

GOOD = """\
given: {x: [1, 2], v: [[3, 1]]}
steps:
  - y = v @ x
practice:
  vary: {x: integers 1..9}
"""
BAD = """\
given: {x: [1, 2], w: [[3, 1], [1, -2]], t: [2, 1]}
steps:
  - a = relu(w @ x)
  - L = mse(a, t)
gradient: {of: L, wrt: [w]}
practice:
  vary: {x: integers 1..9, t: integers 1..9}
  allow: [digits, effort, zero gradient, relu]
"""
BROKEN = {
    "gradient": lambda op: replace(op, grad={"x": "2 * g * (x > 0)"}),
    "arithmetic": lambda op: replace(op, cell=lambda at, x: scalar.add([op.cell(at, x), scalar.Const(0.001)])),
}


@pytest.fixture(params=BROKEN)
def broken(request, monkeypatch, tmp_path):
    """A folder with a problem that ReLU is part of, and one that it is not, where ReLU is wrong."""
    monkeypatch.setitem(REGISTRY, "relu", BROKEN[request.param](REGISTRY["relu"]))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(BAD)
    Path("good.yaml").write_text(GOOD)
    return request.param


@pytest.fixture
def nnsteps(capsysbinary):
    def call(*words):
        code = run(list(words))
        captured = capsysbinary.readouterr()
        return code, captured.out, captured.err.decode()

    return call


def told(out, err, to):
    """The message: where JSON was asked for an object on standard output, else on standard error."""
    if to != "json":
        assert out == b""
        return err
    found = json.loads(out)
    assert set(found) & {"steps", "values", "gradients"} == set()
    return found["error"]["message"]


def files():
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_what_is_broken_here_is_right_elsewhere(nnsteps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(BAD)
    assert nnsteps("verify", "bad.yaml")[0] == 0
    assert nnsteps("practice", "bad.yaml", "--answers", "after")[0] == 0


@pytest.mark.parametrize("more", [[], ["--blank"], ["--exact"]], ids=" ".join)
@pytest.mark.parametrize("to", EXPORTS)
def test_no_format_exports_a_wrong_key(broken, nnsteps, to, more):
    if to == "json" and "--blank" in more:
        pytest.skip("JSON has no worksheets")
    for target in ([], ["-o", "key"], ["--out", "keys"]):
        code, out, err = nnsteps("export", "bad.yaml", "--to", to, *more, *target)
        assert code == 1
        assert "fails its own check, so it is not exported" in (err if "--out" in target else told(out, err, to))
    assert files() == ["bad.yaml", "good.yaml"]


def test_one_wrong_key_keeps_a_sheet_of_several_from_being_written(broken, nnsteps):
    assert nnsteps("export", "good.yaml", "bad.yaml", "-o", "sheet.md")[0] == 1
    assert files() == ["bad.yaml", "good.yaml"]


def test_of_all_problems_only_the_right_ones_are_written(broken, nnsteps, monkeypatch):
    monkeypatch.setattr(collection, "bundled", lambda: [Problem.load("good.yaml"), Problem.load("bad.yaml")])
    code, out, err = nnsteps("export", "--all", "--out", "keys")
    assert (code, out) == (1, b"")
    assert "bad: fails its own check" in err
    assert files() == ["bad.yaml", "good.yaml", "keys/good.md"]


@pytest.mark.parametrize("to", ["plain", "json", *FORMATS])
def test_no_format_hands_out_a_wrong_sheet(broken, nnsteps, to):
    answers = [] if to == "json" else ["--answers", "after"]
    code, out, err = nnsteps("practice", "bad.yaml", "--to", to, *answers)
    assert code == 1
    assert "fails its own check, so it is not handed out" in told(out, err, to)
    code, out, err = nnsteps("practice", "bad.yaml", "--to", to, "--count", "2", "--out", "sheets")
    assert (code, out) == (1, b"")
    assert err.count("fails its own check") == 2
    assert files() == ["bad.yaml", "good.yaml"]


@pytest.mark.parametrize("settings", [[], ["--exact"], ["--expand"], ["--rounding", "each-step"], ["--digits", "2"]])
def test_verify_says_what_is_wrong_and_so_does_solve(broken, nnsteps, settings):
    code, out, err = nnsteps("verify", "good.yaml", "bad.yaml")
    assert code == 1
    good, bad = out.decode().splitlines()
    assert good.startswith("ok  good   1 step  ")
    assert bad.startswith("WRONG (")
    code, out, solved = nnsteps("solve", "bad.yaml", "--verify", *settings)
    assert code == 1
    assert "WRONG" in out.decode()
    assert "✓ checked" not in out.decode()
    wrong = "a central difference gives" if broken == "gradient" else "its arithmetic (by hand) gives"
    assert wrong in " ".join(err.split())
    assert wrong in " ".join(solved.split())


def test_a_page_that_settings_have_changed_is_checked_itself(nnsteps, monkeypatch, tmp_path):
    """Only each-step rounding is broken: the problem passes its check, the page that is asked for does not."""
    from nnsteps import solver

    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    real = solver.solve_problem

    def solve_problem(problem, settings=None):
        trace = real(problem, settings)
        if settings is not None and settings.rounding == "each-step":
            node = trace.nodes[trace.node("y")]
            value = node.value + 1.0
            trace.nodes[node.id] = node._replace(value=value)
        return trace

    monkeypatch.setattr(solver, "solve_problem", solve_problem)
    assert nnsteps("export", "good.yaml", "-o", "key.md")[0] == 0
    code, _, err = nnsteps("export", "good.yaml", "--rounding", "each-step", "-o", "other.md")
    assert code == 1
    assert "(as shown)" in err
    assert files() == ["good.yaml", "key.md"]
    assert nnsteps("solve", "good.yaml", "--rounding", "each-step", "--verify")[0] == 1
