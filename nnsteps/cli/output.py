"""Where text goes: streams, files, colour or not, how wide, which signs. Knows no problems and no pages.

Text is clean unless it goes to a terminal; a terminal gets colour unless NO_COLOR asks for none. FORCE_COLOR gives
colour to a pipe (`| less -R`). A stream or locale that cannot show the signs of a page gets ASCII instead.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from nnsteps.errors import Segment, StepsError

STANDARD = "standard output"
IN_A_PIPE = 100  # columns
LEAST, MOST = 40, 200

SIGNS = "−·₁ᵀ∂√Σ┏━┓▏▕╔═╗→↓≈≤…✓"
_SIMPLE_LOCALES = ("C", "POSIX")
_COERCED_LOCALES = ("C.UTF-8", "C.utf8", "UTF-8")  # what Python itself puts into LC_CTYPE for LANG=C

_LINES = str.maketrans({
    "│": "|", "┃": "|", "▏": "|", "▕": "|", "─": "-", "━": "-", "┏": "+", "┓": "+", "┗": "+", "┛": "+", "↓": "v",
    "▸": ">", "⋮": ":", "✓": "ok", "✗": "x",
})  # fmt: skip

_STYLES = {
    "place": "bold",
    "error": "bold #F01818",
    "caret": "bold #F01818",
    "grey": "#808080",
    "good": "bold #268A3A",
    "bold": "bold",
}


# --- what a stream can show ---------------------------------------------------------------------------------


def is_coloured(stream: TextIO) -> bool:
    """Whether escape sequences may be written to the stream."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def is_ascii(stream: TextIO) -> bool:
    """Whether the stream, or the locale that was asked for, has ASCII only."""
    try:
        SIGNS.encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return True
    if os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8"):
        return False  # the encoding was chosen on purpose
    return _locale() in _SIMPLE_LOCALES


def _locale() -> str:
    asked = os.environ.get("LC_ALL")
    if not asked and os.environ.get("LC_CTYPE") not in _COERCED_LOCALES:
        asked = os.environ.get("LC_CTYPE")
    return asked or os.environ.get("LANG") or ""


def width_of(stream: TextIO) -> int:
    """The columns of the terminal behind the stream; a pipe has always the same number."""
    if not stream.isatty():
        return IN_A_PIPE
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return IN_A_PIPE
    return min(max(columns or IN_A_PIPE, LEAST), MOST)


def in_ascii(text: str) -> str:
    """The text with every sign that ASCII lacks written another way."""
    from nnsteps.transliterate import to_ascii

    return text if text.isascii() else to_ascii(text.translate(_LINES))


# --- writing ------------------------------------------------------------------------------------------------


class ClosedPipe(Exception):
    """Whoever reads the output has had enough (`| head`)."""


def prepare() -> None:
    """Let no character stop the output: what a stream cannot show becomes a question mark."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def give_up(stream: TextIO | None = None) -> None:
    """Let nothing more be written, not even what is still in a buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())


def write(text: str | bytes, stream: TextIO | None = None) -> None:
    """Write text as it is, at once; bytes whatever the encoding of the stream.

    Where messages cannot be written, nobody can be told: the command goes on, and its exit code says how it ended.
    Errors: ClosedPipe; FileError where there is no space left.
    """
    target = stream or sys.stdout
    try:
        if isinstance(text, bytes):
            target.buffer.write(text)
        else:
            target.write(text)
        target.flush()
    except OSError as error:
        give_up(target)
        if target is sys.stderr:
            return
        if isinstance(error, BrokenPipeError):
            raise ClosedPipe from None
        raise _refused(error, STANDARD) from None


def write_lines(lines: Iterable[Sequence[Segment]], stream: TextIO | None = None) -> None:
    """Write lines of (role, text), in colour where the stream has colour."""
    target = stream or sys.stdout
    if is_ascii(target):
        lines = [[(role, in_ascii(text)) for role, text in line] for line in lines]
    if is_coloured(target):
        _write_coloured(lines, target)
    else:
        write("".join("".join(text for _, text in line).rstrip() + "\n" for line in lines), target)


def on_screen(draw: Callable[[Console], None], stream: TextIO, width: int) -> None:
    """Draw on a console in colour, and nothing else than what is asked for."""
    from rich.console import Console

    paper = io.StringIO()
    console = Console(file=paper, width=width, force_terminal=True, markup=False, emoji=False, highlight=False)
    draw(console)
    write(paper.getvalue(), stream)


def _write_coloured(lines: Iterable[Sequence[Segment]], stream: TextIO) -> None:
    from rich.text import Text

    def draw(console: Console) -> None:
        for line in lines:
            drawn = Text(no_wrap=True, overflow="ignore")
            for role, text in line:
                for part_role, part in _likely(text) if role == "hint" else [(role, text)]:
                    drawn.append(part, _STYLES.get(part_role, ""))
            console.print(drawn, soft_wrap=True)

    on_screen(draw, stream, MOST)


def _likely(hint: str) -> list[Segment]:
    """A hint with the near match told apart."""
    found = re.search(r"(?<=Did you mean )\S+(?=\?)", hint)
    if not found:
        return [("plain", hint)]
    return [("plain", hint[: found.start()]), ("good", found.group()), ("plain", hint[found.end() :])]


def save(text: str | bytes, path: str, *, force: bool = False) -> None:
    """Write a file whole or not at all; a file that exists is kept unless `force` says otherwise.

    Errors: FileError with the reason.
    """
    target = Path(os.path.realpath(path))
    content = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        if target.exists() and not target.is_file() and not target.is_dir():  # a device or a named pipe
            target.write_bytes(content)
            return
        _replace(target, content, force)
    except OSError as error:
        raise _refused(error, path) from None


def save_all(files: Mapping[str, str | bytes], *, force: bool = False) -> None:
    """Write files that belong together: all of them or none.

    Errors: FileError with the reason.
    """
    saved: list[str] = []
    try:
        for path, content in files.items():
            save(content, path, force=force)
            saved.append(path)
    except BaseException:
        for path in saved:
            _remove(Path(path))
        raise


@contextmanager
def growing(path: str) -> Iterator[TextIO]:
    """A file that is written line by line. It is there when that ends or is interrupted, unless it is empty.

    Errors: FileError with the reason; then there is no file.
    """
    target = Path(os.path.realpath(path))
    unfinished = _unfinished(target)
    try:
        stream = unfinished.open("w", encoding="utf-8", newline="")
        try:
            yield stream
        finally:
            stream.close()
            if unfinished.stat().st_size:
                unfinished.replace(target)
    except OSError as error:
        raise _refused(error, path) from None
    finally:
        _remove(unfinished)


def refuse_existing(paths: Iterable[str]) -> None:
    """Raise FileError for the first file that exists already, before any work is done for it."""
    for path in paths:
        if os.path.isfile(path):
            raise _refused(FileExistsError(None, "it exists already"), path)


def make_folder(path: str) -> None:
    """Make a folder, if there is none yet. Errors: FileError with the reason."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(error, path) from None


def _replace(target: Path, content: bytes, force: bool) -> None:
    if target.is_dir():
        raise IsADirectoryError(None, "this is a directory")
    if target.exists() and not force:
        raise FileExistsError(None, "it exists already")
    unfinished = _unfinished(target)
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    finally:
        _remove(unfinished)


def _unfinished(target: Path) -> Path:
    """The name of a file while it is not whole yet."""
    return target.with_name(f".{target.name[:100]}.{os.getpid()}.part")


def _remove(path: Path) -> None:
    """Remove a file, if it is there and can be."""
    with suppress(OSError):
        path.unlink()


def _refused(error: OSError, where: str) -> StepsError:
    from nnsteps.errors import FileError

    reason = "there is no such folder" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    hint = "--force writes over it." if isinstance(error, FileExistsError) else None
    return FileError(f"cannot be written: {reason[:1].lower()}{reason[1:]}", where=where, hint=hint)
