"""Fuzzing on demand, for as long as one likes: python -m tests.fuzz --seconds 600 [formula file bytes program]

atheris (pip install atheris) watches which branches of nnsteps an input reaches, and goes on from those that reached
new ones. `formula`, `file` and `program` steer the strategies of `fuzzing` with its bytes; `bytes` starts from the
bundled files and reads what becomes of them as a file. Whatever breaks is told once, with an input that does it, and
makes the exit code 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

TARGETS = ("formula", "file", "bytes", "program")
MEMORY = 4_000  # MB
MOST_TOLD = 2_000  # characters of an input


def main() -> int:
    """Run each target for its share of the time."""
    parser = argparse.ArgumentParser(description="Throw things at nnsteps.")
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="|".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=600)
    asked = parser.parse_args()
    each = max(1, asked.seconds // len(asked.targets))
    command = [sys.executable, "-m", "tests.fuzz", "--one"]
    return max([subprocess.run([*command, target, str(each)]).returncode for target in asked.targets])


def one(target: str, seconds: int) -> None:
    """Fuzz one target; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["nnsteps"]):
        from tests import fuzzing

    fuzzing.SECONDS *= 4  # being watched takes time
    calls, found, end = 0, set[str](), time.monotonic() + seconds

    def counted(holds: Callable[[Any], None]) -> Callable[[Any], None]:
        def check(thrown: Any) -> None:
            nonlocal calls
            calls += 1
            try:
                holds(thrown)
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
                if where not in found:
                    found.add(where)
                    print(f"{target}: {where}: {str(error)[:200]}\n  {repr(thrown)[:MOST_TOLD]}", flush=True)

        return check

    run = steered(target, counted)

    def step(data: bytes) -> None:
        if time.monotonic() > end:
            print(f"{target}: {calls:,} executions in {seconds} s, {len(found)} found", flush=True)
            os._exit(1 if found else 0)
        run(data)

    with tempfile.TemporaryDirectory() as folder:
        for number, problem in enumerate(fuzzing.SMALL if target == "bytes" else []):
            Path(folder, str(number)).write_text(problem.source_text or "", encoding="utf-8")
        options = ["-max_len=8192", f"-rss_limit_mb={MEMORY}", "-timeout=600", "-verbosity=0", "-len_control=0"]
        atheris.Setup([sys.argv[0], *options, folder], step)
        atheris.Fuzz()


def steered(
    target: str, counted: Callable[[Callable[[Any], None]], Callable[[Any], None]]
) -> Callable[[bytes], object]:
    """What is done with the bytes of the fuzzer."""
    from hypothesis import HealthCheck, given, settings

    from tests import fuzzing

    freely = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    match target:
        case "formula":
            test = given(thrown=fuzzing.formulas)(counted(fuzzing.formula_holds))
        case "file":
            test = given(thrown=fuzzing.files)(counted(fuzzing.file_holds))
        case "program":
            test = given(thrown=fuzzing.programs())(counted(fuzzing.program_holds))
        case _:
            return counted(fuzzing.file_holds)
    return freely(test).hypothesis.fuzz_one_input


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]))
    sys.exit(main())
