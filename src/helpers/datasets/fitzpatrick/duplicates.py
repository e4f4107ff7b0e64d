"""Near-duplicates on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from helpers.datasets.shared.files import read_csv, refuse_first
from helpers.errors import InputError


def load_clusters(clusters: str | Path | pd.DataFrame) -> dict[str, str]:
    """Cluster of near-duplicates of each image that has one, by its MD5 in lower case.

    Parameters
    ----------
    clusters : path or pandas.DataFrame
        Columns ``md5hash`` and ``cluster``, one row for each image that has a near-duplicate.

    Raises
    ------
    InputError
        A column is missing, or an image is in two clusters.
    """
    where = "clusters" if isinstance(clusters, pd.DataFrame) else Path(clusters).name
    table = clusters if isinstance(clusters, pd.DataFrame) else read_csv(Path(clusters).expanduser())
    for name in ("md5hash", "cluster"):
        if name not in table:
            raise InputError(f"{where}, column {name}", "there is no such column", "Give columns md5hash and cluster")
    table = table[["md5hash", "cluster"]].astype("str").apply(lambda column: column.str.strip())
    table["md5hash"] = table["md5hash"].str.lower()
    table = table.set_axis(range(2, len(table) + 2)).drop_duplicates()  # rows as in a file with a header
    twice = table["md5hash"].duplicated()
    refuse_first(twice, table["md5hash"], where, "md5hash", "each image in one cluster", "Join the two clusters")
    return dict(zip(table["md5hash"], table["cluster"], strict=True))


def leaks(clusters: str | Path | pd.DataFrame, **splits: Iterable[str]) -> pd.DataFrame:
    """Clusters of near-duplicate images that lie in more than one part of a split.

    ``leaks("clusters.csv", train=train_md5s, test=test_md5s)`` is empty where no picture is on both sides. An image in
    two parts is a leak, whether a cluster holds it or not; an image drawn twice into one part is none.

    Parameters
    ----------
    clusters : path or pandas.DataFrame
        Columns ``md5hash`` and ``cluster``, one row for each image that has a near-duplicate.
    **splits : iterable of str
        MD5s of each part, by its name.

    Returns
    -------
    pandas.DataFrame
        Index ``cluster`` (an image in no cluster stands under its own MD5); a column for each part with the number of
        its images in that cluster, one row for each cluster in more than one part.

    Raises
    ------
    InputError
        Fewer than two parts, a column is missing, or an image is in two clusters.
    """
    if len(splits) < 2:
        raise InputError("splits", f"{len(splits)} part(s) given", "Give two and more, such as train=..., test=...")
    cluster = load_clusters(clusters)
    counts = {}
    for name, hashes in splits.items():
        distinct = pd.Series(sorted({str(entry).strip().lower() for entry in hashes}), dtype="str")
        counts[name] = distinct.map(lambda entry: cluster.get(entry, entry)).value_counts()
    found = pd.DataFrame(counts).fillna(0).astype(int).rename_axis("cluster").sort_index()
    return found[(found > 0).sum(axis=1) > 1]
