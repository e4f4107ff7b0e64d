"""Names of values, claims and columns that have changed since a run was recorded."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from helpers import paths

NAMES = "renamed.yaml"  # file next to the records: each study's table of old and new names
EVERY = "*"  # key of the names that have changed in all studies
# Keys of the table of a study under which its new values are listed, those that it no longer has, and the modules that
# its recorded runs do not load.
ADDED, GONE, UNUSED = LISTS = "added", "gone", "unused"

Keys = tuple[str, ...]  # of nested values, from outside in


def names_of(study: str) -> dict[str, Any]:
    """Read the intended changes of a study: old to new names; what is added or gone; modules it does not load."""
    file = paths.recorded() / NAMES
    known: dict[str, Any] = {}
    with contextlib.suppress(FileNotFoundError):
        known = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    every, own = known.get(EVERY, {}), known.get(study, {})
    return {**every, **own} | {key: [*every.get(key, []), *own.get(key, [])] for key in LISTS}


def renamed(path: str, names: Mapping[str, Any]) -> str:
    """Return the current name of a value.

    The longest matching beginning of its path is replaced, or else the longest pattern that matches its whole path:
    each ``*`` of the new name is the text of that ``*`` in the old one. Where the old name begins the new one, as where
    a number becomes an estimate, only the whole path is replaced.
    """
    known = sorted(names.keys() - {*LISTS}, key=len, reverse=True)
    for old in known:
        if "*" not in old and (path == old or (path.startswith(f"{old}.") and not names[old].startswith(f"{old}."))):
            return names[old] + path[len(old) :]
    for old in known:
        if "*" in old and (found := pattern(old).fullmatch(path)):
            new = names[old]
            for text in found.groups():
                new = new.replace("*", text, 1)
            return new
    return path


def pattern(text: str) -> re.Pattern[str]:
    """Convert a name in which each ``*`` matches any text to a regular expression."""
    return re.compile("(.*)".join(re.escape(part) for part in text.split("*")))


def with_names(about: dict[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Rename a record's values and claims to their current names."""
    if "claims" not in about:
        return about
    claims = [{**c, "id": renamed(f"claims.{c['id']}", names).removeprefix("claims.")} for c in about["claims"]]
    return {**about, "values": _nested(about["values"], names), "claims": claims}


def _nested(values: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Rename nested values to their current names; a dot in the part that is new begins a mapping."""
    found: dict[str, Any] = {}
    for keys, value in _leaves(values, names):
        *above, last = _keys(keys, renamed(".".join(keys), names))
        place = found
        for key in above:
            place = place.setdefault(key, {})
        place.setdefault(last, value)
    return found


def _leaves(values: Mapping[str, Any], names: Mapping[str, Any], above: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield keys and value of each leaf of nested values; a list is one, unless an item of it has another name now."""
    for key, value in values.items():
        keys = (*above, key)
        if isinstance(value, list):
            places = [".".join([*keys, str(k)]) for k in range(len(value))]
            if any(renamed(place, names) != f"{renamed('.'.join(keys), names)}.{k}" for k, place in enumerate(places)):
                value = {str(k): item for k, item in enumerate(value)}
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, names, keys)
        else:
            yield keys, value


def _keys(old: Keys, new: str) -> Keys:
    """Split a new name into keys: those of the old name at its beginning and its end, which may hold dots, are kept."""
    head = next(k for k in range(len(old), -1, -1) if k == 0 or f"{new}.".startswith(f"{'.'.join(old[:k])}."))
    if head == len(old) and new == ".".join(old):
        return old
    rest = new[len(".".join(old[:head])) + (head > 0) :]
    for k in range(head, len(old)):
        end = ".".join(old[k:])
        if rest == end:
            return (*old[:head], *old[k:])
        if rest.endswith(f".{end}"):
            return (*old[:head], *rest.removesuffix(f".{end}").split("."), *old[k:])
    return (*old[:head], *rest.split("."))
