# From data to page, one rule an arrow. `make` calls it; `snakemake` alone works too.
# Local settings: profiles/default. A SLURM cluster: snakemake --workflow-profile profiles/slurm.
import sys
from pathlib import Path

from helpers.keep import fingerprint
from helpers.report import instances, parameters, provenance, sweeps
from helpers.book import contents, inputs, progress
from helpers.book.workflow import settle

PAGES = instances.book()  # by name; most studies have one
SWEEP = sweeps.read(str(config["sweep"])) if "sweep" in config else None  # the grid of runs that is asked for
GPU = int(config.get("gpu", Path("/dev/nvidiactl").exists()))  # a GPU for every run
HELPERS = sorted(
    str(p)
    for end in ("py", "pyi")
    for p in Path("src/helpers").rglob(f"*.{end}")
    if not any(part.startswith(".") for part in p.parts)  # an editor's locks, JupyterLab's copies
)
PROSE = sorted(
    str(p)
    for p in Path("book").rglob("*")
    if p.is_file() and not {"studies", "recorded", "__pycache__"} & set(p.parts)
)
CLAIMS = [f"book/studies/claims{end}.md" for end in ("", "-so-far", "-figure")]  # page, and for the front page
TOC = "book/studies/_toc.yml"  # Jupyter Book takes a relative path for one from its source folder
CONTENTS = [TOC, *(f"book/studies/{name}.md" for name in ("questions", "minutes", "api/index"))]
CONTENTS += [f"book/studies/api/{room.name}.md" for room in contents.rooms()]
PARTS = [f"book/studies/{name}.ipynb" for name in PAGES]  # what the book is made of
PARTS += [*CONTENTS, *CLAIMS, *PROSE, *HELPERS, "_config.yml", "data/README.md", "CITATION.cff"]
BATCH = config.get("profile", "quick")  # the profile that the book shows
ASKED = config.get("params", [])  # NAME=value, beyond the profile, of the one run asked for
THREADS = config.get("threads", 1)  # of a run: two that both take every core wait for each other
RUNS = {name: f"runs/{BATCH}/{page.study}/{page.instance}/results.json" for name, page in PAGES.items()}
MINUTES = progress.minutes(PAGES.values())
FIRST = next(iter(MINUTES))  # the page that is shown while the others are made
LISTS = sorted(map(str, Path("notebooks/pages").glob("*.yaml")))
PYTHON = sys.executable
JUPYTER_BOOK = Path(PYTHON).parent / "jupyter-book"


wildcard_constraints:
    study="[0-9][^/]*|template",
    page="[0-9][^/]*",
    batch="[^/.][^/]*",
    instance="[^/]+",


def swept(wildcards):
    return SWEEP is not None and (wildcards.batch, wildcards.study) == (SWEEP.name, SWEEP.study)


def words(wildcards):
    if swept(wildcards):
        return SWEEP.words(wildcards.instance)
    asked = {page.instance: page.words for page in PAGES.values() if page.study == wildcards.study}
    return ASKED if wildcards.instance == instances.instance(ASKED) else asked.get(wildcards.instance, [])


# The user's table, pictures and folders: a corrected file makes a result old.
def data(wildcards):
    return "" if swept(wildcards) else inputs.state(words(wildcards))


# What a study computes with: another figure reruns none, and neither does a comment or a docstring.
def code(wildcards):
    notebook = Path(f"notebooks/{wildcards.study}.ipynb")
    return "" if swept(wildcards) else f"{fingerprint.notebook(notebook)}-{fingerprint.code_of(notebook)}"


# What a page is drawn and written with.
def drawing(wildcards):
    return f"{provenance.drawing(PAGES[wildcards.page].study)}-{fingerprint.code_of('helpers.book.page', looking=True)}"


def collecting(wildcards):
    return fingerprint.code_of("helpers.book.collected", looking=True)


# What is stale in a sweep is said by helpers.book.status, so its runs have no inputs: a new figure, claim or
# record makes no number old.
# Tables of printed numbers, which studies compute with. Claims are judged when a page is made.
def published(wildcards):
    if swept(wildcards):
        return []
    return sorted(map(str, Path("notebooks/claims").glob(f"{wildcards.study}.*csv")))


def size(wildcards):
    return SWEEP.profile if swept(wildcards) else wildcards.batch


def profile(wildcards):
    if swept(wildcards):
        return []
    file = f"notebooks/params/{wildcards.study}.{size(wildcards)}.yaml"
    return [file] if Path(file).is_file() else []


def recorded(wildcards):
    if swept(wildcards):
        return []
    folders = [Path("book/recorded", wildcards.study)]
    if "SWEEP" in parameters.read(Path(f"notebooks/{wildcards.study}.ipynb")).types:  # it shows recorded sweeps
        folders.append(Path("book/recorded/sweeps"))
    return sorted(str(p) for folder in folders for p in folder.rglob("*") if p.is_file())


# The first page's run comes first, and then the longest, so that two processes end together.
def urgency(wildcards):
    results = f"runs/{wildcards.batch}/{wildcards.study}/{wildcards.instance}/results.json"
    name = next((name for name, made in RUNS.items() if made == results), "")
    return 1000 if name == FIRST else MINUTES.get(name, 0)


onstart:
    asked = {str(file) for job in workflow.dag.needrun_jobs() if job.rule.name == "study" for file in job.output}
    known = {results: MINUTES[name] for name, results in RUNS.items() if results in asked}
    if line := progress.begin(known, workflow.cores, measured=BATCH == "quick"):
        print(line, flush=True)


# Refuse what a run would refuse, before anything starts.
for shown in PAGES.values():
    settle(shown.study, BATCH, shown.words)


localrules:
    sweep,
    pages,
    book,
    first_page,
    pdf,
    student_book,
    contents,
    page,
    claims,


rule pages:
    input:
        PARTS,


rule book:
    input:
        PARTS,
    output:
        "_build/html/index.html",
    log:
        "_build/book.log",
    shell:
        "{JUPYTER_BOOK} build book --toc \"$PWD\"/{TOC} --all -W --keep-going > {log} 2>&1 || (grep -E 'WARNING|ERROR|Error' {log} >&2; exit 1)"


# One page without the rest: links and references to other pages are not there yet.
rule first_page:
    input:
        f"book/studies/{FIRST}.ipynb",
    output:
        "_build/first/_build/html/index.html",
    log:
        "_build/first.log",
    priority: 1000
    shell:
        "{PYTHON} -m helpers.book.workflow first {FIRST} _build/first/_toc.yml"
        " && {JUPYTER_BOOK} build book --toc \"$PWD\"/_build/first/_toc.yml --path-output _build/first > {log} 2>&1"
        " && echo \"The first page is at file://$PWD/{output}\""


rule pdf:
    input:
        PARTS,
    output:
        "_build/the-biased-ruler.pdf",
    log:
        "_build/pdf.log",
    shell:
        "{JUPYTER_BOOK} build book --toc \"$PWD\"/{TOC} --all -W --keep-going --builder singlehtml > {log} 2>&1"
        " || (grep -E 'WARNING|ERROR|Error' {log} >&2; exit 1);"
        " {PYTHON} book/_ext/pdf.py _build/singlehtml/intro.html {output}"


# From the pages of the book, so no study runs for it.
rule student_book:
    input:
        rules.book.input,
    output:
        "_build/student-book/_build/html/index.html",
    log:
        "_build/student-book.log",
    shell:
        "{PYTHON} -m helpers.book.workflow student --pages && cd _build/student-book"
        " && ({JUPYTER_BOOK} build book --toc \"$PWD\"/{TOC} --all -W --keep-going > ../student-book.log 2>&1"
        " || (grep -E 'WARNING|ERROR|Error' ../student-book.log >&2; exit 1))"


rule sweep:
    input:
        [f"runs/{SWEEP.name}/{SWEEP.study}/{instance}/results.json" for instance in SWEEP.runs] if SWEEP else [],


rule page:
    input:
        lambda wildcards: RUNS[wildcards.page],
        lambda wildcards: f"notebooks/{PAGES[wildcards.page].study}.ipynb",  # its prose
        LISTS,
    output:
        "book/studies/{page}.ipynb",
    priority: lambda wildcards: 1000 * (wildcards.page == FIRST)
    params:
        code=drawing,
    shell:
        "{PYTHON} -m helpers.book.workflow page {BATCH} {output:q}"


rule contents:
    input:
        [f"notebooks/{page.study}.ipynb" for page in PAGES.values()],
        LISTS,
        "book/_toc.yml",
        [f for f in HELPERS if f.startswith("src/helpers/studies/") and "__init__" in f],
    output:
        CONTENTS,
    params:
        code=fingerprint.code_of("helpers.book.contents", looking=True),
    shell:
        "{PYTHON} -m helpers.book.workflow contents {output[0]}"


rule claims:
    input:
        runs=list(RUNS.values()),
        pages=[f"book/studies/{name}.ipynb" for name in PAGES],  # which judge the claims of their runs again
        lists=LISTS,
        recorded=sorted(map(str, Path("book/recorded").rglob("results.json"))),
        review=sorted(map(str, Path("book/review").glob("*.csv"))),  # artefacts that rest on claims
    output:
        CLAIMS,
    params:
        code=collecting,
    shell:
        "{PYTHON} -m helpers.book.workflow claims {BATCH} {output[0]}"


rule study:
    input:
        profile,
        published,
        recorded,
    output:
        "runs/{batch}/{study}/{instance}/results.json",
    params:
        words=words,
        size=size,
        code=code,
        data=data,
    priority: urgency
    threads: lambda wildcards: SWEEP.threads if swept(wildcards) else THREADS
    resources:
        gpu=GPU,
    shell:
        "{PYTHON} -m helpers.book.workflow run {wildcards.study} {params.size} {params.words:q}"
        " --place $(dirname {output:q}) --threads {threads}"
