"""Truth, probabilities and predictions of the user's table, and the threshold between them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.own.attributes import MINUSES
from helpers.datasets.own.weighting import weights_of
from helpers.datasets.shared.files import Notes, at
from helpers.datasets.shared.missing import NOTHING_FOUND, not_recorded, numbers, without_unrecorded
from helpers.datasets.shared.splits import part_of
from helpers.datasets.shared.tables import outcomes
from helpers.errors import InputError, check_choice

RIGHT = "correct predictions"  # name of the score that a truth and a prediction give
PAIRS = (
    ("0", "1"),
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("negative", "positive"),
    ("absent", "present"),
    ("-", "+"),
    ("neg", "pos"),
)
ROUNDING = 1e-6  # a probability in single precision may be this far out of its range


class Asked(NamedTuple):
    """Columns and choices of a classifier, as the parameters name them; `truth` is empty without a classifier."""

    truth: str = ""
    positive: str = ""
    probability: str = ""
    predicted: str = ""
    threshold: float = 0.5
    split: str = ""
    choose_on: str = ""
    second: str = ""
    second_is: str = "ruler"
    weight: str = ""

    def columns(self) -> dict[str, str]:
        """Return the column of each parameter that names one, without SECOND and WEIGHT."""
        named = {"TRUTH": self.truth, "PROBABILITY": self.probability, "PREDICTED": self.predicted}
        return {role: name for role, name in (named | {"SPLIT": self.split}).items() if name}


def check_asked(asked: Asked, *, score: str) -> None:
    """Refuse parameters of a classifier that do not fit together.

    Raises
    ------
    InputError
        A column is named without the others that it needs.
    """
    check_choice("SECOND_IS", asked.second_is, ("ruler", "model"))
    if not asked.truth:
        named = [*asked.columns(), *(["POSITIVE"] if asked.positive else []), *(["CHOOSE_ON"] * bool(asked.choose_on))]
        if named:
            raise InputError(named[0], "it is named without TRUTH", "Name the column of the truth, as TRUTH=diagnosis")
        return
    if score:
        problem = "a score and TRUTH are both named, and with a truth the predictions are scored"
        raise InputError("SCORE", problem, "Leave SCORE and the masks out, or audit the score in another call")
    if not (asked.probability or asked.predicted):
        fix = "Name a column, as PROBABILITY=p, or as PREDICTED=label with 0 and 1"
        raise InputError("TRUTH", "it is named without PROBABILITY or PREDICTED", fix)
    if bool(asked.split) != bool(asked.choose_on):
        missing, given = ("CHOOSE_ON", "SPLIT") if asked.split else ("SPLIT", "CHOOSE_ON")
        fix = "Name both, as SPLIT=part CHOOSE_ON=validation, or neither"
        raise InputError(missing, f"it is empty, and {given} is named", fix)
    if asked.split and asked.predicted:
        fix = "Leave SPLIT and CHOOSE_ON out, or PREDICTED"
        raise InputError("CHOOSE_ON", "PREDICTED is named, so there is no threshold to choose", fix)


def judge_cases(table: pd.DataFrame, asked: Asked, path: Path, counted: Notes) -> tuple[pd.DataFrame, list[str]]:
    """Read what a classifier needs of each row, choose its threshold, and mark the predictions that are right.

    Parameters
    ----------
    table : DataFrame of str
        Table of the user, with the columns that `asked` names.
    asked : Asked
    path : Path
        File that errors name.
    counted : list
        Rows that are left out are added here, by reason.

    Returns
    -------
    frame : DataFrame
        The rows that are measured. Columns ``truth, predicted`` (0 or 1), ``probability`` if there is one,
        ``second`` if a second column is named (labels, or predictions of another model), and `RIGHT`.
    notes : list of str
        The class that is positive, and the threshold with the part on which it was chosen.

    Raises
    ------
    InputError
        A value is not of the kind expected, or the part to choose on does not exist or has one class.
    """
    known, unknown = without_unrecorded(table[asked.truth], keep=_kept(table[asked.truth]), codes=False)
    words, notes = _words(known.dropna(), asked, path)
    notes = [*unknown, *notes]
    frame = pd.DataFrame({"truth": _classes(known, words, path)})
    if asked.probability:
        frame["probability"], commas = _probabilities(table[asked.probability], path)
        notes += commas
    if asked.predicted:
        frame["predicted"] = _classes(table[asked.predicted], words, path)
    reads_model = asked.second and asked.second_is == "model"
    if reads_model:
        frame["second"], commas = _second_model(table[asked.second], words, asked, path)
        notes += commas
    elif asked.second:
        frame["second"] = _classes(table[asked.second], words, path)
    named = asked.columns() | ({"SECOND": asked.second} if asked.second else {})
    for name in frame:
        column = named["SECOND" if name == "second" else name.upper()]
        counted.append((path.name, f"no {column}", int(frame[name].isna().sum())))
    known = frame.notna().all(axis=1)
    frame = frame[known]
    if frame.empty:
        raise InputError(f"{path.name}, column {asked.truth}", "no row has a truth and a prediction", "Fill them in")
    part = _part(table.loc[frame.index, asked.split], asked, path) if asked.split else None
    weights = None
    if part is not None and asked.weight:
        weights = weights_of(table.loc[frame.index[part == asked.choose_on], asked.weight], path)
    cut, said = _threshold(frame, part, asked, path, weights)
    if not asked.predicted:
        frame = frame.assign(predicted=(frame["probability"] >= cut).astype(float))
    if reads_model and not frame["second"].isin((0, 1)).all():
        other, _ = _threshold(frame.assign(probability=frame["second"]), part, asked, path, weights)
        frame["second"] = (frame["second"] >= other).astype(float)
        said += f"; the probabilities of {asked.second} were cut at {other:.3g}, by the same rule"
    if part is not None:
        used = f"used to choose the threshold ({asked.choose_on})"
        counted.append((path.name, f"no {asked.split}", int(part.isna().sum())))
        counted.append((path.name, used, int((part == asked.choose_on).sum())))
        trained = (part != asked.choose_on) & part.map(part_of, na_action="ignore").eq("train").fillna(False)
        if trained.any():
            names = ", ".join(sorted(part[trained].unique()))
            counted.append((path.name, f"{asked.split} is {names}: the model was trained on them", int(trained.sum())))
        measured = part.notna() & (part != asked.choose_on) & ~trained
        said += ": " + ", ".join(f"{name} ({n} rows)" for name, n in part[measured].value_counts().items())
        frame = frame[measured.to_numpy()]
        if frame.empty:
            raise InputError(f"{path.name}, column {asked.split}", "no row is left to measure on", "Name another part")
    return frame.assign(**{RIGHT: (frame["predicted"] == frame["truth"]).astype(float)}), [*notes, said]


def _kept(values: pd.Series) -> tuple[str, ...]:
    """List the words for "not recorded" that are a class of this truth: a minus next to a plus, or one of two words."""
    recorded = values.mask(not_recorded(values)).dropna().unique()
    signs = MINUSES if {"+", "++", "+++"} & set(recorded) else ()
    return (*signs, *(NOTHING_FOUND if len(recorded) == 1 else ()))


def _words(known: pd.Series, asked: Asked, path: Path) -> tuple[dict[str, float], list[str]]:
    """Find the negative and the positive word of the truth, mapped to 0 and 1; 0 and 1 are always understood."""
    where, found = f"{path.name}, column {asked.truth}", sorted(known.map(_plain).unique())
    if len(found) > 2:
        shown = ", ".join(map(repr, found[:4])) + (", ..." if len(found) > 4 else "")
        raise InputError(where, f"{len(found)} different values ({shown}), expected two", "Give 0 and 1, or two words")
    if len(found) < 2:
        problem = f"all cases are {found[0]!r}" if found else "it is empty"
        raise InputError(where, f"{problem}, expected two classes", "Give 0 and 1, or two words")
    if asked.positive:
        positive = _plain(asked.positive)
        check_choice("POSITIVE", positive, found)
    else:
        pair = next((pair for pair in PAIRS if {word.casefold() for word in found} == set(pair)), None)
        if pair is None:
            fix = f"Name the positive one, as POSITIVE={found[0]} or POSITIVE={found[1]}"
            raise InputError(where, f"it has the words {found[0]!r} and {found[1]!r}", fix)
        positive = next(word for word in found if word.casefold() == pair[1])
    negative = next(word for word in found if word != positive)
    said = f"a case is positive where {asked.truth} is {positive!r}, negative where it is {negative!r}"
    return {negative: 0.0, positive: 1.0}, [said]


def _plain(text: str) -> str:
    """Write 0 and 1 as one digit, whatever the table has: 1.0 and 1 are one."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _classes(values: pd.Series, words: dict[str, float], path: Path) -> pd.Series:
    """Convert a column of classes to 0, 1 and NaN: in the words of the truth, or else as 0 and 1, True and False."""
    plain = values.mask(not_recorded(values, keep=words)).map(_plain, na_action="ignore")
    if plain.dropna().isin(words).all():
        found = plain.map(words).astype(float)
    else:
        found = outcomes(plain).map({"0": 0.0, "1": 1.0}).astype(float)
    bad = values.index[(plain.notna() & found.isna()).to_numpy()]
    if len(bad):
        others = " or ".join(dict.fromkeys(["0", "1", *words]))
        problem = f"holds {str(values[bad[0]])[:60]!r}, expected {others}"
        raise InputError(at(path, bad[0], str(values.name)), problem, "Correct the cell, or leave it empty")
    return found


def _probabilities(values: pd.Series, path: Path) -> tuple[pd.Series, list[str]]:
    found, notes = numbers(values, path)
    found = found.mask(found.between(-ROUNDING, 1 + ROUNDING), found.clip(0, 1))
    bad = found.index[(found.lt(0) | found.gt(1)).to_numpy()]
    if len(bad):
        problem = f"holds {found[bad[0]]:.9g}, expected a probability from 0 to 1"
        raise InputError(at(path, bad[0], str(values.name)), problem, "Divide percentages by 100; apply the sigmoid")
    return found, notes


def _second_model(values: pd.Series, words: dict[str, float], asked: Asked, path: Path) -> tuple[pd.Series, list[str]]:
    """Read predictions of another model: classes, or probabilities, which need those of the first model too."""
    try:
        return _classes(values, words, path), []
    except InputError:
        if not asked.probability or asked.predicted:
            raise
    return _probabilities(values, path)


def _part(values: pd.Series, asked: Asked, path: Path) -> pd.Series:
    check_choice(f"CHOOSE_ON, {path.name}, column {asked.split}", asked.choose_on, sorted(values.dropna().unique()))
    return values


def _threshold(
    frame: pd.DataFrame, part: pd.Series | None, asked: Asked, path: Path, weights: pd.Series | None
) -> tuple[float, str]:
    """Return the threshold, and its origin in words."""
    if asked.predicted:
        return float("nan"), f"predictions are those of {asked.predicted}; no threshold was applied"
    if part is None:
        said = f"a prediction is positive from a probability of {asked.threshold:g}, the threshold that was set"
        return asked.threshold, said
    chosen = frame[(part == asked.choose_on).to_numpy()]
    if chosen["truth"].nunique() < 2:
        where = f"CHOOSE_ON, {path.name}, column {asked.split}"
        problem = f"the part {asked.choose_on!r} has one class, and a threshold needs two"
        raise InputError(where, problem, "Name a part with both classes, or set THRESHOLD")
    of_rows = None if weights is None else weights.to_numpy()
    cut = youden(chosen["truth"].to_numpy(), chosen["probability"].to_numpy(), of_rows)
    said = f"a prediction is positive from a probability of {cut:.3g}, chosen by Youden's index on the part"
    return cut, f"{said} {asked.choose_on!r} ({len(chosen)} rows); the rates are measured on other parts"


def youden(truth: np.ndarray, probability: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Find the threshold with the largest sensitivity + specificity - 1; the lowest if several are equally good.

    A case is predicted positive if its probability is at or above the threshold, which is one of the given
    probabilities. With `weights` both rates are weighted. Source: Youden 1950.
    """
    cuts, place = np.unique(probability, return_inverse=True)
    weights = np.ones(len(truth)) if weights is None else weights
    positive, negative = (np.bincount(place, weights * (truth == side), len(cuts)) for side in (1, 0))
    missed, refused = (np.cumsum(of) - of for of in (positive, negative))
    # Whole numbers if weights are, so that ties are exact: the index times both sums.
    index = refused * positive.sum() - missed * negative.sum()
    return float(cuts[index.argmax()])
