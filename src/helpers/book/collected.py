"""Claims of all studies, collected from the book's runs and from recorded runs, as a table and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from helpers import figures, paths
from helpers.book import review_claims
from helpers.report import claims as claims_
from helpers.report import ipynb, recording, tables, verdicts
from helpers.report.instances import Page
from helpers.report.private import shorten

HEAD = ["study", "claim", "published", "ours [95% interval]", "source", "verdict"]
INTRO = """# What has been claimed, and what we find

Every claim that a study tests, with the printed number, ours with its 95% interval, and the verdict.
The rule behind the verdicts is on [its own page](../methods/verdicts.md).
A claim has a row for each run: {runs}.
"""
SOURCES = {"real": "real", "simulated": claims_.IN_SIMULATION}
WORDS = {"real": "on real patients", "simulated": "in simulation, of the method in a world where the cause is known"}
RUNS = "the recorded runs of its study, and the run that this book was built from, at the {profile} profile"
ONCE = "Each claim counts once: by a run that can test it, recorded if there is one, of real patients if there is one."


def write(pages: list[Page], profile: str, place: Path) -> None:
    """Write the page of claims to `place`, and next to it the parts that the front page, one folder up, includes.

    These are the figure `<name>-figure.md` with its `<name>.svg`, and the table `<name>-so-far.md`, one row per claim.

    Parameters
    ----------
    pages : list of Page
        Pages of the book, in its order.
    profile : str
        Profile of the runs that the book shows.
    place : Path
        The Markdown file of the page.
    """
    found = collect(pages, profile)
    once = found[found["leads"]]
    place.parent.mkdir(parents=True, exist_ok=True)
    page = INTRO.format(runs=RUNS.format(profile=profile)) + "\n" + markdown(found)
    place.write_text(page, encoding="utf-8")
    table, figure = markdown(once, f"{place.parent.name}/"), "No study has tested a claim yet.\n"
    if len(once):
        _draw(once, place.with_suffix(".svg"))
        figure = _figure(once, f"{place.parent.name}/{place.stem}.svg")
    place.with_name(f"{place.stem}-figure.md").write_text(figure, encoding="utf-8")
    place.with_name(f"{place.stem}-so-far.md").write_text(table, encoding="utf-8")


def collect(pages: list[Page], profile: str) -> pd.DataFrame:
    """Collect every claim of every run that the book shows or has recorded.

    Returns
    -------
    DataFrame
        A row for each claim and run, with the columns of `claims.COLUMNS`, and: `page`, the page's name; `study`, its
        name for readers; `title` of the page; `run`, the name of the recorded run, else empty; `leads`, True for the
        one run that represents the claim when each claim counts once; `artefact`, the name of the living review's
        artefact that rests on the claim, else empty.
    """
    rows: list[dict[str, Any]] = []
    touched = review_claims.artefacts()
    for page in pages:
        family = [p for p in pages if p.study == page.study]
        folders = sorted(f.parent for f in (paths.recorded() / page.study).glob(f"[!.]*/{recording.RESULTS}"))
        runs = [(f.name, recording.read(f)) for f in folders]
        runs = [(name, results) for name, results in runs if _belongs(results, family) == page.name]
        runs.sort(key=lambda run: run[1]["provenance"]["source"] != "real")  # runs on real patients first
        runs.append(("", recording.read(page.run(profile))))
        start = len(rows)
        title = page.title or _title(page.run(profile), page.study)
        for name, results in runs:
            of = {"page": page.name, "study": page.label, "title": title, "run": name}
            of["source"] = results["provenance"]["source"]
            known = results["provenance"]
            for claim in results["claims"]:
                artefact = touched.get(review_claims.locator(known, claim["id"]), "") if touched else ""
                rows.append({**claim, **of, "artefact": artefact})
        for row in (own := rows[start:]):
            same = [other for other in own if other["id"] == row["id"]]
            best = min(same, key=lambda other: other["verdict"] == claims_.UNTESTABLE)  # of equals the first
            row["leads"] = row["run"] == best["run"]
    frame = pd.DataFrame(rows, columns=[*claims_.COLUMNS, "page", "study", "title", "run", "leads", "artefact"])
    return frame.astype({"leads": bool})


def _belongs(results: dict[str, Any], family: list[Page]) -> str:
    """Return the page that a recorded run belongs to: the further page with most of its parameters, else the main page.

    A run on other data may differ from its page in some, such as a cause that is planted in simulated data alone.
    """
    made = results["provenance"]["parameters"]
    shared = {p.name: sum(made.get(k) == shorten(k, v) for k, v in p.parameters.items()) for p in family if p.suffix}
    best = max(shared, key=shared.__getitem__, default="")
    return best if shared.get(best) else family[0].name


def _title(run: Path, study: str) -> str:
    cells = ipynb.read(run / f"{study}.ipynb")["cells"]
    found = (ipynb.TITLE.search(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return next((title[1] for title in found if title), study)


def markdown(frame: pd.DataFrame, folder: str = "") -> str:
    """Format collected claims as a Markdown table, which the book's script makes filterable.

    Parameters
    ----------
    frame : DataFrame
        As `collect` returns it.
    folder : str
        Relative path from the page that shows the table to the pages of studies.
    """
    rows = [
        [
            f"[{c.study}]({folder}{c.page}.ipynb)",
            f"{c.statement} {{cite}}`{c.reference}`. Measured: {c.statistic}",
            c.published,
            tables.ours(c) + ("" if pd.isna(c.n) else f", n = {c.n if isinstance(c.n, str) else int(c.n)}"),
            f"**{c.source}**, " + (f"recorded run {c.run}" if c.run else "this book's run"),
            f"**{tables.verdict(c)}**: {tables.reason(c)}" + (f"; artefact `{c.artefact}`" if c.artefact else ""),
        ]
        for c in frame.itertuples()
    ]
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    table = "\n".join("| " + " | ".join(str(x).replace("|", "\\|") for x in line) + " |" for line in lines)
    return f":::{{table}}\n:class: filterable\n\n{table}\n:::\n"


def counts(once: pd.DataFrame) -> pd.DataFrame:
    """Count claims by study and source (rows) and verdict (columns, in the order of `verdicts.VERDICTS`).

    Simulated runs have separate rows, "<study>, in simulation": their verdicts are of methods, not of patients.
    """
    keys = once["study"] + ", " + once["source"].map(SOURCES)
    table = pd.crosstab(keys, once["verdict"]).reindex(index=keys.unique(), columns=list(verdicts.VERDICTS))
    return table.fillna(0).astype(int).rename_axis(index=None, columns=None)


def _draw(once: pd.DataFrame, place: Path) -> None:
    with plt.rc_context({"svg.hashsalt": "claims"}):  # otherwise the ids inside the SVG differ each time
        figures.style()
        table = counts(once)
        figure, ax = plt.subplots(figsize=(7, 1.3 + 0.4 * len(table)))
        figures.stacked(table, ax=ax, xlabel="claims")
        figure.savefig(place, metadata={"Date": None})
        plt.close(figure)


def _figure(once: pd.DataFrame, file: str) -> str:
    """Write the figure's Markdown: its caption, and its numbers as alternative text for readers who cannot see it."""
    bars = "; ".join(f"{name}: {_listed(row)}" for name, row in counts(once).iterrows())
    sums = counts(once.assign(study="")).set_axis(once["source"].unique())
    totals = [f"{row.sum()} {WORDS[source]}: {_listed(row)}." for source, row in sums.iterrows()]
    return f"""```{{figure}} {file}
:name: fig-claims
:alt: Bars of numbers of claims by verdict. {bars}.

What became of {len(once)} published claims, by study and by the patients that they were tested on, real or simulated.
{" ".join(totals)}
{ONCE}
```
"""


def _listed(row: pd.Series) -> str:
    return ", ".join(f"{n} {verdict}" for verdict, n in row.items() if n)
