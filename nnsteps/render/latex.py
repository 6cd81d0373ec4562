r"""A sheet as LaTeX: a document that compiles with pdflatex, or a fragment of one. Computes nothing.

Theory of operation. The preamble holds all macros, the body only what is said: pictures of links (see `drawing`),
captions, prose. A fragment brings the same macros with it and names the packages that it needs. Colours tell the roles
of numbers, and so do lines: a thick frame is learnable, a double one a gradient, a struck number is crossed out.
"""

from __future__ import annotations

from collections.abc import Iterator

from nnsteps import document as doc
from nnsteps.document import Answer, Answers, Document, Frame, Frames, Prose, Section, Spine, Turns, Work
from nnsteps.render.drawing import Drawing, caption_text, draw_link, worked_sum
from nnsteps.render.formats import Page, Sheet
from nnsteps.render.formulas import matrix
from nnsteps.render.latex_words import escaped, in_ascii
from nnsteps.render.maths import is_list_of_numbers
from nnsteps.render.measures import CELL, LINE, ROW, Plan, part_width, plan
from nnsteps.render.prose import listed, worth
from nnsteps.render.sums import turned
from nnsteps.render.tex import flat, tex

PACKAGES = ("amsmath", "amssymb", "xcolor", "graphicx", "tikz")
FILLS = {
    "given": "FFF2CC", "weight": "", "bias": "E4E4E4", "passing": "", "output": "DEEBF7", "loss": "FFFF99",
    "activation1": "E2F0D9", "activation2": "C5E0B4", "activation3": "A9D18E", "gradient": "DCE6FF", "new": "",
    "zeroed": "C8C8C8", "blank": "FBE5D6",
}  # fmt: skip
MACROS = r"""
\definecolor{nnred}{HTML}{D00000}
\definecolor{nnblue}{HTML}{0D5BDC}
\definecolor{nngrey}{HTML}{808080}
\tikzset{
  nn frame learnable/.style={draw=nnred, line width=1.4pt},
  nn frame gradient/.style={draw=nnblue, line width=0.5pt, double, double distance=1.2pt},
  nn frame plain/.style={draw=black, line width=0.9pt},
"""
COMMANDS = r"""}
\providecommand{\nnfit}[2]{{\sbox0{#2}\ifdim\wd0>#1cm\resizebox{#1cm}{!}{\usebox0}\else\usebox0\fi}}
\providecommand{\nntext}[4]{\pgftext[#1,x=#2cm,y=#3cm]{#4}}
\providecommand{\nncell}[5]{%
  \path[#4] (#1,#2) rectangle +(#3,-0.5);
  \pgftext[x=#1cm+0.5*#3cm,y=#2cm-0.25cm]{\nnfit{#3}{\hskip2.5pt\small#5\hskip2.5pt}}}
\providecommand{\nncross}[3]{\draw[line width=0.8pt] ({#1+0.12},{#2-0.4}) -- ({#1+#3-0.12},{#2-0.1});}
\providecommand{\nnchosen}[3]{\draw[line width=1.2pt] ({#1+0.06},{#2-0.06}) rectangle ({#1+#3-0.06},{#2-0.44});}
\providecommand{\nnnumber}[1]{\textbf{#1}}
\providecommand{\nncaptions}[1]{\par\smallskip\noindent #1\par\nobreak\smallskip}
\providecommand{\nnnote}[1]{\par\noindent{\small\itshape #1\par}}
\providecommand{\nnrow}[1]{\par\smallskip\noindent\begingroup\lineskip=6pt\raggedright #1\par\endgroup}
\providecommand{\nnworked}[1]{\par\noindent\nnfit{17}{\small$\displaystyle #1$}\par}
\providecommand{\nnsection}[2]{%
  \par\bigskip\noindent\textbf{#1}\enspace{\small\itshape #2}\par\nobreak\vskip2pt\hrule\nobreak\medskip}
\providecommand{\nnheading}[2]{\par\medskip\noindent\textbf{#1}\quad{\small\itshape #2}\par\nobreak\smallskip}
\providecommand{\nntitle}[2]{\par\noindent{\Large\bfseries #1\par}\noindent{\small\itshape #2\par}\medskip}
\ifdefined\nnpicture\else\newenvironment{nnpicture}%
  {\par\nointerlineskip\noindent\begin{tikzpicture}\path (0,0) -- (17,0);}{\end{tikzpicture}\par\nointerlineskip}\fi
"""
PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[a4paper, margin=20mm]{geometry}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
"""


def write(sheet: Sheet) -> str:
    """The sheet as LaTeX."""
    packages = "".join(f"\\usepackage{{{name}}}\n" for name in PACKAGES)
    styles = "".join(f"  nn {role}/.style={{{_style(fill)}}},\n" for role, fill in FILLS.items())
    macros = MACROS.lstrip("\n") + styles + COMMANDS
    body = in_ascii("\n\n".join(part for part in _parts(sheet) if part))
    if sheet.is_fragment:
        return f"% needs {', '.join(PACKAGES)}; 17 cm wide\n{macros}\n{body}\n"
    setting = "\\hfuzz=6pt\n\\setlength{\\parindent}{0pt}\n\\setlength{\\parskip}{3pt}\n\\raggedbottom\n"
    return f"{PREAMBLE}{packages}{macros}{setting}\\begin{{document}}\n\n{body}\n\n\\end{{document}}\n"


def _style(fill: str) -> str:
    line = "draw=black!55, line width=0.3pt"
    if not fill:
        return line
    red, green, blue = (int(fill[k : k + 2], 16) for k in (0, 2, 4))
    return f"{line}, fill={{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _parts(sheet: Sheet) -> Iterator[str]:
    if sheet.title:
        yield f"\\begin{{center}}\\LARGE\\bfseries {escaped(sheet.title)}\\end{{center}}"
    if sheet.is_blank:
        yield r"Name: \rule{8cm}{0.4pt}\hfill Date: \rule{4cm}{0.4pt}\par\medskip"
    for place, page in enumerate(sheet.pages):
        if place:
            yield r"\clearpage"
        yield from _page(sheet, page)


def _page(sheet: Sheet, page: Page) -> Iterator[str]:
    document = page.document
    title = escaped(document.title) + (": key" if sheet.is_blank and not page.is_blank else "")
    if page.points:
        reached = r"\rule{1cm}{0.4pt} / " if page.is_blank else ""
        title += rf"\hfill\normalsize\mdseries {reached}{worth(page.points)}"
    yield f"\\nntitle{{{title}}}{{{escaped(document.source)}}}"
    yield escaped(document.about)
    yield _map(document)
    for label, text in document.head:
        yield f"\\textbf{{{escaped(label)}}}\\quad {escaped(listed(text))}\\par"
    for section in document.sections:
        yield from _section(section)
    yield f"\\bigskip{{\\small\\color{{nngrey}}nnsteps: {escaped(page.name)}}}\\par"


def _map(document: Document) -> str:
    """The way of the values, each arrow with what is used on it."""
    formula = ""
    for place, chip in enumerate(document.map):
        if place:
            formula += rf" \xrightarrow{{{tex(', '.join(chip.arrow))}}} " if chip.arrow else r" \to "
        formula += tex(chip.name)
    return f"\\nnfit{{17}}{{${formula}$}}\\par" if formula else ""


def _section(section: Section) -> Iterator[str]:
    yield f"\\nnsection{{{escaped(section.badge)}}}{{{escaped(section.words)}}}"
    planned = plan(block for block in section.blocks if isinstance(block, Spine))
    for block in section.blocks:
        match block:
            case Spine():
                yield from _spine(block, planned)
            case Frames():
                yield from _frames(block)
            case Turns():
                for name, sums in block.columns:
                    yield f"\\nnworked{{{turned(name, block.turns, sums)}}}"
            case Prose():
                text = escaped(block.text)
                yield f"{{\\color{{nngrey}}{text}\\par}}" if block.role == "grey" else text
            case Answers():
                yield from _answers(block)


def _spine(spine: Spine, planned: Plan) -> Iterator[str]:
    for link in spine.links:
        if link.heading or link.heading_words:
            yield f"\\nnheading{{{escaped(link.heading)}}}{{{escaped(link.heading_words)}}}"
        own = caption_text(link.caption) if link.caption is not None else ""
        is_beside = planned.has_room(link)
        texts = ([] if is_beside else [own]) + [caption_text(one) for corner in link.corners for one in corner.captions]
        if any(texts):
            yield "\\nncaptions{" + r"\qquad ".join(text for text in texts if text) + "}"
        yield from draw_link(link, planned, own if is_beside else "")
        for note in (link.out.folded, *link.notes):
            yield f"\\nnnote{{{escaped(note)}}}" if note else ""
        for sentence in link.says:
            yield escaped(sentence) + r"\par"


def _frames(block: Frames) -> Iterator[str]:
    yield "\\nncaptions{" + r"\qquad ".join(map(caption_text, block.captions)) + "}"
    yield f"\\nnnote{{{escaped(block.gloss)}}}" if block.gloss else ""
    yield "\\nnrow{%\n" + "\n\\hspace{6mm}%\n".join(_frame(frame, work) for frame, work in block.frames) + "}"


def _frame(frame: Frame, work: Work | None) -> str:
    """A frame with one worked line under it, as a picture among others in a line."""
    cell = min(CELL, (LINE - 0.5) / max(1, sum(part.width for part in frame.parts)))
    drawing = Drawing(cell)
    drawing.frame(0, 0, frame)
    if work is not None:
        text = "; ".join(f"${tex(work.cell)}$: {worked_sum(one)}" for one in work.sums)
        width = max(part_width(frame, cell), 4.5)
        drawing.put(0, len(frame.parts[0].cells) * ROW + 0.3, f"\\nnfit{{{width:.2f}}}{{\\small {text}}}")
    body = "\n".join(f"  {line}" for line in drawing.lines)
    return f"\\begin{{tikzpicture}}[baseline=(current bounding box.north)]\n{body}\n\\end{{tikzpicture}}"


def _answers(block: Answers) -> Iterator[str]:
    rows = [_answer(row) for row in block.rows]
    if rows:
        head = (
            [" & ".join(["", *(f"\\textit{{{escaped(column)}}}" for column in block.columns)])] if block.columns else []
        )
        body = " \\\\[2pt]\n".join([*head, *rows])
        columns = "l" * (1 + max(1, len(block.columns)))
        yield f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n{body}\n\\end{{tabular}}\\par\\medskip"
    for label, texts in block.below:
        yield f"\\textbf{{{escaped(label)}}}\\quad {'; '.join(escaped(listed(text)) for text in texts)}\\par"


def _answer(row: Answer) -> str:
    cells = [f"${flat(row.name)}$"]
    for value in row.values:
        if isinstance(value, doc.Grid):
            cells.append(f"${matrix(value)}$")
        else:
            cells.append(f"${tex(value)}$" if is_list_of_numbers(value) else escaped(value))
    return " & ".join(cells)
