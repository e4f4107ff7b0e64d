"""Report of an executed audit as one HTML file, without code or scripts; it loads nothing, and all text is escaped."""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path
from typing import Any

from helpers.errors import InputError
from helpers.report import ipynb
from helpers.report.private import shorten

LEFT_OUT = {"The method", "Explore", "Claims and takeaways", "Exercises", "References"}
FIRST = "findings"  # id of the cell whose table opens the report
SETUP = "setup"  # id of the cell with the table on how the numbers were made
HIDDEN = {"parameters", "injected-parameters", "hide-cell", "remove-cell", "remove-output", "explore", "exercise"}
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
CITED = re.compile(r" ?\{cite(?::\w)?\}`[^`]*`")
ROLE = re.compile(r"\{[\w:]+\}`([^`<]*?)(?: <[^`]*>)?`")
GLUED = re.compile(r"\{glue:text\}`([^`]+?)(?::([^`:]*))?`")
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
MARKS = re.compile(r"[!-/:-@\[-`{-~]")  # all ASCII punctuation, which Markdown allows to be escaped
TABLE = re.compile(r"<table[^>]*>(.*?)</table>", re.DOTALL)
THEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
INTERVAL = re.compile(r"(?<=<td>)([\d.e−]+) \[([\d.e−]+), ([\d.e−]+)\](?=</td>)")  # gets spaces that do not break
LABEL = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
# Content security policy: no script can run and nothing can be loaded, whatever text the table contains.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --line: #c8c8c8; --soft: #f3f4f6; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #16181c; --line: #4a4d53; --soft: #23262b; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
p, li { max-width: 46rem; overflow-wrap: anywhere; }
th, td { unicode-bidi: plaintext; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top;
  overflow-wrap: break-word; max-width: 34rem; }
thead th { background: var(--soft); } tbody th { text-align: left; min-width: 7rem; overflow-wrap: anywhere; }
.words td, .words thead th { text-align: left; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; height: auto; background: #fff; }
figcaption, .made { font-size: .9rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft);
  padding: .7rem; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; } .table { overflow: visible; } }
"""


def write_html(notebook: str | Path, place: str | Path = "") -> Path:
    """Write the tables, figures and text of an executed notebook as one HTML file.

    Parameters
    ----------
    notebook : str or Path
        Executed notebook, as papermill writes it.
    place : str or Path
        The file to write; if empty, ``report.html`` in the notebook's folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        There is no such file, it is not a notebook, it is not an audit, or it was not run to its end.
    """
    source = Path(notebook)
    if not source.is_file():
        raise InputError(source, "there is no such notebook", "Name the one that papermill has written")
    executed = _read(source)
    glued = _glued(executed)
    if not glued:
        raise InputError(source, "the run is not complete", "Run it by papermill, then make the report")
    body = "\n".join(_shown(cell, glued) for cell in _chosen(executed))
    title = SECTION.sub("", executed["cells"][0]["source"]).partition("\n")[0].removeprefix("# ")
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{html.escape(title)}</title><style>{STYLE}</style></head>
<body><main>
{body}</main></body></html>
"""
    file = Path(place) if place else source.with_name("report.html")
    file.write_text(page, encoding="utf-8")
    return file


def _read(source: Path) -> dict[str, Any]:
    try:
        executed = ipynb.read(source)
    except InputError:
        raise InputError(source, "not a notebook", "Name the one that papermill has written") from None
    if not {FIRST, SETUP} <= {cell["id"] for cell in executed["cells"]}:
        fix = "Name a run of notebooks/07_your_own_scores.ipynb"
        raise InputError(source, "not an audit of the user's scores", fix)
    return executed


def _chosen(executed: dict[str, Any]) -> list[dict[str, Any]]:
    """Choose the cells for the report: the findings in words first, then the sections with results."""
    by_id = {cell["id"]: cell for cell in executed["cells"]}
    title, *rest = executed["cells"]
    cells, section = [title, ipynb.markdown("## In words"), by_id[FIRST]], ""
    for cell, after in zip(rest, [*rest[1:], None], strict=True):
        if cell["cell_type"] == "markdown" and (found := SECTION.search(cell["source"])):
            section = found[1]
        hidden = HIDDEN & set(ipynb.tags(cell)) or cell["id"] == FIRST
        if section and section not in LEFT_OUT and not hidden and not _left_out(cell, after):
            cells.append(cell)
    return [*cells, ipynb.markdown("## How these numbers were made"), by_id[SETUP], _parameters(executed)]


def _left_out(cell: dict[str, Any], after: dict[str, Any] | None) -> bool:
    """Return True for the text of a part that this run leaves out: the code after it has shown nothing."""
    if cell["cell_type"] != "markdown" or SECTION.search(cell["source"]) or after is None:
        return False
    return after["cell_type"] == "code" and not HIDDEN & set(ipynb.tags(after)) and not after["outputs"]


def _parameters(executed: dict[str, Any]) -> dict[str, Any]:
    given = executed["metadata"].get("papermill", {}).get("parameters", {})
    rows = [f"| {name} | {_escaped(shorten(name, value))} |" for name, value in given.items() if name != "RUN_DIR"]
    text = "\n".join(["| parameter | value |", "|---|---|", *rows]) if rows else "Every parameter is a default."
    return ipynb.markdown(text)


def _shown(cell: dict[str, Any], glued: dict[str, Any]) -> str:
    """Convert a cell to HTML: its text, or the outputs of its code, but never the code."""
    if cell["cell_type"] == "markdown":
        return _scoped(_rendered(_plain(cell["source"], glued)))
    figure, parts = cell["metadata"].get("mystnb", {}), []
    for output in cell["outputs"]:
        data = output.get("data", {})
        if output["output_type"] == "stream" and output["name"] == "stdout":
            parts.append(f"<pre>{html.escape(output['text'])}</pre>")
        elif "image/png" in data:
            alt = html.escape(figure["image"]["alt"])
            image = f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"].strip()}">'
            caption = _rendered(_plain(figure["figure"]["caption"], glued))
            parts.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
        elif "scrapbook" not in output.get("metadata", {}) and (table := TABLE.search(data.get("text/html", ""))):
            opening = '<table class="words">' if cell["id"] == FIRST else "<table>"
            parts.append(_scoped(f"{opening}{table[1]}</table>"))
    return "\n".join(parts)


def _rendered(text: str) -> str:
    from markdown_it import MarkdownIt  # the parser that the book's pages are made with

    return MarkdownIt("commonmark", {"html": False}).enable("table").render(text)


def _scoped(body: str) -> str:
    """Add to each table a frame that scrolls, to each header cell its scope, and non-breaking spaces to intervals."""
    body = THEAD.sub(lambda head: re.sub(r"<th(?=[ >])", '<th scope="col"', head[0]), body)
    body = re.sub(r"<th(?=[ >])(?! scope)", '<th scope="row"', body)
    body = INTERVAL.sub("\\1\u00a0[\\2,\u00a0\\3]", body)
    return re.sub(r"<table.*?</table>", r'<div class="table" tabindex="0">\g<0></div>', body, flags=re.DOTALL)


def _plain(source: str, glued: dict[str, str]) -> str:
    """Convert the book's Markdown to plain Markdown: remove roles, labels and links, and fill in quoted values."""

    def value(found: re.Match[str]) -> str:
        text = glued.get(found[1], "not available")
        return format(text, found[2]) if isinstance(text, int | float) and found[2] else _escaped(text)

    text = CITED.sub("", GLUED.sub(value, LABEL.sub("", source)))
    return LINK.sub(r"\1", ROLE.sub(r"\1", text))


def _escaped(text: object) -> str:
    """Convert a user's text to literal Markdown: every punctuation mark that could have a meaning is escaped."""
    return MARKS.sub(r"\\\g<0>", " ".join(str(text).split()))


def _glued(executed: dict[str, Any]) -> dict[str, Any]:
    outputs = (o for cell in executed["cells"] for o in cell.get("outputs", []))
    texts = {o["metadata"]["scrapbook"]["name"]: o["data"] for o in outputs if "scrapbook" in o.get("metadata", {})}
    found = {}
    for name, data in texts.items():
        shown = next(value for kind, value in data.items() if kind.endswith("text/plain"))
        try:
            found[name] = ast.literal_eval(shown)
        except (ValueError, SyntaxError):
            found[name] = shown
    return found
