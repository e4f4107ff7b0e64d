"""What prose quotes of the reconstruction study, and the slides' numbers beside ours."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from helpers import learn, paths, stats
from helpers.report.values import flatten
from helpers.studies import reconstruction

ARMS = ["original", "unet", "pix2pix", "sde"]
# The brain's task, of which only names are read, and the groups that are compared.
ABOUT = (
    learn.Task("ucsf-pdgm", None, None, np.empty(0), ["grade", "type"], ["sex", "age_group"], None),
    reconstruction.Pair("sex", "F", "M"),
)
PUBLISHED = paths.notebooks() / "claims"


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    """Of 80 people: what three arms decide, their Dice, and their change."""
    rng = np.random.default_rng(0)
    n = 80
    truth = pd.DataFrame({"grade": rng.integers(0, 2, n).astype(float)})
    groups = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "age_group": rng.choice(["<=58", ">58"], n)})
    both = {"attributes": groups, "patient": range(n)}
    shares = {"original": 0.2, "degraded": 0.3, "unet": 0.25}
    decided = {arm: truth.astype(bool) ^ (rng.uniform(size=(n, 1)) < share) for arm, share in shares.items()}
    dice = pd.DataFrame({arm: rng.uniform(0.5, 0.9, n) for arm in decided})
    odds = stats.prediction_fairness(truth, decided, **both, minimum=3, n_boot=50)
    gaps = stats.score_fairness(dice, **both, minimum=3, n_boot=50).assign(score="dice")
    harm = stats.harm_in_scores(dice, **both, minimum=3).assign(finding="Dice")
    return {"odds": odds, "gaps": gaps, "harm": harm}


def performance(levels: dict[str, float]) -> pd.DataFrame:
    """PSNR of the U-Net at levels of noise, and its Dice at the first of them."""
    columns = ["level", "metric", "target", "arm", "estimate", "low", "high", "change", "change_low", "change_high"]
    columns += ["change_low90", "change_high90", "n"]
    nothing = (np.nan,) * 5
    rows = [(level, "psnr", "psnr", "unet", x, x - 1, x + 1, *nothing, 80) for level, x in levels.items()]
    rows.append((next(iter(levels)), "dice", "dice", "unet", 0.7, 0.65, 0.75, -0.02, -0.03, -0.01, -0.028, -0.012, 80))
    rows.append(("none", "dice", "dice", "original", 0.72, 0.7, 0.74, *(0,) * 5, 80))
    return pd.DataFrame(rows, columns=columns)


def test_as_printed_has_each_arm_and_the_original(tables):
    table = reconstruction.as_printed(tables["odds"], tables["gaps"])
    assert set(table.index.get_level_values("attribute")) == {"sex", "age"}
    odds = tables["odds"].set_index(["attribute", "arm", "metric"])
    for metric in ("eodd", "eop"):
        row = odds.loc[("age_group", "unet", metric)]
        assert table.loc[("age", "grade", "unet"), metric] == row["value"]
        assert table.loc[("age", "grade", "original"), metric] == row["baseline"]
    gaps = tables["gaps"].set_index(["attribute", "arm", "metric"])
    assert table.loc[("sex", "segmentation", "unet"), "ser"] == gaps.loc[("sex", "unet", "ser"), "value"]
    assert table.loc[("sex", "segmentation", "original"), "delta"] == gaps.loc[("sex", "unet", "delta"), "baseline"]
    assert "percent" not in table


def test_as_printed_has_the_certainty_too(tables):
    q, spread = (reconstruction.as_printed(tables["odds"], tables["gaps"], column=c) for c in ("q", "se_value"))
    assert q.xs("original", level="arm").isna().all(axis=None)
    row = tables["odds"].set_index(["attribute", "arm", "metric"]).loc[("sex", "unet", "eop")]
    assert q.loc[("sex", "grade", "unet"), "eop"] == row["q"]
    assert spread.loc[("sex", "grade", "original"), "eop"] == row["se_baseline"] > 0


def test_changes_have_no_degraded_arm_and_the_slides_names(tables):
    table = reconstruction.changes_of(tables["odds"], "eop")
    assert set(table["arm"]) == {"unet"} and set(table["metric"]) == {"eop"}
    assert list(table["row"]) == ["sex: grade", "age: grade"]


def test_printed_changes_are_arm_minus_original():
    slides = pd.read_csv(PUBLISHED / "04_reconstruction_bias.fairness.csv")
    table = reconstruction.printed_changes(slides, "eodd").set_index(["row", "arm"])["change"]
    assert table["race: Fracture", "unet"] == pytest.approx(0.440 - 0.479)
    assert table["age: type", "pix2pix"] == pytest.approx(0.238 - 0.419)
    assert set(table.index.get_level_values("arm")) == set(ARMS[1:])


def test_quoted_values_are_those_of_the_tables(tables):
    table = performance({"low": 40.0, "middle": 36.0, "high": 31.0})
    values = reconstruction.quoted(*ABOUT, table, **tables, level="low")
    assert (values["outcome"], values["pair"]["first"]) == ("the Dice of the tumour", "F")
    ends = {"low": -0.03, "high": -0.01, "low90": -0.028, "high90": -0.012}
    assert values["brief"]["change"] == {"estimate": -0.02, **ends, "n": 80}
    harm = tables["harm"].set_index(["attribute", "arm"]).loc[("sex", "unet")]
    assert values["brief"]["harm"]["estimate"] == harm["difference"]
    assert values["brief"]["harm"]["n"] == harm["n"] + harm["n_against"] == 80
    assert values["noise"] == {"estimate": 9, "low": 7, "high": 11, "n": 80}
    odds = tables["odds"]
    change = odds[(odds["attribute"] == "sex") & (odds["arm"] == "unet") & (odds["metric"] == "eodd")]["change"]
    assert values["odds"]["sex"]["eodd"]["unet"] == pytest.approx(change.abs().mean())
    assert set(values["gaps"]["dice ser"]) == {"sex", "age"}
    row = tables["gaps"].set_index(["attribute", "arm", "metric"]).loc[("sex", "unet", "ser")]
    parts = {"value": row["value"], "estimate": row["change"], "low": row["low"], "high": row["high"], "n": 80}
    assert values["gaps"]["dice ser"]["sex"]["unet"] == parts
    delta = values["gaps"]["dice delta"]["sex"]["unet"]  # the change that a claim is about
    assert delta["low"] <= delta["low90"] < delta["high90"] <= delta["high"]
    assert not [name for name, value in flatten(values).items() if isinstance(value, float) and np.isnan(value)]


def test_one_level_says_nothing_about_noise(tables):
    values = reconstruction.quoted(*ABOUT, performance({"middle": 36.0}), **tables, level="middle")
    assert values["noise"] is None


# The published tables, against the text of the slides

TARGETS = {"Tumor Grade": "grade", "Tumor Type": "type", "Segmentation": "segmentation"}
TARGETS |= {"EC": "Enlarged Cardiomediastinum"}
HEADINGS = {"U-Net": "unet", "Pix2Pix": "pix2pix", "SDE": "sde"}
NUMBER = r"\d+(?:\.\d+)?"


def rows_of(text: str) -> list[tuple[str, list[str]]]:
    """Lines of numbers behind tabs: what stands before them, and the numbers."""
    found = re.findall(rf"^(?:AUROC)?\t?([A-Z][\w ]+)((?:\t+{NUMBER})+)$", text, re.M)
    return [(name, re.findall(NUMBER, numbers)) for name, numbers in found]


def printed_fairness(text: str) -> dict[tuple[str, str, str, str], str]:
    table, start = {}, 0
    for end in re.finditer(r"^Fairness results for attribute (\w+)$", text, re.M):
        part, start = text[start : end.start()], end.end()
        for name, numbers in rows_of(part):
            names = ("ser", "delta") if name == "Segmentation" else ("eodd", "eop")
            places = [(arm, metric) for arm in ARMS for metric in names]
            for place, number in zip(places, numbers, strict=True):
                table[end[1], TARGETS.get(name, name), *place] = number
    return table


def printed_performance(text: str) -> dict[tuple[str, str, str, str], str]:
    table = {}
    for part in re.split(r"^Metrics\t\tBaseline\t", text, flags=re.M)[1:]:
        arm = HEADINGS[part.split()[0]]
        for name, numbers in rows_of(part):
            kinds = ["none", "reweighting", "eodd", "adversarial"]
            cells = [("original", "none"), *((arm, kind) for kind in kinds)][-len(numbers) :]
            for (who, kind), number in zip(cells, numbers, strict=True):
                table[TARGETS.get(name, name), who, kind, len(numbers) == 5, "Tumor" in part] = number
    return table


def test_published_fairness_is_that_of_the_slides(slides):
    ours = pd.read_csv(PUBLISHED / "04_reconstruction_bias.fairness.csv", dtype=str)
    ours = ours.set_index(["attribute", "target", "arm", "metric"])["value"].to_dict()
    assert len(ours) == (2 * 15 + 12) * 8 and ours == printed_fairness(slides)


def test_published_psnr_gaps_are_those_of_the_slides(slides):
    ours = pd.read_csv(PUBLISHED / "04_reconstruction_bias.psnr.csv", dtype=str)
    wide = ours.pivot_table(index=["dataset", "attribute"], columns="arm", aggfunc="first", sort=False)
    named = {"Age": "age", "Gender": "sex", "Race": "race"}
    part = slides.partition("Low PSNR Difference")[2].partition("Maximum difference")[0]
    printed = [(named[name], numbers) for name, numbers in rows_of(part)]
    assert len(printed) == len(wide) == 5
    for (attribute, numbers), ((_, own), row) in zip(printed, wide.iterrows(), strict=True):
        assert own == attribute
        assert [row[what, arm] for arm in ARMS[1:] for what in ("percent", "p")] == numbers


def test_published_performance_is_that_of_the_slides(slides):
    """Twelve values drawn by lot, each looked up where its own table stands."""
    ours = pd.read_csv(PUBLISHED / "04_reconstruction_bias.performance.csv", dtype=str)
    printed = printed_performance(slides)
    for row in ours[ours["metric"] == "auroc"].sample(12, random_state=4).itertuples():
        assert printed[row.target, row.arm, row.mitigation, True, row.dataset == "ucsf-pdgm"] == row.value
