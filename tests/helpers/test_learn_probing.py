"""Probes of features: the optimum of scikit-learn, votes by brute force, and ranks of known matrices."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from helpers import learn
from helpers.errors import InputError


def features(n=200, f=24, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    x = rng.normal(size=(n, f)) @ rng.normal(size=(f, f)) / np.sqrt(f) + 3
    x[:, :classes] += np.eye(classes)[y]
    return x, np.array(list("abcdefgh"))[y]


def shares(found, x):
    """Probabilities of the classes, by draw."""
    logits = found.logits(x)
    powers = np.exp(logits - logits.max(2, keepdims=True))
    return powers / powers.sum(2, keepdims=True)


@pytest.mark.parametrize("strength", [0.01, 1.0, 10.0])
@pytest.mark.parametrize("per_class", [1, 5, 30])
def test_probes_are_the_optimum_of_scikit_learn(per_class, strength):
    """With fewer cases than features, and with more."""
    x, y = features()
    rows = learn.draw_labelled(y, per_class, draws=3, seed=0)
    [found] = learn.logistic_probes(x, y, rows, strengths=[strength])
    for draw, of in enumerate(rows):
        known = LogisticRegression(C=strength, tol=1e-10, solver="newton-cholesky").fit(x[of], y[of])
        np.testing.assert_allclose(found.weights[draw].T, known.coef_, atol=1e-4)
        np.testing.assert_allclose(shares(found, x)[draw], known.predict_proba(x), atol=1e-3)
    assert (found.predict(x) == found.classes[found.logits(x).argmax(2)]).all()


def test_two_classes_are_a_logistic_regression_of_twice_the_strength():
    x, y = features(classes=2)
    rows = learn.draw_labelled(y, 10, draws=2, seed=0)
    [found] = learn.logistic_probes(x, y, rows, strengths=[0.5])
    for draw, of in enumerate(rows):
        known = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000).fit(x[of], y[of])
        np.testing.assert_allclose(found.weights[draw] @ [-1, 1], known.coef_[0], atol=1e-4)


@pytest.mark.parametrize("strengths", [[0.03, 0.3, 3.0], [3.0, 0.03]])
@pytest.mark.parametrize("per_class", [1, 8])
def test_each_of_several_strengths_is_the_optimum(per_class, strengths):
    x, y = features()
    rows = learn.draw_labelled(y, per_class, draws=4, seed=0)
    for found, strength in zip(learn.logistic_probes(x, y, rows, strengths=strengths), strengths, strict=True):
        for draw, of in enumerate(rows):
            known = LogisticRegression(C=strength, tol=1e-10, solver="newton-cholesky").fit(x[of], y[of])
            np.testing.assert_allclose(found.weights[draw].T, known.coef_, atol=1e-4)


def test_large_features_for_which_newton_steps_go_too_far():
    x, y = features()
    x, rows = 10 * x, learn.draw_labelled(y, 2, draws=8, seed=0)
    [found] = learn.logistic_probes(x, y, rows, strengths=[100.0])
    for draw, of in enumerate(rows):
        known = LogisticRegression(C=100.0, tol=1e-10, solver="newton-cholesky").fit(x[of], y[of])
        assert (found.predict(x)[draw] == known.predict(x)).mean() >= 0.98


def test_a_draw_does_not_depend_on_the_others():
    x, y = features()
    rows = learn.draw_labelled(y, 5, draws=6, seed=0)
    [whole], [part] = (learn.logistic_probes(x, y, r) for r in (rows, rows[3:4]))
    np.testing.assert_allclose(whole.weights[3], part.weights[0], atol=2e-4)


def test_equal_features_are_no_obstacle():
    x, y = features()
    x[:, 5], x[:, 6] = 2.0, x[:, 7]
    [found] = learn.logistic_probes(x, y, learn.draw_labelled(y, 3, draws=2, seed=0))
    assert np.isfinite(found.weights).all() and abs(found.weights[:, 5]).max() < 1e-8
    np.testing.assert_allclose(found.weights[:, 6], found.weights[:, 7], atol=1e-6)


def test_draws_have_each_class_and_grow():
    _, y = features()
    few, many = (learn.draw_labelled(y, n, draws=4, seed=1) for n in (2, 9))
    assert few.shape == (4, 8) and many.shape == (4, 36)
    for small, large in zip(few, many, strict=True):
        assert np.unique(y[large], return_counts=True)[1].tolist() == [9] * 4 and len(set(large)) == 36
        assert set(small) <= set(large)
    assert len({tuple(row) for row in many}) == 4
    np.testing.assert_array_equal(many, learn.draw_labelled(y, 9, draws=4, seed=1))


def test_draws_and_probes_that_cannot_be_are_refused():
    x, y = features()
    with pytest.raises(InputError, match=r"labels a class = 500: '?a"):
        learn.draw_labelled(y, 500, draws=2, seed=0)
    with pytest.raises(InputError, match="labels a class = 0"):
        learn.draw_labelled(y, 0, draws=2, seed=0)
    rows = learn.draw_labelled(y, 2, draws=2, seed=0)
    with pytest.raises(InputError, match="a draw lacks one of 4 classes"):
        learn.logistic_probes(x, y, rows[:, :6])
    x[rows[0, 0], 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinity"):
        learn.logistic_probes(x, y, rows)


def test_neighbours_vote_as_by_brute_force():
    x, y = features()
    tested = features(40, seed=1)[0]
    found = learn.nearest_neighbours(x, y, tested, k=7)
    for one, name in zip(tested, found, strict=True):
        near = x @ one / np.linalg.norm(x, axis=1)
        best = np.argsort(-near)[:7]
        votes = {c: (y[best] == c).sum() for c in set(y)}
        most = [c for c in votes if votes[c] == max(votes.values())]
        assert name in most
        similar = {c: near[best][y[best] == c].sum() for c in most}
        assert name == max(similar, key=similar.get)
    with pytest.raises(InputError, match="k = 201: there are 200 cases"):
        learn.nearest_neighbours(x, y, tested, k=201)


def test_rank_of_known_matrices():
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(50, 8)))
    assert learn.effective_rank(q) == pytest.approx(8)
    assert learn.effective_rank(np.outer(np.arange(9), [1, 2, 3])) == pytest.approx(1)
    values = np.array([3.0, 1.0, 0, 0, 0, 0, 0, 0])
    assert learn.effective_rank(q * values) == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))
    assert learn.effective_rank(np.zeros((4, 3))) == 0
