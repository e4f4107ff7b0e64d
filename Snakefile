# From data to page, one rule an arrow. `make` calls it; `snakemake` alone works too.
# Local settings: profiles/default. A SLURM cluster: snakemake --workflow-profile profiles/slurm.
import sys
from pathlib import Path

from helpers.workflow import instance, settle

STUDIES = sorted(p.stem for p in Path("notebooks").glob("[0-9]*.ipynb"))
HELPERS = sorted(map(str, Path("src/helpers").rglob("*.py")))
PROSE = sorted(
    str(p)
    for p in Path("book").rglob("*")
    if p.is_file() and not {"studies", "recorded", "__pycache__"} & set(p.parts)
)
BATCH = config.get("profile", "quick")  # the profile that the book shows
ASKED = config.get("params", [])  # NAME=value, beyond the profile, of the one run asked for
PAGES = [*(f"book/studies/{study}.ipynb" for study in STUDIES), "book/studies/claims.md"]
PYTHON = sys.executable
JUPYTER_BOOK = Path(PYTHON).parent / "jupyter-book"


wildcard_constraints:
    study="[0-9][^/]*",
    batch="[^/.][^/]*",
    instance="[^/]+",


def words(wildcards):
    return ASKED if wildcards.instance == instance(ASKED) else []


def published(wildcards):
    return sorted(map(str, Path("notebooks/claims").glob(f"{wildcards.study}.*")))


def profile(wildcards):
    file = f"notebooks/params/{wildcards.study}.{wildcards.batch}.yaml"
    return [file] if Path(file).is_file() else []


def recorded(wildcards):
    return sorted(str(p) for p in Path("book/recorded", wildcards.study).rglob("*") if p.is_file())


# Refuse what a run would refuse, before anything starts.
for study in STUDIES:
    settle(study, BATCH, [])


localrules:
    book,
    page,
    claims,


rule book:
    input:
        PAGES,
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
        f"runs/{BATCH}/{{study}}/default/results.json",
    output:
        "book/studies/{study}.ipynb",
    shell:
        "{PYTHON} -m helpers.workflow page $(dirname {input:q}) {output:q}"


rule claims:
    input:
        runs=expand(f"runs/{BATCH}/{{study}}/default/results.json", study=STUDIES),
        recorded=sorted(map(str, Path("book/recorded").rglob("results.json"))),
    output:
        "book/studies/claims.md",
    params:
        folders=[f"runs/{BATCH}/{study}/default" for study in STUDIES],
    shell:
        "{PYTHON} -m helpers.workflow claims {params.folders} --page {output}"


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
