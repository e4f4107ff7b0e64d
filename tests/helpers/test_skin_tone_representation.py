"""Repeated runs of three trainings: contrasts by hand, and intervals that hold in many worlds."""

import numpy as np
import pandas as pd
import pytest
import scipy

from helpers import stats
from helpers.stats.runs import RunMeans
from helpers.studies import skin_tone
from tests.helpers.repeats import USUAL, at_most, world

WORLDS = 100


# -- contrasts

CELLS = {("light", "A"): 1, ("light", "B"): 2, ("light", "C"): 4, ("dark", "A"): 8, ("dark", "B"): 5, ("dark", "C"): 3}


def by_hand() -> pd.DataFrame:
    """Three runs; in each, two images of either group have the mean of `CELLS`, and more in the dark in later runs."""
    rows = [
        (
            run,
            training,
            f"{group} {k}",
            group,
            mean + (0.25, -0.25)[k] + (group == "dark") * (run - 1) * CELLS[cell] / 8,
        )
        for run in range(3)
        for cell, mean in CELLS.items()
        for group, training in [cell]
        for k in range(2)
    ]
    return pd.DataFrame(rows, columns=["run", "training", "image", "group", "nmse"])


def test_contrasts_are_those_of_a_hand_calculation():
    found = skin_tone.representation_effects(by_hand(), **USUAL, n_boot=50)
    expected = {"effect on dark": 5, "effect on light": 3, "balanced gap": 3, "best-case gap": 2, "worst-case gap": 4}
    assert found["estimate"].to_dict() == pytest.approx(expected)
    assert (found[["runs", "n_light", "n_dark"]] == [3, 2, 2]).all(axis=None)
    # By runs: -1, 0 and 1 times an eighth of the cell of the dark that stands in the contrast.
    assert found.loc["worst-case gap", "runs_high"] == pytest.approx(4 + scipy.stats.t.ppf(0.975, 2) * 1 / np.sqrt(3))
    slope = {"effect on dark": 5, "balanced gap": 5, "best-case gap": 3}
    for name, dark in slope.items():
        half = scipy.stats.t.ppf(0.975, 2) * dark / 8 / np.sqrt(3)
        assert found.loc[name, "runs_low"] == pytest.approx(expected[name] - half)
    assert found.loc["effect on light", "runs_low"] == found.loc["effect on light", "runs_high"] == pytest.approx(3)
    np.testing.assert_allclose(found["p_runs"], 2 / 2**3)
    again, other = (skin_tone.representation_effects(by_hand(), **USUAL, n_boot=50, seed=seed) for seed in (0, 1))
    assert again.equals(found) and other["estimate"].equals(found["estimate"]) and not other.equals(found)


def test_intervals_over_runs_are_those_of_scipy():
    rows = world(3)
    found = skin_tone.representation_effects(rows, **USUAL, n_boot=50).loc["balanced gap"]
    means = rows[rows["training"] == "B"].groupby(["run", "group"])["nmse"].mean().unstack()
    gaps = means["dark"] - means["light"]
    ends = scipy.stats.ttest_1samp(gaps, 0).confidence_interval()
    assert (found["runs_low"], found["runs_high"]) == pytest.approx(tuple(ends))
    assert found["p_runs"] == pytest.approx(scipy.stats.wilcoxon(gaps, method="exact").pvalue)


def test_means_of_cells_are_those_of_the_rows():
    rows = world(4)
    crossed = RunMeans(rows, score="nmse", group="group", groups=("light", "dark"), stratum="label")
    strata = list(rows["label"].unique())

    def direct(part: pd.DataFrame) -> np.ndarray:
        means = part.groupby(["training", "group", "label"])["nmse"].mean()
        return np.array([[[means[t, g, s] for s in strata] for g in ("light", "dark")] for t in stats.TRAININGS])

    np.testing.assert_allclose(crossed.observed()[0][0], direct(rows))
    for run, means in zip(crossed.runs, crossed.without_each_run()[0], strict=True):
        np.testing.assert_allclose(means, direct(rows[rows["run"] != run]))
    counts = rows.groupby("label").size()[strata]
    np.testing.assert_array_equal(crossed.observed()[1].sum(axis=(0, 1, 2)), counts)


def test_drawn_means_vary_as_those_of_images_and_of_runs():
    """Every run tests every image, so that each of the two has the variance of a mean of its own."""
    rng = np.random.default_rng(0)
    only_images, only_runs = rng.normal(size=50), rng.normal(size=6)
    for error, sd in (
        (np.repeat(only_images[:25], 18), only_images[:25].std() / 5),
        (np.tile(np.repeat(only_runs, 3), 25), only_runs.std(ddof=1) / np.sqrt(6)),
    ):
        keys = pd.MultiIndex.from_product([range(25), range(6), stats.TRAININGS], names=["image", "run", "training"])
        light = pd.DataFrame({"nmse": error}, index=keys).reset_index().assign(group="light")
        rows = pd.concat([light, light.assign(image=light["image"] + 25, nmse=0.0, group="dark")])
        means, _ = RunMeans(rows, score="nmse", group="group", groups=("light", "dark")).drawn(4000, seed=1)
        assert means[:, 1, 0, 0].std() == pytest.approx(sd, rel=0.07)


# -- intervals hold in many worlds


@pytest.fixture(scope="module")
def worlds() -> list[pd.DataFrame]:
    """Effects of 100 worlds whose runs share a small pool; no gap is planted, but an effect of 0.05 on both groups."""
    return [
        skin_tone.representation_effects(
            world(seed, runs=20, pool=20, tested=10, represented=0.05, run_sd=0.02), **USUAL, n_boot=300, seed=seed
        )
        for seed in range(WORLDS)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "truth"),
    [("effect on dark", 0.05), ("effect on light", 0.05), *((f"{case} gap", 0) for case in ("balanced", "best-case"))],
)
def test_intervals_over_images_and_runs_hold_the_truth(worlds, name, truth):
    rows = pd.DataFrame([found.loc[name] for found in worlds])
    missed = WORLDS - rows["low"].le(truth).mul(rows["high"].ge(truth)).sum()
    assert missed <= at_most(WORLDS, 0.05)
    # Drawing both factors may count the noise of an image in a run three times, not more.
    wide = (rows["high"] - rows["low"]).mean() / (2 * scipy.stats.norm.ppf(0.975) * rows["estimate"].std())
    assert 0.8 < wide < np.sqrt(3) * 1.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["balanced gap", "best-case gap"])
def test_runs_alone_take_the_chance_of_the_pool_for_a_gap(worlds, name):
    rows = pd.DataFrame([found.loc[name] for found in worlds])
    by_runs = ((rows["runs_low"] > 0) | (rows["runs_high"] < 0)).sum()
    assert by_runs > 2 * at_most(WORLDS, 0.05) and (rows["p_runs"] < 0.05).sum() > 2 * at_most(WORLDS, 0.05)
    assert ((rows["low"] > 0) | (rows["high"] < 0)).sum() <= at_most(WORLDS, 0.05)


def test_runs_that_vary_widen_the_interval():
    quiet, loud = (skin_tone.representation_effects(world(2, run_sd=sd), **USUAL, n_boot=300) for sd in (0.0, 0.3))
    assert ((loud["high"] - loud["low"]) > 2 * (quiet["high"] - quiet["low"])).all()


def test_means_of_each_group_by_each_training():
    rows = world(16)
    found = skin_tone.run_means(rows, **USUAL, n_boot=200).set_index(["training", "group"])
    expected = rows.groupby(["training", "group"])["nmse"].mean()
    assert found["estimate"].to_dict() == pytest.approx(expected.to_dict())
    assert found["n"].to_dict() == rows.groupby(["training", "group"])["image"].nunique().to_dict()
    assert ((found["low"] < found["estimate"]) & (found["estimate"] < found["high"])).all()
