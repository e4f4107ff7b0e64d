"""An executed audit as one HTML file: no code, nothing from the network, no script, every text escaped."""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path
from typing import Any

import nbformat

from helpers.errors import InputError
from helpers.report.run import shorten

LEFT_OUT = {"The method", "Explore", "Claims and takeaways", "Exercises", "References"}
FIRST = "findings"  # id of the cell whose table opens the report
SETUP = "setup"  # id of the cell whose table says how the numbers were made
HIDDEN = {"parameters", "injected-parameters", "hide-cell", "remove-cell", "remove-output", "explore", "exercise"}
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
CITED = re.compile(r" ?\{cite(?::\w)?\}`[^`]*`")
ROLE = re.compile(r"\{[\w:]+\}`([^`<]*?)(?: <[^`]*>)?`")
GLUED = re.compile(r"\{glue:text\}`([^`]+?)(?::([^`:]*))?`")
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
LABEL = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
# No script can run and nothing can be loaded, whatever the texts of the table hold.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --line: #c8c8c8; --soft: #f3f4f6; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #16181c; --line: #4a4d53; --soft: #23262b; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
p, li { max-width: 46rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top;
  overflow-wrap: anywhere; min-width: 3rem; max-width: 34rem; }
thead th { background: var(--soft); } tbody th { text-align: left; min-width: 7rem; }
.findings td { text-align: left; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; height: auto; background: #fff; }
figcaption, .made { font-size: .9rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft);
  padding: .7rem; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; } .table { overflow: visible; } }
"""


def write_html(notebook: str | Path, place: str | Path = "") -> Path:
    """Write an executed notebook's tables, figures and words as one file.

    Parameters
    ----------
    notebook : str or Path
        Executed notebook, as papermill leaves it.
    place : str or Path
        The file to write; ``report.html`` beside the notebook where empty.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        There is no such notebook, or it was not run to its end.
    """
    source = Path(notebook)
    if not source.is_file():
        raise InputError(source, "there is no such notebook", "Name the one that papermill has written")
    executed = nbformat.read(source, as_version=4)
    glued = _glued(executed)
    if not glued:
        raise InputError(source, "it was not run to its end", "Run it by papermill, then make the report")
    body = _converted(_chosen(executed, glued))
    title = SECTION.sub("", executed.cells[0].source).partition("\n")[0].removeprefix("# ")
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


def _chosen(executed: Any, glued: dict[str, str]) -> Any:
    """Cells that a reader of the report needs: the words first, then the sections with results."""
    by_id = {cell.id: cell for cell in executed.cells}
    title, *rest = executed.cells
    cells = [title, _text("## In words"), by_id[FIRST]]
    section = ""
    for cell in rest:
        if cell.cell_type == "markdown" and (found := SECTION.search(cell.source)):
            section = found[1]
        hidden = HIDDEN & set(cell.metadata.get("tags", [])) or cell.id == FIRST
        if section and section not in LEFT_OUT and not hidden:
            cells.append(cell)
    cells += [_text("## How these numbers were made"), by_id[SETUP], _parameters(executed)]
    kept = []
    for cell in cells:
        if cell.cell_type == "markdown":
            kept.append(_text(_plain(cell.source, glued)))
            continue
        cell.outputs = [o for o in cell.outputs if o.output_type != "error" and o.get("name") != "stderr"]
        figure = cell.metadata.get("mystnb", {})
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.metadata["image/png"] = {"alt": figure.get("image", {}).get("alt", "")}
        kept.append(cell)
        if any("image/png" in o.get("data", {}) for o in cell.outputs):
            kept.append(_text(f"*{_plain(figure['figure']['caption'], glued)}*"))
    return nbformat.v4.new_notebook(cells=kept)


def _parameters(executed: Any) -> Any:
    given = executed.metadata.get("papermill", {}).get("parameters", {})
    rows = [f"| `{name}` | `{shorten(name, value)}` |" for name, value in given.items() if name != "RUN_DIR"]
    return _text(
        "\n".join(["| parameter | value |", "|---|---|", *rows]) if rows else "Every parameter is the default."
    )


def _text(source: str) -> Any:
    return nbformat.v4.new_markdown_cell(source)


def _plain(source: str, glued: dict[str, str]) -> str:
    """Markdown without the book's roles, labels and links, with the values that prose quotes."""

    def value(found: re.Match[str]) -> str:
        text = glued.get(found[1], "not available")
        number = isinstance(text, int | float) and found[2]
        return html.escape(format(text, found[2]) if number else str(text)).replace("|", "&#124;")

    text = CITED.sub("", GLUED.sub(value, LABEL.sub("", source)))
    return LINK.sub(r"\1", ROLE.sub(r"\1", text))


def _glued(executed: Any) -> dict[str, Any]:
    outputs = (o for cell in executed.cells for o in cell.get("outputs", []))
    texts = {o.metadata["scrapbook"]["name"]: o["data"] for o in outputs if "scrapbook" in o.get("metadata", {})}
    found = {}
    for name, data in texts.items():
        shown = next(value for kind, value in data.items() if kind.endswith("text/plain"))
        try:
            found[name] = ast.literal_eval(shown)
        except (ValueError, SyntaxError):
            found[name] = shown
    return found


def _converted(chosen: Any) -> str:
    from nbconvert import HTMLExporter  # slow to import

    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_anchor_links=True)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = exporter.sanitize_html = True
    body, _ = exporter.from_notebook_node(chosen)
    body = re.sub(r"(<table.*?</table>)", r'<div class="table" tabindex="0">\1</div>', body, flags=re.DOTALL)
    head = re.compile(r"<thead>.*?</thead>", re.DOTALL)
    body = head.sub(lambda found: found[0].replace("<th>", '<th scope="col">'), body)
    return body.replace("<th>", '<th scope="row">')
