"""The commands and their options. Everything that a command needs is imported when it runs."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from nnsteps.cli import FAILED, FINE, WRONG_INPUT
from nnsteps.limits import LIMITS

Abort = typer.Abort
ROUNDINGS = ("inside", "each-step", "fractions")
WORK = ("none", "lines", "all")
PASSES = ("forward", "backward", "update")
FORMATS = ("terminal", "plain", "json")
EXPORTS = ("markdown", "latex", "html", "xlsx", "json")
SHEETS = ("plain", "yaml", *EXPORTS)
ANSWERS = ("none", "after", "separate")
USAGE_ERROR = typer.BadParameter.__mro__[1]  # typer gives the class of all wrong options no name of its own


# --- words that the shell completes -------------------------------------------------------------------------


def _problem_names(incomplete: str) -> list[str]:
    from nnsteps.collection import entries

    return [entry.name for entry in entries() if entry.name.startswith(incomplete)]


def _function_names(incomplete: str) -> list[str]:
    from nnsteps.cli.catalogue import functions

    names = [function.name for members in functions().values() for function in members]
    return [name for name in names if name.startswith(incomplete)]


def _words(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


# --- arguments and options that several commands have -------------------------------------------------------

PROBLEM = typer.Argument(
    metavar="PROBLEM", help="A bundled name, a path, or - for standard input.", autocompletion=_problem_names
)
EXACT = typer.Option("--exact", help="Leave out what was rounded by hand.")
WIDTH = typer.Option("--width", metavar="N", help="Columns, from 40 to 1000 (default: the terminal's; 100 in a pipe).")
OUT = typer.Option("-o", metavar="FILE", help="Write to a file.")
FORCE = typer.Option("--force", help="Write over a file that exists.")

DIGITS = typer.Option("--digits", metavar="N", help="Decimals on paper, from 0 to 15 (default: as needed).")
ROUNDING = typer.Option(
    "--rounding",
    metavar="HOW",
    autocompletion=_words(ROUNDINGS),
    help="inside: exact inside, rounded on paper. each-step: each step from the numbers as written. fractions. "
    "(default: as the problem says)",
)
SEED = typer.Option("--seed", metavar="S", help="A whole number (default: 1); another one gives other sheets.")
LIMIT = typer.Option(
    "--limit", metavar="NAME=N", help=f"Another limit than the usual: {', '.join(LIMITS)}. Can be repeated."
)
WORK_LINES = typer.Option(
    "--work",
    metavar="HOW MUCH",
    autocompletion=_words(WORK),
    help="Worked lines: none, lines (one for each row of a product) or all (one for each cell).",
)


def _as_typed(parameters: list[Any]) -> list[Any]:
    """The parameters with their words taken as they were typed.

    All our values are text and are checked by nnsteps.cli.options. Left to itself typer would check them too, and for
    that import a validation library that costs a third of the time of a whole run.
    """
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = partial(_value, parameter, parameter.process_value)
    return parameters


def _value(parameter: Any, check: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    is_absent = value is None and not parameter.required
    return value if is_absent or isinstance(value, (str, list, tuple)) else check(context, value)


def _print_and_exit(text: str) -> NoReturn:
    """Write as all output is written, so that a closed pipe or a full disk ends it cleanly."""
    from nnsteps.cli import output

    output.write(text + "\n")
    raise typer.Exit


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _as_typed(super().get_params(ctx))

    def get_help(self, ctx: Any) -> str:
        _print_and_exit(super().get_help(ctx))


class _Commands(TyperGroup):
    """Commands whose unknown names are told like any other wrong input."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_typed(super().get_params(ctx))

    def get_help(self, ctx: Any) -> str:
        _print_and_exit(super().get_help(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and args[0] not in self.commands:
            from nnsteps.cli.usage import refuse_command

            refuse_command(args[0], list(self.commands))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from nnsteps import __version__

        _print_and_exit(f"nnsteps {__version__}")


@app.callback(invoke_without_command=True)
def nnsteps(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Work out neural networks step by step, the way a good teacher writes them by hand.

    Begin with:  nnsteps solve backprop
    """
    if context.invoked_subcommand is None:
        context.get_help()


# --- commands -----------------------------------------------------------------------------------------------


@app.command("list", cls=_Command)
def list_(
    topic: Annotated[
        str | None, typer.Option("--topic", metavar="TOPIC", help="Only the problems of this topic.")
    ] = None,
    width: Annotated[str | None, WIDTH] = None,
) -> None:
    """List the bundled problems, in teaching order."""
    from nnsteps.cli import output, parts
    from nnsteps.cli.catalogue import problem_lines

    output.write_lines(problem_lines(topic, parts.width(width)))


@app.command(cls=_Command)
def show(
    problem: Annotated[str, PROBLEM],
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the problem file itself.")] = False,
    width: Annotated[str | None, WIDTH] = None,
    limit: Annotated[list[str] | None, LIMIT] = None,
) -> None:
    """Show the question: given numbers, and blank cells."""
    from nnsteps.cli import options, output, parts

    columns, found = parts.width(width), parts.find(problem, options.limits(limit or ()))
    if yaml:
        output.write((found.source_text or "").encode())
        return
    from nnsteps.view import View

    trace = parts.solve(found)
    parts.print_page(trace, View(width=columns, ascii=parts.is_ascii(), blank=True, work="none"))


@app.command(cls=_Command)
def solve(
    problem: Annotated[str, PROBLEM],
    step: Annotated[str | None, typer.Option("--step", metavar="N|NAME", help="Only this step.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="N", help="Only the first N steps.")] = None,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="PASS", help="Only forward, backward or update.", autocompletion=_words(PASSES)),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Another value for a given name: 'x=[1, 2, 3]'. Can be repeated."
        ),
    ] = None,
    exact: Annotated[bool, EXACT] = False,
    compare: Annotated[bool, typer.Option("--compare", help="By hand and exact, and how far apart they are.")] = False,
    digits: Annotated[str | None, DIGITS] = None,
    rounding: Annotated[str | None, ROUNDING] = None,
    work: Annotated[str, WORK_LINES] = "lines",
    expand: Annotated[bool, typer.Option("--expand", help="Gradients the long way, without shortcuts.")] = False,
    width: Annotated[str | None, WIDTH] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the problem too; the page says so.")] = False,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            "--format",
            metavar="FORMAT",
            help="terminal, plain (no colour) or json.",
            autocompletion=_words(FORMATS),
        ),
    ] = "terminal",
    out: Annotated[str | None, OUT] = None,
    limit: Annotated[list[str] | None, LIMIT] = None,
    force: Annotated[bool, FORCE] = False,
) -> None:
    """Work out every step, with every number explained."""
    from nnsteps.cli import options, parts
    from nnsteps.solver import Settings

    options.choice("--to", to, FORMATS)
    options.choice("--work", work, WORK)
    only = options.choice("--only", only, PASSES) if only is not None else None
    rounding = options.choice("--rounding", rounding, ROUNDINGS) if rounding is not None else None
    decimals = options.whole("--digits", digits, 0, 15) if digits is not None else None
    last = options.whole("--until", until, 1, 10**6) if until is not None else None
    columns = parts.width(width, is_file=out is not None)
    options.not_together(("--exact", exact), ("--compare", compare))
    for name, is_there in (("--step", step), ("--until", until), ("--only", only), ("--compare", compare)):
        options.not_together(("--to json", to == "json"), (name, bool(is_there)))

    chosen = options.with_numbers(parts.find(problem, options.limits(limit or ())), set_ or ())
    settings = Settings(exact, expand, rounding, decimals)
    trace = parts.solve(chosen, settings)
    report = parts.check(chosen, trace, settings) if verify else None
    if to == "json":
        parts.write(parts.json_text(trace.to_json()), out, force)
    else:
        from nnsteps.view import View

        view = View(
            width=columns, ascii=parts.is_ascii(), work=work, only=only, step=step, until=last, compare=compare,
            digits=decimals if decimals is not None else chosen.digits,
            rounding=rounding or chosen.rounding, checked=report,
        )  # fmt: skip
        parts.print_page(trace, view, settings, plain=to == "plain", out=out, force=force)
    if report is not None:
        if to == "json" or step or last or only:  # nothing in the output says it
            parts.say(report.line())
        if not report.ok:
            parts.say_failures(report)
            raise typer.Exit(FAILED)


@app.command(cls=_Command)
def why(
    problem: Annotated[str, PROBLEM],
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A number of the page, such as 'dL/dW1[2,3]'.")],
    exact: Annotated[bool, EXACT] = False,
    width: Annotated[str | None, WIDTH] = None,
    limit: Annotated[list[str] | None, LIMIT] = None,
) -> None:
    """Say where one number comes from, back to the given numbers."""
    from nnsteps.cli import options, parts

    columns, found = parts.width(width), parts.find(problem, options.limits(limit or ()))
    from nnsteps.solver import Settings
    from nnsteps.why import why_text

    trace = parts.solve(found, Settings(exact=exact))
    text = why_text(trace, cell, columns, parts.is_ascii())
    parts.write(text if text.endswith("\n") else text + "\n")


@app.command(cls=_Command)
def verify(
    problems: Annotated[
        list[str] | None, typer.Argument(metavar="[PROBLEM]...", help="Names or paths.", autocompletion=_problem_names)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All bundled problems (also without any PROBLEM).")] = False,
    limit: Annotated[list[str] | None, LIMIT] = None,
) -> None:
    """Check worked lines, gradients, published answers.

    Prints a line for each problem; the exit code is 1 if one of them fails.
    """
    from nnsteps import collection
    from nnsteps.cli import options, parts
    from nnsteps.errors import StepsError

    options.not_together(("--all", all_), ("a PROBLEM", bool(problems)))
    code, limits = FINE, options.limits(limit or ())
    for name in problems or [problem.name for problem in collection.bundled()]:
        try:
            report = parts.check(parts.find(name, limits))
        except StepsError as error:
            parts.tell(error)
            code = WRONG_INPUT
            continue
        parts.write(report.line().rstrip("\n") + "\n")
        if not report.ok:
            parts.say_failures(report)
            code = max(code, FAILED)
    if code:
        raise typer.Exit(code)


@app.command(cls=_Command)
def export(
    problems: Annotated[
        list[str] | None, typer.Argument(metavar="[PROBLEM]...", help="Names or paths.", autocompletion=_problem_names)
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            "--to", "--format", metavar="FORMAT", help=f"{', '.join(EXPORTS)}.", autocompletion=_words(EXPORTS)
        ),
    ] = "markdown",
    blank: Annotated[bool, typer.Option("--blank", help="A worksheet: what is asked for is left blank.")] = False,
    ask: Annotated[
        list[str] | None,
        typer.Option(
            "--ask",
            metavar="WHAT",
            autocompletion=_words(PASSES),
            help="What is left blank: forward, backward, update, a name, a cell 'z2[1,1]'. Can be repeated.",
        ),
    ] = None,
    flavor: Annotated[str | None, typer.Option("--flavor", metavar="F", help="Markdown: github or pandoc.")] = None,
    fragment: Annotated[bool, typer.Option("--fragment", help="LaTeX: only what another document can hold.")] = False,
    title: Annotated[str, typer.Option("--title", metavar="T", help="The title of the sheet.")] = "",
    points: Annotated[
        str | None, typer.Option("--points", metavar="N[,N]...", help="What each problem is worth.")
    ] = None,
    exact: Annotated[bool, EXACT] = False,
    digits: Annotated[str | None, DIGITS] = None,
    rounding: Annotated[str | None, ROUNDING] = None,
    work: Annotated[str, WORK_LINES] = "lines",
    all_: Annotated[bool, typer.Option("--all", help="All bundled problems, a file each; needs --out.")] = False,
    out: Annotated[str | None, OUT] = None,
    folder: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Write a file for each problem into this folder.")
    ] = None,
    limit: Annotated[list[str] | None, LIMIT] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
) -> None:
    """Write keys and worksheets: Markdown, LaTeX, HTML, a spreadsheet, JSON.

    Several problems make one sheet, worksheets first and the keys behind.
    """
    from nnsteps.cli import options
    from nnsteps.cli.export import Order
    from nnsteps.cli.export import export as run
    from nnsteps.solver import Settings

    options.choice("--work", work, WORK)
    rounding = options.choice("--rounding", rounding, ROUNDINGS) if rounding is not None else None
    decimals = options.whole("--digits", digits, 0, 15) if digits is not None else None
    settings = Settings(exact=exact, rounding=rounding, digits=decimals)
    order = Order(
        tuple(problems or ()), to, settings, work, blank or bool(ask), tuple(ask or ()), flavor, fragment, points,
        title, out, folder, all_, force, options.limits(limit or ()),
    )  # fmt: skip
    if code := run(order):
        raise typer.Exit(code)


@app.command(cls=_Command)
def practice(
    problem: Annotated[str, PROBLEM],
    seed: Annotated[str, SEED] = "1",
    count: Annotated[str, typer.Option("--count", metavar="N", help="How many sheets.")] = "1",
    roster: Annotated[
        str | None,
        typer.Option("--roster", metavar="FILE", help="CSV with the ids of students: a sheet for each of them."),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(
            "--answers",
            metavar="WHERE",
            autocompletion=_words(ANSWERS),
            help="none, after the worksheet, or separate (default: separate in a folder, else none).",
        ),
    ] = None,
    to: Annotated[
        str,
        typer.Option("--to", "--format", metavar="FORMAT", autocompletion=_words(SHEETS), help=f"{', '.join(SHEETS)}."),
    ] = "plain",
    folder: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Write into this folder, with an index of ids.")
    ] = None,
    limit: Annotated[list[str] | None, LIMIT] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
) -> None:
    """Make worksheets with new numbers: the same seed always gives the same ones.

    The id on a sheet brings back its answers:  nnsteps solve ID
    """
    from nnsteps.cli import options
    from nnsteps.cli.practice import MOST_SHEETS, Order
    from nnsteps.cli.practice import practice as run

    chosen = options.whole("--seed", seed, 0, 10**15)
    sheets, limits = options.whole("--count", count, 1, MOST_SHEETS), options.limits(limit or ())
    order = Order(problem, chosen, sheets, roster, answers, to, folder, force, limits)
    if code := run(order):
        raise typer.Exit(code)


@app.command(cls=_Command)
def vet(
    problems: Annotated[
        list[str], typer.Argument(metavar="PROBLEM...", help="Names or paths.", autocompletion=_problem_names)
    ],
    count: Annotated[str, typer.Option("--count", metavar="N", help="How many variants are made.")] = "500",
    seed: Annotated[str, SEED] = "1",
    limit: Annotated[list[str] | None, LIMIT] = None,
) -> None:
    """Say whether the practice sheets of a problem are varied and fair.

    The exit code is 1 if they are not.
    """
    from nnsteps.cli import options
    from nnsteps.cli.practice import vet as run

    chosen = options.whole("--seed", seed, 0, 10**15)
    if code := run(problems, options.whole("--count", count, 1, 10**6), chosen, options.limits(limit or ())):
        raise typer.Exit(code)


@app.command(cls=_Command)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and hyphens; the file is NAME.yaml.")],
    original: Annotated[
        str | None,
        typer.Option("--from", metavar="PROBLEM", help="Begin with a copy of this one.", autocompletion=_problem_names),
    ] = None,
    out: Annotated[str | None, OUT] = None,
    limit: Annotated[list[str] | None, LIMIT] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
) -> None:
    """Begin a problem file, with comments; it works as it is."""
    from nnsteps.cli import options, starting

    starting.new(name, original, out, force, options.limits(limit or ()))


@app.command(cls=_Command)
def schema(
    out: Annotated[str | None, OUT] = None,
    force: Annotated[bool, FORCE] = False,
) -> None:
    """Print the JSON Schema of problem files, for editors."""
    from nnsteps.cli import parts
    from nnsteps.cli.starting import schema_text

    parts.write(schema_text(), out, force)


@app.command(cls=_Command)
def functions(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="All that is known about this one.", autocompletion=_function_names),
    ] = None,
    width: Annotated[str | None, WIDTH] = None,
) -> None:
    """List the functions of formulas, or all about one."""
    from nnsteps.cli import catalogue, output, parts

    columns = parts.width(width)
    if name is None:
        output.write_lines(catalogue.function_lines(columns))
    else:
        output.write_lines(catalogue.details(catalogue.function_named(name), columns))
