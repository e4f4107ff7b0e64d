"""Data leakage: near-duplicate images in more than one part of a split."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from helpers.datasets.shared.files import read_csv, refuse_first
from helpers.errors import InputError


def load_clusters(clusters: str | Path | pd.DataFrame) -> dict[str, str]:
    """Load the clusters of near-duplicate images, as a mapping from MD5 (in lower case) to cluster.

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
    """Find clusters of near-duplicate images that are in more than one part of a split (data leakage).

    ``leaks("clusters.csv", train=train_md5s, test=test_md5s)`` is empty if no picture is in both parts. An image in
    two parts is a leak, whether it is in a cluster or not. An image that occurs twice in one part is not a leak.

    Parameters
    ----------
    clusters : path or pandas.DataFrame
        Columns ``md5hash`` and ``cluster``, one row for each image that has a near-duplicate.
    **splits : iterable of str
        MD5s of the images in each part; the keyword is the name of the part.

    Returns
    -------
    pandas.DataFrame
        One row for each cluster that is in more than one part, and one column for each part with its number of images
        in the cluster. The index is ``cluster``; for an image without a cluster, it is the image's MD5.

    Raises
    ------
    InputError
        Fewer than two parts are given, a column is missing, or an image is in two clusters.
    """
    if len(splits) < 2:
        raise InputError("splits", f"expected two or more parts, got {len(splits)}", "Give such as train=..., test=...")
    cluster = load_clusters(clusters)
    counts = {}
    for name, hashes in splits.items():
        distinct = pd.Series(sorted({str(entry).strip().lower() for entry in hashes}), dtype="str")
        counts[name] = distinct.map(lambda entry: cluster.get(entry, entry)).value_counts()
    found = pd.DataFrame(counts).fillna(0).astype(int).rename_axis("cluster").sort_index()
    return found[(found > 0).sum(axis=1) > 1]
