"""Reconstruction networks: trained on pairs, applied by one call; and the experiment that uses all of them."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import learn
from helpers.errors import InputError
from helpers.learn import restoration_experiment, restoration_training

SIZE = 16
SMALL = {
    "unet": {"features": (8, 16)},
    "pix2pix": {"features": (16, 16), "channels": 4, "layers": 1},
    "sde": {"features": (8, 8), "blocks": 1, "attention": 0, "groups": 4, "predicts": "velocity"},
    "classifier": {"kind": "small"},
    "segmenter": {"network": "small", "features": (4, 8)},
}
SHORT = {"steps": 6, "batch_size": 8, "lr": 3e-3}
FIT = {"unet": learn.fit_unet, "pix2pix": learn.fit_pix2pix, "sde": learn.fit_sde}
fast = {"device": "cpu", "progress": False}


def pairs(n: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Degraded and clean images: discs, and the same in less contrast and under a haze."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    middle, radius = rng.uniform(5, 11, (n, 2, 1, 1)), rng.uniform(2, 5, (n, 1, 1))
    clean = 0.2 + 0.6 * ((y - middle[:, 0]) ** 2 + (x - middle[:, 1]) ** 2 < radius**2)
    degraded = 0.7 * clean + 0.15 + rng.normal(0, 0.02, clean.shape)
    return tuple(a[:, None].astype(np.float32).clip(0, 1) for a in (degraded, clean))


def error(made: np.ndarray, clean: np.ndarray) -> float:
    return float(np.mean((made - clean) ** 2))


@pytest.fixture(scope="module")
def models_() -> dict[str, torch.nn.Module]:
    """One of each kind, trained for a few seconds in all."""
    longer = {"unet": {"steps": 200, "lr": 5e-3}, "pix2pix": {"steps": 150, "lr": 1e-2}}
    longer["sde"] = {"steps": 40, "lr": 1e-2, "kind": "velocity"}
    return {arm: fit(*pairs(), seed=0, **SMALL[arm], **SHORT | longer[arm], **fast).model for arm, fit in FIT.items()}


@pytest.mark.parametrize("arm", FIT)
def test_training_brings_images_nearer_to_clean_ones(arm, models_):
    degraded, clean = pairs(20, seed=1)
    made = learn.restore(models_[arm], degraded, steps=10 if arm == "sde" else None)
    assert made.shape == clean.shape and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    assert error(made, clean) < 0.75 * error(degraded, clean)


def test_noise_is_that_of_seed_and_case(models_):
    degraded, _ = pairs(5, seed=1)
    restore = partial(learn.restore, models_["sde"], steps=5)
    whole = restore(degraded)
    np.testing.assert_allclose(restore(degraded, batch_size=2), whole, atol=1e-5)
    np.testing.assert_allclose(restore(degraded[3:], cases=[3, 4]), whole[3:], atol=1e-5)
    assert np.abs(restore(degraded[3:]) - whole[3:]).max() > 1e-3
    assert np.abs(restore(degraded, seed=1) - whole).max() > 1e-3


def test_each_half_of_pix2pix_reaches_its_own_weights():
    """Gradients of the one loss are those of two separate ones, each with the other network fixed."""
    degraded, clean = (torch.from_numpy(x) for x in pairs(4))

    def built() -> restoration_training.Pix2Pix:
        generator = learn.pix2pix_generator(features=(8, 8))
        return restoration_training.Pix2Pix(generator, learn.patch_discriminator(channels=4, layers=1))

    def gradients(net: torch.nn.Module) -> list[torch.Tensor]:
        return [p.grad for p in net.parameters()]

    joint = built()
    restoration_training._adversarial(joint, (degraded, clean), lambda_l1=3.0)["loss"].backward()

    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    alone = built()
    made = alone.generator(degraded)
    judged = alone.discriminator(torch.cat([degraded, made], 1))[-1]
    (entropy(judged, torch.ones_like(judged)) + 3 * (made - clean).abs().mean()).backward()
    for found, wanted in zip(gradients(joint.generator), gradients(alone.generator), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)

    alone.zero_grad()
    true, false = (alone.discriminator(torch.cat([degraded, x.detach()], 1))[-1] for x in (clean, made))
    ((entropy(true, torch.ones_like(true)) + entropy(false, torch.zeros_like(false))) / 2).backward()
    for found, wanted in zip(gradients(joint.discriminator), gradients(alone.discriminator), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


def test_linear_decay_is_the_published_schedule():
    assert [restoration_training.linear_decay(done) for done in (0, 0.25, 0.5, 0.75, 1)] == [1, 1, 1, 0.5, 0]


def test_validation_chooses_the_unet():
    settings = SMALL["unet"] | SHORT | {"steps": 20, "every": 5, "patience": 4}
    fitted = learn.fit_unet(*pairs(), seed=0, validation=pairs(10, seed=1), **settings, **fast)
    assert fitted.history["score"].max() == pytest.approx(
        -error(learn.restore(fitted.model, pairs(10, seed=1)[0]), pairs(10, seed=1)[1]), rel=0.05
    )


@pytest.mark.parametrize("size", learn.RESTORATION_NETWORKS)
@pytest.mark.parametrize("dataset", ["ucsf-pdgm", "chexpert"])
def test_tables_name_arguments_that_there_are(size, dataset):
    """Both tables have the same parts; and the small ones are what the functions take, for one step."""
    networks, optimisation = (t[size][dataset] for t in (learn.RESTORATION_NETWORKS, learn.RESTORATION_OPTIMISATION))
    assert set(networks) == set(optimisation) >= {*FIT, "classifier"}
    if size == "paper":
        return
    data = [np.repeat(np.repeat(x[:4], 2, 2), 2, 3) for x in pairs()]
    for arm, fit in FIT.items():
        fit(*data, seed=0, **networks[arm], **optimisation[arm] | {"steps": 1, "batch_size": 4}, **fast)


# The experiment


@pytest.fixture(scope="module")
def cohort() -> dict:
    degraded, clean = pairs(48)
    bright = clean.mean((1, 2, 3))
    labels = np.stack([bright > np.median(bright), bright > np.quantile(bright, 0.3)], 1).astype(float)
    labels[::5, 1] = np.nan
    split = np.array(["train", "train", "validation", "test"] * 12)
    masks = (clean > 0.5).astype(np.uint8)
    return {"cases": pd.DataFrame({"split": split}), "clean": clean, "degraded": degraded, "labels": labels} | {
        "masks": masks
    }


def settings(**changes) -> dict:
    optimisation = dict.fromkeys(SMALL, SHORT)
    return {"networks": SMALL, "optimisation": optimisation, "sampling": {"steps": 4}, "seed": 0, **fast, **changes}


def test_experiment_gives_every_arm_of_the_held_out(cohort):
    found = learn.run_restoration(**cohort, **settings())
    assert (cohort["cases"]["split"].iloc[found.rows] != "train").all() and len(found.rows) == 24
    arms = ["original", "degraded", "unet", "pix2pix", "sde"]
    assert [*found.images] == [*found.probabilities] == [*found.masks] == arms
    np.testing.assert_array_equal(found.images["original"], cohort["clean"][found.rows])
    for arm in arms:
        assert found.probabilities[arm].shape == (24, 2) and found.masks[arm].shape == (24, 1, SIZE, SIZE)
        assert ((found.probabilities[arm] > 0) & (found.probabilities[arm] < 1)).all()


def test_nothing_of_the_held_out_is_learned(cohort):
    """With other clean images, labels and masks of validation and test, the networks are the same."""
    held_out, other = (cohort["cases"]["split"] != "train").to_numpy(), dict(cohort)
    for name in ("clean", "labels", "masks"):
        other[name] = cohort[name].copy()
        other[name][held_out] = 1 - cohort[name][held_out]
    one, two = (learn.run_restoration(**given, **settings(arms=["unet"])) for given in (cohort, other))
    np.testing.assert_array_equal(one.images["unet"], two.images["unet"])
    np.testing.assert_array_equal(one.probabilities["degraded"], two.probabilities["degraded"])
    np.testing.assert_array_equal(one.masks["degraded"], two.masks["degraded"])


def test_second_call_takes_what_is_kept(cohort, tmp_path, monkeypatch):
    given = {name: value for name, value in cohort.items() if name != "labels"} | settings(keep=tmp_path)
    first = learn.run_restoration(**given)
    monkeypatch.setattr(restoration_experiment, "restore", lambda *args, **rest: pytest.fail("restored again"))
    again = learn.run_restoration(**given)
    for arm in first.images:
        np.testing.assert_array_equal(again.images[arm], first.images[arm])
        np.testing.assert_array_equal(again.masks[arm], first.masks[arm])
    with pytest.raises(pytest.fail.Exception, match="again"):
        learn.run_restoration(**given | {"sampling": {"steps": 3}})


def test_training_that_was_stopped_goes_on(tmp_path, monkeypatch):
    options = SMALL["pix2pix"] | SHORT | {"every": 2} | fast
    whole = learn.fit_pix2pix(*pairs(), seed=0, **options)
    left, adversarial = iter(range(4)), restoration_training._adversarial

    def stopping(*args, **rest):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return adversarial(*args, **rest)

    monkeypatch.setattr(restoration_training, "_adversarial", stopping)
    with pytest.raises(KeyboardInterrupt):
        learn.fit_pix2pix(*pairs(), seed=0, checkpoint=tmp_path, **options)
    monkeypatch.undo()
    resumed = learn.fit_pix2pix(*pairs(), seed=0, checkpoint=tmp_path, **options)
    assert resumed.resumed == 4
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name


def test_separate_classifiers_can_be_balanced(cohort):
    waiting = SHORT | {"every": 3, "patience": 1}
    optimisation = {"unet": waiting, "classifier": waiting | {"balanced": True}}
    given = {name: value for name, value in cohort.items() if name != "masks"}
    found = learn.run_restoration(**given, **settings(optimisation=optimisation, separate=True, arms=["unet"]))
    assert found.probabilities["unet"].shape == (24, 2) and not found.masks


BAD = {
    "no split": (
        lambda c: learn.run_restoration(**c | {"cases": c["cases"].rename(columns=str.upper)}, **settings()),
        "split",
    ),
    "no test": (
        lambda c: learn.run_restoration(**c | {"cases": c["cases"].replace("test", "train")}, **settings()),
        "of test",
    ),
    "too few": (
        lambda c: learn.run_restoration(**c | {"masks": c["masks"][:5]}, **settings()),
        "masks.*48 rows.*found 5",
    ),
    "no arm": (lambda c: learn.run_restoration(**c, **settings(arms=["gan"])), "gan"),
    "no pairs": (
        lambda c: learn.fit_unet(c["clean"][:4], c["clean"], seed=0, **SHORT),
        "degraded.*shape of clean",
    ),
    "no axis": (
        lambda c: learn.fit_unet(c["clean"][:, 0], c["clean"][:, 0], seed=0, **SHORT),
        "degraded.*n, 1, h, w",
    ),
    "odd size": (
        lambda c: learn.fit_unet(*[c["clean"][..., 1:]] * 2, seed=0, **SHORT),
        "16 x 15.*multiple of 16",
    ),
    "no loss": (
        lambda c: learn.fit_sde(c["degraded"], c["clean"], seed=0, kind="l2", **SHORT),
        "kind: must be .*, got 'l2'",
    ),
    "negative": (
        lambda c: learn.fit_pix2pix(*[c["clean"]] * 2, seed=0, lambda_l1=-1, **SHORT),
        "lambda_l1 = -1",
    ),
    "cases": (
        lambda c: learn.restore(learn.MeanReverting(torch.nn.Conv2d(2, 1, 1)), c["clean"], cases=[1]),
        "expected 48 numbers",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case, cohort):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words):
        act(cohort)
