"""Pages of studies, made from complete runs."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.keep import fingerprint
from helpers.report import ipynb, recording
from helpers.report.instances import Page

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
ADVICE = "The `srun` command is available"  # Lightning prints it on login nodes, at every training without srun
PROGRESS = re.compile(r"\d+%\||\d+it \[|\r")  # progress bars as tqdm writes them
# DEFINED: places where MyST defines a label (`(label)=`, the option of a directive, a numbered equation).
# BEFORE: the text before a label, where it is defined or referred to.
DEFINED = re.compile(r"^\s*\(([^()\s]+)\)=\s*$|^\s*:(?:name|label):\s*(\S+)|\$\$ \(([^()\s]+)\)\s*$", re.MULTILINE)
BEFORE = r"(^\s*\(|^\s*:(?:name|label):\s*|\$\$ \(|\]\(#?|<(?:project:)?#?|\{(?:ref|numref|eq)\}`)"


def study_page(run: Path, page: Path, shown: Page | None = None) -> None:
    """Copy a run's executed notebook to its page.

    Folders of this machine are replaced by the names of their parameters, progress bars are removed, and a section on
    how the numbers were made is added. A further page of a study gets the title of `shown`, and labels that no other
    page has.

    Parameters
    ----------
    run : Path
        Folder of a complete run.
    page : Path
        The file to write.
    shown : Page, optional
        The page to write; default the study's main page.
    """
    results = recording.read(run)
    study = results["provenance"]["study"]
    notebook = ipynb.read(run / f"{study}.ipynb")
    _take_prose(notebook, paths.notebooks() / f"{study}.ipynb")
    for cell in notebook["cells"]:
        cell["metadata"].pop("papermill", None)
        if _injected(cell):
            cell["metadata"]["tags"] = ["injected-parameters", "remove-cell"]
        if cell["cell_type"] == "code":
            cell["outputs"] = [o for o in cell["outputs"] if not _is_passing(o)]
    notebook["metadata"].pop("papermill", None)
    _drop_unseen_widgets(notebook)
    repeat = ""
    if shown is not None and shown.suffix:
        _set_apart(notebook, shown)
        repeat = _make_line(shown, run.parent.parent.name)
    notebook["cells"].append(ipynb.markdown(how_made(results["provenance"], repeat)))
    text = ipynb.text(notebook)
    for folder, name in _folders(run):
        text = re.sub(rf"(?<![\w.~-]){re.escape(folder)}(?![\w.-])", name, text)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def _take_prose(notebook: dict[str, Any], source: Path) -> None:
    """Update text cells, captions, tags and comments to the current ones, so that edits of prose need no new run.

    Nothing is updated if the code has changed since the run.
    """
    if not source.is_file():
        return
    now = ipynb.read(source)["cells"]
    code = [cell for cell in now if cell["cell_type"] == "code"]
    ran = {cell["id"]: cell for cell in notebook["cells"] if cell["cell_type"] == "code"}
    if [cell["id"] for cell in code] != [i for i in ran if not _injected(ran[i])]:
        return  # the code has changed, so the current text may not fit the results
    if any(fingerprint.code(cell["source"]) != fingerprint.code(ran[cell["id"]]["source"]) for cell in code):
        return
    cells = []
    for cell in now:
        if cell["cell_type"] == "code":
            ran[cell["id"]] |= {"source": cell["source"], "metadata": cell["metadata"]}
        cells.append(ran.get(cell["id"], cell))
        if "parameters" in ipynb.tags(cell):
            cells += filter(_injected, ran.values())
    notebook["cells"] = cells


def _injected(cell: dict[str, Any]) -> bool:
    return "injected-parameters" in ipynb.tags(cell)


def _is_passing(output: dict[str, Any]) -> bool:
    if output["output_type"] == "stream":
        return output["name"] == "stderr" and (ADVICE in output["text"] or bool(PROGRESS.search(output["text"])))
    data = output.get("data", {})
    return WIDGET_VIEW in data and bool(PROGRESS.search(data.get("text/plain", "")))


def _drop_unseen_widgets(notebook: dict[str, Any]) -> None:
    """Remove the state of widgets that no output shows, such as progress bars; parts of shown widgets are kept."""
    state = notebook["metadata"].get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    outputs = (o for cell in notebook["cells"] for o in cell.get("outputs", []))
    todo = [o["data"][WIDGET_VIEW]["model_id"] for o in outputs if WIDGET_VIEW in o.get("data", {})]
    seen: set[str] = set()
    while todo:
        one = todo.pop()
        if one in state and one not in seen:
            seen.add(one)
            todo += re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[one]))
    for one in set(state) - seen:
        del state[one]


def _folders(run: Path) -> list[tuple[str, str]]:
    """List absolute folders with the text that replaces each on a page, the longest first."""
    parameters = ipynb.read(next(run.glob("*.ipynb")))["metadata"].get("papermill", {}).get("parameters", {})
    pairs = [(str(parameters[k]), k) for k in ("RUN_DIR", "DATA_ROOT", "SHIFTED_ROOT") if parameters.get(k)]
    pairs += [(str(paths.project()), "."), (str(Path.home()), "~")]
    return sorted((p for p in pairs if Path(p[0]).is_absolute() and len(p[0]) > 1), key=lambda p: -len(p[0]))


def _set_apart(notebook: dict[str, Any], shown: Page) -> None:
    """Replace the title and rename the labels of a further page, since another page of the same notebook has them."""
    texts = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    figures = [cell["metadata"].get("mystnb", {}).get("figure", {}) for cell in notebook["cells"]]
    labels = {label for cell in texts for found in DEFINED.findall(cell["source"]) for label in found if label}
    labels |= {figure["name"] for figure in figures if "name" in figure}
    anywhere = "|".join(map(re.escape, labels))
    pattern = re.compile(rf"{BEFORE}({anywhere})(?=[)>`]|\s*$)", re.MULTILINE)

    def apart(text: str) -> str:
        return pattern.sub(rf"\g<1>\g<2>-{shown.suffix}", text) if labels else text

    for cell in texts:
        cell["source"] = apart(cell["source"])
    for figure in figures:
        if "name" in figure:
            figure["name"] += f"-{shown.suffix}"
        if "caption" in figure:
            figure["caption"] = apart(figure["caption"])
    first = next(cell for cell in texts if ipynb.TITLE.search(cell["source"]))
    first["source"] = ipynb.TITLE.sub(lambda _: f"# {shown.title}", first["source"], count=1)


def _make_line(shown: Page, profile: str) -> str:
    """Return the `make` command that repeats a run of the workflow."""
    size = "" if profile == "quick" else f" PROFILE={profile}"
    return f'make study STUDY={shown.study}{size} PARAMS="{shlex.join(shown.words)}"\n'


def how_made(provenance: dict[str, Any], repeat: str = "") -> str:
    """Write the section 'How these numbers were made'; `repeat` is a `make` command shown before papermill's."""
    commit = provenance["git"]["commit"] + (" with local changes" if provenance["git"]["dirty"] else "")
    versions = ", ".join(f"{k} {v}" for k, v in provenance["versions"].items())
    rows = "\n".join(f"| `{k}` | {_cell(v)} |" for k, v in provenance["parameters"].items())
    return f"""## How these numbers were made

```bash
{repeat}{provenance["command"]}
```

Made on a {provenance["source"]} cohort, {provenance["started"]}, commit {commit}.
It took {provenance["wall_seconds"]:.0f} s on {provenance["device"]}.

:::{{dropdown}} Parameters and versions
| parameter | value |
|---|---|
{rows}

Versions: {versions}.
:::
"""


def _cell(value: Any) -> str:
    return f"`{value!r}`".replace("|", "\\|") if value != "" else "(empty)"
