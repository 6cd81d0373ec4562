"""Problems that mean no good, and a program that tries all of them in one process: `python -m tests.hostile`.

It prints a line of JSON for each: exit code, what was said on standard error and output, seconds of the processor.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

MEMORY = 1_500_000_000  # bytes of address space, of which NumPy and its threads take the most


class Case(NamedTuple):
    """A file, the command that reads it, and the limit that its message names ("": none)."""

    text: str
    limit: str = ""
    command: tuple[str, ...] = ("solve", "FILE")


def formula(text: str, limit: str = "") -> Case:
    """A problem of one step."""
    return Case(f"given:\n  x: [1, 2]\nsteps:\n  - {json.dumps('y = ' + text)}\n", limit)


def loop(head: str, body: str, limit: str) -> Case:
    """A problem with a loop."""
    return Case(f"given:\n  x: [1, 2]\nsteps:\n  - y = 1\n  - {head}:\n      - {body}\n", limit)


def practised(vary: str, limit: str = "") -> Case:
    """A problem of which variants are asked for."""
    text = f"given:\n  x: [[1, 2], [3, 4]]\nsteps:\n  - y = x + 1\npractice:\n{vary}\n"
    return Case(text, limit, ("practice", "FILE"))


_BOMB = "\n".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9) if k else '1'}]" for k in range(12))
_DOUBLED = "".join(f'  "f{k}(x)": "f{k - 1}(x) + f{k - 1}(x)"\n' for k in range(1, 31))
_CHAIN = "".join(f'  "f{k}(x)": "f{k - 1}(x) + 1"\n' for k in range(1, 1000))
_REPEATED = "".join(f"  - H{k}:\n" + 2 * f"      - repeat: H{k - 1}\n" for k in range(1, 41))
_NESTED = "".join("  " * (2 * k + 1) + f"- for t{k} in 1..100:\n" for k in range(6)) + "  " * 13 + "- z = 1\n"
_STEPS = "".join(f"  - y{k} = {k}\n" for k in range(12_000))

CASES: dict[str, Case] = {
    # the file
    "alias bomb": Case(_BOMB + "\nsteps: [y = 1]\n"),
    "nested brackets": Case("given:\n  x: " + "[" * 10**5 + "]" * 10**5 + "\nsteps:\n  - y = x\n", "nesting"),
    "nested braces": Case("given: " + "{a: " * 10**5 + "}" * 10**5 + "\nsteps:\n  - y = x\n", "nesting"),
    "many numbers": Case("given:\n  x: [" + "1, " * 60_000 + "1]\nsteps:\n  - y = x\n", "numbers"),
    "many parts": Case("given:\n  x: [" + "1, " * 300_000 + "1]\nsteps:\n  - y = x\n", "parts"),
    "large file": Case("given:\n  x: [" + "1, " * 10**6 + "1]\nsteps:\n  - y = x\n", "file"),
    "long title": Case("title: " + "a" * 10**6 + "\nsteps:\n  - y = 1\n", "text"),
    "long sentence": Case("steps:\n  - y = 1\n  - say: '" + "{y}" * 10**5 + "'\n", "text"),
    "long number": Case("given:\n  x: 0." + "1" * 10**5 + "\nsteps:\n  - y = x\n", "text"),
    "many members": Case("given:\n  x[1..999999999]: [1, 2]\nsteps:\n  - y = 1\n"),
    "many steps": Case("steps:\n" + _STEPS, "steps"),
    # formulas
    "long formula": formula("x" + " + x" * 25_000, "text"),
    "long sum": formula("x" + " + x" * 900, "depth"),
    "open brackets": formula("(" * 500 + "x" + ")" * 500, "brackets"),
    "many signs": formula("-" * 3_000 + "x"),
    "tower of powers": formula("9 ** 9 ** 9", "exponent"),
    "power of an array": formula("x ** 1e300", "exponent"),
    "many digits": formula("1" + "0" * 400, "digits"),
    "decimals": formula("round(x, digits=10 ** 9)"),
    "zeros": formula("zeros(10 ** 9)", "cells"),
    "table of ones": formula("ones(10 ** 5, 10 ** 5)", "cells"),
    "identity": formula("eye(10 ** 5)", "cells"),
    "identity without end": formula("eye(1e300)", "cells"),
    "diagonal": formula("diag(ones(30000))", "cells"),
    "padding": formula("pad(x, 10 ** 9)", "cells"),
    "one-hot": formula("one_hot(x, classes=10 ** 9)", "cells"),
    "one-hot of a value": formula("one_hot(x * 1e9)", "cells"),
    "positions": formula("positional_encoding(10 ** 9)", "cells"),
    "features": formula("positional_encoding(4, features=10 ** 9)", "cells"),
    "first position": formula("positional_encoding(4, features=4, base=10, start=10 ** 300)"),
    "stretched": formula("ones(30000) + ones(30000).T", "cells"),
    "outer product": formula("outer(ones(30000), ones(30000))", "cells"),
    "stacked": formula("stack(ones(900, 900), ones(900, 900))", "cells"),
    "looked up": formula("gather(ones(1000, 1), ones(10000), axis=1)", "cells"),
    "picked": formula("ones(1000, 1)[ones(1000), ones(1000)] @ ones(1000, 1000)", "cells"),
    "wide stride": formula("conv_transpose2d(x, x, stride=10 ** 9)", "cells"),
    "wide padding": formula("conv2d(x, x, padding=10 ** 6)", "cells"),
    "large filter": formula("conv2d(ones(700, 700), ones(350, 350))", "work"),
    "unknown side": formula("reshape(x, 10 ** 9, -1)"),
    "far index": formula("x[10 ** 9]"),
    "huge index": formula("x[1e308]"),
    "long slice": formula("x[1:10 ** 9]"),
    "not a formula": formula("__import__('os').system('true')"),
    "a class": formula("x.__class__"),
    "a file": formula("open('/etc/passwd')"),
    "a call of nothing": formula("().__class__.__mro__[1].__subclasses__()"),
    "a comprehension": formula("[x for x in x]"),
    # loops and functions
    "endless loop": loop("for t in 1..1000000000", "y = y + 1", "turns"),
    "loop without a number": loop("for t in 1..1e300", "y = y + 1", "turns"),
    "loops in loops": Case("steps:\n" + _NESTED, "turns"),
    "empty loops": loop("for t in 1..9000", "for s in 1..9000:\n          - say: hello", "turns"),
    "doubled by stacking": loop("for t in 1..60", "x = vstack(x, x)", "cells"),
    "doubled by concat": loop("for t in 1..60", "x = concat(x, x)", "cells"),
    "squared": loop("for t in 1..60", "x = flatten(x @ x.T)", "cells"),
    "much work": loop("for t in 1..5000", "z = sum(ones(1000, 1).T @ ones(1000, 1000))", "cells"),
    "doubled functions": Case('define:\n  "f0(x)": "x + x"\n' + _DOUBLED + "steps:\n  - y = f30(1)\n", "operations"),
    "chained functions": Case('define:\n  "f0(x)": "x + x"\n' + _CHAIN + "steps:\n  - y = f999(1)\n"),
    "repeated headings": Case("steps:\n  - H0:\n      - y = 1\n" + _REPEATED, "turns"),
    "repeated sentences": Case("steps:\n  - y = 1\n  - H0:\n      - say: hello\n" + _REPEATED, "turns"),
    "gradients of gradients": Case(
        "given:\n  w: 1\nsteps:\n  - L = sum(sin(w) * exp(w))\n"
        + "".join(f"  - L{k} = sum(grad(L{k - 1 or ''}, w))\n" for k in range(1, 60)),
        "steps",
        ("solve", "FILE", "--limit", "steps=2000"),  # the usual 10,000 take twice as long as all the others
    ),
    # practice and options
    "range": practised("  vary:\n    x: integers 0..10000000000", "numbers"),
    "small step": practised("  vary:\n    x: decimals 0..1 step 1e-300", "numbers"),
    "shape": practised("  vary:\n    x: {integers: 0..3, shape: [9999, 9999]}", "numbers"),
    "size": practised("  vary:\n    x: {integers: 0..3, shape: [n, n]}\n  sizes: {n: 1..40000}", "numbers"),
    "never accepted": practised("  vary:\n    x: integers 0..3\n  keep: [max(y) > 100]"),
    "large constraint": practised("  vary:\n    x: integers 0..3\n  keep: ['sum(zeros(10**9)) >= 0']", "cells"),
    "sheets": Case("", "", ("practice", "softmax", "--count", "1000000000")),
    "digits": Case("", "", ("solve", "softmax", "--digits", "1000000000")),
    "width": Case("", "", ("solve", "softmax", "--width", "1000000000")),
    "set": Case("", "nesting", ("solve", "softmax", "--set", "x=" + "[" * 10**5)),
}


def main() -> None:
    """Try all cases."""
    from nnsteps import cli

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    for name, case in CASES.items():
        Path("case.yaml").write_text(case.text, encoding="utf-8")
        words = ["case.yaml" if word == "FILE" else word for word in case.command]
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        started, code = time.process_time(), -1
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = cli.run(words)
            except BaseException as error:
                err.write(f"{type(error).__name__}: {error}"[:200])
        found = {"name": name, "code": code, "seconds": time.process_time() - started}
        for key, stream in (("out", out), ("err", err)):
            stream.flush()
            found[key] = stream.buffer.getvalue().decode()[:4_000]  # type: ignore[attr-defined]
        found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(found), flush=True)
    print(json.dumps({"name": "files", "left": sorted(path.name for path in Path().iterdir())}))


if __name__ == "__main__":
    main()
