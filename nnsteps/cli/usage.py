"""Complaints about commands and options, in our words. Prints nothing."""

from __future__ import annotations

import itertools
from typing import Any, NoReturn

from nnsteps.errors import StepsError, UsageError, nearest


def wants_json(words: list[str]) -> bool:
    """Whether the words ask for JSON, even if nothing else in them can be understood."""
    spelled = [f"{word}={value}" for word, value in itertools.pairwise(words)]
    return any(word in ("--to=json", "--format=json") for word in (*words, *spelled))


def wrong_option(error: Any, words: list[str]) -> StepsError:
    """A complaint of typer about options."""
    command = error.ctx.command_path if error.ctx else " ".join(["nnsteps", *words[:1]])
    help_ = f"{command} --help shows what there is"
    match type(error).__name__:
        case "NoSuchOption":
            known = [name for parameter in error.ctx.command.params for name in parameter.opts]
            near = nearest(error.option_name, [*known, "--help"])
            hint = f"Did you mean {near}?   {help_}" if near else help_
            return UsageError(f"{command} has no option {error.option_name}", hint=hint)
        case "MissingParameter" if error.param is not None:
            return UsageError(f"{error.param.metavar or error.param.name} is missing", where=command, hint=help_)
    message = error.format_message().rstrip(".")
    if "unexpected extra argument" in message and "]" in message:
        help_ = "A value with blanks in it must be quoted:  --set 'x=[1, 2, 3]'"
    return UsageError(message[:1].lower() + message[1:], where=command, hint=help_)


def refuse_command(word: str, known: list[str]) -> NoReturn:
    """Say that there is no such command, and what was probably meant."""
    from nnsteps.collection import entries

    help_ = "nnsteps --help shows all of them"
    near = nearest(word, known)
    hint = f"Did you mean {near}?   {help_}" if near else help_
    if word.endswith((".yaml", ".yml")) or word in [entry.name for entry in entries()]:
        hint = f"To work it out:  nnsteps solve {word}"
    raise UsageError("there is no command of this name", where=word, hint=hint)
