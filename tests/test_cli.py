"""The command line: every command and option, exit codes, streams, files, signs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnsteps import __version__
from nnsteps.cli import run
from nnsteps.collection import bundled, entries

NAMES = [entry.name for entry in entries()]
COMMAND = [sys.executable, "-m", "nnsteps"]
MLP = """\
given:
  x: [2, 1]
  W: [[1, -1], [0, 1]]
steps:
  - z = W @ x
"""


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "LANG", "LC_CTYPE", "PYTHONIOENCODING", "PYTHONUTF8", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def nnsteps(capsys):
    """Run a command in this process: gives exit code, standard output, standard error."""

    def call(*words):
        code = run(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def process(*words, **options):
    """Run a command in a process of its own."""
    env = {**os.environ, **options.pop("env", {})}
    return subprocess.run([*COMMAND, *words], capture_output=True, env=env, timeout=60, check=False, **options)


# --- commands -----------------------------------------------------------------------------------------------


def test_the_version_is_printed(nnsteps):
    assert nnsteps("--version") == (0, f"nnsteps {__version__}\n", "")


def test_no_words_at_all_give_the_help(nnsteps):
    assert nnsteps() == nnsteps("--help")
    assert nnsteps()[1].startswith("Usage: nnsteps")


@pytest.mark.parametrize("command", ["list", "show", "solve", "why", "verify", "functions"])
def test_every_command_has_help(nnsteps, command):
    code, out, err = nnsteps(command, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: nnsteps {command}" in out


def test_list_is_in_teaching_order(nnsteps):
    code, out, _ = nnsteps("list")
    assert code == 0
    places = [out.index(f"  {problem.name} ") for problem in bundled()]
    assert places == sorted(places)
    assert all(problem.title in out for problem in bundled())


def test_list_of_one_topic_and_of_none(nnsteps):
    assert nnsteps("list", "--topic", "basics")[0] == 0
    code, out, err = nnsteps("list", "--topic", "basic")
    assert (code, out) == (2, "")
    assert "Did you mean basics?" in err


def test_show_leaves_the_answers_blank(nnsteps):
    code, out, _ = nnsteps("show", "single-neuron")
    assert code == 0
    assert "___" in out
    assert "1·2" not in out


def test_show_yaml_prints_the_file_byte_for_byte():
    path = next(entry.path for entry in entries() if entry.name == "backprop")
    assert process("show", "backprop", "--yaml").stdout == path.read_bytes()


def test_an_alias_and_a_path_are_as_good_as_a_name(nnsteps):
    path = next(entry.path for entry in entries() if entry.name == "backprop")
    expected = nnsteps("solve", "backprop")[1]
    assert nnsteps("solve", "backpropagation")[1] == expected
    assert nnsteps("solve", str(path))[1] == expected


def test_a_problem_from_standard_input():
    found = process("solve", "-", "--to", "json", input=MLP.encode())
    assert found.returncode == 0
    assert json.loads(found.stdout)["values"]["z"] == [[1], [1]]


def test_why_goes_back_to_the_given_numbers(nnsteps):
    code, out, _ = nnsteps("why", "backprop", "dL/dW1[2,3]")
    assert code == 0
    assert "−6" in out
    assert "x" in out


def test_why_of_an_unknown_name(nnsteps):
    code, out, err = nnsteps("why", "backprop", "dL/dW9[1,1]")
    assert (code, out) == (2, "")
    assert "dL/dW" in err


@pytest.mark.parametrize("words", [(), ("--all",)])
def test_verify_prints_a_line_for_each_problem(nnsteps, words):
    code, out, err = nnsteps("verify", *words)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(NAMES)
    assert all(name in out for name in NAMES)


def test_verify_fails_loudly_on_a_wrong_answer(nnsteps, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(MLP + "answers: {by hand: {z: [1, 2]}}\n")
    code, out, err = nnsteps("verify", "single-neuron", str(path))
    assert code == 1
    assert len(out.splitlines()) == 2
    assert "z" in err


def test_verify_goes_on_after_wrong_input(nnsteps):
    code, out, err = nnsteps("verify", "nothing-like-it", "single-neuron")
    assert code == 2
    assert "single-neuron" in out
    assert "nothing-like-it" in err


def test_verify_takes_names_or_all(nnsteps):
    assert nnsteps("verify", "backprop", "--all")[0] == 2


def test_functions_lists_every_one(nnsteps):
    from nnsteps.compounds import COMPOUNDS
    from nnsteps.ops import REGISTRY

    code, out, _ = nnsteps("functions")
    assert code == 0
    assert all(function.signature in out for function in (*REGISTRY.values(), *COMPOUNDS.values()))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("matmul", "g @ b.T"),
        ("@", "matmul(a, b)"),
        ("-", "sub(a, b)"),
        (".T", "transpose(x)"),
        ("softmax", "subtract the largest first"),
        ("cross_entropy", "p = softmax(z)"),
        ("mean", "Gradient"),
        ("step", "flat"),
        ("relu(x)", "Nair and Hinton 2010"),
    ],
)
def test_all_about_one_function(nnsteps, name, expected):
    code, out, _ = nnsteps("functions", name)
    assert code == 0
    assert expected in out


def test_every_function_has_its_page(nnsteps):
    from nnsteps.cli.catalogue import functions

    for members in functions().values():
        for function in members:
            code, out, _ = nnsteps("functions", function.name, "--width", "60")
            assert code == 0
            assert function.signature in " ".join(out.split())
            assert max(map(len, out.splitlines())) <= 60


def test_an_unknown_function(nnsteps):
    code, _, err = nnsteps("functions", "relo")
    assert code == 2
    assert "Did you mean relu?" in err


# --- the options of solve -----------------------------------------------------------------------------------


def values(nnsteps, *words):
    code, out, _ = nnsteps("solve", *words, "--to", "json")
    assert code == 0
    return json.loads(out)["values"]


def test_json_is_one_line_of_the_published_form(nnsteps):
    code, out, err = nnsteps("solve", "backprop", "--format", "json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert out.endswith("}\n")
    found = json.loads(out)
    assert {"version", "problem", "given", "steps", "values", "gradients"} <= set(found)
    assert found["given"]["x"] == [[2], [1], [3]]
    assert found["gradients"]["dL/db1"] == [[0], [-2], [2], [-1]]
    step = found["steps"][0]
    assert {key: step[key] for key in ("index", "name", "formula", "kind", "heading", "shape", "note", "inside")} == {
        "index": 1, "name": "z1", "formula": "W1 @ x + b1", "kind": "forward", "heading": "Layer 1",
        "shape": [4, 1], "note": None, "inside": [],
    }  # fmt: skip


def test_exact_leaves_out_what_was_rounded_by_hand(nnsteps):
    assert values(nnsteps, "backprop")["y"] == [[0.5], [0.5], [0]]
    assert values(nnsteps, "backprop", "--exact")["y"][0][0] == pytest.approx(0.495462642578, abs=1e-12)


def test_set_gives_other_numbers(nnsteps):
    found = values(nnsteps, "single-neuron", "--set", "x=[3, 1, 4]", "--set", "b=0.5")
    assert found["x"] == [[3], [1], [4]]
    assert found["z"] == [[6.5]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "NAME=VALUE"),
        ("=3", "NAME=VALUE"),
        ("x=", "NAME=VALUE"),
        ("x=[1, 2]", "3×1"),
        ("x=[1, two, 3]", "two"),
        ("x=[one, two, three]", "words"),
        ("x=[1, 2", "--set"),
        ("x=[[1], [2], [1, 2]]", "--set"),
        ("x=[1, .nan, 3]", ".nan"),
        ("q=1", "q is not given"),
        ("x=&a [1, 2, 3]", "anchors"),
    ],
)
def test_a_wrong_set_is_explained(nnsteps, text, expected):
    code, out, err = nnsteps("solve", "single-neuron", "--set", text)
    assert (code, out) == (2, "")
    assert expected in err
    assert "--set" in err


def test_a_place_in_a_wrong_set_is_marked_under_the_word_itself(nnsteps):
    _, _, err = nnsteps("solve", "single-neuron", "--set", "x=[1, two, 3]")
    lines = err.splitlines()
    assert lines[0].startswith("--set:1:7:")
    source = next(k for k, line in enumerate(lines) if "x=[1, two, 3]" in line)
    assert lines[source + 1].index("^") == lines[source].index("two")


def test_a_name_set_twice(nnsteps):
    assert nnsteps("solve", "single-neuron", "--set", "b=1", "--set", "b=2")[0] == 2


@pytest.mark.parametrize(
    ("words", "there", "not_there"),
    [
        (("--step", "1"), "z₁", "a₂ ="),
        (("--step", "dL/dW3"), "∂L/∂W₃", "∂L/∂W₂ ="),
        (("--until", "2"), "a₁", "BACKWARD"),
        (("--only", "forward"), "FORWARD", "BACKWARD"),
        (("--only", "backward"), "BACKWARD", "UPDATE"),
        (("--only", "update"), "UPDATE", "BACKWARD"),
        (("--work", "none"), "z₁ = W₁ x + b₁", "1·2 − 1·1"),
        (("--work", "lines"), "1·2 − 1·1 + 1·3 − 5", "nothing of the kind"),
        (("--work", "all"), "1·2 − 1·1 + 1·3 − 5", "nothing of the kind"),
        (("--exact",), "0.4955", "nothing of the kind"),
        (("--compare",), "0.4955", "nothing of the kind"),
        (("--exact", "--digits", "6"), "0.495463", "nothing of the kind"),
        (("--exact", "--rounding", "each-step"), "z₁", "nothing of the kind"),
        (("--rounding", "fractions"), "1/2", "nothing of the kind"),
        (("--expand", "--exact"), "∂L/∂y", "nothing of the kind"),
        (("--verify",), "checked", "nothing of the kind"),
        (("--to", "plain"), "z₁", "\x1b"),
    ],
)
def test_what_the_page_shows(nnsteps, words, there, not_there):
    code, out, _ = nnsteps("solve", "backprop", *words)
    assert code == 0
    assert there in out
    assert not_there not in out


def test_work_all_shows_more_than_lines_and_none_less(nnsteps):
    pages = [nnsteps("solve", "seven-layers", "--work", work)[1] for work in ("none", "lines", "all")]
    assert len(pages[0]) < len(pages[1]) < len(pages[2])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--rounding", "eachstep"), "Did you mean each-step?"),
        (("--work", "line"), "Did you mean lines?"),
        (("--only", "backwards"), "Did you mean backward?"),
        (("--to", "jsn"), "Did you mean json?"),
        (("--to", "pdf"), "terminal, plain, json"),
        (("--digits", "-1"), "--digits"),
        (("--digits", "16"), "0 to 15"),
        (("--digits", "two"), "--digits"),
        (("--until", "0"), "--until"),
        (("--width", "39"), "40 to 1000"),
        (("--width", "1e2"), "--width"),
        (("--step", "nothing"), "nothing"),
        (("--step", "99"), "99"),
        (("--exact", "--compare"), "exclude"),
        (("--to", "plain", "--exat"), "Did you mean --exact?"),
        (("extra",), "extra"),
        (("--set",), "--set"),
        (("--set", "x=[1,", "2,", "3]"), "quoted"),
    ],
)
def test_a_wrong_option_is_told_with_a_near_match(nnsteps, words, expected):
    code, out, err = nnsteps("solve", "backprop", *words)
    assert (code, out) == (2, "")
    assert expected in err
    assert "Traceback" not in err


def test_verify_while_solving_says_what_it_found(nnsteps, tmp_path):
    code, out, err = nnsteps("solve", "backprop", "--verify", "--to", "json")
    assert (code, "backprop" in err) == (0, True)
    assert json.loads(out)["version"] == 1
    path = tmp_path / "wrong.yaml"
    path.write_text(MLP + "answers: {by hand: {z: [1, 2]}}\n")
    code, out, err = nnsteps("solve", str(path), "--verify")
    assert code == 1
    assert "z" in err
    assert "W" in out


@pytest.mark.parametrize("option", ["--step", "--until", "--only", "--compare"])
def test_json_holds_everything_so_parts_of_it_are_refused(nnsteps, option):
    words = [option] if option == "--compare" else [option, "forward" if option == "--only" else "1"]
    code, out, err = nnsteps("solve", "backprop", "--to", "json", *words)
    assert (code, err) == (2, "")
    assert json.loads(out)["error"]["code"] == "usage"


# --- wrong input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["solve", "show", "verify"])
def test_an_unknown_problem_has_a_near_match(nnsteps, command):
    code, out, err = nnsteps(command, "backprob")
    assert (code, out) == (2, "")
    assert err.startswith("backprob: there is no problem or file of this name\n")
    assert "Did you mean backprop?" in err


def test_an_unknown_command_has_a_near_match(nnsteps):
    code, _, err = nnsteps("sovle", "backprop")
    assert code == 2
    assert "Did you mean solve?" in err


def test_a_problem_in_place_of_a_command(nnsteps):
    assert "nnsteps solve backprop" in nnsteps("backprop")[2]


def test_a_missing_argument(nnsteps):
    code, _, err = nnsteps("solve")
    assert code == 2
    assert "PROBLEM is missing" in err


def test_an_error_points_into_the_file(nnsteps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mlp.yaml").write_text(MLP.replace("W @ x", "relo(W @ x)"))
    code, out, err = nnsteps("solve", "mlp.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("mlp.yaml:5:9: there is no function called relo")
    assert "^^^^" in err


def test_errors_are_json_where_json_was_asked_for(nnsteps, tmp_path):
    path = tmp_path / "mlp.yaml"
    path.write_text(MLP.replace("W @ x", "relo(W @ x)"))
    code, out, err = nnsteps("solve", str(path), "--to", "json")
    assert (code, err) == (2, "")
    found = json.loads(out)
    assert found["version"] == 1
    assert found["error"]["code"] == "name"
    assert (found["error"]["file"], found["error"]["line"], found["error"]["column"]) == (str(path), 5, 9)


@pytest.mark.parametrize("words", [("--to=json", "--exat"), ("--format", "json", "--digits", "x")])
def test_wrong_options_are_json_too(nnsteps, words):
    code, out, err = nnsteps("solve", "backprop", *words)
    assert (code, err) == (2, "")
    assert json.loads(out)["error"]["code"] == "usage"


@pytest.mark.parametrize("name", ["x" * 5000, "\udcff", "a\x1b[31mb", " ", "*", "no/such/file", ".", "~"])
def test_strange_names_show_no_traceback(nnsteps, name):
    code, out, err = nnsteps("solve", name)
    assert (code, out) == (2, "")
    assert "\x1b" not in err


def test_a_bug_is_not_hidden(monkeypatch):
    import nnsteps.solver

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(nnsteps.solver, "solve_problem", broken)
    with pytest.raises(ZeroDivisionError):
        run(["solve", "backprop"])


# --- files --------------------------------------------------------------------------------------------------


def test_a_page_goes_into_a_file(nnsteps, tmp_path):
    path = tmp_path / "page.txt"
    assert nnsteps("solve", "backprop", "-o", str(path)) == (0, "", "")
    assert path.read_text(encoding="utf-8") == nnsteps("solve", "backprop")[1]
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_not_written_over_without_force(nnsteps, tmp_path):
    path = tmp_path / "page.txt"
    path.write_text("precious")
    code, _, err = nnsteps("solve", "backprop", "-o", str(path))
    assert code == 2
    assert "--force" in err
    assert path.read_text() == "precious"
    assert nnsteps("solve", "backprop", "-o", str(path), "--force")[0] == 0
    assert path.read_text(encoding="utf-8").startswith(" Backpropagation")
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_keeps_pointing_at_the_new_page(nnsteps, tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    assert nnsteps("solve", "single-neuron", "-o", str(link), "--force")[0] == 0
    assert link.is_symlink()
    assert "neuron" in real.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["nothing/page.txt", ".", "x" * 300])
def test_a_file_that_cannot_be_written(nnsteps, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    code, out, err = nnsteps("solve", "backprop", "-o", name)
    assert (code, out) == (2, "")
    assert "cannot be written" in " ".join(err.split())
    assert list(tmp_path.iterdir()) == []


def test_a_device_is_written_to_and_not_replaced(nnsteps):
    assert nnsteps("solve", "backprop", "-o", os.devnull) == (0, "", "")
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_one_message():
    with open("/dev/full", "w") as full:
        found = subprocess.run([*COMMAND, "solve", "backprop"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert found.returncode == 2
    assert found.stderr.decode().startswith("standard output: cannot be written")
    assert found.stderr.count(b"\n") == 1


# --- streams ------------------------------------------------------------------------------------------------


def test_warnings_go_to_standard_error():
    text = "given:\n  x: [2, 1]\n  r: [[1, 2]]\nsteps:\n  - z = x + r\n"
    found = process("solve", "-", "--to", "json", input=text.encode())
    assert found.returncode == 0
    assert "stretch" in found.stderr.decode()
    assert json.loads(found.stdout)["values"]["z"] == [[3, 4], [2, 3]]


def test_a_pipe_and_no_color_give_clean_text():
    found = process("solve", "backprop")
    assert found.returncode == 0
    assert b"\x1b" not in found.stdout
    assert b"\x1b" in process("solve", "backprop", env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b" not in process("solve", "backprop", "--to", "plain", env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b" not in process("solve", "backprop", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert b"\x1b" not in process("solve", "backprob", env={"NO_COLOR": "1"}).stderr


def on_a_terminal(*words, columns, **env):
    """What a command prints on a terminal of so many columns."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    import struct

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    surroundings = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env}
    running = subprocess.Popen([*COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=surroundings)
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    running.wait(timeout=60)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def without_colour(text):
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_terminal_gets_colour_and_its_own_width(nnsteps):
    page = on_a_terminal("solve", "backprop", columns=80)
    assert "\x1b[" in page
    plain = without_colour(page)
    assert [line.rstrip() for line in plain.splitlines()] == nnsteps("solve", "backprop", "--width", "80")[
        1
    ].splitlines()
    assert "\x1b" not in on_a_terminal("solve", "backprop", columns=80, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal("solve", "backprop", columns=80, TERM="dumb")
    assert "\x1b" not in on_a_terminal("solve", "backprop", "--to", "plain", columns=80)


def test_errors_are_coloured_on_a_terminal():
    text = on_a_terminal("solve", "backprob", columns=80)
    assert "\x1b[" in text
    assert without_colour(text).startswith(
        "backprob: there is no problem or file of this name\n\n  Did you mean backprop?"
    )


def test_a_very_narrow_or_wide_terminal(nnsteps):
    assert max(map(len, without_colour(on_a_terminal("list", columns=20)).splitlines())) <= 40
    assert max(map(len, without_colour(on_a_terminal("solve", "backprop", columns=500)).splitlines())) <= 200


def test_a_closed_pipe_is_silent():
    head = f"{sys.executable} -m nnsteps solve seven-layers --work all | head -n 1"
    found = subprocess.run(["bash", "-c", head], capture_output=True, check=False)
    assert found.stderr == b""
    for words in (["solve", "backprop"], ["list"], ["functions"], ["solve", "backprop", "--to", "json"]):
        reader, writer = os.pipe()
        os.close(reader)
        running = subprocess.run([*COMMAND, *words], stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        assert running.stderr == b""
        assert running.returncode == 141


def test_closed_streams():
    for shell, code in (("<&-", 0), (">&-", 0), ("2>&-", 0)):
        found = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m nnsteps solve backprop {shell}"], capture_output=True, check=False
        )
        assert found.returncode == code
        assert found.stderr == b""
    found = subprocess.run(["bash", "-c", f"{sys.executable} -m nnsteps solve - <&-"], capture_output=True, check=False)
    assert found.returncode == 2
    assert b"standard input is closed" in found.stderr
    assert b"Traceback" not in found.stderr


def test_an_interrupt_shows_no_traceback(monkeypatch, nnsteps):
    import nnsteps.solver as solver

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(solver, "solve_problem", interrupted)
    assert nnsteps("solve", "backprop") == (130, "", "")


# --- signs and widths ---------------------------------------------------------------------------------------

ASCII = [
    {"LC_ALL": "C"},
    {"LC_ALL": "", "LANG": "C"},
    {"LC_ALL": "POSIX"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
]


ONCE = [["show", "backprop"], ["list"], ["functions"], ["functions", "xlogy"], ["solve", "backprob"]]


@pytest.mark.parametrize("words", ONCE, ids=" ".join)
def test_in_a_locale_without_signs_every_command_writes_ascii(words):
    found = process(*words, env=ASCII[0])
    assert found.returncode == (2 if "backprob" in words else 0), found.stderr
    assert (found.stdout + found.stderr).isascii()


@pytest.mark.parametrize("env", ASCII, ids=str)
def test_where_signs_cannot_be_shown_there_is_ascii(env):
    page = process("solve", "backprop", env=env).stdout.decode("ascii")
    assert "1*2 - 1*1 + 1*3 - 5" in page
    assert "dL/dW1" in page


@pytest.mark.parametrize("env", [*ASCII, {}], ids=str)
def test_json_is_the_same_everywhere(nnsteps, env):
    expected = json.loads(nnsteps("solve", "backprop", "--to", "json")[1])
    assert json.loads(process("solve", "backprop", "--to", "json", env=env).stdout) == expected


@pytest.mark.parametrize("env", [{"LANG": "C", "PYTHONUTF8": "1"}, {"LANG": "C", "PYTHONIOENCODING": "utf-8"}], ids=str)
def test_an_encoding_that_was_chosen_is_used(env):
    assert "∂L/∂W₁" in process("solve", "backprop", env={"LC_ALL": "", **env}).stdout.decode()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("name", ["backprop", "rnn", "vector-database", "mixture-of-experts", "gan", "lenet-5"])
def test_no_line_is_longer_than_the_width(nnsteps, name, width):
    for words in (["solve", name], ["show", name], ["solve", name, "--exact", "--work", "all"], ["why", name]):
        if words[0] == "why":
            last = json.loads(nnsteps("solve", name, "--to", "json")[1])["steps"][-1]
            words.append(f"{last['name']}[1,1]")
        code, out, _ = nnsteps(*words, "--width", str(width))
        assert code == 0
        assert max(map(len, out.splitlines())) <= width, words


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_lists_keep_to_the_width(nnsteps, width):
    for command in ("list", "functions"):
        code, out, _ = nnsteps(command, "--width", str(width))
        assert code == 0
        assert max(map(len, out.splitlines())) <= width


def test_the_same_words_give_the_same_bytes():
    pages = {process("solve", "backprop", env={"PYTHONHASHSEED": seed, "COLUMNS": seed}).stdout for seed in ("1", "77")}
    assert len(pages) == 1


# --- completion ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("nnsteps so", "solve"),
        ("nnsteps solve backp", "backprop"),
        ("nnsteps solve backprop --rounding ea", "each-step"),
        ("nnsteps functions soft", "softmax"),
    ],
)
def test_the_shell_completes(words, expected):
    env = {"_NNSTEPS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert expected in process(env=env).stdout.decode().split()
