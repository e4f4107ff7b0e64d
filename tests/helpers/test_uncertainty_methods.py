"""Uncertainties of a small variational autoencoder, all called alike, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.studies import uncertainty

SMALL = {"channels": 4, "blocks": (1, 2), "latent": 4}


@pytest.fixture(scope="module")
def images():
    """Sixteen pictures of 16 x 16 of two colours with a little noise."""
    rng = np.random.default_rng(0)
    base = np.where(np.arange(16)[:, None, None, None] % 2, 170, 80)
    return np.clip(base + rng.normal(0, 12, (16, 3, 16, 16)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network(images):
    options = {"steps": 60, "batch_size": 8, "lr": 5e-3, "beta": 0.02, "device": "cpu", "progress": False}
    return learn.fit_vae(images, seed=0, deep=False, **options, **SMALL).model.eval()


@pytest.fixture(scope="module")
def methods(network, images):
    other = learn.vae(**SMALL, seed=1).eval()
    last = uncertainty.posterior(network, images, only=uncertainty.last_layer(network), steps=40)
    return {
        "slug": uncertainty.curvature(network, uncertainty.posterior(network, images, steps=20)),
        "sketched": uncertainty.curvature(network, uncertainty.posterior(network, images, steps=20, sketch=500)),
        "diagonal": uncertainty.curvature(network, uncertainty.diagonal_posterior(network, images)),
        "last layer": uncertainty.curvature(network, last),
        "encoder": uncertainty.encoder_deviation(network),
        "residual": uncertainty.residual(network),
        "ensemble": uncertainty.ensemble([network, other]),
        "dropout": uncertainty.dropout(uncertainty.with_dropout(network, 0.1)),
    }


def test_all_are_called_alike(methods, images):
    for name, method in methods.items():
        found = method(images[:5])
        assert found.score.shape == found.error.shape == (5,), name
        assert (found.score > 0).all() and found.score.isfinite().all() and (found.error >= 0).all(), name
        if name == "sketched":
            assert found.map is None
            continue
        assert found.map.shape == (5, 3, 16, 16) and found.map.isfinite().all(), name
        if name != "encoder":
            assert torch.allclose(found.map.flatten(1).sum(1), found.score, rtol=1e-3), name


def test_the_residual_is_the_error(methods, network, images):
    error = learn.vae_measures(network, images)["mse"].to_numpy()
    assert methods["residual"](images).score.numpy() / images[0].size == pytest.approx(error, rel=1e-4)


def test_the_encoders_deviation_is_that_of_the_other_study(methods, network, images):
    known = learn.vae_measures(network, images)["latent_sd"].to_numpy()
    assert methods["encoder"](images).score.numpy() == pytest.approx(known, rel=1e-4)


def test_an_ensemble_is_the_variance_of_its_reconstructions(network, images):
    nets = [network, *(learn.vae(**SMALL, seed=k).eval() for k in (1, 2))]
    back = np.stack([learn.reconstruct(net, images) for net in nets]).astype(float) / 127.5
    found = uncertainty.ensemble(nets)(images)
    assert found.map.numpy() == pytest.approx(back.var(0, ddof=1), abs=0.02)  # those are rounded to whole pixels
    # Leaving out one of three: written out.
    totals = np.stack([np.delete(back, k, 0).var(0, ddof=1).sum((1, 2, 3)) for k in range(3)])
    wanted = np.sqrt(2 / 3 * ((totals - totals.mean(0)) ** 2).sum(0))
    assert found.error.numpy() == pytest.approx(wanted, rel=0.05)


def test_dropout_drops_and_leaves_the_network_and_the_generator_alone(network, images):
    before = torch.get_rng_state()
    weights = [value.clone() for value in network.state_dict().values()]
    dropping = uncertainty.with_dropout(network, 0.3)
    method = uncertainty.dropout(dropping, samples=6, seed=3)
    first, again = method(images), method(images)
    assert torch.equal(first.score, again.score)
    assert not torch.equal(first.score, uncertainty.dropout(dropping, samples=6, seed=4)(images).score)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(weights, network.state_dict().values(), strict=True))
    assert torch.equal(network(torch.zeros(1, 3, 16, 16))[0], network(torch.zeros(1, 3, 16, 16))[0])


def test_training_goes_on_with_dropout(network, images):
    fitted = uncertainty.fit_dropout(
        network, images, rate=0.2, seed=0, steps=40, batch_size=8, lr=2e-3, beta=0.02, device="cpu", progress=False
    )
    state = fitted.state_dict()
    assert any(not torch.equal(value, state[name]) for name, value in network.state_dict().items())
    # Used to a missing channel, it errs less when one is missing.
    errors = [
        np.mean([uncertainty.dropout(net, seed=k)(images).score.mean().item() for k in range(3)])
        for net in (uncertainty.with_dropout(network, 0.2), fitted.eval())
    ]
    assert errors[1] < errors[0]
    for block in [*fitted.decoder.children()][:-2]:
        assert len(block._forward_hooks) == 1  # dropped once, as it was trained


def test_a_network_that_drops_nothing_is_refused(network, images):
    with pytest.raises(InputError, match="do not vary"):
        uncertainty.dropout(network)(images)


def test_many_images_are_measured_as_few_are(methods, images):
    many = np.concatenate([images] * 5)
    for name in ("encoder", "residual", "ensemble"):
        scores, few = methods[name](many), methods[name](images)
        assert scores.score.numpy() == pytest.approx(np.tile(few.score, 5), rel=1e-4), name
        assert scores.map.shape == many.shape


class Doubled(torch.autograd.Function):
    """A function of its own, which torch.func does not know."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


class Own(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


def plain(*layers):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), *layers).eval()


CODES, IMAGES = torch.zeros(4, 3), torch.ones(4, 5)
NAN = plain()
NAN[0].weight.data[0, 0] = float("nan")
REFUSED = {
    "no derivative": (plain(Own()), CODES, IMAGES, {"steps": 2}, ["layer 1", "torch.func"]),
    "training": (plain(nn.BatchNorm1d(5)).train(), CODES, IMAGES, {"steps": 2}, ["layer 1", "BatchNorm1d", ".eval()"]),
    "dropout": (plain(nn.Dropout(0.5)).train(), CODES, IMAGES, {"steps": 2}, ["layer 1", "Dropout", ".eval()"]),
    "steps": (plain(), CODES, IMAGES, {"steps": 21}, ["steps = 21", "1 to 20"]),
    "no steps": (plain(), CODES, IMAGES, {"steps": 0}, ["steps = 0", "1 to 20"]),
    "not finite": (NAN, CODES + 1, IMAGES, {"steps": 2, "noise": 1.0}, ["curvature", "NaN"]),
    "no noise": (NAN, CODES + 1, IMAGES, {"steps": 2}, ["images", "nan", "noise"]),
    "no codes": (plain(), CODES[:0], IMAGES[:0], {"steps": 2}, ["codes", "there is no code"]),
    "wrong codes": (plain(), torch.zeros(4, 2), IMAGES, {"steps": 2}, ["layer 0", "(2,)"]),
    "fewer images": (plain(), CODES, IMAGES[:3], {"steps": 2}, ["images", "(3, 5)", "(4, 5)"]),
    "no such layer": (plain(), CODES, IMAGES, {"steps": 2, "only": ("9.",)}, ["9.", "0.weight"]),
    "too small n": (plain(), CODES, IMAGES, {"steps": 2, "n": 3}, ["n = 3", "4 codes"]),
    "precision": (plain(), CODES, IMAGES, {"steps": 2, "precision": 0.0}, ["precision = 0.0", "above 0"]),
    "noise": (plain(), CODES, IMAGES, {"steps": 2, "noise": -1.0}, ["noise = -1.0", "above 0"]),
    "sketch": (plain(), CODES, IMAGES, {"steps": 2, "sketch": 20}, ["sketch = 20", "1 to 19"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_clear_error(case):
    net, codes, images, options, words = REFUSED[case]
    with pytest.raises(InputError) as error:
        uncertainty.laplace(net, codes, images, **options)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert len(str(error.value)) < 400


def test_exact_images_have_no_noise():
    net = plain()
    with torch.no_grad():
        exact = net(CODES)
    with pytest.raises(InputError, match="cannot be a variance"):
        uncertainty.laplace(net, CODES, exact, steps=2)


def test_bad_calls_of_scores():
    found = uncertainty.laplace(plain(), CODES + 1, IMAGES, steps=4)
    sketched = uncertainty.laplace(plain(), CODES + 1, IMAGES, steps=4, sketch=10)
    calls = {
        "probes = 0": lambda: uncertainty.score(found, CODES, probes=0),
        "probes = 1": lambda: uncertainty.score(found, CODES, probes=1),
        "probes = 5": lambda: uncertainty.score(found, CODES, probes=5, estimator="hutch++"),
        "estimator: must be": lambda: uncertainty.score(found, CODES, estimator="xtrace"),
        "codes": lambda: uncertainty.score(found, CODES[:0]),
        "posterior": lambda: uncertainty.score(sketched, CODES),
        "networks": lambda: uncertainty.ensemble([plain()]),
        "samples = 1": lambda: uncertainty.dropout(learn.vae(**SMALL), samples=1),
        "rate = 1": lambda: uncertainty.with_dropout(learn.vae(**SMALL), 1),
        "probes = -1": lambda: uncertainty.diagonal(plain(), CODES, IMAGES, probes=-1),
    }
    for where, call in calls.items():
        with pytest.raises(InputError) as error:
            call()
        assert str(error.value).startswith(where)


def test_images_are_checked(methods):
    for name, method in methods.items():
        with pytest.raises(InputError, match="uint8"):
            method(np.zeros((0, 3, 16, 16), np.uint8))
        with pytest.raises(InputError, match="uint8"):
            method(np.zeros((2, 3, 16, 16))), name


def test_shares_are_read_and_named():
    assert uncertainty.shares("50, 20,0.5") == [0.5, 0.2, 0.005]
    assert uncertainty.training_name(0.005) == "0.5% dark"
    for text, says in (("50,x", "'x'"), ("50,101", "'101'"), ("50,nan", "'nan'"), ("50", "two"), ("50,50", "two")):
        with pytest.raises(InputError, match=says):
            uncertainty.shares(text)


def test_maps_are_made_by_many_probes_and_scores_by_few(network, images):
    effort = uncertainty.EFFORT | {"steps": 4, "probes": 2, "map_probes": 60}
    how = {"seed": 0, "names": ["slug"], "effort": effort, "options": {}}
    without = uncertainty.signs(network, images, maps=False, **how)["slug"](images[:2])
    known = uncertainty.signs(network, images, **how)["slug"]
    posterior = uncertainty.posterior(network, images, steps=4, n=len(images), seed=0)
    exact = uncertainty.curvature(network, posterior, estimator="exact")(images[:2])
    assert without.map is None
    assert (known(images[:2]).error < without.error).all()
    alike = torch.corrcoef(torch.stack([exact.map.flatten(), known(images[:2]).map.flatten()]))[0, 1]
    assert alike > 0.9
    sketched = uncertainty.signs(network, images, **how | {"effort": effort | {"sketch": 200}})["slug"]
    assert sketched(images[:2]).map is None


def test_what_is_drawn_over_is_looked_for_on_every_map(network, images):
    residual = uncertainty.residual(network)
    known = {"residual": residual, "none": lambda given: residual(given)._replace(map=None)}
    found = uncertainty.planted(known, images[:3], ids=["x", "y", "z"], seed=0)
    seen, unseen = (found[found["sign"] == name] for name in ("residual", "none"))
    assert seen.groupby("kind").size().eq(3).all() and seen["kind"].nunique() == 5
    assert seen[["auroc", "before"]].to_numpy().min() >= 0 and seen[["auroc", "before"]].to_numpy().max() <= 1
    assert seen["gain"].to_numpy() == pytest.approx((seen["auroc"] - seen["before"]).to_numpy())
    assert seen["gain"].mean() > 0.1
    assert unseen[["auroc", "before", "gain"]].isna().all(axis=None)
    assert list(unseen["raised"]) == list(seen["raised"]) and found["raised"].dtype == bool


def test_a_map_that_is_bright_where_artefacts_lie_gains_nothing():
    border = torch.zeros(3, 32, 32)
    border[:, :4] = border[:, -4:] = border[:, :, :4] = border[:, :, -4:] = 1

    def blind(given):
        return uncertainty.Scores(
            torch.zeros(len(given)), torch.zeros(len(given)), border.expand(len(given), -1, -1, -1)
        )

    grey = np.full((4, 3, 32, 32), 120, np.uint8)
    found = uncertainty.planted({"blind": blind}, grey, ids=range(4), seed=0).set_index("kind")
    assert (found.loc["ruler", "auroc"] > 0.6).all() and (found["gain"] == 0).all() and not found["raised"].any()


def test_mixtures_leave_out_near_duplicates_of_tested_images_and_refuse_less_than_one():
    cases = pd.DataFrame({"group": ["light"] * 30 + ["dark"] * 30, "cluster": [f"c{k // 2}" for k in range(60)]})
    sizes = {"test_size": 5, "train_size": 10, "seed": 0}
    train, test = uncertainty.mixed(cases, 0.5, **sizes)
    assert not set(cases["cluster"].iloc[train]) & set(cases["cluster"].iloc[test])
    assert cases["group"].iloc[train].value_counts().to_dict() == {"light": 5, "dark": 5}
    fewer, same = uncertainty.mixed(cases, 0.2, **sizes)
    assert set(same) == set(test) and set(fewer[8:]) <= set(train)
    with pytest.raises(InputError, match=r"share = 0\.01: less than one image of 10"):
        uncertainty.mixed(cases, 0.01, **sizes)
    with pytest.raises(InputError, match="24 trained on"):
        uncertainty.mixed(cases, 0.6, **sizes | {"train_size": 40})


def test_each_run_has_a_seed_that_its_networks_share(images, monkeypatch):
    """So that networks of one run differ by what they were trained on, and runs by chance too."""
    seeds, fit = [], learn.fit_vae

    def noted(rows, *, seed, **options):
        seeds.append(seed)
        return fit(rows, seed=seed, **options)

    monkeypatch.setattr(learn, "fit_vae", noted)
    cases = pd.DataFrame({"group": ["light", "dark"] * 8, "image": [f"{k:032x}" for k in range(16)]})
    sizes = {"test_size": 3, "train_size": 4, "seed": 0, "runs": 2, "shares": [0.5, 0.25]}
    options = {"steps": 1, "batch_size": 4, "device": "cpu", "deep": False, **SMALL}
    found = uncertainty.run(images, cases, names=["residual"], progress=False, **sizes, **options)
    assert len(found) == 2 * 2 * 6
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
