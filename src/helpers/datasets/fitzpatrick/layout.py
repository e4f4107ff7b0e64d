"""Names of files and columns of a Fitzpatrick17k download; the simulator and the loader both use them."""

from __future__ import annotations

TABLE = "fitzpatrick17k.csv"
IMAGES = "images"
COLUMNS = (
    "md5hash",
    "fitzpatrick_scale",
    "fitzpatrick_centaur",
    "label",
    "nine_partition_label",
    "three_partition_label",
    "qc",
    "url",
    "url_alphanum",
)
SKIN_TYPES = (1, 2, 3, 4, 5, 6)
UNKNOWN = -1  # value of a missing skin type in the table
GROUPS = {1: "light", 2: "light", 5: "dark", 6: "dark"}  # types 3 and 4 belong to neither
GROUP_NAMES = ("light", "dark")
QC = ("1 Diagnostic", "2 Characteristic", "3 Wrongly labelled", "4 Other", "5 Potentially")

# Columns of the frame that `helpers.datasets.load_fitzpatrick17k` returns.
CASE_COLUMNS = ("md5hash", "skin_type", "scale", "centaur", "group", "label", "nine", "three", "qc", "file")
