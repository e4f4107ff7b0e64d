"""A score by probes against curvlinops' trace estimators, at equal numbers of products with J (GGN + a I)^-1 J^T.

Both score the images of the same decoder by the same posterior. A peer's operator is the product of curvlinops'
Jacobian, the posterior's covariance and the transposed Jacobian, one operator an image, since an estimator takes one
trace. A trace needs only the lengths of J^T u, so each of our products is one with J^T, and each of the peer's is one
with J^T and one with J: of products with J or J^T alone, the peer does twice as many. Seconds are the processor's, of
one thread. Measured were 1.5 to 2.8 times against its Hutchinson estimator, and 1.6 to 3.4 times against XTrace.

curvlinops is in the extra ``bench``; it also needs backpack-for-pytorch, einconv, linear_operator, opt-einsum,
jaxtyping and wadler-lindig, by ``pip install --no-deps``.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.studies import uncertainty
from tests.benchmarks import contest

PRODUCTS, REPEATS = 24, 150
PACKAGE = "curvlinops-for-pytorch"
contest.version(PACKAGE)
SETTINGS = {"blocks": (1, 2), "latent": 4}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def operator(posterior: uncertainty.Posterior, code: torch.Tensor):
    """Return J (GGN + a I)^-1 J^T of one image as an operator of curvlinops."""
    from curvlinops import JacobianLinearOperator
    from curvlinops._torch_base import PyTorchLinearOperator

    network = posterior.decoder.network
    with torch.no_grad():
        pairs = [(code[None], network(code[None]))]
    pushed = JacobianLinearOperator(network, [*network.parameters()], pairs, check_deterministic=False, num_data=1)
    pulled = pushed.adjoint()

    class Variance(PyTorchLinearOperator):
        SELF_ADJOINT, device, dtype = True, code.device, code.dtype

        def _matmat(self, columns):
            return [pushed @ posterior.covered((pulled @ columns[0]).T).T.contiguous()]

    size = pairs[0][1].numel()
    return Variance([(size,)], [(size,)])


def untrained(side: int, channels: int) -> tuple[uncertainty.Posterior, torch.Tensor]:
    """Return a posterior of a decoder of images of a side, and codes."""
    torch.manual_seed(0)
    codes, images = torch.randn(16, 4, side // 4, side // 4), 2 * torch.rand(16, 3, side, side) - 1
    network = uncertainty.decoder(learn.vae(channels=channels, **SETTINGS).eval())
    return uncertainty.laplace(network, codes, images, steps=20, precision=1.0), codes


@pytest.mark.parametrize("estimator", ["hutchinson_trace", "xtrace"])
@pytest.mark.parametrize(("side", "channels", "count"), [(16, 16, 1), (16, 16, 8), (32, 8, 8), (64, 4, 4)])
def test_scores_take_less_time_at_equal_products(estimator, side, channels, count):
    import curvlinops

    posterior, codes = untrained(side, channels)
    trace = getattr(curvlinops, estimator)
    contenders = {
        "ours": lambda: uncertainty.score(posterior, codes[:count], probes=PRODUCTS, pixels=False).score,
        "curvlinops": lambda: torch.stack([trace(operator(posterior, code), PRODUCTS) for code in codes[:count]]),
    }
    turns = contest.take_turns(contenders)
    found, reference = (turns[name][-1]["found"] for name in contenders)
    torch.testing.assert_close(found, reference, rtol=0.5, atol=0)  # both are estimates
    images = f"{count} image{'s' * (count > 1)} of {side} x {side} x 3"
    work = f"uncertainty of {images}, {PRODUCTS} products each, {len(posterior.decoder.vector):,} parameters"
    contest.at_least(1.3, f"{work} ({estimator})", turns, "curvlinops", package=PACKAGE)


def test_the_error_is_no_larger_than_that_of_xtrace():
    """A trained decoder, whose curvature has a few large eigenvalues, and the precision of the largest evidence."""
    import curvlinops

    rng = np.random.default_rng(0)
    tones, noise = rng.integers(60, 200, (128, 3, 1, 1)), rng.normal(0, 12, (128, 3, 16, 16))
    images = np.clip(tones + noise, 0, 255).astype(np.uint8)
    how = {"steps": 150, "batch_size": 16, "lr": 3e-3, "beta": 0.02, "device": "cpu", "progress": False}
    network = learn.fit_vae(images, seed=0, channels=8, **SETTINGS, **how).model.eval()
    posterior = uncertainty.posterior(network, images[:64], steps=40)
    with torch.no_grad():
        code = network.encode(torch.from_numpy(images[:1]) / 127.5 - 1)[0]
    operators = operator(posterior, code[0])
    dense = (operators @ torch.eye(operators.shape[0])).double()
    torch.manual_seed(0)
    theirs = torch.stack([curvlinops.xtrace(dense, PRODUCTS) for _ in range(REPEATS)])
    ours = torch.cat(
        [uncertainty.score(posterior, code, probes=PRODUCTS, pixels=False, seed=k).score for k in range(REPEATS)]
    )
    mine, peer = (float((found / dense.trace() - 1).pow(2).mean().sqrt()) for found in (ours, theirs))
    print(f"\nrelative error of the trace with {PRODUCTS} products: {mine:.3f}, XTrace {peer:.3f}")
    assert mine < peer  # by a fifth when measured; the ratio of two errors from 150 repeats is known to 8%
