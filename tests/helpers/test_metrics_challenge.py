"""The MAMA-MIA challenge's score: its voxel distance, its formula by hand, and what the corrected variant changes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from helpers import metrics
from helpers.errors import InputError

REAL = Path(__file__).resolve().parents[2] / "../shared/data/mamamia"


def contour_points(mask):
    return np.argwhere(sitk.GetArrayFromImage(sitk.LabelContour(sitk.GetImageFromArray(mask.astype(np.uint8)))) > 0)


def published_distance(expert, predicted):
    """The published method, step by step, on whole volumes."""
    a, b = contour_points(expert), contour_points(predicted)
    if len(a) == 0 or len(b) == 0:
        return 0.0 if len(a) == len(b) else np.inf
    directed = cKDTree(a).query(b)[0], cKDTree(b).query(a)[0]
    return max(np.percentile(d, 95) for d in directed)


@pytest.mark.parametrize("seed", range(60))
def test_voxel_distance_is_the_published_one(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 10, 3))
    share = rng.choice([0.05, 0.3, 0.9, 1.0], 2)
    fields = gaussian_filter(rng.random((2, *shape)), (0, *[(0, 1)[seed % 2]] * 3))
    masks = [field >= np.quantile(field, 1 - s) for field, s in zip(fields, share, strict=True)]
    assert metrics.hd95_voxels(*masks) == pytest.approx(published_distance(*masks))


def test_a_full_image_has_no_contour_but_a_border():
    full, one = np.ones((4, 4, 4), bool), np.zeros((4, 4, 4), bool)
    one[1, 1, 1] = True
    assert metrics.hd95_voxels(full, one) == np.inf == published_distance(full, one)
    assert np.isfinite(metrics.hd95(full, one, spacing=(1, 1, 1)))


def test_voxel_distance_of_empty_masks():
    empty, one = np.zeros((2, 4, 4, 4), bool)
    one[1, 1, 1] = True
    assert metrics.hd95_voxels(empty, one) == metrics.hd95_voxels(one, empty) == np.inf
    assert metrics.hd95_voxels(empty, empty) == 0


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "age": [40, 41, 50, 71, np.nan, 60],
            "menopause": ["pre", "peri (6-12 months)", "post", None, "post (prior surgery)", "pre (< 6 months)"],
            "breast_density": ["a", "b", "b", None, "unknown", "a"],
            "dice": [0.8, 0.6, 1.0, 0.4, 0.0, 0.2],
            "hd95_voxels": [15.0, 30.0, 0.0, 300.0, np.inf, 75.0],
            "hd95": [10.0, 20.0, 0.0, 200.0, 400.0, 50.0],
        }
    )


def test_published_score_by_hand(frame):
    norm = np.array([0.1, 0.2, 0, 2.0, 1.0, 0.5])  # not clipped: 300 voxels are 2; an empty prediction is 1
    performance = (0.5 + 1 - norm.mean()) / 2
    # 0-40: 0.8, 0.1 | 41-50: 0.8, 0.1 | 51-60: 0.2, 0.5 | 71+: 0.4, 2.0
    age = 1 - 0.5 * (0.6 + 1.9)
    # pre: (0.8 + 0.6 + 0.2) / 3, 0.8 / 3 | post: 0.5, 0.5 | unknown: 0.4, 2.0
    menopause = 1 - 0.5 * (1.6 / 3 - 0.4 + 2.0 - 0.8 / 3)
    # a: 0.5, 0.3 | b: 0.8, 0.1
    density = 1 - 0.5 * (0.3 + 0.2)
    score = metrics.challenge_score(frame)
    assert score.performance == pytest.approx(performance)
    assert score.by_attribute == pytest.approx({"age": age, "menopause": menopause, "breast_density": density})
    assert score.fairness == pytest.approx((age + menopause + density) / 3)
    assert score.rank == pytest.approx((score.performance + score.fairness) / 2)
    n = score.groups.set_index(["attribute", "group"])["n"]
    assert n["age"].to_dict() == {"0-40": 1, "41-50": 2, "51-60": 1, "71+": 1}
    assert n["menopause"].to_dict() == {"pre": 3, "post": 2, "unknown": 1}
    assert n["breast_density"].to_dict() == {"a": 2, "b": 2}


def test_corrected_score_by_hand(frame):
    norm = np.array([10, 20, 0, 150, 150, 50]) / 150
    score = metrics.challenge_score(frame, corrected=True)
    assert score.performance == pytest.approx((0.5 + 1 - norm.mean()) / 2)
    # pre: 1.6 / 3, 80 / 450 | post: 0.5, 0.5; unknown is no group
    assert score.by_attribute["menopause"] == pytest.approx(1 - 0.5 * (1.6 / 3 - 0.5 + 0.5 - 80 / 450))
    assert set(score.groups.query("attribute == 'menopause'")["group"]) == {"pre", "post"}
    assert score.groups["norm_hd"].between(0, 1).all()


def test_categories_as_in_the_cohort_frame(frame):
    as_category = frame.assign(
        menopause=pd.Categorical(["pre", "peri", "post", "unknown", "post", "pre"]),
        breast_density=pd.Categorical(["a", "b", "b", "unknown", "unknown", "a"]),
    )
    for corrected in (False, True):
        assert metrics.challenge_score(as_category, corrected=corrected)[:3] == pytest.approx(
            metrics.challenge_score(frame, corrected=corrected)[:3]
        )


def test_an_age_that_is_no_number_belongs_to_no_group(frame):
    text = frame.assign(age=["40", "41", "50", "unknown", None, "101"])
    groups = metrics.challenge_score(text).groups
    ages = groups[groups["attribute"] == "age"].set_index("group")
    assert ages["n"].to_dict() == {"0-40": 1, "41-50": 2}
    assert ages.loc["41-50", "dice"] == pytest.approx((0.6 + 1.0) / 2)
    assert ages.loc["41-50", "norm_hd"] == pytest.approx(0.1)
    assert groups.index.is_unique


def test_the_distance_at_which_a_case_is_missed_scales_the_score(frame):
    once, twice = (metrics.challenge_score(frame[:4], hd_max=length) for length in (150.0, 300.0))
    assert (once.groups["norm_hd"] == 2 * twice.groups["norm_hd"]).all()
    alone = metrics.challenge_score(frame, attributes=["breast_density"])
    assert (
        alone.fairness
        == alone.by_attribute["breast_density"]
        == metrics.challenge_score(frame).by_attribute["breast_density"]
    )


def test_equal_groups_are_fair(frame):
    flat = frame.assign(dice=0.7, hd95_voxels=15.0)
    score = metrics.challenge_score(flat)
    assert score.fairness == pytest.approx(1) and score.performance == pytest.approx((0.7 + 0.9) / 2)


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({"dice": None}, {}, "dice"),
        ({"dice": 1.2}, {}, "column dice, row 0: expected a number from 0 to 1, found 1.2"),
        ({"dice": "good"}, {}, "column dice"),
        ({"hd95_voxels": -1.0}, {}, "column hd95_voxels"),
        ({"hd95_voxels": np.nan}, {}, "column hd95_voxels"),
        ({"breast_density": "unknown"}, {}, r"no case has a known group.*attributes=\('age', 'menopause'\)"),
        ({"age": np.nan}, {}, "column age: no case"),
        ({}, {"hd95": "distance"}, "column distance: not in the table"),
        ({}, {"attributes": ("age", "colour")}, "column colour"),
        ({}, {"attributes": ()}, "no attribute"),
    ],
)
def test_bad_tables_are_refused(frame, change, settings, message):
    with pytest.raises(InputError, match=message):
        metrics.challenge_score(frame.assign(**change), **settings)


def test_the_empty_table_is_refused(frame):
    with pytest.raises(InputError, match="no case"):
        metrics.challenge_score(frame[:0])


@pytest.mark.skipif(not REAL.is_dir(), reason="the real MAMA-MIA tables are not there")
def test_group_sizes_of_the_real_cohort():
    table = pd.read_excel(REAL / "clinical_and_imaging_info.xlsx", sheet_name="dataset_info")
    scores = pd.read_csv(REAL / "nnunet_5fold_cv_vs_expert_per_case.csv")
    score = metrics.challenge_score(table.merge(scores, on="patient_id"), hd95="hd95", attributes=("age", "menopause"))
    n = score.groups.set_index(["attribute", "group"])["n"]
    assert n["age"].to_dict() == {"0-40": 349, "41-50": 528, "51-60": 428, "61-70": 178, "71+": 20}
    assert n["menopause"].to_dict() == {"post": 420, "pre": 678, "unknown": 408}
    assert 0.5 < score.rank < 1
