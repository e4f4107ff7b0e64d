"""The house style, over every study notebook."""

import ast
import itertools
import re

import nbformat
import pytest

from helpers import exercises
from helpers.book import contents
from helpers.keep import fingerprint
from helpers.report import instances, ipynb
from tests import words
from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAGS = {"parameters", "hide-input", "hide-cell", "remove-cell", "remove-output", "solution", *fingerprint.ASIDE}
ALWAYS = {"SEED", "SOURCE", "DATA_ROOT", "DEVICE", "RUN_DIR"}
SECTIONS = ["The harm", "The cohort", "The method", "The result", "Is it real?", "Explore", "Limits"]
SECTIONS += ["Claims and takeaways", "Exercises", "References"]
NEVER = [r"sys\.path", r"\bpip\b", r"\.cuda\(", r"%autoreload", r"np\.random\.seed", r"warnings\.filterwarnings"]
NEVER += [r"torch\.load\((?!.*weights_only=True)", r"['\"]/(home|root|work|tmp|Users)/", r"\.backward\("]

# A new import in the setup cell would mark every recorded run as old; a check cell changes none.
IMPORTS = {"explore": {"from helpers import widgets"}, "exercise": {"from helpers import exercises"}}

# The audit of the user's scores has a line for each thing that a table may have.
PARAMETERS = {"07_your_own_scores": 33}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def cells(path, kind=None):
    return [c for c in nbformat.read(path, as_version=4).cells if kind in (None, c.cell_type)]


def aside(cell):
    """Whether a cell is an explorer, an exercise or a view of a record: no part of what the study computes."""
    return bool(tags(cell) & fingerprint.ASIDE)


def code_lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def tags(cell):
    return set(cell.metadata.get("tags", []))


@every_notebook
def test_stripped(path):
    for cell in cells(path, "code"):
        assert not cell.outputs
        assert cell.execution_count is None


@every_notebook
def test_caps(path):
    assert max(len(code_lines(c)) for c in cells(path, "code") if "parameters" not in tags(c)) <= 25
    code = [c for c in cells(path, "code") if not aside(c)]
    lines = [len(code_lines(c)) for c in code]
    words = sum(len(c.source.split()) for c in cells(path, "markdown"))
    assert len(code) <= 40
    assert sum(lines) <= 300
    assert words >= 6 * sum(lines)
    assert sum("plt.subplots" in c.source for c in code) <= 12


@every_notebook
def test_title_is_a_question_of_150_words(path):
    first = cells(path)[0]
    assert first.cell_type == "markdown"
    title = first.source.splitlines()[0]
    assert re.match(r"# .+\?$", title)
    headings = [line for c in cells(path, "markdown") for line in c.source.splitlines() if line.startswith("# ")]
    assert headings == [title]
    titles = [title.removeprefix("# "), *(page.title for page in instances.pages(path.stem) if page.suffix)]
    assert len(set(titles)) == len(titles) and all(name.endswith("?") for name in titles)
    prose = re.sub(r"\{[\w:]+\}`[^`]*`", "x", first.source)
    assert len(prose.split()) <= 150


@every_notebook
def test_outline(path):
    found = [m[1] for c in cells(path, "markdown") for m in re.finditer(r"^## (.+)$", c.source, re.M)]
    assert found == SECTIONS
    assert "After this study you can" in cells(path)[1].source


@every_notebook
def test_parameters_come_first_typed_and_commented(path):
    code = cells(path, "code")
    assert "parameters" in tags(code[0])
    assert sum("parameters" in tags(c) for c in code) == 1
    tree = ast.parse(code[0].source)
    assert all(isinstance(node, ast.AnnAssign) for node in tree.body)
    names = {node.target.id for node in tree.body}
    assert names >= ALWAYS
    assert all(re.fullmatch("[A-Z][A-Z0-9_]*", name) for name in names)
    assert all("  # " in line for line in code_lines(code[0]))
    # papermill's list of parameters leaves such a line out: findings/papermill-comment-with-equals-sign.sh
    assert [line for line in code_lines(code[0]) if "=" in line.partition("  # ")[2]] == []
    assert len(code_lines(code[0])) <= PARAMETERS.get(path.stem, 20) + ("IMAGES" in names)


@every_notebook
def test_setup_holds_all_imports_and_starts_the_run(path):
    code = cells(path, "code")
    assert "hide-cell" in tags(code[1])
    assert len(code_lines(code[1])) <= 17
    assert f'report.start(\n    "{path.stem}"' in code[1].source
    assert code[1].source.splitlines()[-1] == "run.show()"
    for cell in code[2:]:
        found = re.findall(r"^\s*(?:import|from \S+ import)\b.*", cell.source, re.M)
        assert set(found) <= set().union(*(IMPORTS.get(tag, set()) for tag in tags(cell)))


@every_notebook
def test_last_code_cell_records(path):
    last = cells(path, "code")[-1]
    assert "remove-cell" in tags(last)
    assert "report.record(" in last.source
    assert len(code_lines(last)) <= 10


@every_notebook
def test_prose_before_every_visible_code_cell(path):
    everything = cells(path)
    for before, cell in itertools.pairwise(everything):
        hidden = tags(cell) & {"hide-cell", "remove-cell", "parameters"}
        if cell.cell_type == "code" and not hidden:
            assert before.cell_type == "markdown", cell.source[:60]


@every_notebook
def test_a_visible_assert(path):
    shown = [c for c in cells(path, "code") if not tags(c) & {"hide-cell", "remove-cell", "hide-input"}]
    assert any(re.search(r"^assert ", c.source, re.M) for c in shown)


@every_notebook
def test_tags_ids_and_definitions(path):
    every = cells(path)
    assert len({c.id for c in every}) == len(every)
    for cell in every:
        assert all(t in TAGS or t.startswith("nbval-") for t in tags(cell))
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    assert node.end_lineno - node.lineno < 25


@every_notebook
def test_nothing_is_computed_from_explorers_exercises_and_records(path):
    def names(cell, kind):
        found = ast.walk(ast.parse(cell.source))
        return {node.id for node in found if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}

    code = cells(path, "code")
    made = set().union(*(names(c, ast.Store) for c in code if aside(c)), {"exercises"})
    used = set().union(*(names(c, ast.Load | ast.Store) for c in code if not aside(c)))
    assert not made & used, "such a cell's names are its own: what a run records must not hang on it"


@every_notebook
def test_figures_have_caption_name_and_alt_text(path):
    for cell in cells(path, "code"):
        if "plt.subplots" in cell.source or ".figure(" in cell.source or cell.source.rstrip().endswith("\nview"):
            look = cell.metadata.get("mystnb", {})
            assert look.get("figure", {}).get("caption"), cell.source[:60]
            assert re.fullmatch(r"fig-[a-z0-9-]+", look["figure"]["name"])
            assert len(look.get("image", {}).get("alt", "")) > 20
            # A second output would be a second figure of the same name, which the book refuses.
            assert "report.show(" not in cell.source, "a figure's cell shows one thing"


@every_notebook
def test_never(path):
    for cell in cells(path, "code"):
        for pattern in NEVER:
            assert not re.search(pattern, cell.source), pattern


PROSE = [*(ROOT / "book").rglob("*.md"), ROOT / "README.md", ROOT / "data" / "README.md", *NOTEBOOKS]
PROSE = [path for path in PROSE if "studies" not in path.relative_to(ROOT).parts]
PAGES = [*(path for path in PROSE if path.suffix == ".md"), ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("path", PROSE, ids=lambda p: p.name)
def test_words(path):
    text = path.read_text()
    assert not re.search(r"\b(debias\w*|unbiased|solves?d?)\b", text, re.I)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_are_plain(path):
    assert words.faults(words.markdown(path.read_text())) == []


@every_notebook
def test_notebooks_are_plain(path):
    """Markdown cells, captions, alternative texts, comments and what is printed or asserted."""
    assert [fault for text in sentences(cells(path)) for fault in words.faults(words.markdown(text))] == []


def sentences(found):
    """Yield the prose of cells."""
    for cell in found:
        if cell.cell_type == "markdown":
            yield cell.source
            continue
        shown = cell.metadata.get("mystnb", {})
        yield from (shown.get("figure", {}).get("caption", ""), shown.get("image", {}).get("alt", ""))
        yield from re.findall(r"(?:  |^ *)# (.+)$", cell.source, re.M)
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield node.value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("What is said.", ["said"]),
        ("A *color*", ["color"]),
        ("See [its own](#own-data).", ["own"]),
        ("(own-data)=\n\n## Your own data", []),
        ('Write `own`, "told" or $own$.', []),
        ("```bash\nmake own\n```\nIt lies there.", ["lies"]),
        ("```{note}\nIt stands.\n```", ["stands"]),
    ],
)
def test_a_fault_of_prose_would_be_found(text, fault):
    assert words.faults(words.markdown(text)) == fault


@pytest.mark.parametrize(
    ("kind", "source", "figure"),
    [
        ("markdown", "It stands.", {}),
        ("code", "x = 1  # where it stands", {}),
        ("code", 'print("it stands")', {}),
        ("code", "x", {"figure": {"caption": "It stands."}}),
        ("code", "x", {"image": {"alt": "It stands."}}),
    ],
)
def test_a_fault_of_a_cell_would_be_found(kind, source, figure):
    cell = nbformat.from_dict({"cell_type": kind, "source": source, "metadata": {"mystnb": figure}})
    assert [fault for text in sentences([cell]) for fault in words.faults(text)] == ["stands"]


@every_notebook
def test_glossary_terms_are_linked_once(path):
    terms = re.findall(r"\{term\}`([^`]+)`", " ".join(c.source for c in cells(path, "markdown")))
    assert len(terms) == len(set(terms))


@every_notebook
def test_three_exercises_with_solutions_folded(path):
    text = "\n".join(c.source for c in cells(path, "markdown"))
    assert len(re.findall(r"^\d\. \*\*", text.partition("## Exercises")[2], re.M)) == 3
    assert len(re.findall(r"admonition\} Solution \d\n:class: dropdown", text)) == 3


@every_notebook
def test_each_exercise_has_a_check_that_waits_for_an_answer(path):
    checks = [c for c in cells(path, "code") if "exercise" in tags(c)]
    assert sorted(exercises.read(path.stem)) == [1, 2, 3] == list(range(1, len(checks) + 1))
    for number, cell in enumerate(checks, start=1):
        call = next(n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call))
        assert [ast.unparse(a) for a in call.args] == [repr(path.stem), str(number), f"answer_{number}"]
        assert re.search(rf"^answer_{number} = None\b", cell.source, re.M)
        for choice in exercises.read(path.stem)[number].get("choose", []):
            assert f'"{choice}"' in cell.source, "what may be chosen stands beside the answer"


@every_notebook
def test_a_discussion_of_harm_ends_the_exercises(path):
    section = "\n".join(c.source for c in cells(path, "markdown")).partition("## Exercises")[2].partition("\n## ")[0]
    asked = section.partition("**Discuss.** ")[2]
    assert asked.count("?") >= 2 and len(asked.split()) >= 30
    assert re.search(r"\b(harm|hurt)", asked)


@every_notebook
def test_the_study_has_a_tiny_profile_and_a_place_in_the_contents(path):
    assert (ROOT / "notebooks" / "params" / f"{path.stem}.tiny.yaml").is_file()
    about = ipynb.read(path)["metadata"]["study"]
    assert about["group"] in contents.GROUPS and about["question"].endswith("?") and len(about["short"]) <= 24
    if path.stem != "template":  # which is no study
        listed = {entry.page.name: entry for entry in contents.entries()}
        pages = [listed[page.name] for page in instances.pages(path.stem)]
        assert pages[0].short == about["short"] and len({entry.short for entry in listed.values()}) == len(listed)


@every_notebook
def test_no_number_of_a_result_is_typed_into_prose(path):
    """Decimals in prose come by glue; the few typed ones are definitions, thresholds and printed claims."""
    allowed = {"0.8", "0.95", "3.5", "6.5", "4.0", "1.6e-8"}
    for cell in cells(path, "markdown"):
        prose = re.sub(r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", "", cell.source, flags=re.S)
        typed = set(re.findall(r"(?<![\w.])\d+\.\d+(?:e-?\d+)?", prose))
        assert typed <= allowed, cell.source[:80]
