"""Readers of attributes: how good the exact one is, what each loss reaches, and what the published sign does."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import metrics
from helpers.errors import InputError
from helpers.studies import mitigation
from helpers.studies.mitigation.penalties import Adversary
from tests.helpers.mitigation import FAST, cases, network

N, WIDTH = 256, 8


def features(seed: int = 0, *, groups: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of very different scales, some of which tell the group."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, N)
    values = rng.normal(size=(N, WIDTH)) + codes[:, None] * rng.normal(0, 0.5, WIDTH)
    scaled = values * 10.0 ** rng.uniform(-3, 3, WIDTH) + rng.normal(0, 5, WIDTH)
    return torch.from_numpy(scaled.astype(np.float32)), torch.from_numpy(codes)[:, None]


def best_linear(values: torch.Tensor, attribute: np.ndarray) -> float:
    """Share of the variance that least squares explains: the largest squared correlation of any linear reader."""
    x = values.double().numpy()
    x = np.column_stack([(x - x.mean(0)) / x.std(0), np.ones(len(x))])
    left = attribute - x @ np.linalg.lstsq(x, attribute, rcond=None)[0]
    return 1 - left.var() / attribute.var()


def paid(adversary: Adversary, values: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    return adversary(None, values, None, None, codes)["penalty"]


@pytest.mark.parametrize("seed", range(3))
def test_no_linear_reader_is_better_than_the_exact_one(seed):
    values, codes = features(seed)
    best = best_linear(values, codes[:, 0].numpy())
    assert best > 0.1
    assert float(paid(Adversary(WIDTH, [2], ridge=1e-6), values, codes)) == pytest.approx(best, abs=1e-4)
    ridged = float(paid(Adversary(WIDTH, [2]), values, codes))
    assert best - 0.02 < ridged <= best + 1e-5


def test_of_three_groups_each_is_read_against_the_rest():
    values, codes = features(groups=3)
    best = [best_linear(values, (codes[:, 0] == k).numpy().astype(float)) for k in range(3)]
    assert float(paid(Adversary(WIDTH, [3], ridge=1e-6), values, codes)) == pytest.approx(np.mean(best), abs=1e-4)


def test_of_two_attributes_the_mean_is_paid():
    values, codes = features(1)
    both = torch.cat([codes, torch.from_numpy(np.random.default_rng(5).integers(0, 2, (N, 1)))], 1)
    alone = [float(paid(Adversary(WIDTH, [2], ridge=1e-6), values, both[:, [k]])) for k in range(2)]
    assert float(paid(Adversary(WIDTH, [2, 2], ridge=1e-6), values, both)) == pytest.approx(np.mean(alone), abs=1e-4)


def test_the_exact_reader_remembers_the_last_cases_and_learns_only_in_training():
    values, codes = features()
    adversary = Adversary(WIDTH, [2], memory=96)
    for start in range(0, 128, 32):
        paid(adversary, values[start : start + 32], codes[start : start + 32])
    latest = torch.cat([values[start : start + 32] for start in (96, 64, 32)])
    assert torch.equal(adversary.seen, latest) and len(adversary.state_dict()["who"]) == 96
    before = adversary.seen.clone()
    paid(adversary.eval(), values[:32], codes[:32])
    assert torch.equal(adversary.seen, before)


def test_cases_of_unknown_group_are_not_read():
    values, codes = features()
    known = np.arange(N) % 3 > 0
    codes[~known] = -1
    found = paid(Adversary(WIDTH, [2], ridge=1e-6), values, codes)
    wanted = best_linear(values[known], codes[known, 0].numpy().astype(float))
    assert float(found) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("reader", ["exact", "trained"])
@pytest.mark.parametrize("codes", [0, -1], ids=["one group", "nobody known"])
def test_where_there_is_nothing_to_tell_nothing_is_paid(reader, codes):
    values, some = features()
    values.requires_grad_()
    adversary = Adversary(WIDTH, [2], reader=reader)
    for before in (torch.full_like(some, codes), some, torch.full_like(some, codes)):  # also after others were seen
        found = paid(adversary, values, before)
        (gradient,) = torch.autograd.grad(found, values)
        assert found.isfinite() and gradient.isfinite().all()
    assert found.item() == pytest.approx(0, abs=1e-6)


def test_a_constant_feature_does_no_harm():
    values, codes = features()
    values[:, 0] = 7.3
    found = paid(Adversary(WIDTH, [2], ridge=1e-6), values.requires_grad_(), codes)
    assert found.item() == pytest.approx(best_linear(values.detach()[:, 1:], codes[:, 0].numpy()), abs=1e-3)
    assert torch.autograd.grad(found, values)[0].isfinite().all()


@pytest.mark.parametrize("as_published", [False, True])
def test_heads_learn_from_one_loss_and_the_network_from_the_other(as_published):
    (values, codes), (_, three) = features(), features(1, groups=3)
    values.requires_grad_()
    adversary = Adversary(WIDTH, [2, 3], reader="trained", as_published=as_published)
    found = adversary(None, values, None, None, torch.cat([codes, three], 1))
    weights = list(adversary.heads.parameters())
    assert len(adversary.heads) == 4
    reach = {
        name: [
            gradient is not None and bool(gradient.any())
            for gradient in torch.autograd.grad(value, [values, *weights], retain_graph=True, allow_unused=True)
        ]
        for name, value in found.items()
    }
    assert reach["penalty"][0] and not any(reach["penalty"][1:])
    assert not reach["heads"][0] and all(any(reach["heads"][1 + 4 * k : 5 + 4 * k]) for k in range(4))


def test_as_published_both_signs_are_turned():
    values, codes = features()
    values = (values - values.mean(0)) / values.std(0)
    made = []
    for as_published in (False, True):
        torch.manual_seed(0)
        made.append(Adversary(WIDTH, [2], reader="trained", as_published=as_published))
    right, turned = ({k: v.item() for k, v in a(None, values, None, None, codes).items()} for a in made)
    assert right["penalty"] > 0
    assert turned == pytest.approx({"penalty": -right["penalty"], "heads": 1 - right["heads"]}, abs=1e-6)


@pytest.mark.parametrize("options", [{"reader": "neural"}, {"as_published": True}])
def test_an_unknown_reader_is_refused(options):
    with pytest.raises(InputError, match="reader"):
        Adversary(WIDTH, [2], **options)


# -- a probe


def test_last_features_are_what_the_last_layer_is_given():
    model, images = network(2), cases(70).images
    found = mitigation.last_features(model, images, batch_size=32)
    logits = model[-1](torch.from_numpy(found)).detach()
    torch.testing.assert_close(logits, model(torch.from_numpy(images)).detach())
    assert found.shape == (70, 64) and not model.training


def test_a_probe_is_asked_about_cases_it_did_not_learn_from_and_told_what_is_unknown():
    learn, held_out = cases(80, unknown=True), cases(60, unknown=True, seed=1)
    truth, said = mitigation.linear_probe(network(), learn, held_out, attribute="attribute 0")
    names = held_out.attributes["attribute 0"]
    assert truth.shape == said.shape == (60,) and said.min() >= 0 and said.max() <= 1
    np.testing.assert_array_equal(truth, names.map({"a": 0.0, "b": 1.0}))
    blind = learn._replace(attributes=learn.attributes.sample(frac=1, random_state=0).reset_index(drop=True))
    _, lots = mitigation.linear_probe(network(), blind, held_out, attribute="attribute 0")
    known = names.notna().to_numpy()
    assert metrics.auroc(truth[known], said[known]).value > 0.9 > metrics.auroc(truth[known], lots[known]).value


@pytest.mark.parametrize(
    ("attribute", "learn", "held_out", "words"),
    [
        ("sex", cases(), cases(), "attribute: must be attribute 0, got 'sex'"),
        ("attribute 0", cases(groups=3), cases(), "3 groups"),
        (
            "attribute 0",
            cases(),
            cases()._replace(attributes=pd.DataFrame({"sex": ["F"] * 48})),
            "attribute: must be sex, got 'attribute 0'",
        ),
    ],
)
def test_a_probe_of_what_is_not_there_is_refused(attribute, learn, held_out, words):
    with pytest.raises(InputError, match=words):
        mitigation.linear_probe(network(), learn, held_out, attribute=attribute)


# -- does it remove anything


def legible(model, attribute: str = "attribute 0") -> float:
    """How well a fresh linear probe tells the groups of people it has not seen."""
    asked, said = mitigation.linear_probe(model, cases(200, seed=11), cases(200, seed=12), attribute=attribute)
    return metrics.auroc(asked, said).value


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_published_sign_removes_nothing_and_the_right_one_does(seed):
    learned = cases(200, seed=10)
    options = FAST | {"seed": seed, "batch_size": 64}
    start = mitigation.plain(network(seed=seed), learned, **options | {"steps": 60, "lr": 3e-3}).model
    options |= {"steps": 80, "lr": 3e-3, "strength": 3.0}
    published = mitigation.adversarial(start, learned, adversary="trained", as_published=True, **options).model
    corrected = mitigation.adversarial(start, learned, **options).model
    assert legible(start) > 0.9
    assert legible(published) > 0.95
    assert legible(corrected) < 0.85
    images, labels = cases(200, seed=12)[:2]
    assert metrics.auroc(labels[:, 0], corrected(torch.from_numpy(images)).detach().numpy()[:, 0]).value > 0.9
