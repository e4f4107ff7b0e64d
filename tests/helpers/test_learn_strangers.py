"""Scores of strangers against direct algebra: exact curvature, inverses and brute force, on small networks."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.learn import distances, last_layer, last_layer_posterior

N, CLASSES, SIDE = 60, 3, 8


@pytest.fixture(scope="module")
def cases():
    """Images of three classes that differ in brightness, and their classes."""
    rng = np.random.default_rng(1)
    labels = np.arange(N) % CLASSES
    images = 0.3 * labels[:, None, None, None] + 0.2 * rng.random((N, 1, SIDE, SIDE))
    return images.astype(np.float32), labels


def network(seed: int = 0) -> nn.Module:
    return learn.with_dropout(learn.classifier("small", CLASSES, seed=seed), 0.2)


@pytest.fixture(scope="module")
def known(cases):
    return learn.fit_known([network(0), network(1)], *cases, k=4)


@pytest.fixture(scope="module")
def new():
    return np.random.default_rng(2).random((25, 1, SIDE, SIDE)).astype(np.float32)


def test_scores_have_their_names_and_order(known, new):
    found = learn.strangeness(known, new)
    assert tuple(found) == ("predicted", *learn.STRANGENESS) and found.shape == (25, 9)
    assert np.isfinite(found.to_numpy()).all()
    alone = learn.strangeness(known._replace(models=known.models[:1]), new)
    assert found.drop(columns="ensemble").equals(alone)


def test_softmax_scores_follow_their_formulas(known, new):
    found = learn.strangeness(known, new)
    with torch.no_grad():
        z = known.models[0].eval()(torch.from_numpy(new)).double().numpy()
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert np.allclose(found["MSP"], 1 - p.max(1), atol=1e-6)
    assert np.allclose(found["energy"], -np.log(np.exp(z).sum(1)), atol=1e-6)
    assert (found["predicted"] == z.argmax(1)).all()


def test_the_ensemble_is_the_mutual_information_of_its_members(known, new):
    members = [learn.predict(model, new) for model in known.models]
    p = np.stack([np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in members])
    mean = p.mean(0)
    expected = [
        -sum(mean[i] * np.log(mean[i])) + np.mean([sum(q * np.log(q)) for q in p[:, i]]) for i in range(len(new))
    ]
    assert np.allclose(learn.strangeness(known, new)["ensemble"], expected, atol=1e-6)
    twins = known._replace(models=[known.models[0]] * 2)
    assert learn.strangeness(twins, new)["ensemble"].abs().max() < 1e-12


def test_dropout_before_the_last_layer_is_that_of_the_network(known, new):
    """The mean over passes of the probabilities is near that of PyTorch's dropout; without dropout nothing varies."""
    outputs = learn.last_outputs(known.models[0], new)
    weight, bias = last_layer.weights_of(last_layer.last_linear(known.models[0])[1])
    rng = np.random.default_rng(3)
    ours = outputs.features * (rng.random((4000, 1, weight.shape[1])) >= 0.2) / 0.8 @ weight.T + bias
    model = known.models[0].train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = np.stack([model(torch.from_numpy(new)).numpy() for _ in range(4000)])
    model.eval()
    both = [last_layer.softmax(z.astype(float)) for z in (ours, theirs)]
    assert np.abs(both[0].mean(0) - both[1].mean(0)).max() < 0.01
    assert np.abs(both[0].std(0) - both[1].std(0)).max() < 0.01


def test_views_are_the_entropy_of_the_mean_over_six_images(known, new):
    views = [new, new[..., ::-1], *(np.roll(new, s, a) for s, a in ((1, 2), (-1, 2), (1, 3), (-1, 3)))]
    p = np.mean([last_layer.softmax(learn.predict(known.models[0], v.copy()).astype(float)) for v in views], axis=0)
    assert np.allclose(learn.strangeness(known, new)["views"], -(p * np.log(p)).sum(1), atol=1e-6)


# Laplace


def test_the_curvature_of_three_classes_is_the_hessian(cases):
    """By automatic differentiation of the cross-entropy of a linear layer, twice."""
    rng = np.random.default_rng(4)
    features, weights = rng.standard_normal((12, 4)), rng.standard_normal((CLASSES, 5))
    a = torch.tensor(np.column_stack([features, np.ones(12)]))
    labels = torch.tensor(rng.integers(0, CLASSES, 12))

    def loss(flat):
        return nn.functional.cross_entropy(a @ flat.reshape(CLASSES, 5).T, labels, reduction="sum")

    hessian = torch.autograd.functional.hessian(loss, torch.tensor(weights.ravel())).numpy()
    p = last_layer.softmax(a.numpy() @ weights.T)
    assert np.allclose(last_layer_posterior.curvature(features, p), hessian, atol=1e-10)


def test_draws_have_the_inverse_of_curvature_and_prior_as_covariance():
    rng = np.random.default_rng(5)
    features, mean = rng.standard_normal((30, 2)), rng.standard_normal((CLASSES, 3))
    logits = features @ mean[:, :-1].T + mean[:, -1]
    posterior = last_layer_posterior.fit_posterior(features, logits, mean, precision=0.5)
    p = last_layer.softmax(logits)
    inverse = np.linalg.inv(last_layer_posterior.curvature(features, p) + 0.5 * np.eye(mean.size))
    new = rng.standard_normal((1, 2))
    jacobian = np.kron(np.eye(CLASSES), np.column_stack([new, [1.0]]))
    drawn = last_layer_posterior.drawn_logits(posterior, new, draws=40_000, seed=1)[:, 0]
    expected = jacobian @ inverse @ jacobian.T
    assert np.allclose(drawn.mean(0), new[0] @ mean[:, :-1].T + mean[:, -1], atol=0.05)
    assert np.allclose(np.cov(drawn.T), expected, rtol=0.05, atol=0.05 * np.trace(expected))


def test_the_precision_has_the_largest_evidence():
    """Against the evidence from determinants, for each precision that is tried."""
    rng = np.random.default_rng(6)
    features, mean = rng.standard_normal((40, 3)), rng.standard_normal((CLASSES, 4))
    logits = features @ mean[:, :-1].T + mean[:, -1]
    found = last_layer_posterior.fit_posterior(features, logits, mean).precision
    ggn, size = last_layer_posterior.curvature(features, last_layer.softmax(logits)), mean.size
    evidence = [
        size / 2 * np.log(t) - t / 2 * (mean**2).sum() - np.linalg.slogdet(ggn + t * np.eye(size))[1] / 2
        for t in last_layer_posterior.PRECISIONS
    ]
    assert found == last_layer_posterior.PRECISIONS[np.argmax(evidence)]
    assert last_layer_posterior.PRECISIONS[0] < found < last_layer_posterior.PRECISIONS[-1]


# Distances


def test_mahalanobis_is_that_of_the_inverse(known, cases, new):
    outputs, code = learn.last_outputs(known.models[0], cases[0]).features, cases[1]
    means = np.stack([outputs[code == c].mean(0) for c in range(CLASSES)])
    rest = outputs - means[code]
    covariance = rest.T @ rest / (N - CLASSES)
    inverse = np.linalg.inv(covariance + 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance)))
    test = learn.last_outputs(known.models[0], new).features
    expected = [min((f - m) @ inverse @ (f - m) for m in means) for f in test]
    assert np.allclose(learn.strangeness(known, new)["Mahalanobis"], expected, rtol=1e-6)


def test_neighbours_are_those_of_a_loop(known, cases, new, monkeypatch):
    train, test = (learn.last_outputs(known.models[0], images).features for images in (cases[0], new))
    expected = [sorted(1 - f @ g / np.linalg.norm(f) / np.linalg.norm(g) for g in train)[3] for f in test]
    assert np.allclose(learn.strangeness(known, new)["neighbours"], expected, atol=1e-9)
    monkeypatch.setattr(distances, "CHUNK", 3 * N)
    assert np.allclose(distances.nearest(train, test, k=4), expected, atol=1e-9)


def test_features_of_nought_are_far_from_all():
    assert distances.nearest(np.eye(3), np.zeros((1, 3)), k=1)[0] == 1


@pytest.mark.parametrize("score", ["Mahalanobis", "neighbours"])
def test_a_distance_notices_a_planted_shift(score):
    rng = np.random.default_rng(7)
    features, labels = rng.standard_normal((200, 5)) + 3, np.arange(200) % 2
    features[labels == 1, 0] += 4
    near, far = rng.standard_normal((50, 5)) + 3, rng.standard_normal((50, 5)) + np.array([3, 3, 3, 3, -6])
    if score == "Mahalanobis":
        classes = distances.fit_classes(features, labels)
        found = [distances.mahalanobis(classes, part) for part in (near, far)]
    else:
        found = [distances.nearest(features, part, k=10) for part in (near, far)]
    assert found[1].min() > np.median(found[0])


def test_the_trivial_score_notices_brightness_and_not_a_turned_image(cases):
    images = np.random.default_rng(8).random((80, 1, 16, 16)) * 0.5
    plain = learn.plain_strangeness(images[:40], np.concatenate([images[40:], images[40:] + 0.4]))
    assert plain[40:].min() > plain[:40].max()
    turned = learn.plain_strangeness(images[:40], images[40:, :, ::-1])
    assert np.allclose(turned, plain[:40], rtol=1e-6)


# Any classifier, and bad input


@pytest.mark.parametrize("kind", ["resnet18", "densenet121"])
def test_features_are_those_of_any_classifier(kind):
    model = learn.with_dropout(learn.classifier(kind, CLASSES), 0.2)
    images = np.random.default_rng(9).random((2, 1, 32, 32)).astype(np.float32)
    found = learn.last_outputs(model, images)
    assert np.allclose(found.logits, learn.predict(model, images), atol=1e-6)
    assert found.features.shape == (2, 256 if kind == "resnet18" else 1024)


def test_dropout_leaves_the_given_network_alone():
    model = learn.classifier("small", CLASSES)
    made = learn.with_dropout(model, 0.5)
    assert not any(isinstance(layer, nn.Dropout) for layer in model.modules())
    assert sum(isinstance(layer, nn.Dropout) for layer in made.modules()) == 1
    images = torch.rand(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.eval()(images), made.eval()(images))


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inside = learn.classifier("small", CLASSES)

    def forward(self, images):
        return 2 * self.inside(images) + 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda images, labels: learn.fit_known([], images, labels), "models: is empty"),
        (lambda images, labels: learn.fit_known([network()], images, labels[:-1]), "labels: 3 classes in shape"),
        (lambda images, labels: learn.fit_known([network()], images, 0 * labels), "labels: 1 classes"),
        (lambda images, labels: learn.fit_known([network()], images, labels, k=61), "k = 61: there are 60"),
        (lambda images, labels: learn.fit_known([network()], images, labels, dropout=1.0), "settings: dropout 1.0"),
        (lambda images, labels: learn.fit_known([network()], images, labels, passes=1), "passes 1"),
        (lambda images, labels: learn.last_outputs(Scaled(), images), "its outputs are not those of its last linear"),
        (lambda images, labels: learn.last_outputs(nn.Conv2d(1, 1, 1), images), "has no linear layer"),
        (lambda images, labels: learn.with_dropout(network(), 1), "rate = 1"),
        (lambda images, labels: learn.plain_strangeness(0 * images, images), "are equal in each class"),
        (lambda images, labels: distances.nearest(images[:, 0, 0], images[:, 0, 0], k=0), "k = 0"),
    ],
)
def test_bad_input_is_refused(cases, call, message):
    with pytest.raises(InputError, match=message):
        call(*cases)
