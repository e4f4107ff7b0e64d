"""Schemas that frames of cases must satisfy: `COHORT` for MAMA-MIA and `SKIN` for Fitzpatrick17k."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from helpers.datasets.fitzpatrick import layout as skin_layout
from helpers.datasets.mama_mia import layout
from helpers.datasets.shared.files import at
from helpers.errors import InputError

_POSITIVE = pa.Check.in_range(0, 5000, include_min=False, error="a number above 0 and at most 5000")

COHORT = pa.DataFrameSchema(
    {
        "patient_id": pa.Column(
            checks=pa.Check.str_matches(
                rf"^({'|'.join(layout.DATASETS)})_\d+$",
                error=f"one of {', '.join(layout.DATASETS)}, an underscore and digits",
            ),
            unique=True,
        ),
        "dataset": pa.Column(checks=pa.Check.isin(layout.DATASETS, error=f"one of {', '.join(layout.DATASETS)}")),
        "site": pa.Column(),
        "dataset_site": pa.Column(),
        "age": pa.Column(float, pa.Check.in_range(18, 110, error="an age in years from 18 to 110"), nullable=True),
        "age_group": pa.Column(nullable=True),
        "ethnicity": pa.Column(checks=pa.Check.isin(layout.ETHNICITIES)),
        "menopause": pa.Column(checks=pa.Check.isin(layout.MENOPAUSE)),
        "breast_density": pa.Column(checks=pa.Check.isin(layout.DENSITY)),
        "tumor_subtype": pa.Column(),
        "pcr": pa.Column(float, pa.Check.isin([0.0, 1.0], error="0 or 1, or empty"), nullable=True),
        "manufacturer": pa.Column(),
        "field_strength": pa.Column(
            float, pa.Check.in_range(0.1, 15, error="a field strength in tesla from 0.1 to 15"), nullable=True
        ),
        "num_phases": pa.Column(int, pa.Check.in_range(1, 100, error="a whole number from 1 to 100")),
        "pixel_spacing_mm": pa.Column(float, _POSITIVE),
        "slice_thickness_mm": pa.Column(float, _POSITIVE),
        "image_diagonal_mm": pa.Column(float, _POSITIVE),
        "split": pa.Column(checks=pa.Check.isin(layout.SPLIT)),
        "expert_1_qs": pa.Column(checks=pa.Check.isin(layout.QUALITY_LEVELS), nullable=True),
        "expert_2_qs": pa.Column(checks=pa.Check.isin(layout.QUALITY_LEVELS), nullable=True),
    },
    strict=True,
    ordered=True,
)
_SKIN_TYPE = pa.Check.isin(skin_layout.SKIN_TYPES, error="a skin type from 1 to 6")
SKIN = pa.DataFrameSchema(
    {
        "md5hash": pa.Column(checks=pa.Check.str_matches("^[0-9a-f]{32}$", error="32 hex digits"), unique=True),
        "skin_type": pa.Column("Int64", _SKIN_TYPE, nullable=True),
        "scale": pa.Column("Int64", _SKIN_TYPE, nullable=True),
        "centaur": pa.Column("Int64", _SKIN_TYPE, nullable=True),
        "group": pa.Column(checks=pa.Check.isin(skin_layout.GROUP_NAMES), nullable=True),
        "label": pa.Column(checks=pa.Check.str_length(min_value=1, error="a condition")),
        "nine": pa.Column(checks=pa.Check.str_length(min_value=1, error="a class")),
        "three": pa.Column(checks=pa.Check.str_length(min_value=1, error="a class")),
        "qc": pa.Column(nullable=True),
        "file": pa.Column(nullable=True),
    },
    strict=True,
    ordered=True,
)
_TABLE_COLUMN = {
    "pixel_spacing_mm": "pixel_spacing",
    "slice_thickness_mm": "slice_thickness",
    "image_diagonal_mm": "image_rows, image_columns, num_slices",
    "nine": "nine_partition_label",
    "three": "three_partition_label",
}


def validate(frame: pd.DataFrame, path: Path, schema: pa.DataFrameSchema = COHORT) -> pd.DataFrame:
    """Validate `frame` against a schema and return it; the first failure is raised as an `InputError`.

    The index of `frame` holds the row numbers of the table at `path`.
    """
    try:
        return schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        first = error.failure_cases.sort_values("index").iloc[0]
        column, check = str(first["column"]), str(first["check"])
        column = column if column in schema.columns else str(first["failure_case"])
        column = _TABLE_COLUMN.get(column, column)
        if check == "field_uniqueness":
            rows = frame.index[frame[column] == first["failure_case"]]
            problem = f"{first['failure_case']!r} is also in row {rows[0]}"
            raise InputError(at(path, rows[1], column), problem, "Keep one row each") from None
        shown = "is empty" if pd.isna(first["failure_case"]) else f"holds {first['failure_case']!r}"
        expected = "a value" if check == "not_nullable" else check
        where = at(path, first["index"], column)
        raise InputError(where, f"{shown}, expected {expected}", "Correct the cell") from None
