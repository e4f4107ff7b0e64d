"""The simulated radiographs have the real layout, and differ between groups by what is planted alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import expit, logit

from helpers import datasets
from helpers.datasets.chexpert import layout, population, rendering
from helpers.errors import InputError

FINDINGS = list(layout.FINDINGS)
SIZE = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def plain(folder) -> Path:
    return datasets.simulate_chest_xrays(20, seed=4, size=SIZE, folder=folder)


def cases_of(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / datasets.CASES)


def images_of(root: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(root / path), float) for path in cases_of(root)[layout.PATH]])


def drawn(**options) -> tuple[pd.DataFrame, pd.DataFrame]:
    arguments = {"n_patients": 1500, "seed": 0, "group": ["sex", "F"], "planted": {"prevalence": 0.0}}
    arguments |= {"least_prevalence": 0.1, "label_noise": 0.05, "uncertain_share": 0.1, "blank_share": 0.4}
    return population.draw(arguments | options)


# The layout


def test_tables_are_like_the_real_ones(plain):
    tables = [pd.read_csv(plain / "CheXpert-v1.0-small" / name) for name in ("train.csv", "valid.csv")]
    for table, part in zip(tables, ("train", "valid"), strict=True):
        assert tuple(table) == layout.COLUMNS and len(layout.COLUMNS) == 19
        pattern = rf"CheXpert-v1.0-small/{part}/patient\d{{5}}/study\d/view\d_(frontal|lateral)\.jpg"
        assert table["Path"].str.fullmatch(pattern).all()
        assert all((plain / path).is_file() for path in table["Path"])
        assert set(table["Sex"]) <= {"Male", "Female"} and table["Age"].between(18, 90).all()
        assert table["AP/PA"].notna().equals(table["Frontal/Lateral"] == "Frontal")
    patients = [set(table["Path"].str.split("/").str[2]) for table in tables]
    assert len(patients[0]) == 20 and len(patients[1]) == 2 and not patients[0] & patients[1]
    assert set(tables[0][FINDINGS].stack().dropna()) == {-1, 0, 1} and tables[0][FINDINGS].isna().any().any()
    # Radiologists read the second table: no blank, nothing uncertain.
    assert set(tables[1][list(layout.LABELS)].stack()) <= {0, 1} and tables[1][FINDINGS].notna().all().all()


def test_images_are_grey_squares_with_several_studies_and_views(plain):
    cases = cases_of(plain)
    assert {Image.open(plain / path).mode for path in cases["Path"]} == {"L"}
    assert {Image.open(plain / path).size for path in cases["Path"]} == {(SIZE, SIZE)}
    assert cases["Path"].str.extract(r"(study\d)")[0].nunique() > 1 and set(cases["view"]) == {"frontal", "lateral"}


def test_demographics_have_one_row_a_patient(plain):
    sheet = pd.read_excel(plain / "CHEXPERT DEMO.xlsx")
    assert tuple(sheet) == layout.DEMOGRAPHIC_COLUMNS
    cases = cases_of(plain).drop_duplicates("patient_id").set_index("patient_id")
    assert set(sheet["PATIENT"]) == set(cases.index) and sheet["PATIENT"].is_unique
    assert (sheet["GENDER"].str[0] == cases.loc[sheet["PATIENT"], "sex"].to_numpy()).all()


def test_no_finding_stands_beside_no_other():
    _, images = drawn()
    recorded = images[[f"recorded {name}" for name in FINDINGS]].astype(float)
    nothing = images["recorded No Finding"].astype(float) == 1
    assert nothing.any() and (recorded[nothing].fillna(0) == 0).all().all()
    train = images["table"] == "train"
    assert (recorded[train & ~nothing].isin([1, -1])).any(axis=1).all()


def test_labels_err_and_are_blank_as_often_as_asked():
    _, images = drawn()
    images = images[images["table"] == "train"]
    recorded = images[[f"recorded {name}" for name in FINDINGS]].to_numpy(float)
    truth = images[FINDINGS].to_numpy(bool)
    assert abs((recorded == -1).mean() - 0.1) < 0.01
    certain = recorded != -1
    # A present finding is never blank but where the label errs, so errors show as 0 or blank.
    assert abs((recorded == 1)[truth & certain].mean() - 0.95) < 0.01
    assert abs((recorded == 1)[~truth & certain].mean() - 0.05) < 0.01
    absent = certain & (recorded != 1)
    assert abs(np.isnan(recorded)[absent].mean() - 0.4) < 0.01
    one, none = (drawn(label_noise=0.0, uncertain_share=0.0, blank_share=share)[1] for share in (0.0, 1.0))
    assert (one[[f"recorded {n}" for n in FINDINGS]].to_numpy(float) == one[FINDINGS].to_numpy(float)).all()
    assert none.loc[none["table"] == "train", [f"recorded {n}" for n in FINDINGS]].astype(float).ne(0).all().all()


def test_prevalences_follow(plain):
    arguments = {"planted": {"prevalence": 1.0}, "least_prevalence": 0.1}
    _, images = drawn(**arguments)
    shares = population.prevalences(arguments)
    for where, name in ((images["in_group"] == True, "group"), (images["in_group"] == False, "others")):  # noqa: E712
        seen = images.loc[where.to_numpy(bool), FINDINGS].mean()
        expected = pd.Series(shares[name])
        assert (seen - expected).abs().max() < 0.05
    assert shares["others"]["Fracture"] == 0.1 and shares["others"]["Lung Opacity"] == 0.47
    assert np.isclose(shares["group"]["Fracture"], expit(logit(0.1) + 1))
    assert json.loads((plain / "truth.json").read_text())["patients"] == "All patients are simulated."


# What is planted


@pytest.mark.parametrize("planted", ["anatomy", "acquisition", "prevalence", "detail"])
def test_only_the_group_is_touched(plain, folder, planted):
    options = {"acquisition": 0.1}
    other = datasets.simulate_chest_xrays(20, seed=4, size=SIZE, folder=folder, **{planted: options.get(planted, 1.0)})
    one, two = cases_of(plain), cases_of(other)
    group = (one["in_group"] == 1).to_numpy()
    drawn_columns = ["Path", "patient_id", "sex", "age", "race", "in_group", "view", "device"]
    pd.testing.assert_frame_equal(one[drawn_columns], two[drawn_columns])
    assert 0 < group.sum() < len(group) and (group == (one["sex"] == "F")).all()
    before, after = images_of(plain), images_of(other)
    assert (before[~group] == after[~group]).all()
    changed = (before != after).any(axis=(1, 2))
    shown = one[FINDINGS].any(axis=1).to_numpy()
    if planted == "detail":
        assert (changed == (group & shown)).all()
    elif planted == "prevalence":
        # Findings are added, and none goes.
        assert (two[FINDINGS] >= one[FINDINGS]).all().all() and (two[FINDINGS] > one[FINDINGS]).any().any()
        assert (changed == (two[FINDINGS] != one[FINDINGS]).any(axis=1)).all()
    else:
        assert changed[group].all()


@pytest.mark.parametrize("group", [("race", "Black"), ("age", ">62"), ("age", "<=62")])
def test_the_group_can_be_chosen(group):
    patients, _ = drawn(group=list(group))
    attribute, value = group
    expected = {"race": patients["race"] == "Black", "age": (patients["age"] > 62) == (value == ">62")}[attribute]
    assert (patients["in_group"] == expected).all() and expected.any() and not expected.all()


def test_anatomy_makes_lungs_smaller_and_acquisition_adds_noise(plain, folder):
    denser = datasets.simulate_chest_xrays(20, seed=4, size=SIZE, folder=folder, anatomy=1.0)
    noisier = datasets.simulate_chest_xrays(20, seed=4, size=SIZE, folder=folder, acquisition=0.1)
    group = (cases_of(plain)["in_group"] == 1).to_numpy()
    before = images_of(plain)[group] / 255
    assert ((images_of(denser)[group] / 255 - before).mean(axis=(1, 2)) > 0.01).all()
    added = images_of(noisier)[group] / 255 - before
    inside = (before > 0.3) & (before < 0.7)  # where nothing is cut off
    assert abs(added[inside].std() - 0.1) < 0.01 and abs(added[inside].mean()) < 0.01


# The signs


@pytest.fixture(scope="module")
def chest() -> rendering.Chest:
    return rendering.draw(np.random.default_rng(5), 64)


@pytest.mark.parametrize("lateral", [False, True])
@pytest.mark.parametrize("detail", [0.0, 1.0])
def test_every_finding_has_its_own_visible_sign(lateral, detail):
    chest = rendering.draw(np.random.default_rng(5), 64, lateral=lateral)
    none = np.zeros(12, bool)
    without = rendering.render(chest, none)
    fields = np.stack([rendering.render(chest, row, detail=detail) - without for row in np.eye(12, dtype=bool)])
    # Far above the noise, taken over the pixels it covers.
    assert (np.sqrt((fields**2).sum(axis=(1, 2))) > 10 * rendering.GRAIN).all()
    flat = fields.reshape(12, -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    likeness = np.abs(flat @ flat.T)[~np.eye(12, dtype=bool)]
    # From the side the lungs lie over each other, and haze in both is like an opacity in one.
    assert likeness.max() < (0.95 if lateral else 0.8)
    assert np.allclose(rendering.render(chest, ~none, detail=detail) - without, fields.sum(axis=0))


def fine_share(fields: np.ndarray) -> np.ndarray:
    """Share of each field's energy beyond half of the highest frequency of the pixels."""
    power = np.abs(np.fft.fft2(fields)) ** 2
    frequency = np.fft.fftfreq(fields.shape[-1])
    fine = np.hypot(*np.meshgrid(frequency, frequency)) > 0.25
    return power[:, fine].sum(axis=1) / power.sum(axis=(1, 2))


def test_detail_moves_energy_from_smooth_to_fine(chest):
    assert (fine_share(chest.signs) < 0.2).all() and (fine_share(chest.texture) > 0.8).all()
    without = rendering.render(chest, np.zeros(12, bool))
    for k, present in enumerate(np.eye(12, dtype=bool)):
        parts = [rendering.render(chest, present, detail=detail) - without for detail in (0.0, 0.5, 1.0)]
        energy = [float((part**2).sum()) for part in parts]
        assert np.isclose(energy[1], (energy[0] + energy[2]) / 2, rtol=0.1), layout.FINDINGS[k]


# Made once


def test_same_content_whatever_the_number_of_workers(tmp_path):
    one, two = (datasets.simulate_chest_xrays(2, size=SIZE, workers=k, folder=tmp_path / str(k)) for k in (1, 2))
    assert one.name == two.name
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file() and p.suffix != ".xlsx")
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file() and p.suffix != ".xlsx")
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


def test_made_once_and_anew_where_an_argument_differs(tmp_path):
    def make(**options):
        return datasets.simulate_chest_xrays(**{"n_patients": 1, "size": SIZE, "folder": tmp_path} | options)

    first = make()
    stamp = (first / "truth.json").stat().st_mtime_ns
    assert make() == first and (first / "truth.json").stat().st_mtime_ns == stamp
    others = ({"seed": 1}, {"size": 33}, {"detail": 0.5}, {"group": ("race", "Black")}, {"blank_share": 0.0})
    assert len({first, *(make(**o) for o in others)}) == 6


def test_worlds_name_arguments():
    assert datasets.CHEST_WORLDS == {"fair": {}, "unfair": {"detail": 1.0}}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"n_patients": 0}, "n_patients"),
        ({"seed": -1}, "seed"),
        ({"size": 16}, "size"),
        ({"size": 64.0}, "size"),
        ({"anatomy": 1.5}, "anatomy"),
        ({"acquisition": 0.3}, "acquisition"),
        ({"prevalence": "more"}, "prevalence"),
        ({"detail": np.nan}, "detail"),
        ({"group": ("sex", "female")}, "group"),
        ({"group": ("race", "Unknown")}, "group"),
        ({"group": ("age", "62")}, "group"),
        ({"group": "F"}, "group"),
        ({"group": (1, 2)}, "group"),
        ({"least_prevalence": 0.9}, "least_prevalence"),
        ({"label_noise": -0.1}, "label_noise"),
        ({"uncertain_share": 2}, "uncertain_share"),
        ({"blank_share": True}, "blank_share"),
        ({"workers": 0}, "workers"),
    ],
)
def test_bad_arguments_are_named(options, word, tmp_path):
    with pytest.raises(InputError, match=re.escape(word)) as caught:
        datasets.simulate_chest_xrays(**{"n_patients": 2} | options, folder=tmp_path)
    assert "\n" not in str(caught.value) and not any(tmp_path.iterdir())
