"""Soft rates and their gaps, the running threshold, and squared correlation."""

from functools import partial

import numpy as np
import pytest
import torch

from helpers.errors import InputError
from helpers.studies import mitigation
from helpers.studies.mitigation.penalties import EqualizedOdds, soft_equalized_odds, soft_rates, squared_correlation


def drawn(n: int = 40, *, labels: int = 1, groups: int = 2, seed: int = 0) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return {
        "decisions": torch.from_numpy(rng.random((n, labels))),
        "labels": torch.from_numpy(rng.integers(0, 2, (n, labels)).astype(float)),
        "known": torch.ones(n, labels, dtype=torch.double),
        "codes": torch.from_numpy(rng.integers(0, groups, n)),
    }


def by_hand(decisions, labels, known, codes, groups: int) -> list[float]:
    """Half the sum of both gaps for each label, in loops."""
    found = []
    for k in range(labels.shape[1]):
        gaps = []
        for side in (1, 0):
            rates = []
            for group in range(groups):
                values = [
                    float(decisions[i, k])
                    for i in range(len(codes))
                    if codes[i] == group and labels[i, k] == side and known[i, k]
                ]
                if values:
                    rates.append(sum(values) / len(values))
            gaps.append(max(rates) - min(rates) if len(rates) > 1 else 0.0)
        found.append(sum(gaps) / 2)
    return found


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("groups", [2, 3, 5])
def test_gap_is_that_of_loops(labels, groups):
    given = drawn(labels=labels, groups=groups, seed=groups)
    given["known"][::3, 0] = 0  # some labels are unknown, some groups too
    given["codes"][::7] = -1
    found = soft_equalized_odds(**given, groups=groups)
    np.testing.assert_allclose(found, by_hand(**given, groups=groups), rtol=1e-12)


def test_gaps_cannot_cancel():
    """Group 0 finds 0.3 more of the positives and 0.3 fewer of the negatives: the signed sum is 0."""
    labels = torch.tensor([[1.0], [0.0], [1.0], [0.0]])
    decisions = torch.tensor([[0.8], [0.2], [0.5], [0.5]])
    codes = torch.tensor([0, 0, 1, 1])
    rates, _ = soft_rates(decisions, labels, torch.ones(4, 1), codes, 2)
    assert float((rates[:, 0] - rates[:, 1]).sum()) == pytest.approx(0, abs=1e-7)
    assert float(soft_equalized_odds(decisions, labels, torch.ones(4, 1), codes, 2)) == pytest.approx(0.3)


def test_rates_and_their_sizes():
    labels = torch.tensor([[1.0], [1.0], [0.0], [1.0]])
    decisions = torch.tensor([[0.2], [0.6], [0.5], [0.9]])
    rates, sizes = soft_rates(decisions, labels, torch.ones(4, 1), torch.tensor([0, 0, 1, -1]), 2)
    np.testing.assert_allclose(rates[..., 0], [[0.4, 0], [0, 0.5]])
    np.testing.assert_allclose(sizes[..., 0], [[2, 0], [0, 1]])


def test_a_value_of_an_unknown_label_says_nothing():
    given = drawn(labels=2)
    given["known"][:10, 1] = 0
    before = soft_equalized_odds(**given, groups=2)
    given["labels"][:10, 1] = 1 - given["labels"][:10, 1]
    torch.testing.assert_close(soft_equalized_odds(**given, groups=2), before)


ABSENT = {
    "no case of a group": lambda d: d["codes"].fill_(0),
    "no known group": lambda d: d["codes"].fill_(-1),
    "no positive in a group": lambda d: d["labels"].mul_(d["codes"][:, None] == 0),
    "no positive": lambda d: d["labels"].fill_(0),
    "no known label": lambda d: d["known"].fill_(0),
}


@pytest.mark.parametrize("case", ABSENT)
def test_what_a_batch_lacks_is_not_compared(case):
    given = drawn()
    given["labels"][:4, 0], given["codes"][:4] = torch.tensor([0.0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
    ABSENT[case](given)
    logits = torch.logit(given.pop("decisions")).requires_grad_()
    found = soft_equalized_odds(logits.sigmoid(), **given, groups=2)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert found.isfinite().all() and gradient.isfinite().all()
    wanted = by_hand(logits.detach().sigmoid(), **given, groups=2)
    np.testing.assert_allclose(found.detach(), wanted, atol=1e-12)
    # Without positives in a group there is the gap of the negatives; without one of the groups there is none.
    assert bool(gradient.any()) == (case.startswith("no positive")) == (wanted[0] > 0)


def test_the_largest_gap_over_labels_and_attributes_is_squared():
    given, other = drawn(labels=2), drawn(labels=2, groups=3, seed=1)
    codes = torch.stack([given["codes"], other["codes"]], 1)
    penalty = EqualizedOdds(2, [2, 3]).eval().double()
    logits = torch.logit(given["decisions"])
    found = penalty(logits, None, given["labels"], given["known"], codes)["penalty"]
    decisions = ((given["decisions"].float() - 0.5) / 0.3).sigmoid()
    gaps = [by_hand(decisions, given["labels"], given["known"], codes[:, k], groups) for k, groups in enumerate((2, 3))]
    assert float(found) == pytest.approx(np.max(gaps) ** 2, rel=1e-5)


def test_a_single_group_pays_nothing():
    given = {name: values.float() for name, values in drawn().items()}
    penalty = EqualizedOdds(1, [1])
    logits = torch.logit(given["decisions"]).requires_grad_()
    found = penalty(logits, None, given["labels"], given["known"], torch.zeros(40, 1, dtype=torch.long))["penalty"]
    assert found.item() == 0 and not torch.autograd.grad(found, logits)[0].any()


# -- the threshold


def seen(penalty: EqualizedOdds, probability, label) -> None:
    p = torch.tensor(probability)[:, None]
    y = torch.tensor(label)[:, None].float()
    penalty(torch.logit(p), None, y, torch.ones_like(y), torch.zeros(len(y), 1, dtype=torch.long))


def test_the_threshold_runs_to_where_sensitivity_and_specificity_meet():
    penalty = EqualizedOdds(1, [2], momentum=0.25)
    # At 0.2 two of two positives are found, and two of three negatives are called so; at 0.3 one of two, and all.
    p, y = [0.05, 0.1, 0.2, 0.2, 0.3], [0, 0, 0, 1, 1]
    wanted, best = 0.5, 0.2
    for _ in range(3):
        seen(penalty, p, y)
        wanted += 0.25 * (best - wanted)
        assert float(penalty.threshold) == pytest.approx(wanted)


def test_the_threshold_moves_only_in_training_and_by_both_classes():
    penalty = EqualizedOdds(1, [2]).eval()
    seen(penalty, [0.1, 0.2], [0, 1])
    assert float(penalty.threshold) == 0.5
    seen(penalty.train(), [0.1, 0.2], [1, 1])
    assert float(penalty.threshold) == 0.5
    seen(penalty, [0.1, 0.2], [0, 1])
    assert float(penalty.threshold) < 0.5


def test_the_threshold_is_in_checkpoints():
    penalty = EqualizedOdds(3, [2])
    assert penalty.state_dict()["threshold"].shape == (3,) and not list(penalty.parameters())


@pytest.mark.parametrize(
    "options", [{"temperature": 0.0}, {"temperature": float("nan")}, {"momentum": 0.0}, {"momentum": 2.0}]
)
def test_sizes_out_of_range_are_refused(options):
    with pytest.raises(InputError, match="temperature above 0 and a momentum"):
        EqualizedOdds(1, [2], **options)


# -- another library


@pytest.mark.parametrize("rate", ["TruePositiveRate", "FalsePositiveRate"])
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_those_of_fairret(rate, seed):
    """Of two groups fairret's sum of ``|rate_g / rate - 1|`` is their difference over the rate of both together."""
    from fairret import loss, statistic

    given = drawn(60, seed=seed)
    side = 1.0 if rate == "TruePositiveRate" else 0.0
    given["known"] = (given["labels"] == side).double()  # leaves the other rate out
    logits = torch.logit(given.pop("decisions")).requires_grad_()
    ours = 2 * soft_equalized_odds(logits.sigmoid(), **given, groups=2).sum()
    (gradient,) = torch.autograd.grad(ours, logits)
    chosen = getattr(statistic, rate)()
    sensitive = torch.nn.functional.one_hot(given["codes"], 2).double()
    overall = chosen.overall_statistic(logits.sigmoid(), given["labels"]).detach()
    theirs = loss.NormLoss(chosen)(logits, sensitive, given["labels"], target_statistic=overall)
    (other,) = torch.autograd.grad(theirs, logits)
    assert theirs.item() == pytest.approx((ours / overall).item(), rel=1e-9)
    assert torch.nn.functional.cosine_similarity(gradient.ravel(), other.ravel(), dim=0).item() > 0.999999
    # Where the rate of all is not held fixed, a small step down ours is one down theirs, too.
    whole = partial(loss.NormLoss(chosen), sens=sensitive, label=given["labels"])
    assert whole(logits.detach() - 1e-3 * gradient).item() < whole(logits).item()


# -- squared correlation


def test_squared_correlation_is_that_of_numpy():
    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = rng.normal(size=(2, 30))
        b += a * rng.normal()
        found = squared_correlation(torch.from_numpy(a), torch.from_numpy(b))
        assert float(found) == pytest.approx(np.corrcoef(a, b)[0, 1] ** 2, rel=1e-6)


@pytest.mark.parametrize("n", [0, 1, 8])
def test_correlation_with_a_constant_is_0(n):
    values = torch.randn(n, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for found in (
        squared_correlation(values, torch.ones(n)),
        squared_correlation(values * 0 + 2, torch.arange(n) * 1.0),
    ):
        assert float(found) == 0
        (gradient,) = torch.autograd.grad(found, values)
        assert gradient.isfinite().all()


def test_correlation_does_not_depend_on_the_scale():
    a, b = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    whole = float(squared_correlation(a, b))
    for scale in (1e-3, 1e3):
        assert float(squared_correlation(scale * a, b)) == pytest.approx(whole, rel=1e-3)


def test_what_the_package_lists_is_there():
    assert all(hasattr(mitigation, name) for name in mitigation.__all__)
