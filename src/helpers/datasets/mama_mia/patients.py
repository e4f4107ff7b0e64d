"""Simulated patients: functions that draw them and build the cohort frame of the loader from them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from helpers.datasets.mama_mia import layout, population

SHAPE = (64, 64, 24)

# Ids follow the real pattern (collection, digits), with one digit more than any real id.
_FIRST_ID = {"DUKE": 9001, "ISPY1": 90001, "ISPY2": 9000001, "NACT": 901}
_SITES = {
    "DUKE": ("unknown",),
    "ISPY1": ("AAI", "AAN", "AAE", "AAJ"),
    "ISPY2": ("AAI", "AAN", "AAE", "AAJ", "AAK", "AAL"),
    "NACT": ("4493",),
}
_SITE_FIRST = {"DUKE": 0, "ISPY1": 1, "ISPY2": 5, "NACT": 11}
_SITE_NAMES = np.array([site for name in layout.DATASETS for site in _SITES[name]])
_SITE_LABELS = np.array([f"{name}/{site}" for name in layout.DATASETS for site in _SITES[name]])
# Voxels are coarser than in the real images (about 2.5 times in plane, 2 times in thickness), so a breast fits SHAPE.
_IN_PLANE_MM = np.array([1.4648, 1.5625, 1.6603, 1.7578, 1.7578125, 1.9531])
_THICKNESS_MM = np.array([3.6, 4.0, 4.4, 4.8, 5.0])
_SUBTYPES = np.array(["triple_negative", "luminal_a", "luminal", "her2_enriched", "luminal_b", "her2_pure"])
_MANUFACTURERS = np.array(["GE", "SIEMENS", "Philips"])
_LOG_CC, _LOG_CC_SD, _LOG_CC_LIMIT = 2.6, 1.18, 2.2
_MISSING_AGE, _MISSING_PCR, _MISSING_MENOPAUSE = 0.004, 0.01, (0.003, 1.0, 0.176, 1.0)


def _pick(rng: np.random.Generator, shares: tuple[float, ...], n: int) -> np.ndarray:
    return np.minimum(np.searchsorted(np.cumsum(shares), rng.random(n), side="right"), len(shares) - 1)


def draw(
    n: int, *, seed: int, planted: population.Effects, age_shares: tuple[float, float, float] | None = None
) -> dict[str, np.ndarray]:
    """Draw `n` patients; one array of shape (n,) for each property, coded or in its unit.

    The simulated table and the simulated folder use the same draw, so they have the same patients. `age_shares` (Young,
    Middle, Older) replaces the shares of the population; the distribution of age within a group stays the same.
    """
    rng = np.random.default_rng(seed)
    source_age, ethnic = population.joint(planted)
    if age_shares is not None:
        source_age = population.reweight(source_age, age_shares)
    cumulative = np.cumsum(source_age.ravel())
    cell = np.minimum(np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right"), len(cumulative) - 1)
    source, age = cell // len(population.AGES), population.AGES[cell % len(population.AGES)]
    order = np.lexsort((rng.random(n), source))
    source, age = source[order], age[order]
    ethnicity = (rng.random(n)[:, None] >= np.cumsum(ethnic, axis=1)[source, :-1]).sum(axis=1)
    dice = population.draw_dice(rng, planted, source, age, ethnicity)

    middle = ndtr(_LOG_CC_LIMIT)
    size = ndtri(1 - middle + (2 * middle - 1) * rng.random(n))
    log_cc = _LOG_CC + dict(planted)["size_slope"] * (age - 48.5) + _LOG_CC_SD * size
    expert_cc = np.exp(log_cc)
    # A Dice of d allows volume ratios up to (2 - d) / d. The drawn ratio tends towards over-segmentation.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.exp(rng.uniform(-0.6, 0.9, n) * np.minimum(np.log((2 - dice) / dice), 1.5))
    automatic_cc = np.where(dice > 0, expert_cc * ratio, 0.0)

    menopause = np.where(age + rng.normal(0, 3, n) < 49, 0, np.where(rng.random(n) < 0.08, 1, 2))
    menopause[rng.random(n) < np.array(_MISSING_MENOPAUSE)[source]] = 3
    sites = np.array([len(_SITES[name]) for name in layout.DATASETS])[source]
    first_site = np.array([_SITE_FIRST[name] for name in layout.DATASETS])[source]
    pcr = (rng.random(n) < 0.295).astype(float)
    pcr[rng.random(n) < _MISSING_PCR] = np.nan
    missing_age = rng.random(n) < _MISSING_AGE
    density = np.where((source == 0) & (rng.random(n) < 0.2), _pick(rng, (0.05, 0.23, 0.52, 0.20), n), 4)
    return {
        "source": source.astype(np.int8),
        "age": age,
        "recorded_age": np.where(missing_age, np.nan, age.astype(float)),
        "ethnicity": ethnicity.astype(np.int8),
        "dice": dice,
        "expert_cc": expert_cc,
        "automatic_cc": automatic_cc,
        "menopause": menopause.astype(np.int8),
        "density": density.astype(np.int8),
        "site": (first_site + np.floor(rng.random(n) ** 1.5 * sites)).astype(np.int8),
        "subtype": _pick(rng, (0.337, 0.257, 0.143, 0.114, 0.105, 0.044), n),
        "pcr": pcr,
        "manufacturer": _pick(rng, (0.64, 0.27, 0.09), n),
        "field_strength": np.where(rng.random(n) < 0.72, 1.5, 3.0),
        "num_phases": 3 + _pick(rng, (0.14, 0.12, 0.09, 0.13, 0.31, 0.18, 0.03), n),
        "in_plane_mm": _IN_PLANE_MM[_pick(rng, (0.15, 0.1, 0.2, 0.2, 0.2, 0.15), n)],
        "thickness_mm": _THICKNESS_MM[_pick(rng, (0.2, 0.4, 0.2, 0.1, 0.1), n)],
        "split": (rng.random(n) < 0.203).astype(np.int8),
        "quality": rng.random((2, n)),
    }


@lru_cache(maxsize=8)
def _id_pool(n: int) -> tuple[np.ndarray, ...]:
    return tuple(np.array([f"{name}_{_FIRST_ID[name] + i}" for i in range(n)]) for name in layout.DATASETS)


def ids(source: np.ndarray) -> np.ndarray:
    """Build patient ids from sorted source codes, shape (n,)."""
    counts = np.bincount(source, minlength=len(layout.DATASETS))
    pool = _id_pool(1 << int(len(source) - 1).bit_length())
    return np.concatenate([pool[i][:count] for i, count in enumerate(counts)])


def site_names(drawn: dict[str, np.ndarray]) -> np.ndarray:
    """Return the site of each patient as the loader names it, shape (n,)."""
    return _SITE_NAMES[drawn["site"]]


def subtypes(drawn: dict[str, np.ndarray]) -> np.ndarray:
    """Return the tumour subtype of each patient, shape (n,)."""
    return _SUBTYPES[drawn["subtype"]]


def manufacturers(drawn: dict[str, np.ndarray]) -> np.ndarray:
    """Return the scanner manufacturer of each patient, shape (n,)."""
    return _MANUFACTURERS[drawn["manufacturer"]]


def ratings(drawn: dict[str, np.ndarray]) -> np.ndarray:
    """Simulate two experts' ratings of the automatic mask, as codes (0 Good ... 3 Missed) of shape (2, n)."""
    seen = drawn["dice"] + 0.12 * (drawn["quality"] - 0.5)
    codes = np.where(seen > 0.85, 0, np.where(seen > 0.65, 1, 2))
    return np.where(drawn["dice"] == 0, 3, codes).astype(np.int8)


_DTYPES = {
    "dataset": pd.CategoricalDtype(layout.DATASETS),
    "age_group": pd.CategoricalDtype(layout.AGE_GROUPS, ordered=True),
    "ethnicity": pd.CategoricalDtype(layout.ETHNICITIES),
    "menopause": pd.CategoricalDtype(layout.MENOPAUSE),
    "breast_density": pd.CategoricalDtype(layout.DENSITY),
    "split": pd.CategoricalDtype(layout.SPLIT),
    "expert_1_qs": pd.CategoricalDtype(layout.QUALITY_LEVELS, ordered=True),
    "expert_2_qs": pd.CategoricalDtype(layout.QUALITY_LEVELS, ordered=True),
}


def _category(name: str, codes: np.ndarray) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=_DTYPES[name])


def cohort_frame(drawn: dict[str, np.ndarray]) -> pd.DataFrame:
    """Convert drawn patients to the cohort frame of `helpers.datasets.load_mama_mia`, one row for each."""
    age = drawn["recorded_age"]
    in_plane, thickness = drawn["in_plane_mm"], drawn["thickness_mm"]
    quality = ratings(drawn)
    return pd.DataFrame(
        {
            "patient_id": ids(drawn["source"]),
            "dataset": _category("dataset", drawn["source"]),
            "site": site_names(drawn),
            "dataset_site": _SITE_LABELS[drawn["site"]],
            "age": age,
            "age_group": _category("age_group", np.where(np.isnan(age), -1, population.age_codes(drawn["age"]))),
            "ethnicity": _category("ethnicity", drawn["ethnicity"]),
            "menopause": _category("menopause", drawn["menopause"]),
            "breast_density": _category("breast_density", drawn["density"]),
            "tumor_subtype": subtypes(drawn),
            "pcr": drawn["pcr"],
            "manufacturer": manufacturers(drawn),
            "field_strength": drawn["field_strength"],
            "num_phases": drawn["num_phases"],
            "pixel_spacing_mm": in_plane,
            "slice_thickness_mm": thickness,
            "image_diagonal_mm": np.sqrt(
                (SHAPE[0] * in_plane) ** 2 + (SHAPE[1] * in_plane) ** 2 + (SHAPE[2] * thickness) ** 2
            ),
            "split": _category("split", drawn["split"]),
            "expert_1_qs": _category("expert_1_qs", quality[0]),
            "expert_2_qs": _category("expert_2_qs", quality[1]),
        }
    )
