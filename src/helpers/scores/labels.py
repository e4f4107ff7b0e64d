"""Choice of the structure that is scored: a label, several together, or a segment by its name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from helpers.datasets.shared.files import plain_name
from helpers.errors import InputError
from helpers.scores.volumes import Segment, Volume

EACH = "each"  # score every label separately
SHOWN = 8


def check_value(value: object) -> str:
    """Return the chosen structure as a text; raise InputError unless it is a text or a whole number of 1 or more."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    text = plain_name(str(value)) if whole or isinstance(value, str) else "?"
    if text == "?" or (_number(text) is not None and _number(text) <= 0):
        problem = f"{value!r} is no label above 0, which is the background"
        raise InputError("MASK_VALUE", problem, 'Give a number, numbers as "1,4", a segment\'s name, or "each"')
    return text


def chosen(volume: Volume, value: str, other: Volume, *, where: object) -> np.ndarray:
    """Return the voxels of a structure.

    Parameters
    ----------
    volume : Volume
    value : str
        A label, labels separated by commas (together), or the name of a segment. Empty for the only structure.
    other : Volume
        The mask it is compared with: its names of segments serve a file that has none.
    where : object
        The file, for errors.

    Returns
    -------
    ndarray
        A mask, (x, y, z): 0 or False, and one positive value.

    Raises
    ------
    InputError
        No value is given for a mask of several labels, or a name is unknown.
    """
    if not value:
        return _only(volume, where)
    parts = [part for text in _texts(volume, value, other) for part in _resolved(volume, text, other, where)]
    mask = np.zeros(volume.shape, bool) if not parts else _voxels(volume, parts[0])
    for part in parts[1:]:
        mask |= _voxels(volume, part)
    return mask


def absent(volume: Volume, value: str, other: Volume, *, where: object) -> tuple[list[str], list[str]]:
    """List the structures of a choice that have no voxel in a mask and, if there are any, the labels that have one.

    Parameters are those of `chosen`.
    """
    asked = {text: _resolved(volume, text, other, where) for text in (_texts(volume, value, other) if value else ())}
    missing = [text for text, parts in asked.items() if not any(_voxels(volume, part).any() for part in parts)]
    if not missing:
        return [], []
    if volume.segments:
        return missing, [part.name for part in _present(volume, where)]
    return missing, [f"{v:.9g}" for v in np.unique(volume.layers[0]).tolist() if v][:SHOWN]


def pairs_of_labels(expert: Volume, predicted: Volume, *, where: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each label that either volume has, by its name, or else its number, with its two masks.

    Structures are matched by name if both files have names, otherwise by number.

    Raises
    ------
    InputError
        A mask holds values that are no labels, or a number belongs to two segments.
    """
    both = all(volume.segments for volume in (expert, predicted))
    found: list[dict[object, Segment]] = []
    for volume in (expert, predicted):
        present = _present(volume, where)
        keyed = {_key(part.name) if both else part.label: part for part in present}
        if len(keyed) < len(present):
            problem = f"two segments have one {'name' if both else 'label, and one of the masks has no names'}"
            fix = "Name them differently" if both else "Give them different labels"
            raise InputError(where, problem, f"{fix}, or choose one by MASK_VALUE")
        found.append(keyed)
    first, second = found
    named = {s.label: s for volume in (predicted, expert) for s in volume.segments}
    names = [s.name for s in named.values()]
    for key in [*first, *(key for key in second if key not in first)]:
        part = first.get(key) or second[key]
        if not both:
            part = named.get(part.label, part)
        label = part.name if both or names.count(part.name) < 2 else f"{part.name} ({part.label})"
        here, there = (
            _voxels(volume, keyed[key]) if key in keyed else np.zeros(volume.shape, bool)
            for volume, keyed in ((expert, first), (predicted, second))
        )
        yield label, here, there


def other_names(expert: Volume, predicted: Volume) -> bool:
    """Return whether both masks have one segment with foreground each, and these have two names."""
    found = [{_key(s.name) for s in _present(volume, "")} for volume in (expert, predicted) if volume.segments]
    return len(found) == 2 and all(len(names) == 1 for names in found) and found[0] != found[1]


def _only(volume: Volume, where: object) -> np.ndarray:
    """Return the only structure of a mask; refuse several."""
    if volume.segments:
        parts = _present(volume, where)
        if len(parts) > 1:
            raise _several(where, "segments", [f"{part.name!r} ({part.label})" for part in parts])
        return _voxels(volume, parts[0]) if parts else np.zeros(volume.shape, bool)
    values = volume.layers[0]
    if values.dtype == bool:
        return values
    top, count = values.max(), np.count_nonzero(values)
    if count and not (top > 0 and np.isfinite(top) and np.count_nonzero(values == top) == count):
        raise _no_single(where, np.unique(values))
    return values


def _no_single(where: object, found: np.ndarray) -> InputError:
    """Make the error for a mask with the values `found`."""
    if not _whole(found):
        return _several(where, "values", [f"{v:.9g}" for v in found.tolist()])
    error = _several(where, "labels", [f"{v:.0f}" for v in found.tolist()])
    if found.min() < 0:
        fix = "Write the background as 0, and each label as a whole number above 0"
        return InputError(where, error.problem, fix)
    return error


def _several(where: object, kind: str, found: list[str]) -> InputError:
    shown = ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
    fix = 'Choose by MASK_VALUE: one of them, several together as "1,2", or "each"'
    if kind == "values":
        fix = "Threshold probabilities first"
    wanted = "one segment" if kind == "segments" else "a binary mask (0 and one positive value)"
    return InputError(where, f"expected {wanted}, found the {kind} {shown}", fix)


def _whole(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values == np.rint(values)).all())


def _present(volume: Volume, where: object) -> list[Segment]:
    """List the structures that have a voxel, by label."""
    if volume.segments:
        return sorted((s for s in volume.segments if _voxels(volume, s).any()), key=lambda s: (s.label, s.name))
    values = volume.layers[0]
    small = values.dtype.kind == "u" and values.dtype.itemsize <= 2
    found = np.flatnonzero(np.bincount(values.ravel("K"))) if small else np.unique(values)
    if not _whole(found) or (found < 0).any():
        raise _no_single(where, found)
    return [Segment(str(int(v)), int(v)) for v in found.tolist() if v]


def _voxels(volume: Volume, part: Segment) -> np.ndarray:
    return volume.layers[part.layer] == part.label


def _texts(volume: Volume, value: str, other: Volume) -> list[str]:
    """Split a choice at its commas, unless it is the name of a segment."""
    known = {_key(s.name) for s in (*volume.segments, *other.segments)}
    return [value] if _key(value) in known else [text.strip() for text in value.split(",") if text.strip()]


def _resolved(volume: Volume, text: str, other: Volume, where: object) -> list[Segment]:
    """Find the structures that a name or a number means; none if the file has no voxel of that label."""
    number = _number(text)
    if not volume.segments:
        labels = [s.label for s in other.segments if _key(s.name) == _key(text)] or [number]
        if labels == [None]:
            raise InputError(where, f"has no names of segments, so {text!r} is unknown", "Give the label's number")
        return [Segment(text, label) for label in labels]
    parts = [s for s in volume.segments if _key(s.name) == _key(text)]
    if not parts and number is not None:
        parts = [s for s in volume.segments if s.label == number]
        if len(parts) > 1:
            names = " and ".join(repr(s.name) for s in parts)
            raise InputError(where, f"the label {number} is that of {names}", "Choose one by its name")
        return parts
    if not parts:
        names = ", ".join(repr(s.name) for s in volume.segments)
        raise InputError(where, f"has no segment {text!r}; it has {names}", "Name one of these in MASK_VALUE")
    return parts


def _key(name: str) -> str:
    return plain_name(name).casefold()


def _number(text: str) -> int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None
