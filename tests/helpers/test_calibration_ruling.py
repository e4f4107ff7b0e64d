"""The rule of verdicts is wrong as rarely as it promises, in studies whose true effect is known."""

import pytest
from scipy.stats import norm

from helpers.errors import InputError
from helpers.studies.calibration import verdict_rates

SIZES = (20, 80, 320)
EDGE = {"none": "the margin", "not_worse": "the margin", "effect": "zero", "side": "zero"}


def at_the_edge(rates):
    """The rows in which a false verdict is likeliest, by claim and size."""
    rows = rates[rates["truth"] == rates["claim"].map(EDGE)]
    return rows.set_index(["claim", "n"])


@pytest.fixture(scope="module")
def student():
    """2,000 studies of each size, judged by Student's intervals."""
    return verdict_rates(sizes=SIZES, interval="student")


def test_false_verdicts_are_as_rare_as_the_rule_promises(student):
    rows = at_the_edge(student)
    assert len(rows) == 12 and (rows["low"] <= rows["level"]).all()
    other = student[(student["truth"] != student["claim"].map(EDGE)) & student["false"].notna()]
    assert len(other) == 12 and (other["false"] < 0.01).all()  # twice the margin, and the opposite side


def test_every_study_has_one_verdict_and_large_ones_settle_the_claim(student):
    words = ["reproduced", "direction", "differs", "contradicted", "inconclusive"]
    assert (student[words].sum(axis=1) - 1).abs().max() < 1e-12
    large = student[student["n"] == 320].set_index(["claim", "truth"])
    for place, word, least in [
        (("none", "zero"), "reproduced", 0.99),
        (("none", "twice the margin"), "differs", 0.99),
        (("not_worse", "opposite"), "reproduced", 0.99),  # a gain
        (("effect", "as printed"), "reproduced", 0.93),  # the level of the interval
        (("effect", "twice the margin"), "differs", 0.99),
        (("effect", "opposite"), "contradicted", 0.99),
        (("side", "as printed"), "direction", 0.99),
        (("effect", "zero"), "inconclusive", 0.93),
    ]:
        assert large.loc[place, word] >= least, place


def test_the_power_of_a_null_claim_is_that_of_two_one_sided_tests(student):
    """Power at a true effect of 0 (Julious 2004): twice the share beyond the margin in standard errors less 1.645."""
    n, margin = 20, 0.8
    expected = 2 * norm.cdf(margin / (2 / n) ** 0.5 - norm.ppf(0.95)) - 1
    found = student.set_index(["claim", "truth", "n"]).loc[("none", "zero", n), "reproduced"]
    assert found == pytest.approx(expected, abs=0.06)  # Student's intervals of 20 are a little wider


def test_bootstrap_intervals_settle_null_claims_at_their_level():
    """Of few studies: the slow test has 2,000."""
    rows = at_the_edge(verdict_rates(sizes=(10, 40), n_studies=300, n_boot=1000))
    assert (rows.loc[["none", "not_worse"], "low"] <= 0.05).all()


@pytest.mark.slow
def test_two_thousand_bootstrapped_studies_of_each_size_are_judged_at_the_level():
    rows = at_the_edge(verdict_rates(sizes=(10, *SIZES)))
    assert len(rows) == 16 and (rows["low"] <= rows["level"]).all()


def test_studies_depend_on_the_seed_alone():
    first, again, other = (verdict_rates(sizes=[30], n_studies=40, n_boot=100, seed=s) for s in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sizes": [9]}, "sizes: 9 patients in a group. Give 10 or more"),
        ({"interval": "normal"}, "interval: must be bootstrap or student, got 'normal'"),
    ],
)
def test_bad_requests_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        verdict_rates(**options)
