"""Pages in a headless Chromium: a script runs in each of them, and its answers come back. Knows nothing of the package.

The pages stand in frames of one file, so that one start of the browser serves all of them. Whatever goes wrong in a
page (an error, a promise that fails) is an answer too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--disable-background-networking",
    "--no-first-run", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=60000",
    "--dump-dom",
]  # fmt: skip
ERRORS = "<script>window.wrong = []; addEventListener('error', (e) => wrong.push(e.message));</script>"
RUN = """
const answers = {};
const look = (frame) => {
  try { answers[frame.id] = [frame.contentWindow.wrong, (new frame.contentWindow.Function("return (%s)()"))()]; }
  catch (error) { answers[frame.id] = [[String(error)], null]; }
};
addEventListener("load", () => {
  for (const frame of document.querySelectorAll("iframe")) look(frame);
  document.body.textContent = "ANSWERS" + JSON.stringify(answers) + "END";
});
"""


def ask(pages: Mapping[str, tuple[str, int]], script: str, folder: Path, *, dark: bool = False) -> dict[str, Any]:
    """What a function in JavaScript gives in each page (a file's text and a width in pixels). Fails on any error."""
    assert PROGRAM is not None
    frames = "".join(
        f'<iframe id="{escape(name)}" width="{width}" height="800" style="border:0" '
        f'srcdoc="{escape(text.replace("<head>", "<head>" + ERRORS, 1))}"></iframe>'
        for name, (text, width) in pages.items()
    )
    file = folder / "frames.html"
    quoted = json.dumps(script)[1:-1].replace("</", "<\\/")
    file.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><body>{frames}<script>{RUN.replace('%s', quoted)}</script>",
        encoding="utf-8",
    )
    theme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    run = subprocess.run(
        [PROGRAM, *FLAGS, *theme, f"--user-data-dir={folder / 'profile'}", "--window-size=1300,900", file.as_uri()],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    body = run.stdout.partition("ANSWERS")[2].rpartition("END")[0]
    assert body, f"the browser gave no answer: {run.stderr[-500:]}"
    answers = json.loads(body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    went_wrong = {name: wrong for name, (wrong, _) in answers.items() if wrong}
    assert not went_wrong, went_wrong
    assert set(answers) == set(pages)
    return {name: answer for name, (_, answer) in answers.items()}
