"""SCORE and the ordering loss: orders of known models, groups, the loss by hand, and latents trained with it."""

import numpy as np
import pytest
import torch

from helpers import datasets, learn, stats
from helpers.errors import InputError


def share(world: str, seeds: int = 8, **options) -> float:
    drawn = [datasets.draw_factors(world, 400, seed=seed, **options) for seed in range(seeds)]
    return np.mean([stats.edges_reversed(learn.score_order(d.values).order, d.graph).share for d in drawn])


def test_bounded_effects_are_ordered_and_rotated_ones_are_not():
    assert share("bounded") < 0.15 < 0.3 < share("rotated")


def test_the_last_factor_of_a_pair_is_the_effect():
    rng = np.random.default_rng(0)
    cause = rng.standard_normal(500)
    effect = np.sin(2 * cause) + 0.5 * rng.standard_normal(500)
    found = learn.score_order(np.column_stack([effect, cause]))
    assert found.order.tolist() == [1, 0]
    both = learn.stein_hessian(torch.as_tensor(np.column_stack([effect / effect.std(), cause / cause.std()])))
    assert found.variance[0] == pytest.approx(float(both.var(0).min()), rel=1e-3)
    assert learn.score_order(np.column_stack([100 * effect + 3, cause])).order.tolist() == [1, 0]


def test_a_group_is_conditioned_on():
    """Sex moves both factors, so that pooled they are two clouds; inside each sex the order is that of the effect."""
    rng = np.random.default_rng(0)
    sex = np.arange(600) % 2
    noise = rng.standard_normal(600)
    cause = 3 * sex + noise
    effect = 3 * sex + np.sin(2 * noise) + 0.5 * rng.standard_normal(600)
    values = np.column_stack([effect, cause])
    assert learn.score_order(values, groups=sex).order.tolist() == [1, 0]
    one = learn.score_order(values, groups=np.zeros(600))
    assert np.allclose(one.variance, learn.score_order(values).variance, equal_nan=True)
    with pytest.raises(InputError, match="group True: 2 rows"):
        learn.score_order(values, groups=np.arange(600) < 2)
    with pytest.raises(InputError, match="Give one label a row"):
        learn.score_order(values, groups=sex[:10])


def test_bad_tables():
    values = np.random.default_rng(0).standard_normal((3_001, 2))
    with pytest.raises(InputError, match=r"3,001 rows takes 0\.072 GB"):
        learn.score_order(values)
    with pytest.raises(InputError, match="49 rows"):
        learn.score_order(values[:49])
    few = values[:200].copy()
    few[:150] = 0
    with pytest.raises(InputError, match="factors: 150 of 200 rows are equal"):
        learn.score_order(few)
    few = np.random.default_rng(0).standard_normal((200, 3))
    few[:150, :2] = 0  # the third factor differs, and is taken away first
    with pytest.raises(InputError, match="points: most are equal: of 200 rows 51 are different"):
        learn.score_order(few)
    with pytest.raises(InputError, match="group False: 2 of 3 factors do not vary"):
        learn.score_order(few, groups=np.arange(200) >= 150)


def test_the_loss_by_hand():
    x = torch.as_tensor(np.random.default_rng(1).standard_normal((100, 3)))
    x = (x - x.mean(0)) / x.std(0)
    expected = 0.0
    for k in (3, 2):
        variance = learn.stein_hessian(x[:, :k]).var(0)
        expected += float(torch.log(variance[-1] / variance.sum()))
    assert float(learn.ordering_loss(x)) == pytest.approx(expected, abs=1e-5)
    assert float(learn.ordering_loss(5 * x + 2)) == pytest.approx(expected, abs=1e-5)


def test_the_loss_is_lower_in_the_true_order():
    drawn = [datasets.draw_factors("bounded", 300, d=3, edges=1.0, seed=seed) for seed in range(6)]
    losses = []
    for one in drawn:
        ordered = torch.as_tensor(one.values.to_numpy()[:, stats.graph_order(one.graph)])
        losses.append([float(learn.ordering_loss(part)) for part in (ordered, ordered.flip(1))])
    right, turned = np.mean(losses, axis=0)
    assert right < turned


@pytest.mark.parametrize(
    ("latents", "words"),
    [
        (torch.randn(63, 2), "63 rows are too few"),
        (torch.randn(80, 1), "1 column has no order"),
        (torch.zeros(80, 2), "collapsed"),
        (torch.randn(80), r"latents: shape \(80,\), expected \(n, d\)"),
        (torch.randn(80, 2) / torch.tensor([1, 0]), "latents: 80 of 80 rows have a value that is NaN or infinite"),
        (1e200 * torch.randn(80, 2, dtype=torch.float64), "latents: a value of size"),
    ],
)
def test_bad_batches(latents, words):
    with pytest.raises(InputError, match=words):
        learn.ordering_loss(latents)


@pytest.mark.parametrize("kind", learn.LATENT_KINDS)
def test_training_lowers_the_loss(kind):
    drawn = datasets.draw_factors("bounded", 200, d=3, edges=1.0, seed=1)
    observed = drawn.values.to_numpy() @ np.random.default_rng(0).standard_normal((3, 5))
    options = {"latent": 3, "kind": kind, "seed": 2, "device": "cpu"}
    before, after = (learn.ordered_latents(observed, steps=steps, **options) for steps in (1, 40))
    losses = [float(learn.ordering_loss(torch.as_tensor(part))) for part in (before, after)]
    assert losses[1] < losses[0] - 0.1
    again = learn.ordered_latents(observed, steps=40, **options)
    assert np.array_equal(after, again)
    if kind == "rotation":
        assert stats.mean_correlation(after) < 1e-4 and np.allclose(after.std(0), 1, atol=1e-3)


def test_whitening_and_what_it_refuses():
    values = np.random.default_rng(0).standard_normal((100, 2)) @ np.random.default_rng(1).standard_normal((2, 4))
    white = learn.whiten(values, 2)
    assert np.allclose(np.cov(white.T, bias=True), np.eye(2))
    with pytest.raises(InputError, match="vary in 2 directions"):
        learn.whiten(values, 3)
    with pytest.raises(InputError, match="rotation or free"):
        learn.ordered_latents(values, latent=2, kind="bent")


def test_on_a_normal_density_the_curvature_is_minus_the_precision_and_the_error_falls_with_rows():
    """Bias of the regularisation apart: the mean comes nearer, and varies less, as rows are added."""
    precision = np.array([[1.5, 0.6], [0.6, 1.2]])
    covariance = np.linalg.inv(precision)
    errors, spreads = [], []
    for n in (100, 400, 1_600):
        means = []
        for seed in range(10):
            x = np.random.default_rng(seed).multivariate_normal([0, 0], covariance, n)
            means.append(learn.stein_hessian(torch.as_tensor(x)).mean(0).numpy())
        errors.append(np.abs(np.mean(means, 0) + np.diag(precision)).max())
        spreads.append(np.std(means, 0).max())
    print(errors, spreads)
    assert spreads[2] < spreads[1] < spreads[0]
    assert errors[2] < errors[0]
