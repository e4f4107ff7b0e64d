"""Command ``python -m helpers.datasets <folder>``: print a summary of a data set's folder."""

from __future__ import annotations

import sys

from helpers import paths
from helpers.datasets.mama_mia.check import check_data
from helpers.errors import InputError


def main(arguments: list[str]) -> int:
    """Print the summary. Return 0 if the cohort can be loaded and 1 if not."""
    try:
        summary = check_data(paths.data_root(arguments[0] if arguments else ""))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    lines = [summary.columns, *summary.astype(str).to_numpy()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    return int((summary["found"] == "unusable").any() or summary["found"].iloc[0] == "missing")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
