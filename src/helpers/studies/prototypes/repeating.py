"""One training of one cohort of a world: from pictures to rows of effects and measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.errors import check_choice
from helpers.studies.prototypes.experiment import (
    Edited,
    Trained,
    edit_all,
    effect_rows,
    fit_oracle,
    fit_world,
)
from helpers.studies.prototypes.measuring import measured
from helpers.studies.prototypes.picking import code_summary
from helpers.studies.prototypes.reading import Cohort, phi, real_cohort, simulated_cohort
from helpers.studies.prototypes.worlds import PLANTED

APART = 1_000  # between the seeds of two cohorts


def cohort_of(world: str, cohort: int, *, seed: int = 0, root: str = "", finding: str = "", **sizes: Any) -> Cohort:
    """Simulate a cohort of a world, or load the pictures of a folder if `root` is given.

    Parameters
    ----------
    world, cohort, seed
        Name of the world, number of the cohort, and seed of the run.
    root, finding : str
        As in `real_cohort`.
    **sizes
        ``n, n_reference, size`` as in `simulated_cohort`; a folder takes ``n`` and ``size``.
    """
    number = APART * seed + cohort
    if root:
        part = {name: value for name, value in sizes.items() if name in ("n", "size")}
        return real_cohort(root, finding=finding, seed=number, **part)
    check_choice("world", world, PLANTED)
    return simulated_cohort(world, seed=number, **sizes)


def weights_of(folder: str | Path | None, world: str, cohort: int, training: int) -> Path | None:
    """Name the file of the weights of a training; None keeps nothing."""
    return None if not folder else Path(folder) / f"{world.replace(' ', '-')}-{cohort}-{training}.pt"


def train_and_edit(
    cohort: Cohort,
    *,
    seed: int,
    edit_steps: int = 20,
    rounds: int = 2,
    keep: Path | None = None,
    **options: Any,
) -> tuple[Trained, Edited]:
    """Train on a cohort, or load what is kept, and draw the test pictures with every edit.

    Parameters
    ----------
    cohort : Cohort
    seed : int
        Seed of the training and of the controls.
    edit_steps, rounds : int
        As `steps` and `rounds` in `edit_all`.
    keep, **options
        As in `fit_world`.
    """
    trained = fit_world(cohort, seed=seed, keep=keep, **options)
    return trained, edit_all(trained, cohort.test, steps=edit_steps, rounds=rounds, seed=seed)


def world_job(
    world: str,
    cohort: int,
    training: int,
    *,
    seed: int = 0,
    sizes: dict[str, Any] | None = None,
    oracle_steps: int = 200,
    edit_steps: int = 20,
    weights: str = "",
    device: str = "auto",
    **options: Any,
) -> list[dict[str, Any]]:
    """Train once on a cohort of a world, edit, and list what came of it.

    Parameters
    ----------
    world, cohort, training
        The cohort's pictures depend on the first two; trainings of a cohort differ by their seed alone.
    seed : int
    sizes : dict, optional
        As in `cohort_of`.
    oracle_steps : int
    edit_steps : int
    weights : str
        Folder in which the weights are kept; empty for none.
    device : str
    **options
        As in `fit_world`.

    Returns
    -------
    list of dict
        ``SEED, kind, rule, edited, read, part, effect, n``. Rows of the kind ``effect`` are those of `effect_rows`. Of
        the kind ``measure``, `rule` is the name of a measure and `effect` its value.
    """
    data = cohort_of(world, cohort, seed=seed, **(sizes or {}))
    number = APART * cohort + training
    judge = {"steps": oracle_steps, "seed": APART * seed + cohort, "device": device}
    oracle = fit_oracle(data.oracle, keep=Path(weights) / f"oracle-{world}-{cohort}" if weights else None, **judge)
    how = {"seed": number + 1_000_000 * seed, "edit_steps": edit_steps, "device": device}
    trained, edited = train_and_edit(data, keep=weights_of(weights, world, cohort, training), **how, **options)
    rows = effect_rows(oracle, data.test, edited, data.reference).assign(kind="effect").to_dict("records")
    found = code_summary(trained.known, seed=number)
    found |= measured(trained, edited, data.oracle, data.test, steps=edit_steps, seed=number)
    found["phi marker finding"] = phi(data.train.labels)
    empty = dict.fromkeys(("edited", "read", "part", "n"))
    rows += [{"kind": "measure", "rule": name, "effect": value, **empty} for name, value in found.items()]
    return [{"SEED": number, **row} for row in rows]
