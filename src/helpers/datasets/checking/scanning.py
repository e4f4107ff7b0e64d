"""Facts of every picture of a table: size, depth, colour, fingerprints, brightness and marks that look like text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.checking.lettering import has_text
from helpers.datasets.image_table.loading import ImageTable
from helpers.datasets.image_table.pixels import GREY
from helpers.datasets.shared.pictures import read_header, read_picture
from helpers.errors import InputError

THUMB = 64  # side of the reduced picture in pixels
HASH = 16  # lowest frequencies of each direction in the perceptual hash: 256 bits
SIDE = 256  # a JPEG is decoded at no less than twice this side
FLAT = 3  # span of the reduced values of a blank picture of 8 bits: a JPEG of one grey has some
SOON = 1_000  # pictures above which a progress bar is shown


def scan(table: ImageTable, *, progress: bool = True) -> tuple[pd.DataFrame, np.ndarray]:
    """Read every picture of a table once, by threads.

    Parameters
    ----------
    table : ImageTable
    progress : bool
        Show a progress bar if there are more than `SOON` pictures.

    Returns
    -------
    facts : DataFrame
        One row an image: ``problem`` (empty if it was read), ``digest`` (SHA-256 of the bytes, with the slice),
        ``width``, ``height``, ``bits``, ``stored`` ("grey" or "RGB" in the file), ``colour`` (True if pixels have one),
        ``blank``, ``text``, and ``hash`` (see `perceptual_hash`), as 32 bytes.
    thumbs : ndarray of float32, shape (n, 64, 64)
        Grey pictures from 0 (darkest pixel) to 1; zeros where unreadable.
    """
    from joblib import cpu_count
    from tqdm import tqdm

    rows = table.images
    todo = [(file, None if pd.isna(k) else int(k)) for file, k in zip(rows["file"], rows["slice"], strict=True)]
    thumbs = np.zeros((len(todo), THUMB, THUMB), np.float32)
    found = []
    with ThreadPoolExecutor(cpu_count()) as pool:
        results: Iterator = pool.map(lambda one: _facts(*one), todo)
        shown = tqdm(results, desc="images", unit="image", total=len(todo), disable=not progress or len(todo) <= SOON)
        for k, (facts, thumb) in enumerate(shown):
            found.append(facts)
            thumbs[k] = thumb
    return pd.DataFrame(found, index=rows.index), thumbs


def perceptual_hash(thumb: np.ndarray) -> bytes:
    """Compute a perceptual hash of 256 bits: which low frequencies of the picture are above their median.

    Parameters
    ----------
    thumb : ndarray, shape (64, 64)

    Notes
    -----
    It is pHash (Zauner, 2010) by the discrete cosine transform, with 16 by 16 frequencies. The usual 8 by 8 cannot
    distinguish radiographs of different people, which all look alike at that scale.
    """
    from scipy.fft import dctn

    low = dctn(thumb)[:HASH, :HASH].ravel()
    return np.packbits(low > np.median(low)).tobytes()


def _facts(file: str, number: int | None) -> tuple[dict[str, object], np.ndarray]:
    empty = {"width": 0, "height": 0, "bits": 0, "stored": "", "colour": False, "blank": False, "text": False}
    facts = {"problem": "", "digest": "", **empty, "hash": bytes(HASH * HASH // 8)}
    try:
        header = read_header(file)
        values = read_picture(file, slice=number, side=SIDE).values
    except InputError as error:
        return {**facts, "problem": error.problem}, np.zeros((THUMB, THUMB), np.float32)
    facts["digest"] = f"{_digest(file)} {'' if number is None else number}"
    facts |= {"width": header.width, "height": header.height, "bits": header.bits, "stored": header.colour}
    if values.ndim == 3:
        facts["colour"] = bool(np.ptp(_few(values).astype(np.int16), axis=2).mean() > GREY)
    grey = _grey(values)
    thumb = _reduced(grey)
    flat = FLAT if values.dtype == np.uint8 else 0
    facts["blank"] = bool(np.ptp(thumb) <= flat or grey.min() == grey.max())
    low, high = float(grey.min()), float(grey.max())
    scaled = (thumb - low) / (high - low) if high > low else np.zeros_like(thumb)
    if not facts["blank"]:
        facts["hash"] = perceptual_hash(scaled)
        facts["text"] = has_text((255 * (grey - low) / (high - low)).astype(np.uint8))
    return facts, scaled


def _digest(file: str) -> str:
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _few(values: np.ndarray) -> np.ndarray:
    step = max(1, min(values.shape[:2]) // 256)
    return values[::step, ::step]


def _grey(values: np.ndarray) -> np.ndarray:
    """Convert a picture to brightness as float32 (ITU-R 601)."""
    if values.ndim == 2:
        return values.astype(np.float32)
    return values.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _reduced(grey: np.ndarray) -> np.ndarray:
    from PIL import Image

    small = Image.fromarray(grey).resize((THUMB, THUMB), Image.Resampling.BOX)
    return np.asarray(small, np.float32)
