"""Columns of groups in the user's table: numbers cut into bins, codes with names, and groups that have an order."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.own.asking import take_name
from helpers.datasets.shared.cells import exact, numeric, one_spelling, with_points
from helpers.datasets.shared.files import plain_name
from helpers.datasets.shared.missing import numbers, without_unrecorded
from helpers.datasets.shared.tables import alike
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice

MOST_NUMBERS, MOST_NAMES, MOST_SOURCES = 10, 30, 300
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
# A number, a range such as "40-60", or an open end such as "<40" or "60+".
STEP = re.compile(
    r"(?P<open><=?|>=?|≤|≥|up to|under|below|over|above)?\s*(?P<low>\d+(?:[.,]\d+)?)"
    r"(?:\s*(?:-|–|to)\s*\d+(?:[.,]\d+)?)?\s*(?P<plus>\+)?",
    re.IGNORECASE,
)
# A code and its name, each perhaps in quotes, up to the mark that ends them.
PAIR = re.compile(
    r"""\s*(?:(?P<q>["'])(?P<quoted>.+?)(?P=q)|(?P<code>[^=,;]*[^=,;\s]))\s*="""
    r"""\s*(?:(?P<r>["'])(?P<quoted_name>.+?)(?P=r)|(?P<named>[^,;]*[^,;\s]))\s*(?P<mark>[,;]|$)"""
)
# A plus, a minus or a comparison that has a meaning; a hyphen between letters has none.
SIGN = re.compile(r"[+<>≤≥±]|(?<!\w)[-–−]|[-–−](?!\w)")
MINUSES = ("-", "--", "---", "–", "—")  # next to a plus they are negative, and elsewhere not recorded
BELOW = ("<", "<=", "≤", "up to", "under", "below")


def parse_edges(bins: str, columns: Sequence[str]) -> dict[str, list[float]]:
    """Parse a text such as "age: 40, 60; bmi: 25" into a mapping from column to edges."""
    found, rest = {}, bins
    while rest.strip("; "):
        part = rest.strip("; ")
        name, mark, after = take_name(part, columns, ":;")
        text, _, rest = after.partition(";")
        try:
            edges = [float(edge) for edge in text.split(",")]
        except ValueError:
            mark = ""
        if mark != ":" or not np.isfinite(edges).all() or sorted(set(edges)) != edges:
            shown = part.partition(";")[0].strip()
            raise InputError("BINS", f"{shown!r} is not understood", 'Write "age: 40, 60", edges rising')
        check_choice("BINS", name, columns)
        found[name] = edges
    return found


def parse_names(text: str, columns: Sequence[str], cut: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Parse a text such as "sex: 1=female, 2=male" into a mapping from column to the name of each code.

    A code or a name with commas or semicolons is in quotes. A column in `cut` has bins in place of codes, so it takes
    no names.
    """
    found, rest = {}, plain_name(text)
    while rest.strip("; "):
        part = rest.strip("; ")
        name, mark, rest = take_name(part, columns, ":;")
        pairs = {}
        while mark == ":" or (mark == "," and pairs):
            if not (pair := PAIR.match(rest)):
                pairs = {}
                break
            pairs[_code(pair["quoted"] or pair["code"])] = (pair["quoted_name"] or pair["named"]).strip()
            mark, rest = pair["mark"], rest[pair.end() :]
        if not pairs:
            fix = 'Write "sex: 1=female, 2=male", columns divided by semicolons, and names with commas in quotes'
            raise InputError("NAMES", f"{part.partition(';')[0].strip()!r} is not understood", fix)
        check_choice("NAMES", name, columns)
        if name in cut:
            raise InputError("NAMES", f"{name} is cut by BINS, so it has no codes", "Leave one of the two out")
        found[name] = pairs
    return found


def _code(text: str) -> str:
    """Normalise a code: 1, 1.0 and 01 are one."""
    return exact(" ".join(text.split()))


def order_of(labels: Sequence[str]) -> list[str] | None:
    """Return the labels in their order if they are three or more steps of a scale, such as numbers or age bins.

    Numbers, ranges ("40-60"), open ends ("<40", "60+") and Roman numerals have an order. None means that there is none.
    """
    if len(labels) < 3:
        return None
    if set(labels) <= set(ROMAN):
        return sorted(labels, key=ROMAN.index)
    keys = {}
    for label in labels:
        if not (step := STEP.fullmatch(label.strip())):
            return None
        side = (step["open"] or "").lower()
        keys[label] = (float(step["low"].replace(",", ".")), -1 if side in BELOW else int(bool(side or step["plus"])))
    return sorted(labels, key=keys.get) if len(set(keys.values())) == len(keys) else None


def to_groups(
    values: pd.Series,
    path: Path,
    *,
    edges: list[float] | None = None,
    named: Mapping[str, str] | None = None,
    source: bool = False,
) -> tuple[pd.Series, list[str]]:
    """Convert a column to categories, ordered where the groups are steps of a scale, with notes on what looks odd.

    Parameters
    ----------
    values : Series of str
    path : Path
        File that errors name.
    edges : list of float, optional
        Edges that cut numbers into bins.
    named : mapping of str to str, optional
        Names of codes. A code with a name is a group, also if it looks like "not recorded".
    source : bool
        The column is a source, such as the hospital: its values are categories, however many, also if they are numbers.
    """
    signs = MINUSES if values.str.fullmatch(r"\++").any() else ()
    hint = 'NAMES="{column}: {word}={word}"' if edges is None else ""
    values, notes = without_unrecorded(values, keep=[*(named or ()), *signs], hint=hint)
    name, known = str(values.name), values.dropna()
    if edges is not None:
        parsed, said = numbers(values, path)
        between = [f"over {low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
        labels = [f"up to {edges[0]:g}", *between, f"over {edges[-1]:g}"]
        cut = pd.cut(parsed, [-np.inf, *edges, np.inf], labels=labels)
        return cut.rename(name), notes + said
    are_numbers = len(known) > 0 and numeric(known).notna().all()
    most = MOST_SOURCES if source else MOST_NUMBERS if are_numbers else MOST_NAMES
    plain, joined = one_spelling(with_points(values)[0] if are_numbers else values)
    values = plain if joined else values
    known = values.dropna()
    if (n := known.nunique()) > most:
        fix = f'Cut it by edges, as BINS="{name}: 40, 60"' if are_numbers else "Name a column of groups, not of texts"
        fix = "Name a column of hospitals or devices" if source else fix
        kind = "numbers" if are_numbers else "values"
        raise InputError(f"{path.name}, column {name}", f"{n} different {kind}", fix)
    if named:
        values, unnamed = _renamed(values, named)
        return values, notes + unnamed
    order = order_of(list(known.unique()))
    dtype = pd.CategoricalDtype(order, ordered=True) if order else "category"
    return values.astype(dtype).rename(name), [*notes, *joined, *_alike(known, name)]


def _alike(known: pd.Series, name: str) -> list[str]:
    """Report labels that differ only by case, blanks or punctuation; the signs of ER+ and ER- have a meaning."""
    signs = known.map(lambda label: "".join(SIGN.findall(label)))
    return [note for _, labels in known.groupby(signs) for note in alike(labels, name)]


def _renamed(values: pd.Series, named: Mapping[str, str]) -> tuple[pd.Series, list[str]]:
    """Give codes their names; the groups are in the order in which the names are listed, codes without one last."""
    codes = values.map(_code, na_action="ignore")
    unnamed, unused = sorted(set(codes.dropna()) - set(named)), sorted(set(named) - set(codes.dropna()))
    notes = [
        f"{values.name}: the code {code!r} has no name in NAMES, and stays as it is"
        for code in unnamed
        if not code.isalpha()
    ]
    notes += [f"{values.name}: no row has the code {code!r} that NAMES lists" for code in unused]
    found = codes.map(lambda code: named.get(code, code), na_action="ignore")
    listed = [label for label in dict.fromkeys([*named.values(), *unnamed]) if (found == label).any()]
    order = order_of(listed)
    return found.astype(pd.CategoricalDtype(order or listed, ordered=bool(order))).rename(values.name), notes


def check_sizes(groups: pd.Series, patient: pd.Series | None = None) -> None:
    """Refuse an attribute without two groups of ten cases, or of ten patients if `patient` has that of each case.

    Raises
    ------
    InputError
        All cases lack it, or it has one group, or fewer than two groups that are large enough to be shown.
    """
    counts, where, unit = groups.value_counts(), f"column {groups.name}", "cases"
    if patient is not None:
        counts, unit = patient[groups.index].groupby(groups, observed=True).nunique(), "patients"
    fix = "Leave it out of GROUPS, or name another column"
    if len(counts) == 0:
        raise InputError(where, "it is empty for all cases with a score", fix)
    if len(counts) == 1:
        raise InputError(where, f"all cases are {counts.index[0]!r}", fix)
    if (counts >= SMALLEST_CELL).sum() < 2:
        raise InputError(
            where, f"fewer than two of its {len(counts)} groups have {SMALLEST_CELL} {unit} with a score", fix
        )
