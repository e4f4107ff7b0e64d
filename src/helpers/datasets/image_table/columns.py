"""Columns of a table of images: the parameter that names each, and the names that are recognised without one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from helpers.errors import InputError


class Role(NamedTuple):
    """Meaning of a column: `meaning` in words, and `names` that are recognised, in lower case without punctuation."""

    meaning: str
    names: tuple[str, ...]


# One column each. A name is recognised whatever its case, blanks, hyphens and underscores.
SINGLE = {
    "FILE": Role(
        "path of the image file, from the folder of the table",
        ("image", "imagefile", "imagepath", "imagename", "img", "imgpath", "file", "filename", "filepath", "path"),
    ),
    "SLICE": Role(
        "number of the slice or frame in a volume, from 0; without it, the middle one",
        ("slice", "slicenumber", "frame"),
    ),
    "MASK": Role(
        "path of the mask file",
        ("mask", "maskfile", "maskpath", "segmentation", "segmentationpath", "segmentationfile"),
    ),
    "SECOND_MASK": Role(
        "path of another mask of the image, such as one by a machine or a second expert",
        ("secondmask", "mask2", "silvermask", "automaticmask"),
    ),
    "PATIENT": Role(
        "patient of the image, any text; without it, each row is a patient",
        ("patient", "patientid", "patientname", "subject", "subjectid", "participant", "participantid", "personid"),
    ),
    "SITE": Role(
        "hospital, device or other source of the image",
        ("site", "siteid", "hospital", "centre", "center", "institution", "clinic"),
    ),
    "SPLIT": Role("part of the image: train, validation or test", ("split", "partition", "subset", "part")),
}
# Several columns each.
GROUPS = Role(
    "attributes whose groups are compared",
    (
        "sex",
        "gender",
        "skintype",
        "skintone",
        "fitzpatrick",
        "fitzpatrickskintype",
        "fitzpatrickscale",
        "race",
        "ethnicity",
        "agegroup",
        "age",
    ),
)
TARGETS = Role(
    "labels that are predicted",
    ("label", "labels", "diagnosis", "finding", "findings", "class", "target", "outcome", "disease", "grade"),
)
# Parameters of every study that reads a table of images, with their meaning.
PARAMETERS = {name: role.meaning for name, role in SINGLE.items()} | {
    "GROUPS": f'{GROUPS.meaning}, as "sex, skin_type"',
    "COMPARE": 'values of an attribute that form its groups, as "skin_type: 1,2 | 3,4; age: <=60 | >60"',
    "TARGETS": f'{TARGETS.meaning}: columns of 0 and 1, of classes, or conditions, as "biopsied, grade=G3, age>60"',
}


def plain(name: str) -> str:
    """Normalise a name to its letters and digits, in lower case."""
    return re.sub(r"[\W_]", "", name.casefold())


def recognised(columns: Iterable[str], role: Role) -> list[str]:
    """List the columns that have a recognised name of a role, the most usual name first."""
    known = {plain(name): name for name in reversed(list(columns))}
    return [known[name] for name in role.names if name in known]


def named(columns: list[str], name: str, *, parameter: str, file: str) -> str:
    """Return the column of this name, whatever its case and blanks.

    Raises
    ------
    InputError
        There is no such column; the message suggests the nearest.
    """
    if name in columns:
        return name
    alike = [column for column in columns if plain(column) == plain(name) and plain(name)]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(name.lower(), [c.lower() for c in columns], n=1, cutoff=0.5)
    hint = next((f"Did you mean {c}? " for c in columns if near and c.lower() == near[0]), "")
    listed = ", ".join(columns[:12]) + (", ..." if len(columns) > 12 else "")
    raise InputError(f"{parameter}, {file}", f"there is no column {name!r}", f"{hint}The columns are {listed}")


def assigned(columns: list[str], asked: Mapping[str, str], file: str, *, groups: Iterable[str] = ()) -> dict[str, str]:
    """Assign columns to the roles of `SINGLE`: those that parameters name, else those with a recognised name.

    A column that GROUPS (as the names `groups`), COMPARE or TARGETS names has no role by its name alone.

    Raises
    ------
    InputError
        A named column is absent, two roles name one column, or no column holds the images' paths.
    """
    found: dict[str, str] = {}
    for parameter in SINGLE:
        if name := asked.get(parameter, "").strip():
            column = named(columns, name, parameter=parameter, file=file)
            if other := next((p for p, taken in found.items() if taken == column), ""):
                raise InputError(f"{parameter}, {file}", f"column {column!r} is also named by {other}", "Use it once")
            found[parameter] = column
    used = {plain(name) for name in [*groups, *asked_columns(asked)]}
    for parameter, role in SINGLE.items():
        free = [c for c in recognised(columns, role) if c not in found.values()]
        free = [c for c in free if parameter == "FILE" or plain(c) not in used]
        if parameter not in found and free:
            found[parameter] = free[0]
    if "FILE" not in found:
        listed = ", ".join(columns[:12])
        raise InputError(file, "no column holds the paths of the images", f"Name it as FILE=column; there are {listed}")
    return found


def asked_columns(asked: Mapping[str, str]) -> list[str]:
    """List the columns that COMPARE and TARGETS name, as they are typed."""
    found = [name for part in split(asked.get("COMPARE", ""), ";") for name in split(part, ":")[:1]]
    found += [re.split(r"[!<>=]", part)[0] for part in split(asked.get("TARGETS", ""), ",")]
    return [unquoted(name) for name in found if name]


def split(text: str, separator: str) -> list[str]:
    """Split a text at a separator that is not inside double quotes; blanks at the ends of the parts are removed."""
    parts = re.findall(rf'(?:[^{re.escape(separator)}"]|"[^"]*")+', text)
    return [part.strip() for part in parts if part.strip()]


def unquoted(text: str) -> str:
    """Remove the double quotes around a name or value."""
    return text.strip()[1:-1] if len(text.strip()) > 1 and text.strip()[0] == text.strip()[-1] == '"' else text.strip()
