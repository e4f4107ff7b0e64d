"""Worlds in which a reconstruction is fair, or cannot be: each is read, and hits are told from false alarms."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from helpers import learn, paths, stats
from helpers.errors import InputError
from helpers.keep import plans
from helpers.studies import reconstruction
from helpers.studies.reconstruction import worlds

TARGETS = [f"finding {k}" for k in range(4)]


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Networks of two steps, and data in a folder that goes away."""
    for dataset in learn.RESTORATION_DATASETS:
        short = {
            part: {**given, "steps": 2} for part, given in learn.RESTORATION_OPTIMISATION["small"][dataset].items()
        }
        monkeypatch.setitem(learn.RESTORATION_OPTIMISATION["small"], dataset, short)
    monkeypatch.setattr(paths, "data", lambda: tmp_path)


@pytest.mark.parametrize(
    "datasets", [["ucsf-pdgm"], pytest.param([*learn.RESTORATION_DATASETS], marks=pytest.mark.slow)]
)
def test_both_worlds_of_a_data_set_are_read_and_kept(datasets, quick, tmp_path, monkeypatch):
    options = {"keep": tmp_path / "kept", "patients": dict.fromkeys(datasets, 60), "n_boot": 50}
    options |= {"device": "cpu", "progress": False}
    plan = plans.grid(dataset=datasets, world=["fair", "unfair"], seed=[4])
    found = plans.repeat(reconstruction.read_world, plan, **options)
    assert list(zip(found["dataset"], found["world"], strict=True)) == [
        (dataset, world) for dataset in datasets for world in ("fair", "unfair")
    ]
    assert found["cells"].tolist() == [{"ucsf-pdgm": 4, "chexpert": 24}[dataset] for dataset in found["dataset"]]
    assert found["alarms"].between(0, found["cells"]).all()
    assert (found["low"] < found["estimate"]).all() and (found["estimate"] < found["high"]).all()
    assert set(found["status"]) <= {"women lose more", "men lose more", "not shown"}
    assert (found["n_women"] + found["n_men"]).between(20, 28).all()
    monkeypatch.setattr(worlds, "simulated", None)  # not called again
    pd.testing.assert_frame_equal(plans.repeat(reconstruction.read_world, plan, **options), found)


def studied(*, patients: int, seed: int, loss: float) -> learn.Measured:
    """Two images a patient, alike but for sign and noise; in women the arm has that much more noise."""
    rng = np.random.default_rng(seed)
    sex = np.repeat(np.where(np.arange(patients) % 2, "F", "M"), 2)
    labels = np.repeat((rng.random((patients, len(TARGETS))) < 0.4).astype(float), 2, axis=0)
    signal = 2 * labels + rng.standard_normal(labels.shape)
    noise = rng.standard_normal(labels.shape) * (0.3 + loss * (sex == "F"))[:, None]
    cases = pd.DataFrame(labels, columns=TARGETS)
    cases = cases.assign(patient_id=np.repeat(np.arange(patients), 2), sex=sex, split="test")
    arms = {"original": signal, "unet": signal + noise}
    given = {arm: pd.DataFrame(expit(values), columns=TARGETS) for arm, values in arms.items()}
    return learn.Measured(cases, {}, given)


ASKED = {"targets": TARGETS, "arm": "unet", "attribute": "sex", "n_boot": 300, "seed": 0}


def test_the_mean_of_the_findings_is_that_of_the_test_of_each():
    made = studied(patients=120, seed=1, loss=0.5)
    found = reconstruction.harm_in_mean_auroc(made, **ASKED)
    of_each = stats.harm_in_auroc(
        made.cases[TARGETS],
        made.probabilities,
        attributes=made.cases[["sex"]],
        patient=made.cases["patient_id"],
    )
    assert (of_each["group"] == "M").all()  # the same sign
    assert found["estimate"] == pytest.approx(of_each["difference"].mean())
    # Findings were drawn apart from each other, so that here their variances add.
    se = np.sqrt((of_each["se"] ** 2).sum()) / len(TARGETS)
    assert (found["high"] - found["low"]) / (2 * 1.96) == pytest.approx(se, rel=0.25)


def test_who_loses_more_has_the_sign():
    lost = reconstruction.harm_in_mean_auroc(studied(patients=120, seed=2, loss=3.0), **ASKED)
    assert lost["estimate"] > 0 and lost["p"] < 0.001
    assert worlds._status(**lost) == "women lose more"
    assert worlds._status(estimate=-0.1, p=0.049) == "men lose more"
    assert worlds._status(estimate=-0.1, p=0.05) == worlds._status(estimate=0.1, p=np.nan) == "not shown"


def test_two_groups_and_three_targets_are_needed():
    made = studied(patients=20, seed=3, loss=0.0)
    with pytest.raises(InputError, match="2 groups and 2 targets"):
        reconstruction.harm_in_mean_auroc(made, **ASKED | {"targets": TARGETS[:2]})
    men = made.cases.assign(sex="M")
    with pytest.raises(InputError, match="1 groups"):
        reconstruction.harm_in_mean_auroc(made._replace(cases=men), **ASKED)


@pytest.mark.parametrize("n", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_the_test_keeps_its_level_without_networks(n):
    found = reconstruction.level_of_test(n, patients=80, n_boot=100, seed=0)
    assert found["n"] == n and found["low"] < 0.05 < found["high"]
    if n < 10:
        assert reconstruction.level_of_test(n, patients=80, n_boot=100, seed=0, workers=2) == found


def test_hits_are_told_from_false_alarms():
    named = {
        ("chexpert", "fair"): [("women lose more", 0), ("men lose more", 3), ("not shown", 1), ("not shown", 1)],
        ("chexpert", "unfair"): [("women lose more", 0), ("men lose more", 0), ("women lose more", 9)],
        ("ucsf-pdgm", "fair"): [("not shown", 0)],
    }
    flat = [(*key, status, alarms) for key, found in named.items() for status, alarms in found]
    table = reconstruction.hits(pd.DataFrame(flat, columns=["dataset", "world", "status", "alarms"]))
    rates = table.set_index(["dataset", "world", "rule"])["rate"].unstack()
    assert rates["signed"].to_dict() == pytest.approx(
        {("chexpert", "fair"): 0.5, ("chexpert", "unfair"): 2 / 3, ("ucsf-pdgm", "fair"): 0}
    )
    assert rates["published"].to_dict() == pytest.approx(
        {("chexpert", "fair"): 0.75, ("chexpert", "unfair"): 1 / 3, ("ucsf-pdgm", "fair"): 0}
    )
    assert table["at_work"].tolist() == [False, False, True, True, False, False]
    assert table["n"].tolist() == [4, 4, 3, 3, 1, 1]
    assert (table["low"] <= table["rate"]).all() and (table["rate"] <= table["high"]).all()


@pytest.mark.parametrize(
    ("asked", "words"),
    [(("mimic", "fair"), "dataset: must be .*, got 'mimic'"), (("chexpert", "odd"), "world: must be fair or unfair")],
)
def test_unknown_names_are_refused(asked, words):
    with pytest.raises(InputError, match=words):
        reconstruction.read_world(*asked, patients={}, seed=0)
