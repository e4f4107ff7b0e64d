"""Records of a simulated download in the real style: spreadsheet, JSON, split, ratings and out-of-fold scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata

from helpers.datasets.mama_mia import layout, patients

_ETHNIC_RAW = (
    ("caucasian",),
    ("african american",),
    ("asian",),
    (
        "multiple race",
        "hispanic",
        "hawaiian/pacific islander",
        "american indian/alaskan native",
        "native american",
        "hawaian",
        "american indian",
    ),
    (None,),
)
_AGENTS = (None, "Paclitaxel", "Paclitaxel + Neratinib", "Paclitaxel + Ganitumab", "FEC100")
_BMI = (None, "normal", "overweight", "obesity_class_1", "underweight")
_SCANNERS = {"GE": "Signa HDxt", "SIEMENS": "Avanto", "Philips": "Achieva "}
_LEGEND = {
    "patient_id": ("Collection and number of the patient", "Simulated: numbers lie beyond the real ones"),
    "dataset": ("Name of the source collection", "DUKE, ISPY1, ISPY2, NACT"),
    "age": ("Age at the time of imaging", "years; empty: no info available"),
    "menopause": ("Menopausal status", "pre, peri, post; empty: no info available"),
    "ethnicity": ("Ethnicity as recorded by the source", "empty: no info available"),
    "pixel_spacing": ("In-plane spacing of a pixel", "list of two numbers in mm"),
    "slice_thickness": ("Distance between slices", "mm"),
    "site": ("Imaging site", "empty: no info available"),
}


def _flags(rng: np.random.Generator, n: int, share: float, missing: float) -> np.ndarray:
    flag = (rng.random(n) < share).astype(float)
    flag[rng.random(n) < missing] = np.nan
    return flag


def _choice(rng: np.random.Generator, values: tuple, n: int) -> list:
    return [values[i] for i in rng.integers(len(values), size=n)]


def _raw_site(dataset: str, site: str) -> str | int | None:
    """Format a site as the first release does: equal codes of two collections differ only by a prefix or a blank."""
    if dataset == "DUKE":
        return None
    return {"ISPY1": f"Site {site}", "ISPY2": f"{site} "}.get(dataset) or int(site)


def _menopause(rng: np.random.Generator, codes: np.ndarray) -> list[str | None]:
    pre = ("pre", "pre short", "pre spaced")
    picks = rng.choice(3, size=len(codes), p=(0.52, 0.26, 0.22))
    keys = ((pre[p], "peri", "post", None)[c] for c, p in zip(codes, picks, strict=True))
    return [layout.MENOPAUSE_STRINGS.get(key) for key in keys]


def spreadsheet(
    drawn: dict[str, np.ndarray], *, seed: int, shape: tuple[int, int, int], density: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the sheets ``dataset_info`` (49 columns, or 50 with `density`) and ``legend``."""
    n = len(drawn["source"])
    rng = np.random.default_rng((seed, 1))
    names = patients.ids(drawn["source"])
    dataset = np.array(layout.DATASETS)[drawn["source"]]
    makers = patients.manufacturers(drawn)
    subtypes = patients.subtypes(drawn)
    spacing = drawn["in_plane_mm"]
    seconds = rng.integers(80, 100, size=n)
    follow_up = np.where(rng.random(n) < 0.6, np.nan, rng.integers(300, 3000, n))
    sheet = {
        "patient_id": names,
        "dataset": dataset,
        "bilateral_breast_cancer": _flags(rng, n, 0.02, 0).astype(int),
        "multifocal_cancer": _flags(rng, n, 0.4, 0.1),
        "nac_agent": _choice(rng, _AGENTS, n),
        "endocrine_therapy": _flags(rng, n, 0.01, 0.8),
        "anti_her2_neu_therapy": _flags(rng, n, 0.28, 0.8),
        "pcr": drawn["pcr"],
        "mastectomy_post_nac": _flags(rng, n, 0.54, 0.77),
        "days_to_follow_up": follow_up,
        "days_to_recurrence": np.where(rng.random(n) < 0.8, 0 * follow_up, follow_up // 2),
        "days_to_metastasis": np.where(rng.random(n) < 0.9, np.nan, 0 * follow_up),
        "days_to_death": np.where(rng.random(n) < 0.87, 0 * follow_up, follow_up),
        "hr": np.char.startswith(subtypes, "luminal").astype(float),
        "er": _flags(rng, n, 0.56, 0.66),
        "pr": _flags(rng, n, 0.45, 0.66),
        "her2": np.char.startswith(subtypes, "her2").astype(float),
        "mammaprint": _flags(rng, n, 0.5, 0.35),
        "oncotype_score": np.where(rng.random(n) < 0.98, np.nan, rng.integers(5, 50, n)),
        "nottingham_grade": _choice(rng, (None, None, None, "high", "intermediate", "low"), n),
        "tumor_subtype": subtypes,
        "age": drawn["recorded_age"],
        "menopause": _menopause(rng, drawn["menopause"]),
        "ethnicity": [_ETHNIC_RAW[c][rng.integers(len(_ETHNIC_RAW[c]))] for c in drawn["ethnicity"]],
        "has_implant": _flags(rng, n, 0.02, 0).astype(int),
        "weight": np.where(rng.random(n) < 0.16, np.nan, np.round(rng.normal(74, 15, n), 3)),
        "patient_size": np.where(rng.random(n) < 0.93, np.nan, np.round(rng.normal(1.63, 0.06, n), 6)),
        "bmi_group": _choice(rng, _BMI, n),
        "breast_density": [None if c == 4 else layout.DENSITY[c] for c in drawn["density"]],
        "view": np.where(rng.random(n) < 0.84, "axial", "sagittal"),
        "bilateral_mri": _flags(rng, n, 0.31, 0).astype(int),
        "num_phases": drawn["num_phases"],
        "fat_suppressed": 1,
        "field_strength": drawn["field_strength"],
        "image_rows": shape[0],
        "image_columns": shape[1],
        "num_slices": shape[2],
        "pixel_spacing": [f"[{mm}, {mm}]" for mm in spacing.tolist()],
        "slice_thickness": drawn["thickness_mm"],
        "site": [_raw_site(d, s) for d, s in zip(dataset, patients.site_names(drawn), strict=True)],
        "manufacturer": makers,
        "scanner_model": [_SCANNERS[maker] for maker in makers],
        "high_bit": np.where(makers == "SIEMENS", 11, 15),
        "window_center": np.where(rng.random(n) < 0.02, np.nan, rng.integers(50, 900, n)),
        "window_width": np.where(rng.random(n) < 0.02, np.nan, rng.integers(100, 1800, n)),
        "echo_time": np.round(rng.uniform(1.3, 4.3, n), 2),
        "repetition_time": np.round(rng.uniform(3.5, 9, n), 2),
        "acquisition_times": [
            str([int(k * step) for k in range(phases)]) if known else None
            for step, phases, known in zip(seconds, drawn["num_phases"], rng.random(n) > 0.02, strict=True)
        ],
        "acquisition_date": [
            None if d == "DUKE" else f"{2000 + y}/{m:02d}/{day:02d}"
            for d, y, m, day in zip(
                dataset, rng.integers(0, 12, n), rng.integers(1, 13, n), rng.integers(1, 29, n), strict=True
            )
        ],
        "tcia_series_uid": [f"simulated.{name.lower()}" for name in names],
    }
    names = layout.columns(density=density)
    legend = pd.DataFrame(
        [(name, *_LEGEND.get(name, ("Simulated after the field of the same name", ""))) for name in names],
        columns=["Field", "Description", "Options"],
    )
    return pd.DataFrame(sheet, columns=names), legend


def patient_json(row: dict[str, object], density: int, box: tuple[slice, ...]) -> dict[str, object]:
    """Build the content of ``patient_info_files/<patient_id>.json`` from one row of the sheet."""

    def plain(name: str) -> object:
        value = row[name]
        return None if value is None or value != value else value

    corners = {f"{axis}_{end}": int(v) for axis, s in zip("xyz", box, strict=True) for end, v in _ends(s)}
    return {
        "patient_id": row["patient_id"],
        "primary_lesion": {
            "pcr": plain("pcr"),
            "tumor_subtype": plain("tumor_subtype"),
            "breast_coordinates": corners,
        },
        "clinical_data": {
            "age": plain("age"),
            "menopausal_status": plain("menopause"),
            "breast_density": None if density == 4 else layout.DENSITY[density],
            "ethnicity": plain("ethnicity"),
        },
        "imaging_data": {
            "bilateral": bool(row["bilateral_mri"]),
            "dataset": row["dataset"],
            "site": plain("site"),
            "scanner_manufacturer": row["manufacturer"],
            "scanner_model": row["scanner_model"],
            "field_strength": row["field_strength"],
            "echo_time": row["echo_time"],
            "repetition_time": row["repetition_time"],
        },
    }


def _ends(side: slice) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("min", side.start), ("max", side.stop)


def splits(drawn: dict[str, np.ndarray]) -> pd.DataFrame:
    """Build the table of two columns of different length, ``train_split`` and ``test_split``."""
    names = patients.ids(drawn["source"])
    lists = [names[drawn["split"] == code] for code in (0, 1)]
    return pd.DataFrame({"train_split": pd.Series(lists[0]), "test_split": pd.Series(lists[1])}, dtype=object)


def quality(drawn: dict[str, np.ndarray], realised: np.ndarray) -> pd.DataFrame:
    """Build the table of two experts' ratings of the automatic masks, with columns of metrics."""
    levels = np.array(layout.QUALITY_LEVELS)
    first, second = patients.ratings(drawn)
    return pd.DataFrame(
        {
            "patient_id": patients.ids(drawn["source"]),
            "expert_1_qs": levels[first],
            "expert_2_qs": levels[second],
            "DiceCoef": realised.round(4),
            "IoU": (realised / (2 - realised)).round(4),
        }
    )


def out_of_fold(drawn: dict[str, np.ndarray], *, seed: int) -> list[pd.DataFrame]:
    """Simulate per-case scores of a network against the expert masks, one table for each of five folds.

    Each table ends with rows of summaries, as tools write them. Dice correlates with the automatic mask's Dice
    (Gaussian copula) and is lower. HD95 in mm is large more often at DUKE. One case in 400 is an empty prediction,
    recorded with Dice 0 and HD95 0; with twenty patients or more there are at least two.
    """
    n = len(drawn["source"])
    rng = np.random.default_rng((seed, 2))
    rank = ndtri(rankdata(drawn["dice"], method="ordinal") / (n + 1))
    mixed = 0.5 * rank + np.sqrt(0.75) * rng.standard_normal(n)
    dice = np.sort(rng.beta(2.9, 0.9, n))[np.argsort(np.argsort(mixed))].round(4).clip(0.0001, 0.99)
    far = rng.random(n) < np.where(drawn["source"] == 0, 0.6, 0.15)
    hd95 = (1 + 40 * (1 - dice) ** 2 * rng.exponential(1, n) + far * rng.uniform(40, 180, n)).round(4)
    empty = rng.permutation(n)[: max(2 if n >= 20 else 0, n // 400)]
    dice[empty] = hd95[empty] = 0.0
    table = pd.DataFrame({"patient_id": patients.ids(drawn["source"]), "dice": dice, "hd95": hd95})
    fold = rng.permutation(n) % 5
    parts = []
    for k in range(5):
        part = table[fold == k]
        footer = part[["dice", "hd95"]].agg(["mean", "std"]).round(4).rename_axis("patient_id").reset_index()
        parts.append(pd.concat([part, footer], ignore_index=True))
    return parts
