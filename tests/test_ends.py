"""Every command ends cleanly, whatever happens around it: real processes, one table of commands and conditions.

A module that Python imports at its start (sitecustomize) interrupts a process at an exact moment: when it first imports
a module, opens a file for writing or renames one, or a while after our program has begun.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nnsteps.collection import bundled

COMMAND = [sys.executable, "-m", "nnsteps"]
ROOT = str(Path(__file__).parent.parent)
TIMEOUT = 120

PRINTING = {
    "help": ["--help"],
    "help of a command": ["solve", "--help"],
    "version": ["--version"],
    "list": ["list"],
    "show": ["show", "backprop"],
    "show --yaml": ["show", "backprop", "--yaml"],
    "solve": ["solve", "backprop", "--verify"],
    "solve to json": ["solve", "backprop", "--to", "json"],
    "why": ["why", "backprop", "dL/dW1[2,3]"],
    "verify": ["verify", "backprop", "single-neuron"],
    "export": ["export", "single-neuron"],
    "export to xlsx": ["export", "single-neuron", "--to", "xlsx"],
    "practice": ["practice", "single-neuron", "--count", "2", "--answers", "after"],
    "vet": ["vet", "single-neuron", "--count", "10"],
    "functions": ["functions"],
    "function": ["functions", "softmax"],
    "new": ["new", "net", "-o", "-"],
    "schema": ["schema"],
}
WRITING = {
    "solve": ["solve", "single-neuron", "-o", "{}/page.txt"],
    "solve to json": ["solve", "single-neuron", "--to", "json", "-o", "{}/page.json"],
    "export": ["export", "backprop", "rnn", "--to", "html", "-o", "{}/sheet.html"],
    "export to a folder": ["export", "single-neuron", "rnn", "--out", "{}"],
    "export to xlsx": ["export", "single-neuron", "--to", "xlsx", "-o", "{}/sheet.xlsx"],
    "practice": ["practice", "single-neuron", "--count", "3", "--out", "{}"],
    "new": ["new", "net", "-o", "{}/net.yaml"],
    "schema": ["schema", "-o", "{}/schema.json"],
}
QUICK = {"help", "solve"}
linux = pytest.mark.skipif(sys.platform != "linux", reason="the conditions are those of Linux")


def rows(table):
    """The commands of a table; a sample in the usual run, all of them where slow tests run."""
    marks = {name: () if name in QUICK else (pytest.mark.slow,) for name in table}
    return [pytest.param(words, id=name, marks=marks[name]) for name, words in table.items()]


def run(words, folder=".", env=(), **options):
    """Run a command in a process of its own, with {} in its words for the folder."""
    surroundings = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONPATH": ROOT, **dict(env)}
    words = [word.replace("{}", str(folder)) for word in words]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([*COMMAND, *words], env=surroundings, timeout=TIMEOUT, check=False, **options)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def is_one_message(found, reason):
    """Whether there is one message (on standard output where JSON was asked for) with its reason, and no traceback."""
    told = " ".join(found.stderr.decode().split())
    if found.stdout:
        (error,) = json.loads(found.stdout)["errors"]
        told = f"{error['file']}: {error['message']}"
    return told.count("cannot be written") == 1 and reason.lower() in told.lower() and "Traceback" not in told


# --- what is printed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", rows(PRINTING))
def test_a_closed_pipe_is_silent(words):
    reader, writer = os.pipe()
    os.close(reader)
    found = run(words, stdout=writer)
    os.close(writer)
    assert (found.returncode, found.stderr) == (141, b"")


@linux
@pytest.mark.parametrize("words", rows(PRINTING))
def test_a_full_disk_behind_standard_output_is_one_message(words):
    with open("/dev/full", "w") as full:
        found = run(words, stdout=full)
    assert found.returncode == 2
    assert is_one_message(found, "standard output: cannot be written: no space left on device")


@linux
@pytest.mark.parametrize("words", rows(PRINTING))
def test_messages_that_cannot_be_written_change_nothing(words):
    expected = run(words)
    with open("/dev/full", "w") as full:
        found = run(words, stderr=full)
    assert (found.returncode, found.stdout) == (0, expected.stdout)


@pytest.mark.parametrize("words", rows(PRINTING))
def test_closed_streams_change_nothing(words):
    expected = run(words)
    assert expected.returncode == 0
    for close, stdout in ((0, expected.stdout), (1, b""), (2, expected.stdout)):
        found = run(words, preexec_fn=lambda close=close: os.close(close))
        assert (found.returncode, found.stdout, found.stderr) == (0, stdout, b"" if close == 2 else expected.stderr)


@pytest.mark.parametrize("words", rows(PRINTING))
def test_no_home_and_no_place_for_temporary_files_change_nothing(words):
    nowhere = "/proc/none" if Path("/proc").exists() else "/dev/null"
    names = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR", "PYTHONPYCACHEPREFIX")
    found = run(words, env=dict.fromkeys(names, nowhere))
    assert (found.returncode, found.stdout) == (0, run(words).stdout)


@pytest.mark.parametrize("words", rows(PRINTING))
def test_a_locale_without_signs_gets_text_in_ascii(words):
    found = run(words, env={"LC_ALL": "", "LC_CTYPE": "", "LANG": "C"})
    assert (found.returncode, found.stderr) == (0, b"")
    if "--yaml" not in words and words[:1] not in (["export"], ["new"], ["schema"]):  # files are in UTF-8 everywhere
        assert found.stdout.isascii()


@linux
@pytest.mark.parametrize(
    "words", [["solve", "backprob"], ["solve", "backprob", "--to", "json"], ["sovle"]], ids=" ".join
)
def test_wrong_input_has_its_exit_code_even_if_it_cannot_be_told(words):
    assert run(words).returncode == 2
    with open("/dev/full", "w") as full:
        assert run(words, stdout=full, stderr=full).returncode == 2
        found = run(words, stdout=full)
    assert found.returncode == 2
    assert b"Traceback" not in found.stderr
    assert found.stderr
    reader, writer = os.pipe()
    os.close(reader)
    assert run(words, stderr=writer, stdout=subprocess.DEVNULL).returncode == 2
    os.close(writer)
    assert run([*words[:2]], preexec_fn=lambda: os.close(2)).stdout == b""


# --- what is written --------------------------------------------------------------------------------------------


@pytest.fixture
def mounted(tmp_path):
    """A small file system, of so many bytes or read-only; needs root and the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounts = []

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if (
            sys.platform != "linux"
            or os.geteuid()
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("mounting a small file system needs root")
        mounts.append(folder)
        return folder

    yield mount
    for where in mounts:
        ctypes.CDLL(None).umount2(str(where).encode(), 2)


@pytest.mark.parametrize("words", rows(WRITING))
def test_a_full_disk_is_one_message_and_leaves_no_file(words, mounted):
    folder = mounted("size=4k")  # a block for the folder, and none for anything in it
    (folder / "full").write_bytes(b"x" * 4096)
    found = run(words, folder)
    assert found.returncode == 2
    assert is_one_message(found, "no space left on device")
    assert files(folder) == ["full"]


@pytest.mark.parametrize("words", rows(WRITING))
def test_a_disk_that_becomes_full_leaves_whole_files(words, mounted):
    folder = mounted("size=24k,nr_inodes=6")
    (folder / "full").write_bytes(b"x" * 4096)
    found = run(words, folder)
    if found.returncode == 0:
        return
    assert found.returncode == 2
    assert b"Traceback" not in found.stderr
    assert [name for name in files(folder) if ".part" in name] == []
    kept = {name for name in files(folder) if name.endswith((".txt", ".html", ".md"))}
    whole = folder.parent / "whole"
    assert run(words, whole).returncode in (0, 2)
    assert all((folder / name).read_bytes() == (whole / name).read_bytes() for name in kept)
    if words[0] == "practice":
        assert {name.replace("-key", "-worksheet") for name in kept} == {n for n in kept if "worksheet" in n}


@pytest.mark.parametrize("words", rows(WRITING))
def test_a_folder_that_cannot_be_written_to_is_one_message(words, mounted):
    folder = mounted("ro")
    found = run(words, folder)
    assert found.returncode == 2
    assert is_one_message(found, "read-only file system")
    assert files(folder) == []


@pytest.mark.parametrize("words", rows(WRITING))
def test_a_file_in_the_place_of_the_folder_is_one_message(words, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    found = run(words, taken)
    assert found.returncode == 2
    assert is_one_message(found, "taken")
    assert taken.read_text() == "mine"
    assert files(tmp_path) == ["taken"]


@pytest.mark.parametrize("words", rows(WRITING))
def test_what_is_there_is_kept_without_force(words, tmp_path):
    assert run(words, tmp_path).returncode == 0
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    for name in before:
        (tmp_path / name).write_bytes(b"mine")
    found = run(words, tmp_path)
    assert found.returncode == 2
    assert b"--force" in found.stdout + found.stderr
    assert {(tmp_path / name).read_bytes() for name in files(tmp_path)} == {b"mine"}
    assert run([*words, "--force"], tmp_path).returncode == 0
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


# --- interrupts -------------------------------------------------------------------------------------------------

INTERRUPTER = """\
import atexit, os, signal, sys
kind, _, what = os.environ["INTERRUPT_AT"].partition(" ")
word, _, turn = what.partition("#")
left = [int(turn or 1)]

def hit():
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGINT)

class Finder:
    def find_spec(name, path=None, target=None):
        if name == word:
            hit()

class Clock:
    def find_spec(name, path=None, target=None):
        if name == "nnsteps.cli.output":  # from here on it is our program that runs
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
            signal.setitimer(signal.ITIMER_REAL, float(what))
            atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # whoever has ended is not interrupted

if kind == "import":
    sys.meta_path.insert(0, Finder)
elif kind == "after":
    sys.meta_path.insert(0, Clock)
else:
    def hook(event, arguments):
        if event == kind and word in str(arguments[0]):
            hit()
    sys.addaudithook(hook)
"""


def interrupted(words, moment, tmp_path, folder):
    (tmp_path / "start").mkdir()
    (tmp_path / "start/sitecustomize.py").write_text(INTERRUPTER)
    path = f"{tmp_path / 'start'}{os.pathsep}{ROOT}"
    return run(words, folder, env={"INTERRUPT_AT": moment, "PYTHONPATH": path})


@linux
@pytest.mark.parametrize(
    "module",
    [
        "typer",
        "numpy",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in (
                "nnsteps.cli.output", "nnsteps.cli.commands", "nnsteps.errors", "yaml", "numpy.linalg", "nnsteps.ops",
                "nnsteps.solver", "nnsteps.verify", "nnsteps.layout", "nnsteps.render.terminal",
            )
        ),
    ],
)  # fmt: skip
def test_an_interrupt_while_something_is_imported(module, tmp_path):
    found = interrupted(["solve", "backprop", "--verify"], f"import {module}", tmp_path, tmp_path)
    assert (found.returncode, found.stdout, found.stderr.strip()) == (130, b"", b"")


@linux
@pytest.mark.parametrize(
    ("words", "moment", "count"),
    [
        pytest.param(["solve", "backprop", "-o", "{}/page.txt"], "open .part", 0, id="page begun"),
        pytest.param(
            ["solve", "backprop", "-o", "{}/page.txt"], "os.rename .part", 0, marks=pytest.mark.slow, id="page whole"
        ),
        pytest.param(["export", "--all", "--out", "{}"], "open .part#3", 2, marks=pytest.mark.slow, id="third export"),
    ],
)
def test_an_interrupt_while_something_is_written(words, moment, count, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    found = interrupted(words, moment, tmp_path, folder)
    assert (found.returncode, found.stdout, found.stderr.strip()) == (130, b"", b"")
    assert files(folder) == sorted(f"{problem.name}.md" for problem in bundled()[:count])


@linux
@pytest.mark.parametrize("moment", ["open -key", pytest.param("open -worksheet", marks=pytest.mark.slow)])
def test_an_interrupt_between_sheets_leaves_whole_ones_and_their_index(moment, tmp_path):
    words = ["practice", "single-neuron", "--count", "20", "--out", "{}"]
    found = interrupted(words, f"{moment}#3", tmp_path, tmp_path / "out")
    assert (found.returncode, found.stdout, found.stderr.strip()) == (130, b"", b"")
    titles, *sheets = (tmp_path / "out/index.csv").read_text().splitlines()
    assert titles == "sheet,student,files"
    assert len(sheets) == 2
    assert files(tmp_path / "out") == sorted(["index.csv", *" ".join(row.split(",")[2] for row in sheets).split()])


@linux
@pytest.mark.slow
@pytest.mark.parametrize("words", [pytest.param(words, id=name) for name, words in PRINTING.items()])
@pytest.mark.parametrize("after", [0.01, 0.1, 0.3])
def test_an_interrupt_at_any_moment_shows_no_traceback(words, after, tmp_path):
    found = interrupted(words, f"after {after}", tmp_path, tmp_path)
    # where a dataclass was just being made by exec(), CPython itself ends by the signal: 130 too, as shells count it
    assert found.returncode in (0, 130, -signal.SIGINT)
    assert found.stderr.strip() == b"" or found.returncode == 0
