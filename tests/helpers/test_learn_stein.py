"""Stein's estimate against finite differences, a plain loop, and normal densities, whose curvature is known."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError


def points(n: int = 12, d: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((n, d)))


def kernel_of(x: torch.Tensor, others: torch.Tensor, width: float) -> torch.Tensor:
    return torch.exp(-((x - others) ** 2).sum(-1) / (2 * width**2))


@pytest.mark.parametrize("width", [0.7, 1.0, 2.5])
def test_sums_of_derivatives_against_finite_differences(width):
    x, step = points(), 1e-4
    _, first, second = learn.kernel_sums(x, width)
    for i in range(len(x)):
        for j in range(x.shape[1]):
            move = torch.zeros(x.shape[1], dtype=x.dtype)
            move[j] = step
            down, here, up = (kernel_of(x[i] + k * move, x, width).sum() for k in (-1, 0, 1))
            assert first[i, j] == pytest.approx(float((up - down) / (2 * step)), abs=1e-6)
            assert second[i, j] == pytest.approx(float((up - 2 * here + down) / step**2), abs=1e-6)


def test_the_kernel_and_its_width_by_hand():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], dtype=torch.float64)
    width = learn.kernel_width(x)
    assert float(width) == pytest.approx(np.sqrt(18))
    kernel = learn.kernel_sums(x, width)[0]
    assert float(kernel[0, 1]) == pytest.approx(np.exp(-25 / 36)) and torch.allclose(kernel, kernel.T)


def plain_hessian(x: np.ndarray, eta: float, width: float) -> np.ndarray:
    """Compute the estimate as it is written, by loops over both points and coordinates."""
    n, d = x.shape
    kernel, first, second = np.zeros((n, n)), np.zeros((n, d)), np.zeros((n, d))
    for i in range(n):
        for k in range(n):
            kernel[i, k] = np.exp(-((x[i] - x[k]) ** 2).sum() / (2 * width**2))
            for j in range(d):
                apart = x[i, j] - x[k, j]
                first[i, j] -= apart / width**2 * kernel[i, k]
                second[i, j] += (-1 / width**2 + apart**2 / width**4) * kernel[i, k]
    inverse = np.linalg.inv(kernel + eta * np.eye(n))
    return -((inverse @ first) ** 2) + inverse @ second


def test_the_estimate_is_that_of_a_plain_loop():
    x = points(40, 2)
    expected = plain_hessian(x.numpy(), 0.01, float(learn.kernel_width(x)))
    assert np.abs(learn.stein_hessian(x).numpy() - expected).max() < 1e-6


def test_the_gradient_of_the_estimate_is_right():
    x = points(10, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: learn.stein_hessian(x, eta=0.1, width=1.5), x, atol=1e-6)
    assert torch.autograd.gradcheck(lambda x: learn.kernel_sums(x, 1.5)[1:], x, atol=1e-6)


def test_a_width_is_a_constant_of_derivatives():
    x = points().requires_grad_()
    assert not learn.kernel_width(x).requires_grad


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: learn.stein_hessian(points(3_001, 1)), r"3,001 rows takes 0\.072 GB"),
        (lambda: learn.stein_hessian(points(), eta=0), "eta"),
        (lambda: learn.stein_hessian(torch.ones(50, 2), eta=1e-30, width=1.0), "eta: .* Raise it"),
        (lambda: learn.stein_hessian(torch.full((5, 2), torch.nan), width=1.0), "points: 5 of 5 rows .* NaN"),
        (lambda: learn.stein_hessian(points() / torch.arange(3)), "points: 12 of 12 rows .* infinite"),
        (lambda: learn.stein_hessian(1e200 * points()), r"points: a value of size \de\+200 cannot be squared"),
        (lambda: learn.stein_hessian(points()[:, 0]), r"points: shape \(12,\), expected \(n, d\)"),
        (lambda: learn.stein_hessian(points()[:1]), r"shape \(1, 3\), expected \(n, d\) with n of at least 2"),
        (lambda: learn.stein_hessian(points(), width=0), "width: 0.0 is not above 0"),
        (lambda: learn.stein_hessian(points(), width=float("nan")), "width: nan is not above 0"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_a_kernel_has_no_width_where_most_points_are_equal():
    """Three quarters are equal, so that more than half of the distances are 0; with half, a quarter is."""
    x = points(40, 2)
    x[10:] = 0
    with pytest.raises(InputError, match="points: most are equal: of 40 rows 11 are different"):
        learn.stein_hessian(x)
    assert learn.stein_hessian(x, width=1.0).isfinite().all()
    half = points(40, 2)
    half[20:] = 0
    assert learn.kernel_width(half) > 0
