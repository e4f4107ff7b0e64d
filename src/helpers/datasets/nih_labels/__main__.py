"""Command ``python -m helpers.datasets.nih_labels [WHEEL=file]``: fetch the NIH label tables, and print their terms."""

from __future__ import annotations

import sys
from pathlib import Path

from helpers.datasets.nih_labels import layout
from helpers.datasets.nih_labels.fetching import fetch
from helpers.errors import InputError, check_choice

TERMS = """
The mined labels and the boxes: provided by the NIH Clinical Center, without restriction on use, if you link to its
download site, https://nihcc.app.box.com/v/ChestXray-NIHCC, name it as the provider, and cite
  Wang et al., ChestX-ray8: Hospital-scale chest X-ray database and benchmarks, CVPR 2017.
The panel's labels: their terms are not in the wheel. Publish aggregates only, and cite
  Majkowska et al., Chest radiograph interpretation with deep learning models, Radiology 294:421-431, 2020.
They were taken from the wheel of torchxrayvision (Apache-2.0); its other tables have other terms, and were left there.
"""


def main(words: list[str]) -> int:
    """Take the tables and print where they are. Return 0, or 1 if they cannot be fetched."""
    try:
        wheel = ""
        for word in filter(None, words):
            name, _, wheel = word.partition("=")
            check_choice("real-labels", name, ("WHEEL",))
        place, taken = fetch(wheel)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    shown = _short(place)
    for name in layout.TABLES:
        print(f"{shown / name}  {'written' if name in taken else 'was there already'}")
    print(f"{shown / layout.TIDY}  the panel's images, one row each, 0 or 1")
    print(TERMS)
    audit = f"SCORES={shown / layout.TIDY} TRUTH=airspace_opacity_panel PREDICTED=airspace_opacity_mined"
    print(f"Next: make audit {audit} CASE=image PATIENT=patient GROUPS=sex,view")
    return 0


def _short(place: Path) -> Path:
    """Write a place below the working folder without the path to that folder."""
    return place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
