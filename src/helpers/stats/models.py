"""Linear and mixed models: the effect of the group adjusted for possible confounders (source, tumour volume).

Terms are column names of the frame (text and categories enter as factors) or formula terms such as ``np.log(volume)``.
A row without a value that a model needs is left out of that model only, and counted.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats

from helpers.errors import InputError, check_choice
from helpers.stats.hypothesis import Test
from helpers.stats.inputs import check_scores, need_columns
from helpers.stats.random_intercept import fit_random_intercept


@dataclass(frozen=True)
class Effect:
    """One coefficient of a model: score per unit of the term, or per change of group.

    `r2` is that of the whole model (NaN for a mixed model), `dropped` the number of rows left out for a missing value.
    """

    term: str
    estimate: float
    low: float
    high: float
    p: float
    n: int
    dropped: int
    r2: float
    intercept: float
    model: str
    note: str = ""


@dataclass(frozen=True)
class Interaction:
    """Test of the interaction term, and the F-test of the whole model that contains it.

    They answer different questions: the second rejects if any term of the model has an effect.
    """

    term: Test
    overall: Test

    def table(self) -> pd.DataFrame:
        """Tabulate both tests, one row each."""
        rows = pd.DataFrame([asdict(self.term), asdict(self.overall)])
        return rows.set_index("name")[["statistic", "df1", "df2", "p", "n", "note"]]


def slope(
    frame: pd.DataFrame, *, score: str, on: str, adjust: Sequence[str] = (), robust: bool = False, level: float = 0.95
) -> Effect:
    """Fit the slope of the score on a continuous variable by ordinary least squares, adjusted for other terms.

    Parameters
    ----------
    score, on : str
        Columns; `on` must be numeric, and the estimate is the score per unit of `on`.
    adjust : sequence of str
        Further terms of the model.
    robust : bool
        HC3 standard errors, which do not assume equal variances (MacKinnon and White 1985).
    """
    if on in frame and not pd.api.types.is_numeric_dtype(frame[on]):
        raise InputError(f"column {on}", "not numeric", "Use stats.adjusted_contrast for a group.")
    term = _term(frame, on)
    return _effect(frame, score, [term, *_terms(frame, adjust)], term, on, robust, level)


def adjusted_contrast(
    frame: pd.DataFrame,
    *,
    score: str,
    group: str,
    a: object,
    b: object,
    adjust: Sequence[str] = (),
    robust: bool = False,
    level: float = 0.95,
) -> Effect:
    """Estimate the mean score of `b` minus that of `a`, adjusted for other terms, by a linear model.

    Cases of other groups stay in the fit, so they help to estimate the other terms.

    Parameters
    ----------
    frame : DataFrame
        Columns `score`, `group` and those of `adjust`, one row per case.
    score, group : str
        Columns of the score and of the group.
    a, b : object
        Two groups.
    adjust : sequence of str
        Columns or formula terms to adjust for; a column is categorical if it does not hold numbers.
    robust : bool
        HC3 standard errors, which do not assume equal variances (MacKinnon and White 1985).
    level : float
        Coverage of the interval.

    Raises
    ------
    InputError
        A column is missing, or no row is of group `a` or `b`.
    """
    need_columns(frame, [group])
    present = set(frame[group].dropna().unique())
    for value in (a, b):
        check_choice(f"column {group}", value, sorted(present, key=str))
    term = f"C(Q({group!r}), Treatment(reference={a!r}))"
    return _effect(frame, score, [term, *_terms(frame, adjust)], f"{term}[T.{b}]", f"{group}: {b} - {a}", robust, level)


def nested_f(frame: pd.DataFrame, *, score: str, base: Sequence[str], added: Sequence[str]) -> Test:
    """Test by F if the `added` terms explain variance beyond the `base` terms. Effect: partial eta squared.

    Both models are fitted to the rows that have every term. Degrees of freedom come from the rank of the design
    matrices, so that empty cells do not count.
    """
    full_terms = [*_terms(frame, base), *_terms(frame, added)]
    rows = _complete(frame, score, full_terms)
    return _nested(rows, score, _terms(frame, base), full_terms, len(frame), "nested F")


def interaction(frame: pd.DataFrame, *, score: str, group: str, source: str) -> Interaction:
    """Test if the effect of `group` differs between sources, and return the overall F-test of the same model too.

    The interaction term is tested against the additive model (type II). Empty cells of group by source carry no
    information, and are counted in the note.
    """
    first, second = _terms(frame, [group, source])
    rows = _complete(frame, score, [first, second])
    full = [first, second, f"{first}:{second}"]
    term = _nested(rows, score, [first, second], full, len(frame), f"interaction term {group} x {source}")
    overall = _nested(rows, score, [], full, len(frame), f"overall F of {score} ~ {group} * {source}")
    if not any(pd.api.types.is_numeric_dtype(rows[column]) for column in (group, source)):
        cells = pd.crosstab(rows[group].astype(str), rows[source].astype(str))
        empty = int((cells == 0).to_numpy().sum())
        if empty:
            said = f"{empty} empty cell(s) of {cells.size}"
            term, overall = (Test(**(asdict(t) | {"note": said})) for t in (term, overall))
    return Interaction(term, overall)


def partial_eta2(frame: pd.DataFrame, *, score: str, group: str, adjust: Sequence[str] = ()) -> float:
    """Compute partial eta squared (type II) of the group: its share of the variance left by the other terms."""
    return nested_f(frame, score=score, base=adjust, added=[group]).effect


def mixed_slope(
    frame: pd.DataFrame,
    *,
    score: str,
    on: str,
    cluster: str | Sequence[str],
    adjust: Sequence[str] = (),
    level: float = 0.95,
) -> Effect:
    """Fit the slope in a linear mixed model with a random intercept per cluster (REML, Wald test).

    It is fitted by `fit_random_intercept`, because the gradient methods of statsmodels stop too early where clusters
    have no variance (its issue 10239): they then return the slope within clusters and call it converged.

    Parameters
    ----------
    cluster : str or sequence of str
        Column, or columns of which each combination is a cluster, such as ``["dataset", "site"]``: different data sets
        may use the same site codes.
    """
    columns = [cluster] if isinstance(cluster, str) else list(cluster)
    need_columns(frame, columns)
    terms = [_term(frame, on), *_terms(frame, adjust)]
    rows = _complete(frame, score, terms)
    rows = rows[rows[columns].notna().all(axis=1)]
    keys = rows[columns].astype(str).agg("/".join, axis=1)
    if keys.nunique() < 2:
        raise InputError("cluster", f"{keys.nunique()} cluster(s), two are needed", "Use stats.slope.")
    model = smf.ols(f"Q({score!r}) ~ " + " + ".join(terms), rows)
    if np.linalg.matrix_rank(model.exog) < model.exog.shape[1]:
        problem = f"its effect cannot be separated from the other terms in these {len(rows)} rows"
        raise InputError(on, problem, "Leave out a term, or use rows in which they vary independently.")
    fit = fit_random_intercept(model.endog, model.exog, pd.factorize(keys)[0])
    place, start = (model.exog_names.index(name) for name in (terms[0], "Intercept"))
    estimate, error = float(fit.params[place]), float(np.sqrt(fit.covariance[place, place]))
    half = float(stats.norm.ppf(0.5 + level / 2)) * error
    p = float(2 * stats.norm.sf(abs(estimate) / error)) if error > 0 else float(estimate == 0)
    note = "" if fit.between > 0 else "no variance between clusters: least squares"
    label = f"mixed model, random intercept of {keys.nunique()} {'/'.join(columns)}"
    return Effect(on, estimate, estimate - half, estimate + half, p, len(rows), len(frame) - len(rows), float("nan"),
                  float(fit.params[start]), label, note)  # fmt: skip


def _effect(
    frame: pd.DataFrame, score: str, terms: list[str], parameter: str, name: str, robust: bool, level: float
) -> Effect:
    rows = _complete(frame, score, terms)
    fit = _ols(rows, score, terms)
    used = fit.get_robustcov_results("HC3") if robust else fit
    place = fit.model.exog_names.index(parameter)
    design = fit.model.exog
    if not np.allclose((np.linalg.pinv(design) @ design)[place], np.eye(design.shape[1])[place], atol=1e-6):
        problem = f"its effect cannot be separated from the other terms in these {len(rows)} rows"
        raise InputError(name, problem, "Leave out a term, or use rows in which they vary independently.")
    low, high = np.asarray(used.conf_int(1 - level))[place]
    model = f"{score} ~ {' + '.join(terms)}" + (", HC3" if robust else "")
    return Effect(name, float(np.asarray(used.params)[place]), float(low), float(high),
                  float(np.asarray(used.pvalues)[place]), len(rows), len(frame) - len(rows), float(fit.rsquared),
                  float(fit.params["Intercept"]), model)  # fmt: skip


def _nested(rows: pd.DataFrame, score: str, base: list[str], full: list[str], total: int, name: str) -> Test:
    small, large = _ols(rows, score, base), _ols(rows, score, full)
    df1, df2 = small.df_resid - large.df_resid, large.df_resid
    if df1 <= 0 or df2 <= 0:
        problem = f"{df1:.0f} and {df2:.0f} degrees of freedom: these {len(rows)} rows cannot distinguish the models"
        raise InputError(name, problem, "Use terms that vary in these rows, or more rows.")
    note = f"{total - len(rows)} rows with a missing value left out" if total > len(rows) else ""
    if large.centered_tss < 1e-12:
        return Test(name, 0.0, 1.0, len(rows), df1, df2, 0.0, "partial eta2", "all scores are equal: p defined as 1")
    gained = max(small.ssr - large.ssr, 0.0)
    f = gained / df1 / (large.ssr / df2) if large.ssr > 0 else float("inf")
    effect = gained / (gained + large.ssr)
    p = float(stats.f.sf(f, df1, df2))
    return Test(name, float(f), p, len(rows), df1, df2, float(effect), "partial eta2", note)


def _ols(rows: pd.DataFrame, score: str, terms: list[str]):
    with warnings.catch_warnings():
        # Empty cells make a design rank-deficient: fits and ranks stay valid, and `_effect` refuses inestimable terms.
        warnings.filterwarnings("ignore", message="The design matrix is rank-deficient")
        return smf.ols(f"Q({score!r}) ~ " + (" + ".join(terms) or "1"), rows).fit()


def _complete(frame: pd.DataFrame, score: str, terms: list[str]) -> pd.DataFrame:
    """Return the rows with a value for every term, without categories that no longer occur."""
    need_columns(frame, [score])
    check_scores(frame[score], f"column {score}")
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            design = smf.ols(f"Q({score!r}) ~ " + " + ".join(terms or ["1"]), frame.reset_index(drop=True)).data
    except Exception as error:  # the formula engine raises many kinds
        problem = f"the terms {terms} cannot be used ({str(error).splitlines()[0]})"
        fix = "Check column names; values under a logarithm must be finite and above 0."
        raise InputError("model", problem, fix) from None
    rows = frame.iloc[np.asarray(design.row_labels)].copy()
    for column in rows.select_dtypes("category"):
        rows[column] = rows[column].cat.remove_unused_categories()
    return rows


def _terms(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    if isinstance(names, str):
        raise InputError("terms", f"one string {names!r}", f"Give a list: [{names!r}].")
    return [_term(frame, name) for name in names]


def _term(frame: pd.DataFrame, name: str) -> str:
    if name not in frame:
        if name.isidentifier():
            need_columns(frame, [name])
        return name
    numeric = pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
    return f"Q({name!r})" if numeric else f"C(Q({name!r}))"
