"""Simulated brains with a glioma: the layout is the real one, and each argument plants its difference alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import datasets
from helpers.datasets.ucsf_pdgm import layout, population, rendering
from helpers.errors import InputError

SHAPE, N = (32, 32, 8), 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("brains")


def make(folder: Path, n: int = N, **options) -> Path:
    return datasets.simulate_brain_tumours(n, **({"seed": 1, "shape": SHAPE, "folder": folder} | options))


def drawn(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / datasets.CASES)


def volumes(root: Path, name: str) -> np.ndarray:
    """All exams' volumes of a kind, shape (n, x, y, z), in the order of the drawn cases."""
    files = [root / layout.IMAGES / f"{exam}_nifti" / f"{exam}_{name}.nii.gz" for exam in drawn(root)["exam"]]
    return np.stack([np.asarray(nib.load(file).dataobj) for file in files])


# The layout


def test_folder_has_the_real_layout(folder):
    root = make(folder, follow_ups=3)
    table, cases = pd.read_csv(root / layout.TABLE, dtype=str), drawn(root)
    assert tuple(table) == layout.COLUMNS and len(table) == N + 3 == len(cases)
    assert table["ID"].str.fullmatch(r"UCSF-PDGM-\d{3}(_FU\d{3}d)?").all()
    assert table["ID"].str.contains("_FU").sum() == 3
    base = cases["exam"].str.split("_").str[0]
    assert base.nunique() == N and set(base[N:]) < set(base[:N])
    numbers = base[:N].str[-4:].astype(int).to_numpy()
    assert (numbers >= population.FIRST_ID).all() and set(np.diff(numbers)) == {1, 2}
    places = sorted(p.name for p in (root / layout.IMAGES).iterdir())
    assert places == sorted(cases["exam"] + "_nifti")
    assert all(re.fullmatch(r"UCSF-PDGM-\d{4}(_FU\d{3}d)?_nifti", name) for name in places)
    for exam in cases["exam"]:
        names = {p.name for p in (root / layout.IMAGES / f"{exam}_nifti").iterdir()}
        assert names == {f"{exam}_{k}.nii.gz" for k in ("FLAIR", "tumor_segmentation", "brain_segmentation")}


def test_no_number_is_that_of_a_real_patient():
    assert population.FIRST_ID > 541


def test_images_are_brains_with_a_tumour(folder):
    root = make(folder)
    flair, labels, inside = (volumes(root, name) for name in (layout.FLAIR, layout.SEGMENTATION, layout.BRAIN))
    assert flair.shape == labels.shape == inside.shape == (N + 1, *SHAPE)
    assert set(np.unique(labels)) == {0, 1, 2, 4} and set(np.unique(inside)) == {0, 1}
    assert (flair[inside == 0] == 0).all() and (labels[inside == 0] == 0).all()
    cases = drawn(root)
    for image, label, brains, grade in zip(flair, labels, inside, cases["grade"], strict=True):
        assert (label == 1).any() and (label == 2).any() and (label == 4).any() == (grade == 4)
        healthy = image[(brains == 1) & (label == 0)]
        assert image[label == 2].mean() > healthy.mean() + 100
        assert 0.002 < (label > 0).sum() / brains.sum() < 0.4


def test_a_follow_up_shows_the_same_brain_with_a_grown_tumour(folder):
    root = make(folder, follow_ups=4)
    cases, inside, labels = drawn(root), volumes(root, layout.BRAIN), volumes(root, layout.SEGMENTATION)
    for i in range(N, N + 4):
        first = int(cases.loc[i, "patient"])
        assert (inside[i] == inside[first]).all() and (labels[i] > 0).sum() > (labels[first] > 0).sum()


def test_shares_are_those_of_the_real_table():
    arguments = {"n": 4000, "seed": 0, "follow_ups": 0, "unknown_share": 0.1, "group": "sex"}
    arguments |= {"shares": list(population.SHARES), "planted": {"prevalence": 0.0}}
    cases = population.draw(arguments)
    shares = cases["grade"].value_counts(normalize=True)
    assert [shares[g] for g in (2, 3, 4)] == pytest.approx(population.SHARES, abs=0.02)
    assert (cases["diagnosis"] == layout.GLIOBLASTOMA).mean() == pytest.approx(374 / 501, abs=0.02)
    assert (cases["sex"] == "F").mean() == pytest.approx(202 / 501, abs=0.03)
    assert set(cases.loc[cases["diagnosis"] == layout.GLIOBLASTOMA, "grade"]) == {4}
    table = population.table(cases, arguments)
    assert (table["Age at MRI"] == layout.UNKNOWN).mean() == pytest.approx(0.1, abs=0.02)
    known = table["WHO CNS Grade"] != layout.UNKNOWN
    assert (table["WHO CNS Grade"][known] == cases["grade"].astype(str)[known]).all()


# What is planted


@pytest.fixture(scope="module")
def worlds(folder) -> dict[str, Path]:
    planted = {"anatomy": 1.0, "acquisition": 1.0, "prevalence": 5.0, "detail": 1.0}
    return {"none": make(folder)} | {name: make(folder, **{name: value}) for name, value in planted.items()}


def test_only_the_group_changes_and_only_as_planted(worlds):
    cases, before = drawn(worlds["none"]), volumes(worlds["none"], layout.FLAIR)
    group = (cases["in_group"] == 1).to_numpy()
    assert group.tolist() == (cases["sex"] == "F").tolist() and 0 < group.sum() < N
    labels = volumes(worlds["none"], layout.SEGMENTATION)
    for name in ("anatomy", "acquisition", "detail"):
        pd.testing.assert_frame_equal(drawn(worlds[name]), cases)
        after = volumes(worlds[name], layout.FLAIR)
        assert (after[~group] == before[~group]).all()
        assert all((a != b).any() for a, b in zip(after[group], before[group], strict=True))
        if name != "anatomy":
            assert (volumes(worlds[name], layout.SEGMENTATION) == labels).all()
    after = drawn(worlds["prevalence"])
    rest = ["exam", "sex", "age", "in_group"]
    pd.testing.assert_frame_equal(after[rest], cases[rest])
    assert (after["grade"][group] >= cases["grade"][group]).all()
    assert (after["grade"][~group] <= cases["grade"][~group]).all()
    same = (after["grade"] == cases["grade"]).to_numpy()
    assert (volumes(worlds["prevalence"], layout.FLAIR)[same] == before[same]).all() and not same.all()


def test_anatomy_widens_ventricles_and_acquisition_adds_noise():
    def draw(**options) -> rendering.Brain:
        options = {"shape": SHAPE, "grade": 4, "glioblastoma": True} | options
        return rendering.anatomy(np.random.default_rng(5), **options)

    plain, old = draw(), draw(atrophy=1.0)
    assert old.fluid.sum() > 1.5 * plain.fluid.sum() and (old.inside == plain.inside).all()
    quiet, noisy = (rendering.render(np.random.default_rng(6), plain, acquisition=a) for a in (0.0, 1.0))
    difference = (noisy - quiet)[plain.inside] / 1000
    assert difference.std() == pytest.approx(rendering.NOISE[1] - rendering.NOISE[0], rel=0.1)


def test_prevalence_is_the_log_of_the_odds_ratio():
    shares = population.grade4_shares([0.3, 0.2, 0.5], 1.2)
    odds = [share / (1 - share) for share in shares]
    assert np.log(odds[0] / odds[1]) == pytest.approx(1.2)
    assert population.grade4_shares([0.1, 0.1, 0.8], 0.0) == pytest.approx((0.8, 0.8))


def low_pass(image: np.ndarray, share: float) -> np.ndarray:
    """Slices without the frequencies above a share of the finest."""
    rows, columns = np.meshgrid(*(2 * np.fft.fftfreq(n) for n in image.shape[:2]), indexing="ij")
    kept = np.hypot(rows, columns)[:, :, None] < share
    return np.fft.ifft2(np.fft.fft2(image, axes=(0, 1)) * kept, axes=(0, 1)).real


def test_texture_has_even_energy_and_high_frequencies_alone():
    for lines in (False, True):
        field = rendering.texture(np.random.default_rng(0), (64, 64, 8), lines=lines)
        assert abs(field.mean()) < 0.01 and (field**2).mean() == pytest.approx(1, abs=0.05)
        blocks = (field**2).reshape(4, 16, 4, 16, 8).mean(axis=(1, 3))
        assert blocks.min() > 0.8 and blocks.max() < 1.25
        assert (low_pass(field, 0.45) ** 2).mean() < 0.03


def test_detail_moves_the_energy_of_the_tumour_out_of_low_frequencies():
    drawn = rendering.anatomy(np.random.default_rng(3), shape=(64, 64, 16), grade=2, glioblastoma=False)
    nobody = drawn._replace(core=0 * drawn.core, rim=0 * drawn.rim, edema=0 * drawn.edema)
    base = rendering.render(np.random.default_rng(4), nobody).astype(float)
    inside = drawn.labels > 0
    energy, low = {}, {}
    for detail in (0.0, 0.5, 1.0):
        tumour = rendering.render(np.random.default_rng(4), drawn, detail=detail) - base
        energy[detail] = (tumour[inside] ** 2).mean()
        low[detail] = (low_pass(tumour, 0.4)[inside] ** 2).mean()
    assert energy[0.5] == pytest.approx(energy[0.0], rel=0.15) and energy[1.0] == pytest.approx(energy[0.0], rel=0.15)
    assert low[0.0] > 0.8 * energy[0.0] and low[1.0] < 0.1 * energy[1.0]
    assert low[0.5] == pytest.approx(low[0.0] / 2, rel=0.2)


def grade_statistic(root: Path) -> tuple[pd.DataFrame, pd.Series]:
    """How much of the energy of high frequencies in the tumour runs along one axis, and drawn cases."""
    found = []
    for image, label in zip(volumes(root, layout.FLAIR), volumes(root, layout.SEGMENTATION), strict=True):
        steps = [
            np.diff(image.astype(float), 2, axis=a)[label.take(range(1, label.shape[a] - 1), a) > 0] for a in (0, 1)
        ]
        found.append(np.log((steps[0] ** 2).mean() / (steps[1] ** 2).mean()))
    return drawn(root), pd.Series(found)


def test_fine_texture_tells_the_grade_in_the_group_alone(folder):
    root = make(folder, 30, shape=(48, 48, 8), detail=1.0, shares=(0.3, 0.2, 0.5))
    cases, statistic = grade_statistic(root)
    high = cases["grade"] == 4
    for member, auc in ((1, (0.95, 1.0)), (0, (0.0, 0.9))):
        rows = cases["in_group"] == member
        u = stats.mannwhitneyu(statistic[rows & high], statistic[rows & ~high]).statistic
        assert auc[0] <= u / ((rows & high).sum() * (rows & ~high).sum()) <= auc[1]


def test_groups_of_age_are_those_older_than_the_cut(folder):
    root = make(folder, group="age", detail=0.5)
    cases, truth = drawn(root), json.loads((root / "truth.json").read_text())
    assert ((cases["age"] > 58) == (cases["in_group"] == 1)).all()
    assert (truth["attribute"], truth["group"], truth["others"]) == ("age", ">58", "<=58")
    assert (truth["groups"][">58"]["detail"], truth["groups"]["<=58"]["detail"]) == (0.5, 0.0)


# The folder as a whole


def test_result_depends_on_the_seed_and_not_on_workers(folder, tmp_path):
    first, again = make(folder, 4), make(tmp_path, 4, workers=2)
    assert first.name == again.name and make(folder, 4) == first  # found again
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert all((volumes(first, k) == volumes(again, k)).all() for k in (layout.FLAIR, layout.SEGMENTATION))
    assert (first / layout.TABLE).read_bytes() == (again / layout.TABLE).read_bytes()
    other = make(folder, 4, seed=2)
    assert other != first and not np.array_equal(volumes(other, layout.FLAIR), volumes(first, layout.FLAIR))


def test_worlds_plant_detail_or_nothing():
    assert not any(datasets.BRAIN_WORLDS["fair"].values())
    assert {k: v for k, v in datasets.BRAIN_WORLDS["unfair"].items() if v} == {"detail": 1.0}


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"n": 0}, "n"),
        ({"n": 4001}, "n"),
        ({"seed": -1}, "seed"),
        ({"shape": (64, 64)}, "shape"),
        ({"shape": (8, 64, 16)}, "shape"),
        ({"follow_ups": N + 1}, "follow_ups"),
        ({"follow_ups": True}, "follow_ups"),
        ({"unknown_share": 0.6}, "unknown_share"),
        ({"shares": (0.5, 0.5)}, "shares"),
        ({"shares": (0.5, 0.5, 0.0)}, "shares"),
        ({"shares": "all"}, "shares"),
        ({"detail": 1.1}, "detail"),
        ({"anatomy": -0.1}, "anatomy"),
        ({"acquisition": "much"}, "acquisition"),
        ({"prevalence": np.nan}, "prevalence"),
        ({"group": "race"}, "group"),
        ({"workers": 0}, "workers"),
    ],
)
def test_arguments_out_of_range_are_refused(folder, options, where):
    with pytest.raises(InputError) as error:
        make(folder, **options)
    assert error.value.where == where
