"""Size and place of boxes by finding and sex."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.datasets import NihLabels
from helpers.disclosure import SMALLEST_CELL
from helpers.studies.chest_labels.preparing import ATTRIBUTES
from helpers.studies.chest_labels.resampling import Draws, Means, interval, means

SIZE = 1024  # pixels of the images that the boxes are drawn on
MEASURES = ("area", "across", "down")


def joined_boxes(tables: NihLabels) -> pd.DataFrame:
    """Join the boxes to their patients, and measure them as shares of the image.

    Returns
    -------
    DataFrame
        Columns ``patient`` (0 to n_patients - 1), ``sex, finding``, ``area`` (share of the image), and ``across`` and
        ``down`` (the centre, from the left and from the top, in widths and heights of the image).
    """
    known = tables.images[["image", "sex"]].assign(patient=pd.factorize(tables.images["patient"])[0])
    boxes = tables.boxes.merge(known, on="image", how="inner", validate="many_to_one")
    return pd.DataFrame(
        {
            **boxes[["patient", "sex", "finding"]],
            "area": boxes["width"] * boxes["height"] / SIZE**2,
            "across": (boxes["x"] + boxes["width"] / 2) / SIZE,
            "down": (boxes["y"] + boxes["height"] / 2) / SIZE,
        }
    )


def box_means(boxes: pd.DataFrame, *, n_patients: int) -> Means:
    """Prepare mean size and place by finding and sex as a statistic of `resample`; boxes from `joined_boxes`."""
    finding = pd.Categorical(boxes["finding"]).codes
    sex = pd.Categorical(boxes["sex"], categories=ATTRIBUTES["sex"]).codes
    cells = np.where(sex >= 0, 2 * finding.astype(int) + sex, -1)
    return means(boxes[list(MEASURES)], cells=cells, patient=boxes["patient"].to_numpy(), n_patients=n_patients)


def box_table(boxes: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Tabulate size and place by finding and sex, and women less men.

    Returns
    -------
    DataFrame
        Index (finding, measure); ``n_M, n_F`` (boxes), ``patients_M, patients_F``, ``M, F`` (means), ``estimate, low,
        high`` (F less M) and ``n`` (patients). Both sexes are suppressed if one has under ten patients.
    """
    rows = {}
    for f, finding in enumerate(pd.Categorical(boxes["finding"]).categories):
        here = boxes[boxes["finding"] == finding].groupby("sex")["patient"]
        count, people = (of.reindex(ATTRIBUTES["sex"], fill_value=0) for of in (here.size(), here.nunique()))
        for m, measure in enumerate(MEASURES):
            pair = draws.estimate[2 * f : 2 * f + 2, m]
            part = draws.of(lambda x, f=f, m=m: x[..., 2 * f + 1, m] - x[..., 2 * f, m])
            found = interval(part, int(people.sum()))
            row = dict(zip("MF", pair, strict=True)) | {k: found[k] for k in ("estimate", "low", "high", "p")}
            row = dict.fromkeys(row, np.nan) if people.min() < SMALLEST_CELL else row
            sizes = {f"n_{s}": count[s] for s in "MF"} | {f"n_patients_{s}": people[s] for s in "MF"}
            rows[finding, measure] = sizes | {"n": people.sum()} | row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["finding", "measure"])
