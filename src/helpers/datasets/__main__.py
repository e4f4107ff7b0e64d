"""Command ``python -m helpers.datasets IMAGES=my.csv``, or with a folder: print what is in a table or a data set."""

from __future__ import annotations

import sys

from helpers import paths
from helpers.datasets.checking.graph_folders import check_graphs, holds_graphs
from helpers.datasets.checking.summary import check_folder, check_images
from helpers.datasets.image_table.columns import PARAMETERS
from helpers.datasets.mama_mia.check import check_data
from helpers.errors import InputError, check_choice

NAMES = ("IMAGES", "DATA_ROOT", *PARAMETERS)


def main(arguments: list[str]) -> int:
    """Print the report. Return 0 if the data can be loaded by a study and 1 if not."""
    try:
        given = _given(arguments)
        if given.get("IMAGES"):
            found = check_images(given.pop("IMAGES"), given)
        else:
            root = paths.data_root(given.get("DATA_ROOT", ""))
            found = check_graphs(root) if holds_graphs(root) else check_folder(root)
            if found is None:
                return _mama_mia(root)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(found.text)
    return int(bool(found.refused))


def _given(arguments: list[str]) -> dict[str, str]:
    """Parse words such as ``IMAGES=my.csv``; a word that is none is the folder."""
    given = {}
    for word in arguments:
        name, equals, value = word.partition("=")
        if equals and name.isidentifier() and name.isupper():
            check_choice("check-data", name, NAMES)
            given[name] = value
        elif word:
            given["DATA_ROOT"] = word
    return given


def _mama_mia(root: object) -> int:
    summary = check_data(root)
    lines = [summary.columns, *summary.astype(str).to_numpy()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    return int((summary["found"] == "unusable").any() or summary["found"].iloc[0] == "missing")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
