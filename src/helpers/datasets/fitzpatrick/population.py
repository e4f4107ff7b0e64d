"""Simulated cases of skin pictures: skin type, condition and second label, and the exact planted effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.datasets.fitzpatrick import layout, rendering

# Shares in the real table of 16,577 rows: no skin type, then types 1 to 6. AGREEMENT: agreement of its two labels.
SHARES = tuple(count / 16_577 for count in (565, 2947, 4808, 3308, 2781, 1533, 635))
AGREEMENT = (0.479, 0.910)
_CENTAUR_MISSING = 1073 / 16_577
_QC_SHARES = tuple(count / 16_577 for count in (348, 32, 17, 10, 97))

# Classes: (nine, three); pairs: (share, class, easy condition and its family, hard condition and its family). A class
# has equal shares of easy and hard conditions, so that entanglement is visible only in the finest labels.
_INFLAMMATORY, _GENETIC = ("inflammatory", "non-neoplastic"), ("genodermatoses", "non-neoplastic")
_NEVUS, _CARCINOMA = ("benign melanocyte", "benign"), ("malignant epidermal", "malignant")
_PAIRS = (
    (0.26, _INFLAMMATORY, ("psoriasis", "plaque"), ("drug eruption", "rash")),
    (0.24, _INFLAMMATORY, ("granuloma annulare", "ring"), ("lichen planus", "papules")),
    (0.14, _GENETIC, ("neurofibromatosis", "papules"), ("incontinentia pigmenti", "network")),
    (0.12, _NEVUS, ("nevocytic nevus", "macule"), ("congenital nevus", "network")),
    (0.14, _CARCINOMA, ("basal cell carcinoma", "nodule"), ("squamous cell carcinoma", "plaque")),
    (0.10, ("malignant melanoma", "malignant"), ("lentigo maligna", "macule"), ("melanoma", "network")),
)
# From light (types 1 and 2) to dark (5 and 6): planted effects of the skin type are proportional to this.
_DARKNESS = np.array([0.0, 0.0, 0.5, 0.5, 1.0, 1.0])


def _hard_share(entanglement: float) -> np.ndarray:
    """Compute the share of hard conditions in types 1 to 6."""
    return 0.5 + entanglement * (_DARKNESS - 0.5)


def truth(planted: dict, shares: list[float]) -> dict[str, object]:
    """Describe the planted effects and their exact consequences for each skin type, each condition and both groups."""
    hard = _hard_share(planted["entanglement"])
    # Variance of the grain for each skin type, of easy and of hard conditions.
    grain = (planted["tone_grain"] * _DARKNESS[:, None]) ** 2 + [0, planted["condition_grain"] ** 2]
    mean = (1 - hard) * grain[:, 0] + hard * grain[:, 1]
    light, dark = 0, 5
    conditions = {
        label: {
            "nine": nine,
            "three": three,
            "family": family,
            "hard": bool(k),
            "prevalence_light": share * (hard[light] if k else 1 - hard[light]),
            "prevalence_dark": share * (hard[dark] if k else 1 - hard[dark]),
        }
        for share, (nine, three), *pair in _PAIRS
        for k, (label, family) in enumerate(pair)
    }
    return {
        "planted": planted,
        "skin_type": {
            t: {
                "share": shares[t] / (1 - shares[0]),
                "melanin": _melanin(planted["colour"], t),
                "hard_share": hard[t - 1],
                "grain_sd_easy": grain[t - 1, 0] ** 0.5,
                "grain_sd_hard": grain[t - 1, 1] ** 0.5,
            }
            for t in layout.SKIN_TYPES
        },
        "conditions": conditions,
        "total_variation": {"three": 0.0, "nine": 0.0, "label": hard[dark] - hard[light]},
        "grain_variance": {
            "light": mean[light],
            "dark": mean[dark],
            "dark_minus_light": mean[dark] - mean[light],
            "dark_minus_light_given_easy": grain[dark, 0] - grain[light, 0],
            "dark_minus_light_given_hard": grain[dark, 1] - grain[light, 1],
        },
    }


def _melanin(colour: float, skin_type: int | np.ndarray) -> float | np.ndarray:
    """Compute the mean amount of melanin of a skin type."""
    return rendering.MIDDLE + colour * (np.array(rendering.MELANIN)[skin_type - 1] - rendering.MIDDLE)


def draw(arguments: dict) -> pd.DataFrame:
    """Draw the rows of the table and the properties from which each picture is rendered."""
    n, planted, shares = arguments["n"], arguments["planted"], np.array(arguments["shares"])
    rng = np.random.default_rng((arguments["seed"], 1))
    skin_type = 1 + rng.choice(6, n, p=shares[1:] / shares[1:].sum())
    hard = rng.random(n) < _hard_share(planted["entanglement"])[skin_type - 1]
    pair = rng.choice(len(_PAIRS), n, p=[p[0] for p in _PAIRS])
    drawn = [_PAIRS[k][2 + h] for k, h in zip(pair, hard.astype(int), strict=True)]
    darkness = _DARKNESS[skin_type - 1]
    melanin, haemoglobin = rng.standard_normal((2, n)).clip(-2.5, 2.5)
    return pd.DataFrame(
        {
            "skin_type": skin_type,
            "scale": np.where(rng.random(n) < shares[0], layout.UNKNOWN, skin_type),
            "centaur": _second_label(rng, skin_type, arguments["centaur_agreement"]),
            "label": [label for label, _ in drawn],
            "nine": [_PAIRS[k][1][0] for k in pair],
            "three": [_PAIRS[k][1][1] for k in pair],
            "qc": rng.choice(np.array(["", *layout.QC]), n, p=[1 - sum(_QC_SHARES), *_QC_SHARES]),
            "family": [family for _, family in drawn],
            "hard": hard.astype(int),
            "melanin": _melanin(planted["colour"], skin_type) + rendering.MELANIN_SD * melanin,
            "haemoglobin": rendering.HAEMOGLOBIN + rendering.HAEMOGLOBIN_SD * haemoglobin,
            "grain": np.hypot(planted["tone_grain"] * darkness, planted["condition_grain"] * hard),
        }
    )


def _second_label(rng: np.random.Generator, skin_type: np.ndarray, agreement: list[float]) -> np.ndarray:
    """Draw second labels that are zero, one or two steps from the skin type, with the shares in `agreement`.

    The direction is random, except near an end of the scale, where the label stays within 1 to 6. Some labels are
    unknown.
    """
    exact, within = agreement
    steps = rng.choice(3, len(skin_type), p=[exact, within - exact, 1 - within])
    up = rng.random(len(skin_type)) < 0.5
    up = np.where(skin_type + steps > 6, False, np.where(skin_type - steps < 1, True, up))
    label = np.where(up, skin_type + steps, skin_type - steps)
    return np.where(rng.random(len(skin_type)) < _CENTAUR_MISSING, layout.UNKNOWN, label)
