"""Interactive explorers (ipywidgets) of finished results; each `*_view` function draws the same without widgets."""

from helpers.widgets.cases import cases_view, explore_cases
from helpers.widgets.changes import change_view, explore_changes
from helpers.widgets.groups import explore_groups, group_view
from helpers.widgets.loading import Pictures, breast_pictures, error_map, scan_pictures, skin_pictures
from helpers.widgets.methods import explore_methods, methods_view
from helpers.widgets.repeats import explore_repeats, repeats_view
from helpers.widgets.tables import explore_table

__all__ = [
    "Pictures",
    "breast_pictures",
    "cases_view",
    "change_view",
    "error_map",
    "explore_cases",
    "explore_changes",
    "explore_groups",
    "explore_methods",
    "explore_repeats",
    "explore_table",
    "group_view",
    "methods_view",
    "repeats_view",
    "scan_pictures",
    "skin_pictures",
]
