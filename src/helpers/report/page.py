"""Make the book's pages from complete runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from helpers import paths
from helpers.report import claims as claims_
from helpers.report import recording, tables

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
PROGRESS = re.compile(r"\d+%\||\d+it \[|\r")  # as tqdm writes them


def study_page(run: Path, page: Path) -> None:
    """Copy a run's executed notebook to its page.

    Folders of this machine become the names of their parameters, progress bars go,
    and a section says how the numbers were made.
    """
    results = recording.read(run)
    study = results["provenance"]["study"]
    notebook = nbformat.read(run / f"{study}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = ["injected-parameters", "remove-cell"]
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not _is_progress(o)]
    notebook.metadata.pop("papermill", None)
    _drop_unseen_widgets(notebook)
    notebook.cells.append(nbformat.v4.new_markdown_cell(how_made(results["provenance"])))
    text = nbformat.writes(notebook)
    for folder, name in _folders(run):
        text = re.sub(rf"(?<![\w.~-]){re.escape(folder)}(?![\w.-])", name, text)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text + "\n", encoding="utf-8")


def _is_progress(output: Any) -> bool:
    if output.output_type == "stream":
        return output.name == "stderr" and bool(PROGRESS.search(output.text))
    data = output.get("data", {})
    return WIDGET_VIEW in data and bool(PROGRESS.search(data.get("text/plain", "")))


def _drop_unseen_widgets(notebook: Any) -> None:
    """Keep the state of widgets that an output shows, and of their parts; that of progress bars goes."""
    state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    outputs = (o for cell in notebook.cells for o in cell.get("outputs", []))
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
    """Absolute folders and what stands for them on a page, the longest first."""
    parameters = (
        nbformat.read(next(run.glob("*.ipynb")), as_version=4).metadata.get("papermill", {}).get("parameters", {})
    )
    pairs = [(str(parameters[k]), k) for k in ("RUN_DIR", "DATA_ROOT") if parameters.get(k)]
    pairs += [(str(paths.project()), "."), (str(Path.home()), "~")]
    return sorted((p for p in pairs if Path(p[0]).is_absolute() and len(p[0]) > 1), key=lambda p: -len(p[0]))


def how_made(provenance: dict[str, Any]) -> str:
    """The section 'How these numbers were made' of a study's page."""
    commit = provenance["git"]["commit"] + (" with local changes" if provenance["git"]["dirty"] else "")
    versions = ", ".join(f"{k} {v}" for k, v in provenance["versions"].items())
    rows = "\n".join(f"| `{k}` | {_cell(v)} |" for k, v in provenance["parameters"].items())
    return f"""## How these numbers were made

```bash
{provenance["command"]}
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


def claims_page(runs: list[Path], page: Path) -> None:
    """Collect every study's claims on one page: those of the runs and those of recorded runs."""
    parts = [
        "# What has been claimed, and what we find\n",
        "Every claim that a study tests, with the printed number, ours with its 95% interval, and the verdict.",
        "The rule behind the verdicts is on [its own page](../methods/verdicts.md).\n",
    ]
    for run in runs:
        study = recording.read(run)["provenance"]["study"]
        folders = sorted((paths.recorded() / study).glob("[!.]*")) if (paths.recorded() / study).is_dir() else []
        shown = [(f'Recorded run "{f.name}"', f) for f in folders]
        shown.append((f"Today's run, {run.parent.parent.name} profile", run))
        sections = [(title, recording.read(folder)) for title, folder in shown]
        if any(results["claims"] for _, results in sections):
            parts.append(f"\n## [{_title(run, study)}]({study}.ipynb)\n")
        for title, results in sections:
            if results["claims"]:
                parts += [f"\n### {title}: {results['provenance']['source']} cohort\n", markdown(results["claims"])]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _title(run: Path, study: str) -> str:
    cells = nbformat.read(run / f"{study}.ipynb", as_version=4).cells
    lines = (line for c in cells if c.cell_type == "markdown" for line in c.source.splitlines())
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), study)


def markdown(claims: list[dict[str, Any]]) -> str:
    """Claims as a Markdown table."""
    frame = claims_.table(claims)
    head = ["claim", "statistic", "published", "ours [95% interval]", "n", "verdict"]
    rows = [
        [
            f"{c.statement} {{cite}}`{c.reference}`",
            c.statistic,
            c.published,
            tables.ours(c),
            "" if pd.isna(c.n) else str(c.n if isinstance(c.n, str) else int(c.n)),
            f"**{c.verdict}**: {c.why}",
        ]
        for c in frame.itertuples()
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(x).replace("|", "\\|") for x in line) + " |" for line in lines) + "\n"
