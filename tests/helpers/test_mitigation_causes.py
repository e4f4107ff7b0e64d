"""Causes of a gap: each changes what its table says, as often as it says, and nothing else."""

import numpy as np
import pytest
from scipy import stats

from helpers.errors import InputError
from helpers.studies import mitigation
from helpers.studies.mitigation.causes import Planted, marked, other_scanner

N = 4000
CAUSES = list(mitigation.CAUSES)


@pytest.fixture(scope="module")
def cohort() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = (rng.random(N) < 0.4).astype(float)
    labels[rng.random(N) < 0.1] = np.nan
    return {
        "images": rng.uniform(0, 0.8, (N, 1, 8, 8)).astype(np.float32),
        "labels": labels,
        "group": rng.random(N) < 0.4,
        "contaminated": rng.random(N) < 0.6,
    }


def planted(cause: str, cohort, **options) -> Planted:
    given = dict(cohort)
    return mitigation.plant(cause, given.pop("images"), given.pop("labels"), **given, **{"seed": 1} | options)


def share_is(share: float, hits: np.ndarray) -> bool:
    """Whether so many hits are drawn with this chance, with one false alarm in ten thousand."""
    low, high = stats.binom.ppf([0.00005, 0.99995], len(hits), share)
    return low <= hits.sum() <= high


def changed_images(made: Planted, cohort) -> np.ndarray:
    return (made.images != cohort["images"]).any((1, 2, 3))


def changed_labels(made: Planted, cohort) -> np.ndarray:
    return ~((made.labels == cohort["labels"]) | (np.isnan(made.labels) & np.isnan(cohort["labels"])))


def test_no_cause_changes_nothing(cohort):
    made = planted("none", cohort, strength=1.0)
    assert made.kept.all() and not changed_images(made, cohort).any() and not changed_labels(made, cohort).any()


@pytest.mark.parametrize("strength", [0.3, 0.9])
def test_under_representation_takes_a_share_of_the_group_away(cohort, strength):
    made = planted("under-representation", cohort, strength=strength)
    touched = cohort["group"] & cohort["contaminated"]
    assert made.kept[~touched].all() and share_is(strength, ~made.kept[touched])
    assert share_is(strength, ~made.kept[touched & (cohort["labels"] == 1)])  # of both classes alike
    assert share_is(strength, ~made.kept[touched & np.isnan(cohort["labels"])])
    assert not changed_images(made, cohort).any() and not changed_labels(made, cohort).any()


@pytest.mark.parametrize("strength", [0.3, 0.9])
def test_label_bias_records_positives_of_the_group_as_negative(cohort, strength):
    made = planted("label bias", cohort, strength=strength)
    changed = changed_labels(made, cohort)
    could = cohort["group"] & cohort["contaminated"] & (cohort["labels"] == 1)
    assert not changed[~could].any() and share_is(strength, changed[could]) and not made.labels[changed].any()
    assert made.kept.all() and not changed_images(made, cohort).any()


@pytest.mark.parametrize("strength", [0.3, 0.9])
def test_prevalence_shift_takes_positives_of_the_group_away(cohort, strength):
    made = planted("prevalence shift", cohort, strength=strength)
    could = cohort["group"] & cohort["contaminated"] & (cohort["labels"] == 1)
    assert made.kept[~could].all() and share_is(strength, ~made.kept[could])
    assert not changed_images(made, cohort).any() and not changed_labels(made, cohort).any()


@pytest.mark.parametrize("strength", [0.3, 0.9])
def test_a_shortcut_follows_the_label_outside_the_group_alone(cohort, strength):
    made = planted("shortcut", cohort, strength=strength)
    marks, labels = changed_images(made, cohort), cohort["labels"]
    for part in (cohort["contaminated"], ~cohort["contaminated"]):  # it is in all cases
        outside = part & ~cohort["group"]
        assert share_is((1 + strength) / 2, marks[outside & (labels == 1)])
        assert share_is((1 - strength) / 2, marks[outside & (labels == 0)])
        assert share_is(1 / 2, marks[outside & np.isnan(labels)])
        for value in (0, 1):
            assert share_is(1 / 2, marks[part & cohort["group"] & (labels == value)])
    assert made.kept.all() and not changed_labels(made, cohort).any()
    np.testing.assert_array_equal(made.images[marks], marked(cohort["images"][marks], np.ones(marks.sum())))


def test_difficulty_is_noise_in_images_of_the_group():
    rng = np.random.default_rng(2)
    images, group = np.full((60, 1, 32, 32), 0.5, np.float32), rng.random(60) < 0.5
    labels = (rng.random(60) < 0.5).astype(float)
    given = {"images": images, "labels": labels, "group": group, "contaminated": np.zeros(60, bool)}
    made = planted("difficulty", given, strength=0.1)
    np.testing.assert_array_equal(made.images[~group], images[~group])
    noise = made.images[group] - 0.5
    assert noise.std() == pytest.approx(0.1, rel=0.02) and abs(noise.mean()) < 0.003
    assert made.kept.all() and not changed_labels(made, given).any()


@pytest.mark.parametrize("cause", CAUSES)
def test_what_is_given_is_left_alone_and_images_stay_images(cause, cohort):
    before = {name: values.copy() for name, values in cohort.items()}
    made = planted(cause, cohort)
    for name, values in cohort.items():
        np.testing.assert_array_equal(values, before[name])
    assert made.images.dtype == np.float32 and made.images.min() >= 0 and made.images.max() <= 1
    assert made.labels is not cohort["labels"] and made.labels.dtype == float


@pytest.mark.parametrize("cause", CAUSES)
def test_strength_0_plants_nothing(cause, cohort):
    made = planted(cause, cohort, strength=0.0)
    assert made.kept.all() and not changed_images(made, cohort).any() and not changed_labels(made, cohort).any()


@pytest.mark.parametrize("cause", CAUSES[1:])
def test_a_seed_is_a_world_and_more_of_a_cause_holds_less_of_it(cause, cohort):
    first, again, other = (planted(cause, cohort, seed=seed) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, other, strict=True))
    less, more = (planted(cause, cohort, strength=strength) for strength in (0.3, 0.6))
    assert not (less.kept < more.kept).any()  # whoever is missing of few is missing of many
    if cause == "label bias":
        assert not (changed_labels(less, cohort) > changed_labels(more, cohort)).any()


def test_defaults_are_those_of_the_table(cohort):
    for cause, strength in mitigation.CAUSES.items():
        for one, two in zip(planted(cause, cohort), planted(cause, cohort, strength=strength), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("cause", CAUSES)
def test_images_of_a_case_have_one_fate(cause, cohort):
    case = np.random.default_rng(3).permutation(N) // 4
    alike = {name: cohort[name][case] for name in ("labels", "group", "contaminated")} | {"images": cohort["images"]}
    made = planted(cause, alike, case=[f"case {k}" for k in case], strength=0.5)
    for fate in (made.kept, made.labels, changed_images(made, alike)):
        first = np.full(N, np.nan)
        first[case[::-1]] = fate[::-1]
        np.testing.assert_array_equal(fate, first[case])
    if cause == "label bias":
        could = alike["group"] & alike["contaminated"] & (alike["labels"] == 1)
        one = np.unique(case[could], return_index=True)[1]
        assert share_is(0.5, changed_labels(made, alike)[could][one])


def test_without_cases_every_image_is_one(cohort):
    for cause in CAUSES:
        for one, two in zip(planted(cause, cohort), planted(cause, cohort, case=np.arange(N)[::-1]), strict=True):
            np.testing.assert_array_equal(one, two)


BAD = {
    "case": ({"case": ["one"]}, f"case: 1 for {N} images"),
    "cause": ({"cause": "bad luck"}, "cause: must be .*, got 'bad luck'"),
    "above 1": ({"strength": 1.1}, "strength = 1.1"),
    "below 0": ({"strength": -0.1}, "strength = -0.1"),
    "NaN": ({"strength": float("nan")}, "strength = nan"),
    "labels": ({"labels": np.zeros(3)}, f"labels: 3 for {N} images"),
    "group": ({"group": np.zeros(3, bool)}, f"group: 3 for {N} images"),
    "contaminated": ({"contaminated": np.zeros(3, bool)}, f"contaminated: 3 for {N} images"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case, cohort):
    options, words = BAD[case]
    given = {"cause": "label bias", "seed": 0} | cohort | options
    with pytest.raises(InputError, match=words):
        mitigation.plant(given.pop("cause"), given.pop("images"), given.pop("labels"), **given)


# -- marks and devices


@pytest.mark.parametrize(("side", "mark"), [(8, 2), (32, 4), (64, 8)])
def test_a_mark_is_a_bright_square_in_the_upper_left_corner(side, mark):
    images = np.zeros((3, 3, side, side), np.float32)
    found = marked(images, np.array([True, False, True]))
    wanted = np.zeros((side, side))
    wanted[:mark, :mark] = 1
    for k, which in enumerate((True, False, True)):
        np.testing.assert_array_equal(found[k], [wanted * which] * 3)
    assert not images.any()


def test_another_device_has_another_contrast_and_more_noise():
    images = np.full((50, 1, 16, 16), 0.5, np.float32)
    found = other_scanner(images, seed=0)
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
    assert found.mean() == pytest.approx(0.5**1.3, abs=0.002) and found.std() == pytest.approx(0.04, rel=0.03)
    np.testing.assert_array_equal(found, other_scanner(images, seed=0))
    assert not np.array_equal(found, other_scanner(images, seed=1))
    np.testing.assert_array_equal(other_scanner(images, seed=0, gamma=1.0, noise=0.0), images)
