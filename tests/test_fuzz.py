"""Whatever is thrown at the tool, it answers: with a page, or with a report of its own, and soon.

A few hundred examples, the same ones every time; NNSTEPS_FUZZ=5000 tries as many other ones of each kind.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from tests import fuzzing

MORE = int(os.environ.get("NNSTEPS_FUZZ", "0"))


def bounded(examples: int) -> settings:
    """So many examples, always the same; or more, and others every time."""
    return settings(
        max_examples=MORE or examples,
        derandomize=not MORE,
        deadline=None,  # fuzzing.promptly measures each part
        suppress_health_check=list(HealthCheck),
    )


@bounded(150)
@given(fuzzing.formulas)
def test_any_formula_is_computed_or_refused(text: str) -> None:
    fuzzing.formula_holds(text)


@bounded(100)
@given(fuzzing.files)
def test_any_file_is_solved_or_refused(data: str | bytes) -> None:
    fuzzing.file_holds(data)


@bounded(15)
@given(fuzzing.programs())
def test_any_program_is_verified_and_shown_in_every_format(program: fuzzing.Program) -> None:
    fuzzing.program_holds(program)
