"""Named segments of an NRRD file, as 3D Slicer writes them, and the text header that names them."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.errors import InputError
from helpers.scores.volumes import Segment

LONGEST = 1 << 20  # bytes of a header


def read_fields(path: Path) -> dict[str, str]:
    """Read the fields of the text header of an NRRD or MetaImage file; names in lower case.

    Fields are ``name: value``, ``name:=value`` (NRRD) or ``name = value`` (MetaImage). The header ends at an empty line
    or, in MetaImage, with the name of the data.
    """
    with path.open("rb") as stream:
        text = stream.read(LONGEST).replace(b"\r\n", b"\n")
    fields = {}
    for line in text.split(b"\n\n", 1)[0].split(b"\n"):
        parts = re.split(r"\s*(?::=|:\s|=)\s*", line.decode("utf-8", "replace"), maxsplit=1)
        if len(parts) == 2:
            fields[parts[0].strip().lower()] = parts[1].strip()
        if parts[0].lower() == "elementdatafile":
            break
    return fields


def read_segments(fields: dict[str, str], layers: int, where: object) -> tuple[Segment, ...]:
    """Find the segments in the fields of a header, in the order of their numbers.

    Parameters
    ----------
    fields : dict
        Result of `read_fields`. Slicer writes ``Segment0_Name``, ``Segment0_LabelValue`` and ``Segment0_Layer``; older
        versions only the name, and one layer for each segment.
    layers : int
        Number of layers in the file.

    Raises
    ------
    InputError
        A label or a layer is no number, or there is no such layer.
    """
    numbers = sorted({int(match[1]) for name in fields if (match := re.match(r"segment(\d+)_", name))})
    found = []
    for position, k in enumerate(numbers):
        label, layer = (fields.get(f"segment{k}_{part}") for part in ("labelvalue", "layer"))
        try:
            label = 1 if label is None else int(label)
            layer = (position if layers == len(numbers) else 0) if layer is None else int(layer)
        except ValueError:
            layer = -1
        if not 0 <= layer < layers:
            problem = f"segment {k} has no usable label and layer (the file has {layers} layers)"
            raise InputError(where, problem, "Save the segmentation again")
        found.append(Segment(fields.get(f"segment{k}_name") or f"segment {k}", label, layer))
    return tuple(found)
