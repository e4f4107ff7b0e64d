# From data to page, one rule an arrow. `make` calls it; `snakemake` alone works too.
# Local settings: profiles/default. A SLURM cluster: snakemake --workflow-profile profiles/slurm.
import sys
from pathlib import Path

from helpers.report import instances
from helpers.workflow import settle

PAGES = instances.book()  # by name; most studies have one
HELPERS = sorted(map(str, Path("src/helpers").rglob("*.py")))
PROSE = sorted(
    str(p)
    for p in Path("book").rglob("*")
    if p.is_file() and not {"studies", "recorded", "__pycache__"} & set(p.parts)
)
BATCH = config.get("profile", "quick")  # the profile that the book shows
ASKED = config.get("params", [])  # NAME=value, beyond the profile, of the one run asked for
RUNS = {name: f"runs/{BATCH}/{page.study}/{page.instance}/results.json" for name, page in PAGES.items()}
LISTS = sorted(map(str, Path("notebooks/pages").glob("*.yaml")))
PYTHON = sys.executable
JUPYTER_BOOK = Path(PYTHON).parent / "jupyter-book"


wildcard_constraints:
    study="[0-9][^/]*",
    page="[0-9][^/]*",
    batch="[^/.][^/]*",
    instance="[^/]+",


def words(wildcards):
    asked = {page.instance: page.words for page in PAGES.values() if page.study == wildcards.study}
    return ASKED if wildcards.instance == instances.instance(ASKED) else asked.get(wildcards.instance, [])


def published(wildcards):
    return sorted(map(str, Path("notebooks/claims").glob(f"{wildcards.study}.*")))


def profile(wildcards):
    file = f"notebooks/params/{wildcards.study}.{wildcards.batch}.yaml"
    return [file] if Path(file).is_file() else []


def recorded(wildcards):
    return sorted(str(p) for p in Path("book/recorded", wildcards.study).rglob("*") if p.is_file())


# Refuse what a run would refuse, before anything starts.
for shown in PAGES.values():
    settle(shown.study, BATCH, shown.words)


localrules:
    book,
    page,
    claims,


rule book:
    input:
        [f"book/studies/{name}.ipynb" for name in PAGES],
        "book/studies/claims.md",
        PROSE,
        HELPERS,
        "_config.yml",
        "data/README.md",
        "CITATION.cff",
    output:
        "_build/html/index.html",
    log:
        "_build/book.log",
    shell:
        "{JUPYTER_BOOK} build book --all -W --keep-going > {log} 2>&1 || (grep -E 'WARNING|ERROR|Error' {log} >&2; exit 1)"


rule page:
    input:
        lambda wildcards: RUNS[wildcards.page],
        LISTS,
    output:
        "book/studies/{page}.ipynb",
    shell:
        "{PYTHON} -m helpers.workflow page {BATCH} {output:q}"


rule claims:
    input:
        runs=list(RUNS.values()),
        lists=LISTS,
        recorded=sorted(map(str, Path("book/recorded").rglob("results.json"))),
    output:
        "book/studies/claims.md",
    shell:
        "{PYTHON} -m helpers.workflow claims {BATCH} {output}"


rule study:
    input:
        "notebooks/{study}.ipynb",
        profile,
        published,
        recorded,
        HELPERS,
    output:
        "runs/{batch}/{study}/{instance}/results.json",
    params:
        words=words,
    threads: 2
    shell:
        "{PYTHON} -m helpers.workflow run {wildcards.study} {wildcards.batch} {params.words:q}"
        " --place $(dirname {output:q})"
