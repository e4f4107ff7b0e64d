"""Formula models agree with statsmodels, count what they drop, and see through a confounder."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy.stats import norm
from statsmodels.stats.anova import anova_lm

from helpers import stats
from helpers.errors import InputError
from helpers.stats.random_intercept import fit_crossed_intercepts, fit_random_intercept


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = 400
    source = rng.choice(["s", "t", "u"], n, p=[0.5, 0.3, 0.2])
    age = rng.normal(50, 10, n) + 8 * (source == "s")
    table = pd.DataFrame({"score": rng.normal(0.7, 0.1, n) + 0.1 * (source == "s") + 0.001 * age, "age": age})
    table["source"], table["site"] = source, rng.choice(["1", "2", "3", "4"], n)
    table["volume"] = rng.lognormal(2, 1, n)
    table["group"] = pd.cut(age, [0, 45, 60, 200], labels=["low", "mid", "high"])
    return table


def test_slope_is_statsmodels(frame):
    theirs = smf.ols("score ~ age + C(source)", frame).fit()
    ours = stats.slope(frame, score="score", on="age", adjust=["source"])
    assert (ours.estimate, ours.p, ours.r2) == pytest.approx(
        (theirs.params["age"], theirs.pvalues["age"], theirs.rsquared)
    )
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.conf_int().loc["age"]))
    robust = smf.ols("score ~ age + C(source)", frame).fit(cov_type="HC3", use_t=True)
    ours = stats.slope(frame, score="score", on="age", adjust=["source"], robust=True)
    assert ours.p == pytest.approx(robust.pvalues["age"])
    assert "HC3" in ours.model


def test_a_line_by_hand():
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 2.0, 2.0, 4.0]})
    found = stats.slope(frame, score="y", on="x")
    # slope 6 / 5; 0.8 of 8 is left over with two degrees of freedom
    error = np.sqrt(0.8 / 2 / 5)
    assert (found.estimate, found.intercept, found.r2) == pytest.approx((1.2, 0.2, 0.9))
    assert (found.low, found.high) == pytest.approx((1.2 - 4.302653 * error, 1.2 + 4.302653 * error), rel=1e-4)
    assert (found.n, found.dropped, found.term) == (4, 0, "x")
    narrow = stats.slope(frame, score="y", on="x", level=0.5)
    assert (narrow.high - narrow.low) / 2 == pytest.approx(0.816497 * error, rel=1e-5)


def test_adjusting_for_the_source_removes_its_part(frame):
    raw = stats.slope(frame, score="score", on="age")
    adjusted = stats.slope(frame, score="score", on="age", adjust=["source"])
    assert raw.estimate > 2 * adjusted.estimate
    assert adjusted.low < 0.001 < adjusted.high


def test_missing_values_are_dropped_and_counted(frame):
    holes = frame.assign(age=frame["age"].where(frame.index > 9))
    found = stats.slope(holes, score="score", on="age", adjust=["source"])
    assert (found.n, found.dropped) == (390, 10)
    nested = stats.nested_f(holes, score="score", base=["age"], added=["source"])
    assert nested.n == 390
    assert "10 rows" in nested.note


def test_nested_f_and_partial_eta2_are_type_two(frame):
    table = anova_lm(smf.ols("score ~ C(group) + C(source)", frame).fit(), typ=2)
    nested = stats.nested_f(frame, score="score", base=["group"], added=["source"])
    assert (nested.statistic, nested.p) == pytest.approx(tuple(table.loc["C(source)", ["F", "PR(>F)"]]))
    eta2 = table.loc["C(group)", "sum_sq"] / (table.loc["C(group)", "sum_sq"] + table.loc["Residual", "sum_sq"])
    assert stats.partial_eta2(frame, score="score", group="group", adjust=["source"]) == pytest.approx(eta2)


def test_nested_models_by_hand():
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 6.0], "group": list("aabb")})
    found = stats.nested_f(frame, score="y", base=[], added=["group"])
    # about one mean 14 are left, about two 5
    assert (found.statistic, found.effect) == (pytest.approx(9 / (5 / 2)), pytest.approx(9 / 14))
    assert (found.n, found.df1, found.df2, found.note) == (4, 1, 2, "")
    assert stats.partial_eta2(frame, score="y", group="group") == pytest.approx(9 / 14)


def test_as_many_terms_as_rows_are_refused():
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 6.0], "group": list("aabb"), "source": list("stst")})
    with pytest.raises(InputError, match="cannot distinguish the models"):
        stats.interaction(frame, score="y", group="group", source="source")


def test_the_table_of_an_interaction_holds_both_tests(frame):
    found = stats.interaction(frame, score="score", group="group", source="source")
    table = found.table()
    assert list(table.columns) == ["statistic", "df1", "df2", "p", "n", "note"]
    for row, test in zip(table.itertuples(), (found.term, found.overall), strict=True):
        assert (row.Index, row.statistic, row.df1, row.p) == (test.name, test.statistic, test.df1, test.p)
    assert found.term.name != found.overall.name
    assert (found.term.df1, found.overall.df1, found.term.df2) == (4, 8, 391)
    assert (table["note"] == "").all()
    assert (table["n"] == 400).all()


def test_an_interaction_with_a_number_has_no_cells(frame):
    found = stats.interaction(frame, score="score", group="age", source="source")
    fit = smf.ols("score ~ age * C(source)", frame).fit()
    assert found.term.p == pytest.approx(anova_lm(fit, typ=2).loc["age:C(source)", "PR(>F)"])
    assert found.term.note == ""


def test_interaction_gives_both_p(frame):
    fit = smf.ols("score ~ C(group) * C(source)", frame).fit()
    found = stats.interaction(frame, score="score", group="group", source="source")
    assert found.term.p == pytest.approx(anova_lm(fit, typ=2).loc["C(group):C(source)", "PR(>F)"])
    assert found.overall.p == pytest.approx(fit.f_pvalue)
    assert found.overall.p < 0.001 < found.term.p


def test_empty_cells_are_said_and_do_not_count(frame):
    holed = frame[~((frame["group"] == "high") & (frame["source"] == "u"))]
    found = stats.interaction(holed, score="score", group="group", source="source")
    assert found.term.df1 == 3  # four, less the empty cell
    assert "1 empty cell(s) of 9" in found.term.note


def test_adjusted_contrast(frame):
    fit = smf.ols("score ~ C(group, Treatment('mid')) + C(source)", frame).fit()
    ours = stats.adjusted_contrast(frame, score="score", group="group", a="mid", b="high", adjust=["source"])
    assert ours.estimate == pytest.approx(fit.params["C(group, Treatment('mid'))[T.high]"])
    plain = stats.adjusted_contrast(frame, score="score", group="group", a="low", b="high")
    assert plain.estimate == pytest.approx(stats.contrast(frame["score"], groups=frame["group"], a="low", b="high"))


def test_an_adjusted_contrast_has_the_interval_of_least_squares_unless_it_is_to_be_robust(frame):
    options = {"score": "score", "group": "group", "a": "mid", "b": "high", "adjust": ["source"]}
    model = smf.ols("score ~ C(group, Treatment('mid')) + C(source)", frame)
    term = "C(group, Treatment('mid'))[T.high]"
    for robust, fit in ((False, model.fit()), (True, model.fit(cov_type="HC3", use_t=True))):
        ours = stats.adjusted_contrast(frame, **options, **({"robust": True} if robust else {}))
        assert (ours.low, ours.high) == pytest.approx(tuple(fit.conf_int().loc[term]))
        assert ours.p == pytest.approx(fit.pvalues[term])
    narrow = stats.adjusted_contrast(frame, **options, level=0.5)
    assert (narrow.low, narrow.high) == pytest.approx(tuple(model.fit().conf_int(0.5).loc[term]))
    turned = stats.adjusted_contrast(frame, **(options | {"a": "high", "b": "mid"}))
    plain = stats.adjusted_contrast(frame, **options)
    assert turned.estimate == pytest.approx(-plain.estimate)
    assert (turned.low, turned.high) == pytest.approx((-plain.high, -plain.low))


def error_of(fit, cluster: pd.Series, term: str) -> float:
    """Standard error as lme4 gives it, from the variances of statsmodels.

    That of statsmodels is from the joint curvature with the variances, and is wrong where these are near 0.
    """
    x, same = fit.model.exog, np.equal.outer(*[cluster.to_numpy()] * 2)
    v = fit.scale * np.eye(len(x)) + float(fit.cov_re.iloc[0, 0]) * same
    covariance = np.linalg.inv(x.T @ np.linalg.solve(v, x))
    place = fit.model.exog_names.index(term)
    return float(np.sqrt(covariance[place, place]))


def test_mixed_model(frame):
    cluster = frame["source"] + "/" + frame["site"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.mixedlm("score ~ age", frame, groups=cluster).fit(method="powell")
    ours = stats.mixed_slope(frame, score="score", on="age", cluster=["source", "site"])
    assert ours.estimate == pytest.approx(theirs.params["age"], rel=1e-4)
    z = theirs.params["age"] / error_of(theirs, cluster, "age")
    assert ours.p == pytest.approx(2 * norm.sf(abs(z)), rel=1e-2)
    assert "12 source/site" in ours.model and ours.note == ""


def test_a_mixed_model_has_its_interval_and_counts_rows_without_a_cluster(frame):
    holes = frame.assign(site=frame["site"].where(frame.index > 6))
    kept = holes[holes.index > 6]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.mixedlm("score ~ age + volume", kept, groups=kept["source"]).fit(method="powell")
    slope, error = theirs.params["age"], error_of(theirs, kept["source"], "age")
    ours = stats.mixed_slope(kept, score="score", on="age", cluster="source", adjust=["volume"])
    assert (ours.low, ours.high) == pytest.approx((slope - 1.959964 * error, slope + 1.959964 * error), rel=1e-3)
    assert (ours.estimate, ours.intercept) == pytest.approx((slope, theirs.params["Intercept"]), rel=1e-4)
    narrow = stats.mixed_slope(kept, score="score", on="age", cluster="source", adjust=["volume"], level=0.5)
    assert (narrow.high - narrow.low) / 2 == pytest.approx(0.674490 * error, rel=1e-3)
    assert (ours.n, ours.dropped, ours.term) == (393, 0, "age")
    assert np.isnan(ours.r2)
    both = stats.mixed_slope(holes, score="score", on="age", cluster=["source", "site"])
    assert (both.n, both.dropped) == (393, 7)


def clustered(seed: int, *, sd: float = 0.0) -> pd.DataFrame:
    """Eight sites of 25 cases; x differs between sites, and y has no slope."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(8), 25)
    x = rng.normal(size=200) + 0.3 * site
    y = rng.normal(size=200)
    return pd.DataFrame({"y": y + sd * rng.normal(size=8)[site], "x": x, "site": site})


def test_without_variance_between_clusters_the_slope_is_that_of_least_squares():
    """statsmodels 0.15 gives -0.0582 here, the slope within sites, and says that it converged."""
    for seed, slope, error in ((6, -0.0317, 0.0585), (1, None, 0.0554)):
        frame = clustered(seed)
        ours = stats.mixed_slope(frame, score="y", on="x", cluster="site")
        plain = smf.ols("y ~ x", frame).fit()
        assert ours.estimate == pytest.approx(plain.params["x"]) and "no variance" in ours.note
        assert (ours.high - ours.low) / (2 * 1.959964) == pytest.approx(plain.bse["x"], rel=1e-6)
        assert slope is None or round(ours.estimate, 4) == slope
        assert plain.bse["x"] == pytest.approx(error, abs=1e-4)


def by_dense_matrices(frame: pd.DataFrame) -> tuple[float, float, float]:
    """Slope, standard error and deviance of REML with the covariance of all cases written out."""
    y, x = frame["y"].to_numpy(), np.column_stack([np.ones(len(frame)), frame["x"]])
    same = np.equal.outer(*[frame["site"].to_numpy()] * 2).astype(float)

    def solve(ratio: float) -> tuple[float, np.ndarray, np.ndarray]:
        inverse = np.linalg.inv(np.eye(len(y)) + ratio * same)
        inner = x.T @ inverse @ x
        params = np.linalg.solve(inner, x.T @ inverse @ y)
        left = (y - x @ params) @ inverse @ (y - x @ params)
        deviance = (len(y) - 2) * np.log(left) - np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(inner)[1]
        return deviance, params, left / (len(y) - 2) * np.linalg.inv(inner)

    ratios = np.concatenate([[0], np.geomspace(1e-4, 20, 400)])
    deviance, params, covariance = min((solve(ratio) for ratio in ratios), key=lambda found: found[0])
    return params[1], np.sqrt(covariance[1, 1]), deviance


@pytest.mark.parametrize("seed", range(60))
def test_the_mixed_slope_is_that_of_a_reml_profile(seed):
    frame = clustered(seed, sd=(0.0, 0.15, 0.6)[seed % 3]).iloc[np.random.default_rng(seed).permutation(200)[:60]]
    ours = stats.mixed_slope(frame, score="y", on="x", cluster="site")
    slope, error, _ = by_dense_matrices(frame)
    assert ours.estimate == pytest.approx(slope, abs=0.01 * error)
    assert (ours.high - ours.low) / (2 * 1.959964) == pytest.approx(error, rel=0.01)


def test_published_variances_of_the_dyestuff():
    """Yield of five samples of six batches; lme4's documentation prints 1764, 2451, 1527.5 and an error of 19.38."""
    batches = """1545 1440 1440 1520 1580  1540 1555 1490 1560 1495  1595 1550 1605 1510 1560
                 1445 1440 1595 1465 1545  1595 1630 1515 1635 1625  1520 1455 1450 1480 1445"""
    y, cluster = np.array(batches.split(), float), np.repeat(np.arange(6), 5)
    fit = fit_random_intercept(y, np.ones((30, 1)), cluster)
    assert (round(fit.between), round(fit.within)) == (1764, 2451)
    assert (fit.params[0], round(float(np.sqrt(fit.covariance[0, 0])), 2)) == (pytest.approx(1527.5), 19.38)


def crossed(seed: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Forty cases of five runs and four conditions, some of them missing; either factor may have no variance."""
    rng = np.random.default_rng(seed)
    run, condition = (code.ravel()[rng.permutation(60)[:40]] for code in np.indices((5, 4, 3))[:2])
    x = np.column_stack([np.ones(40), rng.random(40) < 0.5])
    sd = (0.0, 0.0), (1.0, 0.0), (0.0, 0.7), (0.5, 2.0)
    first, second = sd[seed % 4]
    return (
        rng.normal(size=40) + first * rng.normal(size=5)[run] + second * rng.normal(size=4)[condition],
        x,
        [run, condition],
    )


@pytest.mark.parametrize("seed", range(56))
def test_crossed_intercepts_are_the_optimum_of_dense_reml(seed):
    y, x, factors = crossed(seed)
    fit = fit_crossed_intercepts(y, x, factors)
    same = [np.equal.outer(code, code).astype(float) for code in factors]

    def dense(ratios) -> tuple[float, np.ndarray, np.ndarray]:
        inverse = np.linalg.inv(np.eye(40) + sum(ratio * part for ratio, part in zip(ratios, same, strict=True)))
        inner = x.T @ inverse @ x
        params = np.linalg.solve(inner, x.T @ inverse @ y)
        left = (y - x @ params) @ inverse @ (y - x @ params)
        deviance = 38 * np.log(left) - np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(inner)[1]
        return deviance, params, left / 38 * np.linalg.inv(inner)

    deviance, params, covariance = dense(fit.between / fit.within)
    grid = [0, *np.geomspace(1e-3, 30, 14)]
    assert deviance <= min(dense((a, b))[0] for a in grid for b in grid) + 1e-9
    steps = [
        dense(fit.between / fit.within * np.array(step))[0] for step in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99))
    ]
    assert deviance <= min(steps) + 1e-9
    assert fit.params == pytest.approx(params) and fit.covariance == pytest.approx(covariance)


def test_without_variance_of_any_factor_crossed_intercepts_are_least_squares():
    fits = [(fit_crossed_intercepts(*crossed(seed)), crossed(seed)) for seed in range(0, 56, 4)]
    flat = [(fit, y, x) for fit, (y, x, _) in fits if not fit.between.any()]
    assert len(flat) > 2
    for fit, y, x in flat:
        plain = sm.OLS(y, x).fit()
        assert fit.params == pytest.approx(plain.params) and np.sqrt(np.diag(fit.covariance)) == pytest.approx(
            plain.bse
        )


def test_formula_terms(frame):
    theirs = smf.ols("score ~ age + np.log(volume)", frame).fit()
    ours = stats.slope(frame, score="score", on="age", adjust=["np.log(volume)"])
    assert ours.p == pytest.approx(theirs.pvalues["age"])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda f: stats.slope(f, score="score", on="weight"), "column weight"),
        (lambda f: stats.slope(f, score="dice", on="age"), "column dice"),
        (lambda f: stats.slope(f, score="score", on="group"), "not numeric"),
        (lambda f: stats.slope(f.assign(score=f["score"].where(f.index > 2)), score="score", on="age"), "3 of 400"),
        (lambda f: stats.slope(f.assign(volume=0.0), score="score", on="age", adjust=["np.log(volume)"]), "logarithm"),
        (lambda f: stats.slope(f, score="score", on="age", adjust="source"), "Give a list"),
        (
            lambda f: stats.nested_f(f, score="score", base=["source"], added=["source"]),
            "cannot distinguish the models",
        ),
        (
            lambda f: stats.slope(f.assign(twin=2 * f["age"]), score="score", on="age", adjust=["twin"]),
            "cannot be separated",
        ),
        (
            lambda f: stats.adjusted_contrast(f, score="score", group="group", a="low", b="old"),
            "column group: must be .*, got 'old'",
        ),
        (lambda f: stats.mixed_slope(f.assign(source="s"), score="score", on="age", cluster="source"), "1 cluster"),
        (lambda f: stats.slope(f.assign(age=np.nan), score="score", on="age"), "model"),
    ],
)
def test_bad_models_are_said(frame, call, said):
    with pytest.raises(InputError, match=said):
        call(frame)


def test_a_constant_score_is_defined(frame):
    flat = stats.nested_f(frame.assign(score=0.5), score="score", base=["group"], added=["source"])
    assert (flat.statistic, flat.p) == (0, 1)
    assert (flat.n, flat.df1, flat.df2, flat.effect, flat.effect_name) == (400, 2, 395, 0, "partial eta2")
    found = stats.nested_f(frame, score="score", base=["group"], added=["source"])
    assert (flat.name, flat.effect_name) == (found.name, found.effect_name)
