"""A simulated Fitzpatrick17k folder, as the tests of its loaders share it."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from PIL import Image

from helpers import datasets
from helpers.datasets.fitzpatrick import layout

N = 40


def load(root: Path, **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    return datasets.load_fitzpatrick17k(root, progress=False, **options)


def table_of(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / layout.TABLE, dtype=str)


def write(root: Path, table: pd.DataFrame) -> None:
    table.to_csv(root / layout.TABLE, index=False)


def counted(dropped: pd.DataFrame, words: str) -> int:
    return int(dropped.loc[dropped["reason"].str.contains(words, regex=False), "n"].sum())


def images(root: Path) -> list[Path]:
    """Image files in the order of the table."""
    return [root / "images" / f"{name}.jpg" for name in table_of(root)["md5hash"]]


def encoded(mode: str, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (20, 30), 128 if mode in ("L", "I;16") else None).save(stream, kind)
    return stream.getvalue()
