"""Scores, maps and posteriors of a decoder against the same by dense algebra, and against curvlinops."""

import pytest
import torch
from torch import nn

from helpers.errors import InputError
from helpers.studies import uncertainty

NOISE, PRECISION = 0.05, 2.0
POSTERIOR = {"noise": NOISE, "precision": PRECISION}


@pytest.fixture(scope="module")
def net():
    """A decoder of 450 parameters, from four numbers to three channels of 4 x 4."""
    torch.manual_seed(0)
    layers = [nn.Linear(4, 6), nn.ELU(), nn.Linear(6, 48), nn.Unflatten(1, (3, 4, 4)), nn.Conv2d(3, 3, 3, padding=1)]
    return nn.Sequential(*layers, nn.Tanh()).double().eval()


@pytest.fixture(scope="module")
def given():
    """Codes and images to fit, and codes to score."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return draw(40, 4), 0.3 * draw(40, 3, 4, 4), draw(5, 4)


def jacobian(net, codes, only=None):
    decoder = uncertainty.Decoder(net, only)
    return torch.func.jacrev(lambda vector: decoder(vector, codes))(decoder.vector)


def dense(net, codes, only=None):
    """The GGN, formed."""
    jacobians = jacobian(net, codes, only)
    return torch.einsum("nop,noq->pq", jacobians, jacobians) / NOISE


@pytest.fixture(scope="module")
def full(net, given):
    codes, images, _ = given
    return uncertainty.laplace(net, codes, images, steps=450, batch_size=16, **POSTERIOR)


@pytest.fixture(scope="module")
def matrices(net, given):
    """J (GGN + a I)^-1 J^T of each code to score."""
    inner = dense(net, given[0]) + PRECISION * torch.eye(450, dtype=torch.float64)
    jacobians = jacobian(net, given[2])
    return jacobians @ torch.linalg.inv(inner) @ jacobians.mT


def close(found, wanted, tolerance=1e-5):
    assert float((found - wanted).abs().max()) < tolerance * float(wanted.abs().max())


def test_products_are_those_of_the_matrix(net, given):
    codes, _, asked = given
    decoder = uncertainty.Decoder(net)
    vector = torch.randn(450, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    close(decoder.normal(codes, vector) / NOISE, dense(net, codes) @ vector)
    directions = torch.randn(5, 3, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    jacobians = jacobian(net, asked)
    close(decoder.pulled(asked, directions), directions @ jacobians)
    tangents = torch.randn(5, 2, 450, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    close(decoder.pushed(asked, tangents), tangents @ jacobians.mT)


def test_derivatives_are_tested_once_for_each_kind_of_codes(net, given, monkeypatch):
    decoder, asked, tested = uncertainty.Decoder(net), given[2], []
    monkeypatch.setattr(
        decoder, "_tested", lambda codes, test=decoder._tested: tested.append(codes.dtype) or test(codes)
    )
    assert decoder.check(asked) == decoder.check(asked[:1]) == (3, 4, 4)
    assert tested == [torch.float64]
    for _ in range(2):  # a failed test is not kept
        with pytest.raises(InputError):
            decoder.check(asked[:, :3])
    assert len(tested) == 3


@pytest.mark.parametrize("shape", [(450,), (7, 450), (2, 7, 450), (2, 1, 3, 450)])
def test_variances_have_the_shape_of_the_vectors(full, shape):
    vectors = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    close(full.variance(vectors), (vectors * full.covered(vectors)).sum(-1))
    assert full.variance(vectors).shape == shape[:-1]


def test_as_many_steps_as_parameters_give_every_eigenvalue(net, given, full):
    close(full.curvature.values, torch.linalg.eigvalsh(dense(net, given[0])).flip(0))
    vectors = full.curvature.vectors
    close(vectors @ vectors.T, torch.eye(450, dtype=torch.float64))


def test_few_steps_find_the_largest_eigenvalues(net, given, full):
    few = uncertainty.laplace(net, *given[:2], steps=60, **POSTERIOR).curvature
    close(few.values[:10], full.curvature.values[:10], 1e-6)


def test_lanczos_goes_on_where_a_space_is_complete():
    """An identity has one eigenvalue: the first vector's space is complete after one step."""
    matrix = torch.diag(torch.tensor([3.0] * 6 + [1.0] * 2 + [0.0] * 4, dtype=torch.float64))
    pairs = uncertainty.lanczos(lambda v: matrix @ v, matrix[0], 12)
    close(pairs.values, matrix.diagonal())
    close((pairs.vectors.T * pairs.values) @ pairs.vectors, matrix)


def test_exact_scores_and_maps_are_the_dense_ones(given, full, matrices):
    found = uncertainty.score(full, given[2], estimator="exact")
    diagonal = matrices.diagonal(dim1=1, dim2=2)
    close(found.score, diagonal.sum(1))
    close(found.map.flatten(1), diagonal)
    assert found.map.shape == (5, 3, 4, 4) and not found.error.any()


@pytest.mark.slow
def test_single_precision_is_enough(net, given, matrices):
    codes, images, asked = (part.float() for part in given)
    single = uncertainty.laplace(net.float(), codes, images, steps=450, **POSTERIOR)
    found = uncertainty.score(single, asked, estimator="exact").score.double()
    net.double()
    close(found, matrices.diagonal(dim1=1, dim2=2).sum(1))


@pytest.mark.parametrize("estimator", ["hutchinson", "hutch++"])
@pytest.mark.parametrize("pixels", [True, False])
def test_probes_are_right_within_three_of_their_errors(given, full, matrices, estimator, pixels):
    found = uncertainty.score(full, given[2], probes=90, estimator=estimator, pixels=pixels)
    trace = matrices.diagonal(dim1=1, dim2=2).sum(1)
    assert ((found.score - trace).abs() < 3 * found.error).all()
    assert (found.error < 0.15 * trace).all()
    if pixels:
        close(found.map.flatten(1).sum(1), found.score)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["hutchinson", "hutch++"])
def test_probes_are_right_on_average(given, full, matrices, estimator):
    """200 repeats of the cheapest estimate; and they spread as each says of itself."""
    repeats = [uncertainty.score(full, given[2], probes=6, estimator=estimator, seed=k) for k in range(200)]
    scores, maps = torch.stack([r.score for r in repeats]), torch.stack([r.map.flatten(1) for r in repeats])
    diagonal = matrices.diagonal(dim1=1, dim2=2)
    for found, wanted in ((scores, diagonal.sum(1)), (maps, diagonal)):
        z = (found.mean(0) - wanted) / (found.std(0) / 200**0.5)
        # Of 5 scores 4 standard errors, of 240 pixels 4.5, are passed by chance in fewer than 1 of 1,000 runs.
        assert float(z.abs().max()) < (4 if z.ndim == 1 else 4.5)
    if estimator == "hutchinson":
        close(torch.stack([r.error for r in repeats]).pow(2).mean(0).sqrt(), scores.std(0), 0.2)


def test_hutchpp_is_exact_where_its_range_is_all_there_is(net, given):
    """The first layer has 30 parameters, so the matrix has no more of a rank than the range's probes reach."""
    codes, images, asked = given
    first = uncertainty.laplace(net, codes, images, only=("0.",), steps=30, **POSTERIOR)
    exact = uncertainty.score(first, asked, estimator="exact")
    found = uncertainty.score(first, asked, probes=93, estimator="hutch++")
    close(found.score, exact.score, 1e-6)
    close(found.map, exact.map, 1e-6)
    assert (uncertainty.score(first, asked, probes=93).error > 1e-3 * exact.score).all()


def test_diagonal_and_last_layer_are_the_dense_ones(net, given):
    codes, images, asked = given
    found = uncertainty.diagonal(net, codes, images, probes=3000, **POSTERIOR)
    wanted = dense(net, codes).diagonal()
    assert float(((found.values - wanted) / wanted.clamp(min=wanted.max() * 1e-3)).abs().median()) < 0.05
    exact = found._replace(values=wanted)
    jacobians = jacobian(net, asked)
    scored = uncertainty.score(exact, asked, estimator="exact")
    close(scored.score, (jacobians**2 / (wanted + PRECISION)).sum((1, 2)))
    only = ("4.",)
    last = uncertainty.laplace(net, codes, images, only=only, steps=84, **POSTERIOR)
    inner = dense(net, codes, only) + PRECISION * torch.eye(84, dtype=torch.float64)
    jacobians = jacobian(net, asked, only)
    trace = (jacobians @ torch.linalg.inv(inner) @ jacobians.mT).diagonal(dim1=1, dim2=2).sum(1)
    close(uncertainty.score(last, asked, estimator="exact").score, trace)


def test_a_part_of_the_training_set_counts_for_the_whole(net, given):
    codes, images, _ = given
    last = {"only": ("4.",)}
    part = uncertainty.laplace(net, codes[:20], images[:20], n=40, steps=84, **last, **POSTERIOR)
    close(part.curvature.values, 2 * torch.linalg.eigvalsh(dense(net, codes[:20], **last)).flip(0))


def best_precision(net, codes, only=None):
    """Where the evidence, written out on a grid, is largest."""
    theta, values = uncertainty.Decoder(net, only).vector, torch.linalg.eigvalsh(dense(net, codes, only))

    def evidence(precision):
        determinant = torch.log(values + precision).sum()
        return 0.5 * (len(theta) * torch.log(precision) - precision * theta @ theta - determinant)

    grid = torch.logspace(-4, 4, 4001, dtype=torch.float64)
    return float(grid[torch.stack([evidence(p) for p in grid]).argmax()])


@pytest.mark.parametrize(("only", "n"), [(("4.",), 84), pytest.param(None, 450, marks=pytest.mark.slow)])
def test_evidence_is_largest_where_it_says(net, given, only, n):
    codes, images, _ = given
    found = uncertainty.laplace(net, codes, images, only=only, steps=n, noise=NOISE)
    assert found.precision == pytest.approx(best_precision(net, codes, only), rel=0.01)


def test_few_steps_find_the_largest_evidence_nearly(net, given):
    codes, images, _ = given
    # With a sixth of the steps, by quadrature: one random vector's, of 450 dimensions.
    few = uncertainty.laplace(net, codes, images, steps=75, noise=NOISE)
    assert few.precision == pytest.approx(best_precision(net, codes), rel=0.25)
    freed = uncertainty.laplace(net, codes, images, steps=2, precision=1.0)
    with torch.no_grad():
        assert freed.noise == pytest.approx(float(((net(codes) - images) ** 2).mean()))


def test_sketches_keep_lengths():
    vectors = torch.randn(200, 1001, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    sketch = uncertainty.sketch(1001, 300, like=vectors)
    ratio = sketch(vectors).norm(dim=1) / vectors.norm(dim=1)
    assert float(ratio.pow(2).mean()) == pytest.approx(1, abs=0.02) and float(ratio.std()) < 0.06
    # One of every place, the transform turns and mirrors only.
    whole = uncertainty.sketch(1001, 1000, like=vectors)
    assert float((whole(vectors).norm(dim=1) / vectors.norm(dim=1) - 1).abs().max()) < 0.05


def test_a_sketched_posterior_is_near_the_whole_one():
    """Of a matrix of ten large eigenvalues among 2,000: what is left of a vector outside them, as they come back."""
    generator = torch.Generator().manual_seed(6)
    vectors, _ = torch.linalg.qr(torch.randn(2000, 10, generator=generator, dtype=torch.float64))
    values = torch.logspace(4, 2, 10, dtype=torch.float64)
    like = torch.zeros(2000, dtype=torch.float64)

    def product(vector):
        return vectors @ (values * (vectors.T @ vector))

    small = uncertainty.sketch(2000, 600, like=like)
    pairs = uncertainty.lanczos(product, like, 30, sketch=small)
    assert pairs.vectors.shape[1] == 600
    asked = torch.randn(50, 2000, generator=generator, dtype=torch.float64) + 20 * vectors.sum(1)
    shares = values / (values + 1)
    wanted = (asked**2).sum(1) - (shares * (asked @ vectors) ** 2).sum(1)
    posterior = uncertainty.Posterior(None, pairs, 1.0, 1.0)
    assert float(pairs.weights.sum()) == pytest.approx(1)
    found = posterior.variance(asked)
    assert float((found / wanted - 1).abs().max()) < 0.25
    assert float((pairs.values[:10] / values - 1).abs().max()) < 0.15


def test_curvlinops_finds_the_same(net, given, full, matrices):
    curvlinops = pytest.importorskip("curvlinops", reason="curvlinops is absent: pip install curvlinops-for-pytorch")
    codes, images, asked = given
    summed = nn.MSELoss(reduction="sum")  # whose second derivative is 2
    parameters = [*net.parameters()]
    operator = curvlinops.GGNLinearOperator(net, summed, parameters, [(codes, images)])
    vector = torch.randn(450, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    close(full.decoder.normal(codes, vector), (operator @ vector) / 2, 1e-8)
    torch.manual_seed(8)
    for name, theirs in (("hutchinson", curvlinops.hutchinson_trace), ("hutch++", curvlinops.hutchpp_trace)):
        other = torch.stack([theirs(matrices[0], num_matvecs=12) for _ in range(200)])
        mine = torch.stack(
            [uncertainty.score(full, asked[:1], probes=12, estimator=name, seed=k).score[0] for k in range(200)]
        )
        both = (other.var() / 200 + mine.var() / 200).sqrt()
        assert float((other.mean() - mine.mean()).abs()) < 4 * float(both), name
        assert 0.7 < float(other.std() / mine.std()) < 1.4, name
