"""Autoencoders: their loss by hand, training that repeats, and measures against direct computation."""

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import distributions, nn

from helpers import learn
from helpers.errors import InputError
from helpers.learn.vae_fitting import _augmented

TINY = {"channels": 8, "blocks": (1, 2), "latent": 16, "deep": False}


def discs(n: int, seed: int = 0, size: int = 32) -> np.ndarray:
    """Colour images of one disc each on a background of another colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    middle, radius = rng.uniform(10, 22, (2, n, 1, 1, 1)), rng.uniform(4, 8, (n, 1, 1, 1))
    inside = (y - middle[0]) ** 2 + (x - middle[1]) ** 2 < radius**2
    colours = rng.uniform(0, 230, (2, n, 3, 1, 1))
    return (np.where(inside, *colours) + rng.uniform(0, 25, (n, 3, size, size))).astype(np.uint8)


@pytest.fixture(scope="module")
def features() -> learn.Features:
    return learn.random_features(channels=4, seed=1)


@pytest.fixture(scope="module")
def net() -> learn.VAE:
    return learn.vae(**TINY, seed=4).eval()


def fit(**settings) -> learn.Fitted:
    usual = {"steps": 3, "batch_size": 8, "seed": 3, "lr": 1e-3, "device": "cpu", "progress": False}
    return learn.fit_vae(settings.pop("images", discs(16)), **TINY | usual | settings)


class Given(nn.Module):
    """A model that answers what it is given."""

    def __init__(self, reconstruction, mean, log_variance) -> None:
        super().__init__()
        self.coded = learn.Coded(
            *(torch.as_tensor(x, dtype=torch.float32) for x in (reconstruction, mean, log_variance))
        )

    def forward(self, images: torch.Tensor) -> learn.Coded:
        return self.coded


def drawn() -> tuple[np.ndarray, ...]:
    """Images, reconstructions, means and log variances."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (2, 2, 3, 16, 16))
    return x, y, rng.normal(0, 1, (2, 5, 4, 4)), rng.normal(-1, 1, (2, 5, 4, 4))


def numbers(values: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


# -- the loss


def test_loss_is_that_of_a_hand_calculation(features):
    x, y, mean, log_variance = drawn()
    images = torch.from_numpy(x).float()
    found = numbers(
        learn.vae_loss(Given(y, mean, log_variance), (images,), beta=0.5, feature_weight=3, features=features)
    )
    mse = ((x - y) ** 2).mean()
    kl = (0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)).mean()
    pairs = zip(features(images), features(torch.from_numpy(y).float()), strict=True)
    feature = np.mean([((a.numpy() - b.numpy()) ** 2).mean() for a, b in pairs])
    assert found == pytest.approx({"loss": mse + 0.5 * kl + 3 * feature, "mse": mse, "kl": kl, "feature": feature})
    alone = numbers(learn.vae_loss(Given(y, mean, log_variance), (images,)))
    assert alone == pytest.approx({"loss": mse + kl, "mse": mse, "kl": kl})


def test_loss_of_perfect_images_and_a_code_like_its_prior_is_zero(features):
    images, zeros = torch.from_numpy(drawn()[0]).float(), np.zeros((2, 5, 4, 4))
    found = learn.vae_loss(Given(images, zeros, zeros), (images,), features=features)
    assert numbers(found) == {"loss": 0, "mse": 0, "kl": 0, "feature": 0}


def test_gradients_are_those_of_both_images_in_one_batch(features):
    """The way of the code that the paper names, which also follows the images themselves."""
    x, y, mean, log_variance = drawn()
    images, made = (torch.from_numpy(a).float() for a in (x, y))
    made.requires_grad_()
    model = Given(y, mean, log_variance)
    model.coded = model.coded._replace(reconstruction=made)
    values = learn.vae_loss(model, (images,), features=features)
    (ours,) = torch.autograd.grad(values["loss"], made)
    halves = [y.chunk(2) for y in features(torch.cat([made, images]))]
    together = sum(nn.functional.mse_loss(a, b) for a, b in halves) / 16
    (theirs,) = torch.autograd.grad(nn.functional.mse_loss(made, images) + together, made)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)
    assert ours.abs().sum() > 0


def test_features_can_be_computed_in_16_bits(features):
    x, y, mean, log_variance = drawn()
    model, images = Given(y, mean, log_variance), torch.from_numpy(x).float()
    full = learn.vae_loss(model, (images,), features=features)["feature"]
    half = learn.vae_loss(model, (images,), features=features, dtype=torch.bfloat16)["feature"]
    assert half.dtype == torch.float32 and half != full
    assert float(half) == pytest.approx(float(full), rel=0.03)


def test_equation_beta_makes_the_loss_the_negative_elbo():
    assert learn.equation_beta(128, (64, 8, 8)) == pytest.approx(1 / 6)
    x, y, mean, log_variance = (torch.from_numpy(a) for a in drawn())
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    divergence = distributions.kl_divergence(posterior, distributions.Normal(0, 1)).sum((1, 2, 3))
    likelihood = distributions.Normal(y, 1).log_prob(x).sum((1, 2, 3))
    n = 3 * 16 * 16
    constant = n / 2 * np.log(2 * np.pi)
    per_element = 2 / n * (divergence - likelihood - constant).mean()
    beta = learn.equation_beta(16, (5, 4, 4))
    found = learn.vae_loss(Given(y, mean, log_variance), (x.float(),), beta=beta)["loss"]
    assert float(found) == pytest.approx(float(per_element), rel=1e-5)


# -- training


@pytest.mark.slow
def test_a_small_autoencoder_learns_to_give_images_back(features):
    images = discs(64)
    found = fit(images=images, steps=None, epochs=12, batch_size=16, lr=5e-3, beta=0.02, features=features)
    history = found.history
    assert list(history) == ["step", "epoch", "lr", "loss", "mse", "kl", "feature", "seconds"]
    assert (history["step"].iloc[-1], history["epoch"].iloc[-1]) == (48, 12)
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    untrained = learn.vae(**TINY, seed=3).eval()
    before, after = (learn.vae_measures(model, images) for model in (untrained, found.model))
    assert share_of_variance(before, images) > 1 > 2 * share_of_variance(after, images)
    assert after["ssim_gaussian"].mean() > before["ssim_gaussian"].mean()
    others = discs(32, seed=1)
    assert share_of_variance(learn.vae_measures(found.model, others), others) < 0.7


def share_of_variance(measured: pd.DataFrame, images: np.ndarray) -> float:
    """Mean error over the variance of each image, of all channels together: 1 is the error of one grey value."""
    return float((measured["mse"] / (images / 127.5 - 1).var((1, 2, 3))).mean())


def test_the_same_seed_gives_the_same_bits(features):
    first, again, other = (fit(seed=seed, features=features) for seed in (3, 3, 4))
    for (name, a), b in zip(first.model.state_dict().items(), again.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    pd.testing.assert_series_equal(first.history["loss"], again.history["loss"], check_exact=True)
    assert first.history["loss"].iloc[0] != other.history["loss"].iloc[0]


def test_weights_of_the_loss_are_used(features):
    def first(**settings) -> pd.Series:
        return fit(steps=1, **settings).history.iloc[0]

    row, plain = first(beta=2.0, feature_weight=0.25, features=features), first(beta=0)
    assert row["loss"] == pytest.approx(row["mse"] + 2 * row["kl"] + 0.25 * row["feature"])
    assert plain["loss"] == plain["mse"] == row["mse"] and "feature" not in plain


def test_about_half_of_the_images_are_mirrored():
    images = discs(64)
    torch.manual_seed(0)
    (found,) = _augmented((torch.from_numpy(images),))
    assert found.dtype == torch.float32
    plain = images / 127.5 - 1
    kept, mirrored = (np.isclose(found.numpy(), x, atol=1e-6).all((1, 2, 3)) for x in (plain, plain[..., ::-1]))
    assert (kept ^ mirrored).all() and 20 < mirrored.sum() < 44
    (ends,) = _augmented((torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 1, 2),))
    assert sorted(ends.flatten().tolist()) == [-1, 1]


# -- measures


def test_measures_are_those_of_direct_computation(net):
    images = discs(5)
    found = learn.vae_measures(net, images, batch_size=2)
    with torch.no_grad():
        coded = net(torch.from_numpy(images / 127.5 - 1).float())
    made, x = coded.reconstruction.double().numpy(), images / 127.5 - 1
    assert list(found) == ["mse", "nmse", "ssim_gaussian", "latent_sd"] and len(found) == 5
    errors = ((made - x) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(found["mse"], errors, rtol=1e-5)
    flat = np.broadcast_to(x.mean((2, 3), keepdims=True), x.shape)  # each image's own mean colour
    np.testing.assert_allclose(found["nmse"], errors / ((flat - x) ** 2).mean((1, 2, 3)), rtol=1e-5)
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    similar = [
        structural_similarity((a + 1) / 2, (b + 1) / 2, data_range=1, channel_axis=0, **window)
        for a, b in zip(made, x, strict=True)
    ]
    np.testing.assert_allclose(found["ssim_gaussian"], similar, rtol=1e-3, atol=1e-5)
    deviations = np.exp(coded.log_variance.double().numpy() / 2).mean((1, 2, 3))
    np.testing.assert_allclose(found["latent_sd"], deviations, rtol=1e-5)


def test_reconstructions_are_rounded_pixels(net):
    images = discs(5)
    found = learn.reconstruct(net, images, batch_size=2)
    with torch.no_grad():
        expected = net(torch.from_numpy(images / 127.5 - 1).float()).reconstruction.double().numpy()
    assert found.dtype == np.uint8 and found.shape == images.shape
    assert np.abs(found - (expected + 1) * 127.5).max() < 0.501


def test_measuring_leaves_the_mode_and_the_model_alone(net):
    model = learn.vae(**TINY, seed=4).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pd.testing.assert_frame_equal(learn.vae_measures(model, discs(5)), learn.vae_measures(net, discs(5)))
    assert model.training and all(layer.training for layer in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


FLAT = np.concatenate([discs(2), np.full((1, 3, 32, 32), 90, np.uint8)])
BAD = {
    "floats": (lambda net: fit(images=discs(4) / 255), r"uint8 \(n, channels, height, width\), found float64"),
    "one image": (lambda net: fit(images=discs(4)[0]), r"found uint8 \(3, 32, 32\)"),
    "no image": (lambda net: fit(images=discs(4)[:0]), r"found uint8 \(0, 3, 32, 32\)"),
    "a list": (lambda net: fit(images=[[1, 2]]), "found None None"),
    "pixels": (lambda net: fit(images=discs(8)[..., :30]), "32 x 30 pixels cannot be halved 2 times"),
    "beta": (lambda net: fit(beta=-1), "beta = -1"),
    "weight": (lambda net: fit(feature_weight=float("nan")), "feature_weight = nan"),
    "no length": (lambda net: fit(steps=None), "epochs, steps"),
    "grey features": (
        lambda net: fit(images=discs(8)[:, :1], features=learn.random_features(channels=1)),
        r"found \(8, 1, 32, 32\)",
    ),
    "no code": (lambda net: learn.equation_beta(128, (64, 0, 8)), r"latent = \(64, 0, 8\)"),
    "measured floats": (lambda net: learn.vae_measures(net, discs(2) / 255), "found float64"),
    "constant": (lambda net: learn.vae_measures(net, FLAT), r"images\[2\]: all pixels have one colour"),
    "small": (lambda net: learn.vae_measures(net, discs(2)[..., :8, :8]), r"cannot take \(2, 3, 8, 8\)"),
    "channels": (lambda net: learn.vae_measures(net, discs(2)[:, :1]), r"cannot take \(2, 1, 32, 32\)"),
    "device": (lambda net: learn.vae_measures(net, discs(2), device="gpu"), "device: must be .*, got 'gpu'"),
    "odd pixels": (lambda net: learn.reconstruct(net, discs(2)[..., :30]), "multiple of 4"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(net, case):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words) as raised:
        act(net)
    assert "\n" not in str(raised.value)
