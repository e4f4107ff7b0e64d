"""The audit of a reader's own scores: as a notebook, in words, and as a report that holds no script and no case."""

import itertools
import json
import re
import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pandas as pd
import papermill
import pytest
from bs4 import BeautifulSoup

from helpers import book, datasets, report
from helpers import stats as stats_
from helpers.errors import InputError
from tests.conftest import ROOT

STUDY = ROOT / "notebooks" / "07_your_own_scores.ipynb"
SMALL = {"N_BOOTSTRAP": 300, "N_PERMUTATIONS": 300}
NASTY = ["<script>alert('x')</script>", "<img src=x onerror=alert(2)>", "x" * 200, "نساء", "中文组", "a|b `c` *d* $e$"]


def audit(folder, **parameters):
    """Run the study by papermill, and make its report."""
    folder.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(
        STUDY, folder / "out.ipynb", {**SMALL, **parameters, "RUN_DIR": str(folder)}, progress_bar=False
    )
    book.write_html(folder / "out.ipynb")
    return folder


def values(folder):
    return json.loads((folder / "results.json").read_text())["values"]


@pytest.fixture(scope="module")
def planted(tiny_run, tmp_path_factory):
    """The tiny run of the page, and its report."""
    folder = tmp_path_factory.mktemp("planted") / "run"
    run = tiny_run(STUDY.stem)
    shutil.copytree(run.folder, folder)
    book.write_html(folder / f"{run.study}.ipynb")
    return folder


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Texts that could be markup, in groups without any effect; a table from a spreadsheet; no optional column."""
    folder, rng = tmp_path_factory.mktemp("odd"), np.random.default_rng(4)
    table = pd.DataFrame({"Fall": [f"SECRET-{k:04d}" for k in range(240)], "Dice $<b>": rng.beta(8, 2, 240).round(3)})
    table["Gruppe"] = [*NASTY * 39, *["tiny"] * 3, *[None] * 3]
    table.to_csv(folder / "mine <b>.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    asked = {"SCORE": "Dice $<b>", "GROUPS": "Gruppe", "CASE": "Fall"}
    return audit(folder / "run", DATA_ROOT=str(folder), SCORES="mine <b>.csv", **asked)


def test_planted_effects_are_found_and_put_into_words(planted):
    found = values(planted)
    assert found["overall"]["age"]["p_holm"] < 0.05 and found["overall"]["sex"]["p_holm"] < 0.05
    assert found["leading"]["attribute"] in {"age", "sex"}
    age, sex = found["findings"]["age"], found["findings"]["sex"]
    assert age.startswith("Mean dice differs between groups") and "It stays given hospital" in age
    assert "By dice_silver it changes by" in age and "shows less of it" in age
    assert "hospital can account for it" in sex and "a change of" in sex  # sex has no effect of its own
    assert "picked as the furthest" in age and "picked as the furthest" not in sex  # three groups, and two
    assert "what this cannot say" in found["findings"]


def test_no_effect_is_not_shown_and_what_could_be_seen_is_said(odd):
    found = values(odd)
    assert found["overall"]["Gruppe"]["p_holm"] > 0.01
    words = found["findings"]["Gruppe"]
    assert "No difference of mean" in words and "no proof of equality" in words
    assert "not recorded for fewer than 10 cases" in words
    assert found["n"] == 237 and "and " not in str(list(found["overall"]))


def page(folder):
    return (folder / "report.html").read_text()


def test_markup_in_a_table_is_text(odd):
    soup = BeautifulSoup(page(odd), "html.parser")
    assert not soup.find_all(["script", "iframe", "object", "link", "form"])
    assert not [tag for tag in soup.find_all(True) if any(name.startswith("on") for name in tag.attrs)]
    assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in soup.find_all("img"))
    headings = " ".join(th.get_text() for th in soup.find_all("th"))
    for name in NASTY:
        assert name in headings, name[:20]
    assert "default-src 'none'" in soup.find("meta", attrs={"http-equiv": True})["content"]
    # The notebook too: tables of pandas are escaped, and prose gets texts, not markup.
    outputs = [o for c in json.loads((odd / "out.ipynb").read_text())["cells"] for o in c.get("outputs", [])]
    shown = "".join("".join(o.get("data", {}).get("text/html", "")) for o in outputs)
    assert "&lt;script&gt;" in shown and "<script>alert" not in shown and "<img src=x" not in shown


def test_no_case_is_named_and_small_groups_are_suppressed(odd):
    for file in ("report.html", "results.json", "out.ipynb"):
        assert "SECRET" not in (odd / file).read_text()
    assert not [c for c in pd.read_parquet(odd / "cases.parquet") if c not in {"Dice $<b>", "Gruppe"}]
    row = next(tr for tr in BeautifulSoup(page(odd), "html.parser").find_all("tr") if tr.find("th", string="tiny"))
    assert [td.get_text() for td in row.find_all("td")] == ["<10"]
    assert str(odd.parent) not in page(odd)


def test_the_report_is_one_small_file_in_order(planted):
    text = page(planted)
    assert len(text) < 2_000_000 and "import " not in text
    soup = BeautifulSoup(text, "html.parser")
    assert soup.html["lang"] == "en" and len(soup.find_all("h1")) == 1
    levels = [int(tag.name[1]) for tag in soup.find_all(re.compile("h[1-6]"))]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert soup.find("h2").get_text() == "In words"
    assert not re.search(r"\{(?:glue|cite|term|numref)|:::|\]\(|not available", soup.get_text())
    assert all(th.get("scope") for th in soup.find_all("th"))
    assert "http" not in text.replace("http-equiv", "")


def test_the_report_has_the_main_table(planted):
    soup = BeautifulSoup(page(planted), "html.parser")
    headings = [[th.get_text() for th in table.find_all("th", scope="col")] for table in soup.find_all("table")]
    (main,) = [row for row in headings if "detectable" in row]
    assert {"reference", "n", "n_reference", "estimate [95% interval]"} <= set(main)
    assert {"The group, or its source?", "Groups in an order"} <= {tag.get_text() for tag in soup.find_all("h3")}
    (pairs,) = [row for row in headings if "difference [95% interval]" in row]
    assert {"n_a", "n_b"} <= set(pairs)


def test_p_values_say_whether_they_are_corrected(planted):
    text = BeautifulSoup(page(planted), "html.parser").get_text()
    for said in ("not corrected for the number of attributes", "p values are not corrected", "covers only this table"):
        assert said in text
    assert "attribute and group were picked" in text


def cell(name):
    return next("".join(c["source"]) for c in json.loads(STUDY.read_text())["cells"] if c["id"] == name)


@pytest.mark.parametrize(
    ("alarms", "source", "stops"),
    [(10, "simulated", False), (16, "simulated", False), (30, "simulated", True), (30, "real", False)],
)
def test_the_negative_control_can_fail(alarms, source, stops, monkeypatch):
    """On the simulated table; a reader's own report is not lost to it."""
    monkeypatch.setattr(stats_, "false_alarms", lambda *_, **__: np.arange(200) < alarms)
    names = {"stats": stats_, "report": report, "pd": pd, "display": lambda _: None, "own": SimpleNamespace(source="")}
    names |= {"cases": None, "score": None, "attributes": {"sex": None, "age": None}, "SEED": 0, "SOURCE": source}
    names["single"] = True
    with pytest.raises(AssertionError) if stops else nullcontext():
        exec(cell("control"), names)


def test_parameters_reach_the_part_on_sources_and_solutions_say_what_is_so():
    assert '"n_boot": N_BOOTSTRAP' in cell("within") and cell("within").count("SEED") == 1
    assert "interval of the remaining contrast holds zero" in cell("solution-1")
    assert "one over the square root of n" in cell("solution-2")


def test_a_part_that_the_run_leaves_out_is_not_in_the_report(odd):
    headings = [tag.get_text() for tag in BeautifulSoup(page(odd), "html.parser").find_all(["h2", "h3"])]
    left_out = ("A classifier", "Crossed groups", "Groups in an order", "The group, or its source", "Two rulers")
    assert not [text for text in headings if text.startswith(left_out)]
    assert {"The result", "Which test?", "Which threshold?", "A negative control"} <= set(headings)


@pytest.mark.slow
def test_predictions_and_the_truth(tmp_path):
    """Three clinics with one accuracy and other errors; patients with two rows; a threshold that is chosen."""
    rng, rows = np.random.default_rng(0), []
    for clinic, n, positives, sensitivity, specificity in (
        ("a", 208, 49, 0.44, 0.78), ("b", 241, 74, 0.16, 0.92), ("c", 207, 48, 0.39, 0.85)):  # fmt: skip
        found, cleared = round(sensitivity * positives), round(specificity * (n - positives))
        counts = {(1, 1): found, (1, 0): positives - found, (0, 0): cleared, (0, 1): n - positives - cleared}
        rows += [(clinic, *key) for key, count in counts.items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=["clinic", "ill", "label"])
    table["sex"] = rng.choice([1, 2], len(table))
    table.to_csv(tmp_path / "clinics.csv", index=False)
    asked = {"SCORES": "clinics.csv", "GROUPS": "clinic, sex", "TRUTH": "ill", "DATA_ROOT": str(tmp_path)}
    run = audit(tmp_path / "one", **asked, PREDICTED="label", NAMES="sex: 1=female, 2=male", N_PERMUTATIONS=4000)
    words = values(run)["findings"]["clinic"]
    assert "pecificity differs between groups" in words and "ensitivity (largest difference 0.287" in words
    assert not words.startswith("No difference") and "Accuracy alone does not show this" in words
    assert values(run)["leading"]["score"] in {"sensitivity", "specificity"} and "female" in page(run)
    assert "A classifier: which errors" in page(run)
    table["patient"] = [f"SECRET{k // 2}" for k in range(len(table))]
    table["sex"] = table.groupby("patient")["sex"].transform("first")
    table["clinic"] = table.groupby("patient")["clinic"].transform("first")
    table["p"], table["part"] = (0.3 * table["label"] + 0.6 * rng.random(len(table))).round(2), "rest"
    table.loc[table["patient"].isin(table["patient"].unique()[::4]), "part"] = "tuning"
    table["other"] = table["ill"] ^ (rng.random(len(table)) < 0.2)
    table.to_csv(tmp_path / "clinics.csv", index=False)
    asked |= {"PROBABILITY": "p", "PATIENT": "patient", "SPLIT": "part", "CHOOSE_ON": "tuning"}
    run = audit(tmp_path / "two", **asked, SECOND="other", SECOND_IS="model")
    said = BeautifulSoup(page(run), "html.parser").get_text()
    assert "chosen by Youden's index on the part 'tuning'" in said and "Brier score" in said and "SECRET" not in said
    assert "AUROC" in values(run)["rates"]["clinic"] and "hides" not in values(run)["findings"]["clinic"]


@pytest.mark.slow
def test_two_folders_of_masks(tmp_path):
    """Masks of anything: the worse group is further off, and masks without a partner are counted."""
    import nibabel as nib

    rng, rows = np.random.default_rng(0), []
    for k in range(60):
        expert = np.zeros((12, 12, 6), np.uint8)
        expert[3:8, 3:8, 1:5] = 1
        off = int(rng.integers(0, 2)) + (k % 2)
        for folder, mask in (("expert", expert), ("predicted", np.roll(expert, off, axis=0))):
            (tmp_path / folder).mkdir(exist_ok=True)
            if (folder, k) != ("predicted", 0):
                nib.save(nib.Nifti1Image(mask, np.eye(4)), tmp_path / folder / f"Liver_{k}.nii.gz")
        rows.append({"file": f"liver_{k}", "ward": "ab"[k % 2]})
    pd.DataFrame(rows).to_csv(tmp_path / "wards.csv", index=False)
    asked = {"SCORES": "wards.csv", "GROUPS": "ward", "CASE": "file", "SCORE": "hd95", "BETTER": "lower"}
    asked |= {"EXPERT": "expert", "PREDICTED": "predicted", "SPAN": "", "SUCCESS": 0.5}
    run = audit(tmp_path / "run", DATA_ROOT=str(tmp_path), **asked)
    found = values(run)
    assert found["n"] == 59
    contrast = found["leading"]
    assert {contrast["group"], contrast["reference"]} == {"a", "b"}
    sign = 1 if contrast["group"] == "b" else -1
    assert min(sign * contrast["low"], sign * contrast["high"]) > 0
    said = "better for a" if contrast["group"] == "a" else "worse for b"
    assert said in found["findings"]["ward"]
    dropped = json.loads((run / "results.json").read_text())["dropped"]
    assert {"table": "expert masks", "reason": "no predicted mask of that name", "n": 1} in dropped


@pytest.mark.slow
def test_one_command_makes_the_report(checkout):
    file = datasets.simulate_own_scores(120, seed=1, folder=checkout.folder)
    words = ["GROUPS=sex", "SCORE=dice", "N_BOOTSTRAP=200", "N_PERMUTATIONS=200"]
    done = checkout.run("-m", "helpers.book.workflow", "audit", f"SCORES={file.relative_to(checkout.folder)}", *words)
    assert done.returncode == 0, done.stdout[-3000:]
    made = re.search(r"The report is (\S+)", done.stdout)[1]
    assert "real cohort" in (checkout.folder / made).read_text()


def test_a_notebook_that_was_not_run_makes_no_report(tmp_path):
    for notebook, says in ((STUDY, "the run is not complete"), (tmp_path / "no.ipynb", "there is no such notebook")):
        with pytest.raises(InputError) as error:
            book.write_html(notebook, tmp_path / "x.html")
        assert says in str(error.value) and not (tmp_path / "x.html").exists()
