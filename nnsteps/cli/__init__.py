"""The command line. The only place that prints and exits.

Results go to standard output, messages to standard error. Exit codes: 0 fine, 1 a check found something wrong, 2 the
input is wrong. Only StepsError and wrong options are caught; anything else is a bug and shows its traceback.

To add a command: a function in `commands`, its options checked by `options`, its printing done by `output`.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

FINE, FAILED, WRONG_INPUT = 0, 1, 2
INTERRUPTED, CLOSED_PIPE = 130, 141  # as shells count them: 128 + the signal


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is written: an interrupt while Python ends changes nothing
    sys.exit(code)


def run(words: list[str]) -> int:
    """Run one command; gives its exit code."""
    try:
        from nnsteps.cli import output
        from nnsteps.cli.commands import Abort, app

        try:
            output.prepare()
            try:
                code = app(words, prog_name="nnsteps", standalone_mode=False)
            except Exception as error:
                return _told(error, words)
            return code if isinstance(code, int) else FINE
        except output.ClosedPipe:
            output.give_up()
            return CLOSED_PIPE
        except Abort:
            return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED


def _told(error: Exception, words: list[str]) -> int:
    """Tell a person what is wrong with the input; gives the exit code. Raises again what is a bug."""
    from nnsteps.cli import output, parts, usage
    from nnsteps.cli.commands import USAGE_ERROR
    from nnsteps.errors import CheckError, StepsError

    if isinstance(error, USAGE_ERROR):
        error = usage.wrong_option(error, words)
    if not isinstance(error, StepsError):
        raise error
    as_json = usage.wants_json(words) and error.where != output.STANDARD
    try:
        parts.tell(error, as_json=as_json)
    except StepsError as other:  # standard output cannot hold it
        parts.tell(other)
    return FAILED if isinstance(error, CheckError) else WRONG_INPUT
