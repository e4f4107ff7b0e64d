"""Tables with one row for each case and model: one model is audited, and all are compared on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.own.asking import take_name
from helpers.datasets.own.attributes import MOST_NAMES
from helpers.datasets.own.patients import one_value
from helpers.datasets.own.withholding import FEW
from helpers.datasets.shared.cells import one_spelling
from helpers.datasets.shared.files import Notes
from helpers.datasets.shared.missing import not_recorded
from helpers.datasets.shared.tables import alike
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice

LACKING, PARTLY = (f"not scored for every model{where}, {FEW}" for where in ("", " in some rows"))
ONLY_HERE = "not scored for every model: only the comparison of models leaves these cases out"


class Rows(NamedTuple):
    """The model and the case of each row.

    `of` has categories, the audited model first. `unit` numbers the case of each row; a row without an identifier is
    a case for itself. `owner` numbers its patient, or is None if each case is a patient.
    """

    of: pd.Series
    unit: pd.Series
    owner: pd.Series | None

    @property
    def names(self) -> list[str]:
        """Return the names of the models, the audited one first."""
        return list(self.of.cat.categories)


def asked_model(model: str, columns: Sequence[str], *, case: str, patient: str, others: dict[str, bool]) -> list[str]:
    """Parse a text such as "model" or "model: unet" into the column of models and the one to audit, perhaps empty.

    Parameters
    ----------
    model : str
    columns : sequence of str
        Columns that the table has.
    case, patient : str
        Columns that join the rows of a case.
    others : dict of str to bool
        Parameters that do not go with models, and whether each is given.

    Raises
    ------
    InputError
        Nothing joins the rows of a case, or another parameter does not go with models.
    """
    column, _, chosen = take_name(model, columns, ":")
    for name in (name for name, given in others.items() if given):
        fix = "Leave one of the two out; a second model has a column, as SECOND=other SECOND_IS=model"
        raise InputError("MODEL", f"{name} is named too, and one model at a time has it", fix)
    if not (case or patient):
        fix = "Name the column that identifies a case, as CASE=id, or a patient, as PATIENT=id"
        raise InputError("MODEL", "nothing joins the rows of a case", fix)
    return [column, " ".join(chosen.split())]


def read_models(values: pd.Series, chosen: str, path: Path, counted: Notes) -> tuple[pd.Series, list[str]]:
    """Read the model of each row as categories: the audited one, then the others in the order of the table.

    Parameters
    ----------
    values : Series of str
    chosen : str
        The model to audit; the first of the table if empty.
    counted : list
        Rows without a model are added here.

    Raises
    ------
    InputError
        There is one model only, or too many, or the chosen one is not there.
    """
    known = values.mask(not_recorded(values)).dropna()
    counted.append((path.name, f"no {values.name}", len(values) - len(known)))
    known, notes = one_spelling(known)
    names, where = list(known.unique()), f"MODEL, {path.name}, column {values.name}"
    if not 1 < len(names) <= MOST_NAMES:
        problem = f"all rows are of {names[0]!r}" if len(names) == 1 else f"{len(names)} different values"
        raise InputError(where, problem, "Name the column of models, one row a case and model, or leave MODEL out")
    if chosen:
        check_choice(where, chosen, names)
        names = [chosen, *(name for name in names if name != chosen)]
    return known.astype(pd.CategoricalDtype(names)), [*notes, *alike(known, str(values.name))]


def rows_of(of: pd.Series, case: pd.Series | None, owner: pd.Series | None) -> Rows:
    """Number the case of each row: by its identifier, or else by its patient, whose rows are then averaged."""
    if case is None:
        return Rows(of, owner, None)
    codes = pd.Series(pd.factorize(case)[0], case.index)
    return Rows(of, codes.where(codes >= 0, -1 - np.arange(len(codes))), owner)


def audited(frame: pd.DataFrame, rows: Rows, columns: Sequence[str], path: Path) -> pd.DataFrame:
    """Return the rows of the audited model; what a case's other rows record about it counts too.

    Raises
    ------
    InputError
        A case has two values of an attribute.
    """
    firsts = {name: one_value(frame[name], rows.unit, path, "case") for name in columns}
    kept = frame[rows.of == rows.names[0]]
    unit = rows.unit[kept.index]
    known = {name: pd.Series(of.reindex(unit).to_numpy(), kept.index).astype(of.dtype) for name, of in firsts.items()}
    return kept.assign(**known)


class Paired(NamedTuple):
    """Scores of every model.

    `scores` has one row for each case that has all of them, or each patient with such a case, and one column a model.
    `whole` marks the cases or patients none of whose rows lacks a model: the same mean is audited and compared.
    """

    scores: pd.DataFrame
    whole: pd.Series

    def parts(self, ids: pd.Series) -> dict[str, pd.Series]:
        """Mark the cases that are compared, and those audited and compared alike, by the reason for the others.

        Parameters
        ----------
        ids : Series of int
            Case or patient of each audited case, as in the index of `scores`.
        """
        return {LACKING: ids.isin(self.scores.index), PARTLY: ids.map(self.whole).eq(True)}


def paired(scores: pd.Series, rows: Rows, counted: Notes, path: Path) -> Paired:
    """Arrange the scores of the cases that have one of every model; cases without the audited model are counted."""
    wide = scores.groupby([rows.unit, rows.of], observed=False).mean().unstack()
    who = rows.unit if rows.owner is None else rows.owner
    audited = who[rows.of == rows.names[0]]
    counted.append((path.name, f"no row of the model {rows.names[0]!r}", who[~who.isin(audited)].nunique()))
    whole = wide.notna().all(axis=1)
    if rows.owner is None:
        return Paired(wide[whole], whole)
    patient = rows.owner.groupby(rows.unit).first().reindex(wide.index)
    return Paired(wide[whole].groupby(patient[whole]).mean(), whole.groupby(patient).all())


def compared(
    ids: pd.Series, part: pd.Series, found: Paired, path: Path, counted: Notes
) -> tuple[pd.DataFrame | None, list[str]]:
    """Return the scores of all models of the audited cases that are compared.

    Parameters
    ----------
    ids : Series of int
        Case or patient of each audited case.
    part : Series of bool
        The audited cases that are compared.

    Returns
    -------
    scores : DataFrame or None
        One row a case; the index is its position among the audited cases. None if fewer than ten cases are left.
    notes : list of str
    """
    first, *others = map(repr, found.scores.columns)
    if part.sum() < SMALLEST_CELL:
        said = f"the audit is of the model {first}; too few cases have a score of every model"
        return None, [f"{said}, so models are not compared"]
    counted.append((path.name, ONLY_HERE, int((~part).sum())))
    said = f"the audit is of the model {first}; it is compared with {', '.join(others)} on the cases that all have"
    whole = found.scores.reindex(ids.to_numpy()).set_axis(range(len(ids)))[part.to_numpy()]
    return whole.rename_axis(columns=None).set_axis(list(found.scores.columns), axis=1), [said]
