"""Formula models agree with statsmodels, count what they drop, and see through a confounder."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from helpers import stats
from helpers.errors import InputError


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


def test_mixed_model(frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.mixedlm("score ~ age", frame, groups=frame["source"] + "/" + frame["site"]).fit()
    ours = stats.mixed_slope(frame, score="score", on="age", cluster=["source", "site"])
    assert (ours.estimate, ours.p) == pytest.approx((theirs.params["age"], theirs.pvalues["age"]), rel=1e-6)
    assert "12 source/site" in ours.model


def test_a_mixed_model_has_its_interval_and_counts_rows_without_a_cluster(frame):
    holes = frame.assign(site=frame["site"].where(frame.index > 6))
    kept = holes[holes.index > 6]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.mixedlm("score ~ age + volume", kept, groups=kept["source"]).fit()
    ours = stats.mixed_slope(kept, score="score", on="age", cluster="source", adjust=["volume"])
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.conf_int().loc["age"]), rel=1e-6)
    assert (ours.estimate, ours.intercept) == pytest.approx(
        (theirs.params["age"], theirs.params["Intercept"]), rel=1e-6
    )
    narrow = stats.mixed_slope(kept, score="score", on="age", cluster="source", adjust=["volume"], level=0.5)
    assert (narrow.low, narrow.high) == pytest.approx(tuple(theirs.conf_int(0.5).loc["age"]), rel=1e-6)
    assert (ours.n, ours.dropped, ours.term) == (393, 0, "age")
    assert np.isnan(ours.r2)
    both = stats.mixed_slope(holes, score="score", on="age", cluster=["source", "site"])
    assert (both.n, both.dropped) == (393, 7)


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
