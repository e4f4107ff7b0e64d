"""Repeated runs of three trainings: contrasts by hand, intervals that hold in many worlds, causes as planted."""

import gc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from helpers import audit
from helpers.audit.representation import _parts
from helpers.audit.runs import RunMeans
from helpers.errors import InputError

GROUPS = {"a": "light", "b": "dark"}
USUAL = {"score": "nmse", **GROUPS}
SHARES = {"same": [0.5, 0.3, 0.2], "other": [0.1, 0.3, 0.6]}  # of three conditions
MIX = 0.8  # by how much mean conditions differ where shares do: 1.5 - 0.7
WORLDS = 100


def world(
    seed=0, *, runs=6, pool=40, tested=15, represented=0.0, tone=0.0, harder=0.0, mix="same", image_sd=0.1, run_sd=0.03
) -> pd.DataFrame:
    """Runs that test images of one pool. Added to the error: `represented` in a group that was not trained on, `tone`
    in the dark, `harder` in each next condition; the images, and the networks in each group, vary by chance."""
    rng = np.random.default_rng(seed)
    dark = np.repeat([False, True], pool)
    label = np.concatenate([rng.choice(3, pool, p=SHARES[name]) for name in ("same", mix)])
    level = rng.normal(1, image_sd, 2 * pool) + tone * dark + harder * label
    image = np.array([rng.permutation(pool)[:tested] + pool * side for _ in range(runs) for side in (0, 1)])
    image = image.reshape(runs, 1, -1)  # (runs, 1, images)
    absent = np.stack([dark[image[:, 0]], np.zeros((runs, 2 * tested), bool), ~dark[image[:, 0]]], axis=1)
    shift = np.repeat(rng.normal(0, run_sd, (runs, 3, 2)), tested, axis=2)
    error = level[image] + represented * absent + shift + rng.normal(0, 0.03, (runs, 3, 2 * tested))
    run, training, tested_image = np.broadcast_arrays(
        np.arange(runs)[:, None, None], np.array(audit.TRAININGS)[:, None], image
    )
    keys = {"run": run.ravel(), "training": training.ravel(), "image": tested_image.ravel()}
    frame = pd.DataFrame(keys | {"nmse": error.ravel()})
    group, condition = np.where(dark, "dark", "light"), np.array(["mild", "plain", "severe"])[label]
    return frame.assign(group=group[frame["image"]], label=condition[frame["image"]])


def at_most(n: int, chance: float) -> int:
    """So many of n things of that chance happen, or fewer, but for one time in a thousand."""
    return int(stats.binom.ppf(0.999, n, chance))


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
    found = audit.representation_effects(by_hand(), **USUAL, n_boot=50)
    expected = {"effect on dark": 5, "effect on light": 3, "balanced gap": 3, "best-case gap": 2, "worst-case gap": 4}
    assert found["estimate"].to_dict() == pytest.approx(expected)
    assert (found[["runs", "n_light", "n_dark"]] == [3, 2, 2]).all(axis=None)
    # By runs: -1, 0 and 1 times an eighth of the cell of the dark that stands in the contrast.
    assert found.loc["worst-case gap", "runs_high"] == pytest.approx(4 + stats.t.ppf(0.975, 2) * 1 / np.sqrt(3))
    slope = {"effect on dark": 5, "balanced gap": 5, "best-case gap": 3}
    for name, dark in slope.items():
        half = stats.t.ppf(0.975, 2) * dark / 8 / np.sqrt(3)
        assert found.loc[name, "runs_low"] == pytest.approx(expected[name] - half)
    assert found.loc["effect on light", "runs_low"] == found.loc["effect on light", "runs_high"] == pytest.approx(3)
    np.testing.assert_allclose(found["p_runs"], 2 / 2**3)
    again, other = (audit.representation_effects(by_hand(), **USUAL, n_boot=50, seed=seed) for seed in (0, 1))
    assert again.equals(found) and other["estimate"].equals(found["estimate"]) and not other.equals(found)


def test_intervals_over_runs_are_those_of_scipy():
    rows = world(3)
    found = audit.representation_effects(rows, **USUAL, n_boot=50).loc["balanced gap"]
    means = rows[rows["training"] == "B"].groupby(["run", "group"])["nmse"].mean().unstack()
    gaps = means["dark"] - means["light"]
    ends = stats.ttest_1samp(gaps, 0).confidence_interval()
    assert (found["runs_low"], found["runs_high"]) == pytest.approx(tuple(ends))
    assert found["p_runs"] == pytest.approx(stats.wilcoxon(gaps, method="exact").pvalue)


def test_means_of_cells_are_those_of_the_rows():
    rows = world(4)
    crossed = RunMeans(rows, score="nmse", group="group", groups=("light", "dark"), stratum="label")
    strata = list(rows["label"].unique())

    def direct(part: pd.DataFrame) -> np.ndarray:
        means = part.groupby(["training", "group", "label"])["nmse"].mean()
        return np.array([[[means[t, g, s] for s in strata] for g in ("light", "dark")] for t in audit.TRAININGS])

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
        keys = pd.MultiIndex.from_product([range(25), range(6), audit.TRAININGS], names=["image", "run", "training"])
        light = pd.DataFrame({"nmse": error}, index=keys).reset_index().assign(group="light")
        rows = pd.concat([light, light.assign(image=light["image"] + 25, nmse=0.0, group="dark")])
        means, _ = RunMeans(rows, score="nmse", group="group", groups=("light", "dark")).drawn(4000, seed=1)
        assert means[:, 1, 0, 0].std() == pytest.approx(sd, rel=0.07)


# -- intervals hold in many worlds


@pytest.fixture(scope="module")
def worlds() -> list[pd.DataFrame]:
    """Effects of 100 worlds whose runs share a small pool; no gap is planted, but an effect of 0.05 on both groups."""
    return [
        audit.representation_effects(
            world(seed, runs=20, pool=20, tested=10, represented=0.05, run_sd=0.02), **USUAL, n_boot=300, seed=seed
        )
        for seed in range(WORLDS)
    ]


@pytest.mark.parametrize(
    ("name", "truth"),
    [("effect on dark", 0.05), ("effect on light", 0.05), *((f"{case} gap", 0) for case in ("balanced", "best-case"))],
)
def test_intervals_over_images_and_runs_hold_the_truth(worlds, name, truth):
    rows = pd.DataFrame([found.loc[name] for found in worlds])
    missed = WORLDS - rows["low"].le(truth).mul(rows["high"].ge(truth)).sum()
    assert missed <= at_most(WORLDS, 0.05)
    # Drawing both factors may count the noise of an image in a run three times, not more.
    wide = (rows["high"] - rows["low"]).mean() / (2 * stats.norm.ppf(0.975) * rows["estimate"].std())
    assert 0.8 < wide < np.sqrt(3) * 1.2


@pytest.mark.parametrize("name", ["balanced gap", "best-case gap"])
def test_runs_alone_take_the_chance_of_the_pool_for_a_gap(worlds, name):
    rows = pd.DataFrame([found.loc[name] for found in worlds])
    by_runs = ((rows["runs_low"] > 0) | (rows["runs_high"] < 0)).sum()
    assert by_runs > 2 * at_most(WORLDS, 0.05) and (rows["p_runs"] < 0.05).sum() > 2 * at_most(WORLDS, 0.05)
    assert ((rows["low"] > 0) | (rows["high"] < 0)).sum() <= at_most(WORLDS, 0.05)


def test_runs_that_vary_widen_the_interval():
    quiet, loud = (audit.representation_effects(world(2, run_sd=sd), **USUAL, n_boot=300) for sd in (0.0, 0.3))
    assert ((loud["high"] - loud["low"]) > 2 * (quiet["high"] - quiet["low"])).all()


# -- equal conditions


def test_the_parts_of_the_gap_add_up_and_are_those_of_a_hand_calculation():
    rows = world(5, tone=0.05, harder=0.1, mix="other")
    found = audit.at_equal_conditions(rows, **USUAL, training="C", at_least=1, n_boot=50)
    part = rows[rows["training"] == "C"]
    means = part.groupby(["label", "group"])["nmse"].mean().unstack()
    shares = part.groupby("group")["label"].value_counts(normalize=True).unstack().T
    whole = part.groupby("group")["nmse"].mean()
    equal = (shares.mean(axis=1) * (means["dark"] - means["light"])).sum()
    mix = (means.mean(axis=1) * (shares["dark"] - shares["light"])).sum()
    assert list(found.index) == ["gap", "at equal conditions", "made by the mix"]
    assert found["estimate"].to_list() == pytest.approx([whole["dark"] - whole["light"], equal, mix])
    assert whole["dark"] - whole["light"] == pytest.approx(equal + mix)
    sizes = rows.groupby("group")["image"].nunique()
    assert (found[["n_light", "n_dark", "conditions"]] == [sizes["light"], sizes["dark"], 3]).all(axis=None)


def test_intervals_of_the_parts_hold_the_truth():
    """As published runs are: labels are harder to give back, and more of the dark have such labels."""
    truth = pd.Series({"gap": 0.05 + 0.1 * MIX, "at equal conditions": 0.05, "made by the mix": 0.1 * MIX})
    missed = pd.Series(0, index=truth.index)
    for seed in range(WORLDS):
        rows = world(seed, pool=60, tested=20, tone=0.05, harder=0.1, mix="other")
        found = audit.at_equal_conditions(rows, **USUAL, at_least=1, n_boot=300, seed=seed)
        missed += (found["low"] > truth) | (found["high"] < truth)
    assert (missed <= at_most(WORLDS, 0.05)).all(), missed


def test_conditions_that_one_group_lacks_are_left_out():
    rows = world(6)
    rare = rows["image"].isin(rows.loc[rows["group"] == "light", "image"].unique()[:7])
    rows.loc[rare, ["label", "nmse"]] = ["only light", 9.0]
    unlabelled = rows["image"].isin(rows.loc[rows["group"] == "dark", "image"].unique()[:4])
    rows["label"] = rows["label"].mask(unlabelled)
    found = audit.at_equal_conditions(rows, **USUAL, at_least=3, n_boot=100)
    without = audit.at_equal_conditions(rows[~rare & ~unlabelled], **USUAL, at_least=3, n_boot=100)
    pd.testing.assert_frame_equal(found, without)
    sizes = rows.groupby("group")["image"].nunique()
    expected = {"light": 1 - 7 / sizes["light"], "dark": 1 - 4 / sizes["dark"]}
    assert found.attrs["share"] == pytest.approx(expected) and without.attrs["share"] == {"light": 1, "dark": 1}
    assert set(audit.by_condition(rows, **USUAL, at_least=3)["condition"]) == {"mild", "plain", "severe"}


def test_a_replicate_leaves_out_the_conditions_that_it_lacks_in_a_group():
    means, counts = np.random.default_rng(0).random((1, 3, 2, 4)), np.arange(1, 25.0).reshape(1, 3, 2, 4)
    less = [0, 2]
    expected = _parts((means[..., less], counts[..., less]), 1)
    counts[:, :, 0, 1] = counts[:, :, 1, 3] = 0
    found = _parts((np.where(counts > 0, means, np.nan), counts), 1)
    assert {name: value.item() for name, value in found.items()} == pytest.approx(
        {name: value.item() for name, value in expected.items()}
    )


def test_where_nothing_is_left_out_the_gap_is_the_balanced_gap_with_its_interval():
    """Also the pseudo-values of runs are then the values of the runs."""
    rows = world(14, pool=100, tested=60, harder=0.1, run_sd=0.1)
    options = {**USUAL, "n_boot": 400, "seed": 2}
    plain = audit.representation_effects(rows, **options).loc["balanced gap", ["estimate", "low", "high"]]
    parts = audit.at_equal_conditions(rows, **options, at_least=1)
    assert parts.loc["gap", ["estimate", "low", "high"]].to_list() == pytest.approx(plain.to_list())
    one = audit.at_equal_conditions(rows.assign(label="one"), **options)
    for name in ("gap", "at equal conditions"):
        assert one.loc[name, ["estimate", "low", "high"]].to_list() == pytest.approx(plain.to_list())
    assert (one.loc["made by the mix", ["estimate", "low", "high"]] == 0).all()


def test_a_condition_of_one_image_may_be_missing_from_a_replicate():
    rows = world(7)
    for group in ("light", "dark"):
        rows.loc[rows["image"] == rows.loc[rows["group"] == group, "image"].iloc[0], "label"] = "rare"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = audit.at_equal_conditions(rows, **USUAL, at_least=1, n_boot=100)
    assert (found["conditions"] == 4).all() and np.isfinite(found).all(axis=None)


def test_by_condition_counts_images_and_means_rows():
    rows = world(8, harder=0.3)
    found = audit.by_condition(rows, **USUAL, at_least=8).set_index(["condition", "training"])
    images = rows.drop_duplicates("image").groupby(["label", "group"]).size().unstack()
    kept = images[(images >= 8).all(axis=1)]
    assert 0 < len(kept) < 3 and len(found) == 3 * len(kept)
    for (condition, training), row in found.iterrows():
        part = rows[(rows["label"] == condition) & (rows["training"] == training)]
        for group in ("light", "dark"):
            assert row[group] == pytest.approx(part.loc[part["group"] == group, "nmse"].mean())
            assert row[f"n_{group}"] == images.loc[condition, group]


# -- causes

PLANTED = {
    "representation": {"represented": 0.15},
    "tone": {"tone": 0.2},
    "condition": {"harder": 0.4, "mix": "other"},
}


@pytest.fixture
def quick_corrections():
    """A correction for many tests by statsmodels collects garbage, which takes longer the more is loaded."""
    gc.freeze()
    yield
    gc.unfreeze()


def causes(seed: int, **planted) -> pd.DataFrame:
    return audit.gap_causes(
        world(seed, runs=8, pool=120, tested=50, **planted), **USUAL, at_least=1, n_boot=300, seed=seed
    )


@pytest.mark.usefixtures("quick_corrections")
@pytest.mark.parametrize("cause", PLANTED)
def test_the_planted_cause_is_named(cause):
    found = [causes(seed, **PLANTED[cause]) for seed in range(8)]
    assert all(frame.loc[cause, "status"] == "yes" for frame in found)
    # Beside it two others, corrected for three.
    assert sum(audit.gap_verdict(frame) != cause for frame in found) <= at_most(8, 0.05)
    assert all(list(frame.index) == list(PLANTED) for frame in found)
    turned = causes(0, **{name: -v if isinstance(v, float) else v for name, v in PLANTED[cause].items()})
    assert turned.loc[cause, "status"] == "opposite" and cause not in audit.gap_verdict(turned)


def test_two_causes_are_both_named():
    found = causes(1, represented=0.15, tone=0.2)
    assert audit.gap_verdict(found) == "representation and tone"
    assert (found["p_holm"] >= found["p"]).all()


@pytest.mark.usefixtures("quick_corrections")
def test_without_a_cause_something_is_named_in_5_percent_of_worlds_at_most():
    """Labels are harder to give back, but neither group has more of the hard ones."""
    n = 60
    found = [causes(seed, harder=0.1) for seed in range(n)]
    assert sum((frame["status"] != "not shown").any() for frame in found) <= at_most(n, 0.05)
    assert all(audit.gap_verdict(frame) == "none" for frame in found if (frame["status"] == "not shown").all())
    for frame in found:
        p = frame["p"].sort_values(kind="stable")
        holm = (p * [3, 2, 1]).cummax().clip(upper=1)
        pd.testing.assert_series_equal(frame["p_holm"], holm[frame.index], check_names=False)
        assert ((frame["p_holm"] < 0.05) == (frame["status"] != "not shown")).all()


# -- warning signs


def test_a_perfect_sign_warns_perfectly():
    rows = world(9)
    rows["sign"], rows["side"] = 3 * rows["nmse"] - 1, (rows["group"] == "dark").astype(float)
    found = audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS, n_boot=20).set_index("measure")
    for measure in ("rank correlation", "AUROC, largest quarter of errors"):
        assert found.loc[measure, ["estimate", "low", "high"]].to_numpy(float) == pytest.approx(1)
    by_group = audit.warning_sign(rows, error="nmse", sign="side", **GROUPS, n_boot=20)
    assert (by_group.loc[by_group["measure"] == "AUROC, dark", "estimate"] == 1).all()
    against = audit.warning_sign(rows.assign(sign=-rows["nmse"]), error="nmse", sign="sign", **GROUPS, n_boot=20)
    worst = against.set_index("measure")["estimate"]
    assert (
        worst["rank correlation"].to_numpy() == pytest.approx(-1)
        and (worst["AUROC, largest quarter of errors"] == 0).all()
    )


def test_a_random_sign_does_not_warn():
    rows, runs, tested = world(10, runs=8), 8, 30
    rows["sign"] = np.random.default_rng(1).normal(size=len(rows))
    found = audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS)
    for _, row in found.iterrows():
        if row["measure"] == "rank correlation":
            null, error = 0, np.sqrt(1 / (tested - 1) / runs)
        else:
            hits = 8 if "quarter" in row["measure"] else 15
            null, error = 0.5, np.sqrt((tested + 1) / (12 * hits * (tested - hits)) / runs)
        assert abs(row["estimate"] - null) < 4 * error
        assert row["high"] - row["low"] > error
    null = found["measure"].ne("rank correlation") / 2
    assert ((found["low"] > null) | (found["high"] < null)).sum() <= at_most(len(found), 0.05)
    assert found["runs"].eq(runs).all() and found["n_images"].eq(rows["image"].nunique()).all()


def test_measures_are_those_of_scikit_learn_and_scipy_with_ties():
    rows = world(11)
    rows["sign"] = (rows["nmse"] + np.random.default_rng(2).normal(0, 0.1, len(rows))).round(1)
    found = audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS, n_boot=20)
    found = found.set_index(["training", "measure"])["estimate"]
    for training, part in rows.groupby("training"):
        direct = []
        for _, p in part.groupby("run"):
            large = p["nmse"] >= p["nmse"].quantile(0.75)
            ranks = stats.spearmanr(p["nmse"], p["sign"]).statistic
            direct.append((ranks, roc_auc_score(large, p["sign"]), roc_auc_score(p["group"] == "dark", p["sign"])))
        assert found[training].to_list() == pytest.approx(np.mean(direct, axis=0).tolist())


def test_intervals_of_a_sign_are_those_of_other_images():
    """Where all runs are alike; by the placements of DeLong et al."""
    rng, n = np.random.default_rng(5), 60
    group = np.repeat(["light", "dark"], n // 2)
    images = pd.DataFrame({"image": range(n), "group": group, "nmse": rng.random(n), "sign": rng.normal(size=n)})
    images["sign"] += group == "dark"
    rows = images.merge(pd.DataFrame({"run": range(4)}), "cross").merge(
        pd.DataFrame({"training": list("ABC")}), "cross"
    )
    found = audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS, n_boot=400).set_index("measure")
    direct = np.array(audit.rank_biserial_interval(images["sign"], groups=images["group"], **GROUPS))
    area = found.loc["AUROC, dark"]
    assert area["estimate"].to_list() == pytest.approx([(1 + direct[0]) / 2] * 3)
    assert (area["high"] - area["low"]).to_list() == pytest.approx([(direct[2] - direct[1]) / 2] * 3, rel=0.15)


def test_intervals_of_a_sign_are_those_of_other_runs():
    """Every second run turns the sign, so that what varies is which runs there are."""
    rows = world(15, runs=8)
    rows["sign"] = rows["nmse"] * np.where(rows["run"] % 2, -1, 1)
    found = audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS).set_index("measure").loc["rank correlation"]
    half = stats.t.ppf(0.975, 7) * np.std([1, -1] * 4, ddof=1) / np.sqrt(8)
    assert found["estimate"].to_numpy() == pytest.approx(0)
    np.testing.assert_allclose((found["high"] - found["low"]) / 2, half, rtol=0.2)


def test_intervals_of_a_sign_stay_where_its_measures_can_be():
    rows = world(12, runs=3, tested=10)
    rows["sign"] = rows["nmse"] + np.random.default_rng(3).normal(0, 0.02 * (1 + 4 * rows["run"]))
    found = audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS).set_index("measure")
    assert found["high"].max() == 1 and (found["low"] <= found["estimate"]).all()
    lowest = audit.warning_sign(rows.assign(sign=-rows["sign"]), error="nmse", sign="sign", **GROUPS)
    assert lowest["low"].min() >= -1 and lowest.loc[lowest["measure"] != "rank correlation", "low"].min() == 0


def test_a_replicate_may_draw_no_image_of_a_small_run():
    rows = world(13, runs=3, pool=100, tested=2)
    rows["sign"] = np.random.default_rng(4).normal(size=len(rows))
    found = audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS)
    assert np.isfinite(found[["low", "high"]]).all(axis=None)


# -- a mixed model


def balanced(seed=0, *, runs=6, conditions=5, each=3, run_sd=0.3) -> pd.DataFrame:
    """As many rows in every cell of run, condition and group."""
    rng = np.random.default_rng(seed)
    shape = (runs, conditions, 2, each)
    run, condition, side, _ = (axis.ravel() for axis in np.indices(shape))
    error = 0.15 * side + rng.normal(0, run_sd, runs)[run] + rng.normal(0, 0.5, conditions)[condition]
    frame = pd.DataFrame({"run": run, "label": condition, "nmse": error + rng.normal(0, 0.2, len(run))})
    return frame.assign(training="B", group=np.where(side, "dark", "light"))


def test_mixed_gap_of_a_balanced_design_is_that_of_its_analysis_of_variance():
    """There, restricted maximum likelihood gives what the mean squares give, where these are above 0."""
    rows = balanced()
    other = rows.assign(training="C", nmse=rows["nmse"] + 5 * (rows["group"] == "dark"))
    found = audit.mixed_gap(pd.concat([rows, other, rows.assign(group="unknown", nmse=9.0)]), **USUAL)
    squares = anova_lm(ols("nmse ~ C(run) + C(label) + C(group)", rows).fit())["mean_sq"]
    rest, means = squares["Residual"], rows.groupby("group")["nmse"].mean()
    half = stats.norm.ppf(0.975) * np.sqrt(rest * 4 / len(rows))
    gap = means["dark"] - means["light"]
    assert (found["estimate"], found["low"], found["high"]) == pytest.approx((gap, gap - half, gap + half), rel=1e-3)
    assert found["p"] == pytest.approx(2 * stats.norm.sf(gap / half * stats.norm.ppf(0.975)), rel=0.01)
    assert found["sd_rest"] == pytest.approx(np.sqrt(rest), rel=1e-3)
    assert found["sd_run"] == pytest.approx(np.sqrt((squares["C(run)"] - rest) / 30), rel=1e-3)
    assert found["sd_condition"] == pytest.approx(np.sqrt((squares["C(label)"] - rest) / 36), rel=1e-3)
    assert (found["n"], found["note"]) == (180, "")
    scaled = audit.mixed_gap(rows.assign(nmse=1000 * rows["nmse"]), **USUAL)
    assert scaled["low"] == pytest.approx(1000 * found["low"], rel=1e-3)
    turned = audit.mixed_gap(rows, score="nmse", a="dark", b="light")
    assert turned["estimate"] == pytest.approx(-found["estimate"], rel=1e-3)


def test_mixed_gap_notes_that_runs_do_not_vary():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = audit.mixed_gap(balanced(1, run_sd=0.0), **USUAL)
    assert "boundary" in found["note"] and "failed to converge" not in found["note"]
    assert found["sd_run"] < 0.01 and found["sd_condition"] > 0.1


# -- bad input


def without(**values):
    """Rows but those that have all the values."""
    return lambda rows: rows[~np.logical_and.reduce([rows[name] == value for name, value in values.items()])]


ROWS = {
    "no column": (lambda rows: rows.drop(columns="image"), "column image: not in the frame"),
    "no group": (without(group="dark"), "column group: no row is 'dark'"),
    "no training": (without(training="B"), "column training: no row is 'B'"),
    "another training": (lambda r: r.assign(training=r["training"].where(r.index > 0, "D")), "'D' is none of A, B, C"),
    "a training is missing": (lambda r: r.assign(training=r["training"].where(r.index > 0)), "1 rows have no training"),
    "a run is missing": (lambda r: r.assign(run=r["run"].where(r.index > 1)), "2 rows have no run"),
    "an image is missing": (lambda r: r.assign(image=r["image"].where(r.index > 0)), "1 rows have no image"),
    "NaN": (lambda rows: rows.assign(nmse=rows["nmse"].where(rows.index > 0)), "column nmse: 1 of 540 values are NaN"),
    "text": (lambda rows: rows.assign(nmse="low"), "column nmse: not numbers"),
    "twice": (lambda rows: pd.concat([rows, rows.head(1)]), "an image is there twice"),
    "two runs": (lambda rows: rows[rows["run"] < 2], r"2 run\(s\), at least 3"),
    "two groups": (
        lambda rows: rows.assign(group=np.where(rows.index == 0, "dark", rows["group"])),
        "an image has two groups",
    ),
    "not finished": (without(run=5, training="C"), "by some of its trainings, not by all three"),
    "one group in a run": (without(run=4, group="light"), "run 4 has no image of one of the groups"),
}


def said(act, words) -> None:
    with pytest.raises(InputError, match=words) as raised:
        act()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("function", [audit.representation_effects, audit.gap_causes])
def test_bad_rows_are_one_clear_error(case, function):
    change, words = ROWS[case]
    said(lambda: function(change(world()), **USUAL, n_boot=20), words)


def constant(column: str):
    return lambda rows: rows.assign(**{column: rows[column].mask(rows["run"] == 0, 1.0)})


SIGNS = {
    "no column": (lambda rows: rows.drop(columns="sign"), "column sign: not in the frame"),
    "NaN": (lambda rows: rows.assign(sign=rows["sign"].where(rows.index > 0)), "column sign: 1 of 540 values"),
    "constant sign": (constant("sign"), "training A: a run's nmse or sign is the same"),
    "constant error": (constant("nmse"), "training A: a run's nmse or sign is the same"),
    "one group in a run": (without(run=4, group="light"), "or it tests one group alone"),
}


@pytest.mark.parametrize("case", SIGNS)
def test_bad_signs_are_one_clear_error(case):
    change, words = SIGNS[case]
    rows = change(world().assign(sign=np.random.default_rng(0).normal(size=540)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said(lambda: audit.warning_sign(rows, error="nmse", sign="sign", **GROUPS, n_boot=20), words)


def test_a_sign_may_lack_in_rows_of_other_groups():
    rows = world().assign(sign=np.random.default_rng(0).normal(size=540))
    others = rows.assign(group="unknown", image=rows["image"] + 1000, sign=np.nan)
    options = {"error": "nmse", "sign": "sign", **GROUPS, "n_boot": 20}
    pd.testing.assert_frame_equal(
        audit.warning_sign(pd.concat([rows, others]), **options), audit.warning_sign(rows, **options)
    )


OTHERS = {
    "group twice": (
        lambda: audit.representation_effects(world(), score="nmse", a="dark", b="dark"),
        "two groups are needed, got 'dark' twice",
    ),
    "too few of all conditions": (
        lambda: audit.at_equal_conditions(world(), **USUAL, at_least=50),
        "column label: no condition has 50 images in both groups",
    ),
    "no such condition": (
        lambda: audit.gap_causes(world(), **USUAL, condition="age"),
        "column age: not in the frame",
    ),
    "no such training": (
        lambda: audit.at_equal_conditions(world(), **USUAL, training="D"),
        "training: 'D' is none. Choose from A, B, C",
    ),
    "two conditions": (
        lambda: audit.at_equal_conditions(
            world().assign(label=world()["label"].where(world()["run"] > 0, "mild")), **USUAL
        ),
        "an image has two groups or conditions",
    ),
    "NaN by condition": (
        lambda: audit.by_condition(world().assign(nmse=np.nan), **USUAL),
        "column nmse: .* values are NaN",
    ),
    "no column by condition": (
        lambda: audit.by_condition(world().drop(columns="run"), **USUAL),
        "column run: not in the frame",
    ),
    "mixed, no column": (lambda: audit.mixed_gap(balanced().drop(columns="label"), **USUAL), "column label: not in"),
    "mixed, one run": (lambda: audit.mixed_gap(balanced(runs=1), **USUAL), r"column run, training B: 1 different"),
    "mixed, one condition": (lambda: audit.mixed_gap(balanced(conditions=1), **USUAL), "column label, training B: 1"),
    "mixed, one group": (
        lambda: audit.mixed_gap(balanced().query("group == 'dark'"), **USUAL),
        "column group, training B: 1 different",
    ),
    "mixed, no such training": (lambda: audit.mixed_gap(balanced(), **USUAL, training="A"), "training A: 0 different"),
    "mixed, NaN": (
        lambda: audit.mixed_gap(balanced().assign(nmse=np.inf), **USUAL),
        "column nmse: 180 of 180 values are NaN or infinite",
    ),
    "mixed, constant": (lambda: audit.mixed_gap(balanced().assign(nmse=0.5), **USUAL), "all values are 0.5"),
    "mixed, no condition": (
        lambda: audit.mixed_gap(balanced().assign(label=balanced()["label"].where(balanced().index > 2)), **USUAL),
        "column label: 3 rows have none",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_bad_input_is_one_clear_error(case):
    said(*OTHERS[case])


def test_means_of_each_group_by_each_training():
    rows = world(16)
    found = audit.run_means(rows, **USUAL, n_boot=200).set_index(["training", "group"])
    expected = rows.groupby(["training", "group"])["nmse"].mean()
    assert found["estimate"].to_dict() == pytest.approx(expected.to_dict())
    assert found["n"].to_dict() == rows.groupby(["training", "group"])["image"].nunique().to_dict()
    assert ((found["low"] < found["estimate"]) & (found["estimate"] < found["high"])).all()
