"""Simulated patients and images of fetal planes: plane, machine, operator and habitus, drawn apart or tied."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.datasets.fetal_planes import rendering

PLANES = ("abdomen", "brain", "cervix", "femur", "thorax")  # known; the stranger is `other plane`
STRANGER = "other plane"
# Place of each machine on a line from the first known one, 0, to the second, 1.
MACHINES = {"Voluson E6": 0.0, "Aloka": 1.0, "Voluson S10": 0.3, "other machines": 1.8}
KNOWN = ("Voluson E6", "Aloka")
OPERATORS = ("operator 1", "operator 2", "operator 3", "other operators")
SETS = ("train", "known", "other plane", "machine between", "machine beyond")  # parts of a data set
_STRANGE = {"machine between": "Voluson S10", "machine beyond": "other machines"}
# At places 0 and 1 of the line.
_GAIN, _GAMMA, _SPECKLE, _BLUR = (1.25, 1.0), (0.75, 1.05), (0.15, 0.30), (0.010, 0.028)
_DEPTH = np.array([-0.15, 0.0, 0.15, 0.3])  # of each operator, in half sides
_ANGLE = np.array([-0.6, -0.2, 0.2, 0.6])  # radians
_MEAN_IMAGES = 5  # of a patient
_BRAIN = {"trans-thalamic": 1638, "trans-cerebellum": 714, "trans-ventricular": 597, "other brain plane": 143}


def draw(arguments: dict) -> tuple[pd.DataFrame, rendering.Scene]:
    """Draw the rows of the table and the properties from which each picture is rendered.

    Parameters
    ----------
    arguments : dict
        ``n, n_test, seed`` and ``planted``, as `simulate_fetal_planes` checks them.

    Returns
    -------
    cases : DataFrame
        ``patient, set, plane, brain_plane, operator, machine, habitus, part`` of each image; ``shape``, its index in
        `rendering.SHAPES`; ``place``, that of its machine on the line of machines.
    scene : Scene
    """
    rng = np.random.default_rng((arguments["seed"], 1))
    planted = arguments["planted"]
    sizes = dict(zip(SETS, [arguments["n"], *[arguments["n_test"]] * 4], strict=True))
    cases = pd.concat([_one_set(rng, name, n, planted) for name, n in sizes.items()], ignore_index=True)
    cases["patient"] = cases.groupby(["set", "patient"], sort=False).ngroup() + 1
    return cases, _scene(rng, cases, planted)


def _one_set(rng: np.random.Generator, name: str, n: int, planted: dict) -> pd.DataFrame:
    """Draw one set: its patients, with one machine, operator and habitus each, and their images, with a plane each."""
    images = rng.geometric(1 / _MEAN_IMAGES, max(n, 1))
    patient = np.repeat(np.arange(len(images)), images)[:n]
    people = int(patient.max()) + 1 if n else 0
    machine = np.array(KNOWN)[rng.integers(2, size=people)]
    place = np.array([MACHINES[m] for m in machine])
    plane = rng.integers(len(PLANES), size=n)
    if planted["tie"]:
        # The first machine takes the first two planes, and the second the others.
        tied = np.where(machine[patient] == KNOWN[0], plane % 2, 2 + plane % 3)
        plane = np.where(rng.random(n) < planted["tie"], tied, plane)
    if name in _STRANGE:
        place = place + planted["shift"] * (MACHINES[_STRANGE[name]] - place)
        machine = np.full(people, _STRANGE[name])
    drawn = np.where(rng.random(n) < planted["shift"], len(PLANES), plane) if name == STRANGER else plane
    high = rng.random(people) < (planted["high_in_training"] if name == "train" else planted["high"])
    plane_name = np.full(n, STRANGER, dtype=object) if name == STRANGER else np.array(PLANES, dtype=object)[plane]
    brain = rng.choice(list(_BRAIN), n, p=np.array(list(_BRAIN.values())) / sum(_BRAIN.values()))
    return pd.DataFrame(
        {
            "patient": patient,
            "set": name,
            "plane": plane_name,
            "brain_plane": np.where(plane_name == "brain", brain, None),
            "operator": np.array(OPERATORS)[rng.integers(len(OPERATORS), size=people)][patient],
            "machine": machine[patient],
            "habitus": np.where(high, "high", "low")[patient],
            "part": "train" if name == "train" else "test",
            "shape": drawn,
            "place": place[patient],
        }
    )


def _scene(rng: np.random.Generator, cases: pd.DataFrame, planted: dict) -> rendering.Scene:
    n = len(cases)
    # What the images of a patient share: they are alike.
    patient = pd.factorize(cases["patient"])[0]
    people = int(patient.max()) + 1
    loud, large = rng.normal(0, 0.06, people)[patient], rng.normal(0, 0.08, people)[patient]
    place = cases["place"].to_numpy() * planted["machine"] + (1 - planted["machine"]) * 0.5
    place = place + rng.normal(0, 0.08, people)[patient]
    operator = cases["operator"].map({name: i for i, name in enumerate(OPERATORS)}).to_numpy()
    high = (cases["habitus"] == "high").to_numpy()
    jitter = rng.normal(0, 1, (4, n))

    def on_line(ends: tuple[float, float]) -> np.ndarray:
        return ends[0] + place * (ends[1] - ends[0])

    return rendering.Scene(
        shape=cases["shape"].to_numpy(),
        across=0.08 * jitter[0],
        down=0.1 + planted["operator"] * _DEPTH[operator] + 0.05 * jitter[1],
        radius=np.clip(0.55 + large + 0.04 * jitter[2], 0.3, 0.7),
        angle=planted["operator"] * _ANGLE[operator] + 0.15 * jitter[3],
        gain=np.clip(on_line(_GAIN) * np.exp(loud), 0.1, None),
        gamma=np.clip(on_line(_GAMMA), 0.2, None),
        speckle=np.clip(on_line(_SPECKLE), 0, None),
        blur=np.clip(on_line(_BLUR), 0, None),
        attenuation=np.where(high, 0.2 + planted["habitus"] * 0.8, 0.2),
        noise=np.where(high, 0.03 + planted["habitus"] * 0.05, 0.03),
    )


def truth(planted: dict) -> dict[str, object]:
    """Describe the planted effects, and which images come from outside the training distribution."""
    real = planted["shift"] > 0
    return {
        "planted": planted,
        "strangers": {
            "other plane": {"column": "plane", "value": "Other", "kind": "anatomy", "is_shifted": real},
            "machine between": {"column": "US_Machine", "value": "Voluson S10", "kind": "machine", "is_shifted": real},
            "machine beyond": {"column": "US_Machine", "value": "Other", "kind": "machine", "is_shifted": real},
        },
        "machines": MACHINES,
        "share_high_habitus": {"train": planted["high_in_training"], "test": planted["high"]},
    }


def draw_country(rng: np.random.Generator, n: int, place: float) -> tuple[pd.DataFrame, rendering.Scene]:
    """Draw `n` images of four planes, by a machine at a `place` of the line: the rows of a country and its scene."""
    planted = {"shift": 0.0, "tie": 0.0, "high": 0.3, "high_in_training": 0.3}
    cases = _one_set(rng, "train", n, planted)
    kept = [PLANES.index(name) for name in ("abdomen", "brain", "femur", "thorax")]
    cases["shape"] = np.array(kept)[rng.integers(len(kept), size=n)]
    cases["plane"] = np.array(PLANES, dtype=object)[cases["shape"]]
    cases["patient"] += 1
    cases["place"] = place
    cases["part"] = np.where(cases["patient"] % 3 == 0, "test", "train")
    return cases, _scene(rng, cases, {"machine": 1.0, "operator": 1.0, "habitus": 1.0})
