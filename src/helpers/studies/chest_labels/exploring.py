"""Exploratory variants of the primary analysis: other mappings, each part alone, strata without parts."""

from __future__ import annotations

from helpers.datasets import NIH_MAPPING, NihLabels
from helpers.studies.chest_labels.preparing import ATTRIBUTES, prepare
from helpers.studies.chest_labels.rating import Comparison, compare
from helpers.studies.chest_labels.weighing import Design, design


def variants(tables: NihLabels, designs: dict[str, Design], mapping: str = "primary") -> dict[str, Comparison]:
    """Prepare the variants of each attribute's comparison.

    Parameters
    ----------
    tables : NihLabels
    designs : dict of str to Design
        By attribute; strata do not depend on the mapping.
    mapping : str
        The mapping of the main analysis, which is no variant.

    Returns
    -------
    dict of str to Comparison
        Named "<attribute>: <variant>".
    """
    cohorts = {name: prepare(tables, name) for name in dict.fromkeys([mapping, *NIH_MAPPING])}
    cohort, found = cohorts.pop(mapping), {}
    for by in ATTRIBUTES:
        found |= {f"{by}: {name}": compare(other, designs[by], by) for name, other in cohorts.items()}
        parts = sorted(cohort.panel["part"].unique())
        found |= {f"{by}: part {part} alone": compare(cohort, designs[by], by, part=part) for part in parts}
        found[f"{by}: strata without parts"] = compare(cohort, design(cohort, by, parts=False), by)
    return found
