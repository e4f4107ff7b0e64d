"""Many data sets of each world: how often a switch, a cue or a difference is found, planted or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from helpers.studies.explanations.comparing import agreement_by_group, audit_table, gain_table, switch_table
from helpers.studies.explanations.experiment import confidence, cue_of, run_world, uniqueness
from helpers.studies.explanations.explaining import controls

GROUPED = ("noisy group", "equal noise")


def world_job(
    world: str,
    seed: int,
    *,
    n: int,
    n_test: int,
    size: int,
    epochs: int,
    n_boot: int,
    kind: str = "small",
    names: tuple[str, ...] | None = None,
    latent: int = 0,
    device: str = "auto",
) -> list[dict[str, Any]]:
    """Draw one data set of a world, train its networks, and find what the page looks for.

    Parameters
    ----------
    world : str
    seed : int
        Seed of the data set and of the trainings.
    n, n_test, size, kind, epochs, names, latent, device
        As in `run_world`; latent is 1 or 0, since it is a number of a plan.
    n_boot : int

    Returns
    -------
    list of dict
        One row a statistic: ``statistic, estimate, low, high, found``. ``switch: ...`` is found if its interval is
        wholly above the smallest difference, ``audit: ...`` if the answer about the world's cue is yes, ``gain: ...``
        if the map finds it better than the image itself does, ``pair`` and ``group: ...`` if the interval is wholly
        below 0. Intervals are over images and two seeds.
    """
    how = {"n": n, "n_test": n_test, "size": size, "kind": kind, "epochs": epochs, "names": names, "device": device}
    found = run_world(world, latent=bool(latent), seed=seed, **how)
    draws = {"n_boot": n_boot, "seed": seed}
    switches = switch_table(found.before[:2], found.again[:2], **draws)
    rows = list(_rows("switch", switches, switches["found"]))
    asked = found.explained.places[cue_of(world)]
    audit = audit_table(found.before[:2], asked, **draws)
    rows += _rows("audit", audit, audit["answer"] == "yes")
    gain = gain_table(found.before[:2], controls(found.explained)["image"], asked, **draws)
    rows += _rows("gain", gain, gain["beats"])
    if len(found.networks) > 2:
        pair = uniqueness(found, **draws)
        rows += _rows("", pd.DataFrame([pair], index=["pair"]), [pair["high"] < 0])
    if world in GROUPED:
        groups = agreement_by_group(*found.before, found.explained.groups, confidence(found), **draws)
        rows += _rows("group", groups, groups["high"] < 0)
    return rows


def _rows(kind: str, table: pd.DataFrame, found: Iterable[bool]) -> Iterable[dict[str, Any]]:
    for (name, row), holds in zip(table.iterrows(), found, strict=True):
        numbers = {part: float(row[part]) for part in ("estimate", "low", "high")}
        yield {"statistic": f"{kind}: {name}" if kind else str(name), **numbers, "found": bool(holds)}
