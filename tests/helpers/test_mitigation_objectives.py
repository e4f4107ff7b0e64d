"""Losses as modules: what is minimised, and what they carry from step to step."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch import nn
from torch.nn import functional

from helpers import learn
from helpers.errors import InputError
from helpers.studies.mitigation import Adversary, Constrained, Distilled, EqualizedOdds, Objective, WorstGroups, head_of
from tests.helpers.mitigation import batch, linear, loss_of, network, restorer


def cross_entropies(model: nn.Module, given) -> np.ndarray:
    """Of each case, a mean over its known labels, in numpy."""
    p = model(given.images).sigmoid().detach().double().numpy()
    y, known = given.labels.numpy(), given.known.numpy()
    each = -(y * np.log(p) + (1 - y) * np.log(1 - p)) * known
    return each.sum(1) / np.maximum(known.sum(1), 1)


# -- the plain loss


def test_plain_loss_is_the_mean_over_known_labels():
    given = batch(20, labels=3)
    given.known[::2, 1] = 0
    given.known[3] = 0  # nothing is known of it
    model = linear(3)
    assert loss_of(Objective(model), given)["loss"].item() == pytest.approx(
        cross_entropies(model, given).mean(), rel=1e-5
    )


def test_a_reconstruction_pays_its_squared_error_and_its_reader():
    model, reader = restorer(), network()
    images, clean = torch.rand(2, 6, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    given = batch(6)._replace(images=images, clean=clean)
    wanted = ((model(images) - clean) ** 2).mean().item()
    assert loss_of(Objective(model, reader=reader).eval(), given)["loss"].item() == pytest.approx(wanted, rel=1e-5)
    logits = reader(model(images))
    wanted += 0.3 * functional.binary_cross_entropy_with_logits(logits, given.labels).item()
    assert loss_of(Objective(model, reader=reader, task=0.3).eval(), given)["loss"].item() == pytest.approx(
        wanted, rel=1e-5
    )


def test_features_are_what_the_last_layer_is_given():
    model = network(2)
    given = batch(5, labels=2)._replace(images=torch.rand(5, 1, 16, 16))
    _, logits, features = Objective(model).eval()(given.images)
    torch.testing.assert_close(model[-1](features), logits)
    assert not model[-1]._forward_pre_hooks


def test_a_reader_stays_in_evaluation_and_is_frozen():
    objective = Objective(restorer(), reader=network())
    objective.train()
    assert objective.model.training and not objective.reader.training
    assert not any(weight.requires_grad for weight in objective.reader.parameters())


@pytest.mark.parametrize("kind", ["small", "resnet18", "densenet121"])
def test_the_last_layer_of_every_classifier_gives_its_outputs(kind):
    name, head = head_of(learn.classifier(kind, 7))
    assert isinstance(head, nn.Linear) and head.out_features == 7 and name


def test_the_last_layer_of_other_networks():
    alone = nn.Linear(2, 1)
    assert head_of(alone) == ("", alone)
    assert head_of(restorer())[1].out_channels == 1
    assert isinstance(head_of(nn.Sequential(nn.Conv3d(1, 2, 1), nn.ReLU()))[1], nn.Conv3d)
    with pytest.raises(InputError, match="no linear layer and no convolution"):
        head_of(nn.ReLU())


# -- a penalty


class Fixed(nn.Module):
    """A penalty of given sizes, one after the other."""

    def __init__(self, values) -> None:
        super().__init__()
        self.values = iter(values)

    def forward(self, logits, features, labels, known, codes):
        return {"penalty": logits.sum() * 0 + next(self.values)}


def test_strength_weighs_the_penalty():
    given, model = batch(8), linear()
    plain = loss_of(Objective(model), given)["loss"].item()
    found = loss_of(Constrained(model, Fixed([0.2]), 3.0), given)
    assert found["loss"].item() == pytest.approx(plain + 0.6, rel=1e-5)
    assert found["plain"].item() == pytest.approx(plain) and found["penalty"].item() == pytest.approx(0.2)


def test_relative_measures_both_in_their_running_means():
    given, model = batch(8), linear()
    plain = loss_of(Objective(model), given)["loss"].item()
    objective, mean = Constrained(model, Fixed([0.2, -0.6, 0.1, 0.3]), 3.0, relative=True), 0.2
    for k, value in enumerate((0.2, -0.6, 0.1)):
        mean = mean if k == 0 else 0.96 * mean + 0.04 * abs(value)
        wanted = plain + 3.0 * plain / mean * value
        assert loss_of(objective, given)["loss"].item() == pytest.approx(wanted, rel=1e-4)
    before = objective.means.clone()
    loss_of(objective.eval(), given)
    assert torch.equal(objective.means, before) and "means" in objective.state_dict()


def test_between_steps_of_the_network_heads_learn_alone():
    given, model = batch(40), linear()
    objective = Constrained(model, Adversary(3, [2], reader="trained"), 1.0, relative=True, rest=2)
    for step in range(7):
        objective.zero_grad()
        means = objective.means.clone()
        found = loss_of(objective, given)
        found["loss"].backward()
        network = step % 3 == 0
        assert (found["loss"].item() == found["heads"].item()) != network
        assert all((weight.grad is not None and bool(weight.grad.any())) == network for weight in model.parameters())
        assert any(weight.grad.any() for weight in objective.penalty.parameters())
        assert network or torch.equal(objective.means, means)  # what is paid is measured where it is paid
    objective.eval()
    assert loss_of(objective, given)["loss"].item() != found["heads"].item() and int(objective.step) == 7


def test_relative_takes_a_penalty_of_nothing():
    objective = Constrained(linear(), Fixed([0.0, 0.0, 0.5]), 1.0, relative=True)
    plain = loss_of(Objective(objective.model), batch(8))["loss"].item()
    found = [loss_of(objective, batch(8))["loss"].item() for _ in range(3)]
    assert found == pytest.approx([plain, plain, 2 * plain], rel=1e-4)  # begins at what it sees first


def test_no_case_of_a_group_gives_a_finite_gradient():
    model = linear(2)
    given = batch(8, labels=2)
    given.codes.fill_(-1)
    given.known.fill_(0)
    loss_of(Constrained(model, EqualizedOdds(2, [2]), 1.0), given)["loss"].backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


# -- weights of groups


def test_weights_of_groups_follow_their_losses_as_printed():
    given, model = batch(30, groups=3), linear()
    losses = [cross_entropies(model, given)[given.joint == k].mean() for k in range(3)]
    objective = WorstGroups(model, 3, 0.7)
    shares = np.full(3, 1 / 3)
    for _ in range(4):
        shares = shares * np.exp(0.7 * np.array(losses))
        shares /= shares.sum()
        assert loss_of(objective, given)["loss"].item() == pytest.approx(shares @ losses, rel=1e-4)
        np.testing.assert_allclose(objective.shares, shares, rtol=1e-4)
    assert shares.argmax() == np.argmax(losses)
    loss_of(objective.eval(), given)
    np.testing.assert_allclose(objective.shares, shares, rtol=1e-4)
    assert "shares" in objective.state_dict()


def test_rate_0_keeps_groups_equal():
    given, model = batch(30, groups=3), linear()
    losses = [cross_entropies(model, given)[given.joint == k].mean() for k in range(3)]
    assert loss_of(WorstGroups(model, 3, 0.0), given)["loss"].item() == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_group_that_is_absent_neither_pays_nor_grows():
    given, model = batch(30, groups=2), linear()
    losses = [cross_entropies(model, given)[given.joint == k].mean() for k in range(2)]
    objective = WorstGroups(model, 3, 0.7)
    grown = np.append(np.exp(0.7 * np.array(losses)), 1.0)
    wanted = grown / grown.sum()
    assert loss_of(objective, given)["loss"].item() == pytest.approx(wanted[:2] @ losses, rel=1e-4)
    np.testing.assert_allclose(objective.shares, wanted, rtol=1e-4)


def test_a_case_of_unknown_group_is_not_in_the_loss():
    given, model = batch(30, groups=2), linear()
    few = given._replace(**{name: values[6:] for name, values in given._asdict().items() if values is not None})
    given.joint[:6] = -1
    assert loss_of(WorstGroups(model, 2, 0.5), given)["loss"].item() == pytest.approx(
        loss_of(WorstGroups(model, 2, 0.5), few)["loss"].item(), rel=1e-5
    )
    nobody = given._replace(joint=torch.full((30,), -1))
    assert loss_of(WorstGroups(model, 2, 0.5), nobody)["loss"].item() == 0


def test_a_large_rate_gives_the_worst_group_all():
    given, model = batch(30, groups=3), linear()
    losses = [cross_entropies(model, given)[given.joint == k].mean() for k in range(3)]
    for rate in (1e3, 1e6):
        assert loss_of(WorstGroups(model, 3, rate), given)["loss"].item() == pytest.approx(max(losses), rel=1e-3)


# -- a teacher


def taught(n: int = 30, labels: int = 2):
    given = batch(n, labels=labels, groups=3)
    return given._replace(teacher=linear(labels, seed=5)(given.images).detach() * 2)


def test_without_a_teachers_share_it_is_group_dro():
    given, model = taught(), linear(2)
    ours = loss_of(Distilled(model, 3, 0.7, alpha=0.0), given)["loss"].item()
    assert ours == pytest.approx(loss_of(WorstGroups(model, 3, 0.7), given)["loss"].item(), rel=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_distance_from_the_teacher_is_the_divergence(temperature):
    given, model = taught(), linear(2)
    objective = Distilled(model, 3, 0.7, alpha=1.0, temperature=temperature)
    student, teacher = (
        (logits.detach().double() / temperature).sigmoid().numpy() for logits in (model(given.images), given.teacher)
    )
    both = (np.stack([p, 1 - p]) for p in (teacher, student))
    wanted = entropy(*both, axis=0).mean(1) * temperature**2
    found = objective.each(None, model(given.images), given)
    np.testing.assert_allclose(found.detach(), wanted, rtol=1e-3, atol=1e-6)


def test_a_student_that_is_its_teacher_pays_nothing():
    given, model = taught(), linear(2)
    for scale in (1.0, 100.0):  # also where probabilities are 0 and 1
        sure = nn.Sequential(model, Scaled(scale))
        with torch.no_grad():
            same = given._replace(teacher=sure(given.images))
        value = loss_of(Distilled(sure, 3, 0.7, alpha=1.0), same)["loss"]
        assert value.item() == pytest.approx(0, abs=1e-6)
        value.backward()
        assert all(weight.grad.abs().max() < 1e-4 for weight in model.parameters())


class Scaled(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values * self.factor


@pytest.mark.parametrize("kind", ["groups", "teacher", "exact reader", "odds"])
def test_in_mixed_precision_all_but_the_network_is_computed_in_32_bits(kind):
    """The network's outputs are coarse then; what is made of them is as exact as in one precision."""
    given, model = taught(250), linear(2)
    objective = {
        "groups": lambda: WorstGroups(model, 3, 0.7),
        "teacher": lambda: Distilled(model, 3, 0.7, alpha=0.5),
        "exact reader": lambda: Constrained(model, Adversary(3, [2]), 1.0),
        "odds": lambda: Constrained(model, EqualizedOdds(2, [2]), 1.0),
    }[kind]
    mixed, single = objective(), objective()
    with torch.autocast("cpu", torch.bfloat16):
        read = mixed(given.images)
    logits = read[1].float()
    exact = single.loss((logits, logits, given.images), given)["loss"].item()
    assert mixed.loss(read, given)["loss"].item() == pytest.approx(exact, rel=1e-5)
    assert logits.to(torch.bfloat16).float().equal(logits)  # coarse


def test_the_rest_of_a_share_is_cross_entropy():
    given, model = taught(), linear(2)
    parts = [loss_of(Distilled(model, 3, 0.0, alpha=alpha), given)["loss"].item() for alpha in (0.0, 0.25, 1.0)]
    assert parts[1] == pytest.approx(0.75 * parts[0] + 0.25 * parts[2], rel=1e-5)
