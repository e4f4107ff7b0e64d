"""Image files as arrays of one size, cached on disk so that they are decoded only once."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers import paths
from helpers.datasets.shared.folder import each_case
from helpers.errors import InputError
from helpers.keep import fingerprint, store

if TYPE_CHECKING:
    from PIL import Image

EMPTY, NO_IMAGE, DAMAGED, DEEP = "is empty", "is no image", "is cut off or damaged", "has more than 8 bits a channel"


def decode(content: bytes, where: object) -> Image.Image:
    """Decode the bytes of an image file to RGB. Grey, palette and CMYK are converted, and transparency is dropped.

    Raises
    ------
    InputError
        The file is empty, is no image (for example a web page with the name of an image), is cut off or damaged, or
        has more than 8 bits a channel. The error's ``problem`` is `EMPTY`, `NO_IMAGE`, `DAMAGED` or `DEEP`.
    """
    from PIL import Image, UnidentifiedImageError

    fix = "Download it again, or leave the case out"
    if not content:
        raise InputError(where, EMPTY, fix)
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except UnidentifiedImageError:
        raise InputError(where, NO_IMAGE, fix) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise InputError(where, DAMAGED, fix) from None
    if image.mode[0] in "IF":
        raise InputError(where, DEEP, "Convert it to 8 bits")
    return image.convert("RGB")


def load_images(
    files: Sequence[str | Path], size: int, *, workers: int = 1, progress: bool = True, folder: Path | None = None
) -> np.ndarray:
    """Load images as squares of one size: the shorter side is resized to `size`, then the centre is cropped.

    The result is cached on disk, so a second call with the same files reads a single file.

    Parameters
    ----------
    files : sequence of path
    size : int
        Side in pixels.
    workers : int
        Number of processes that decode.
    progress : bool
        Show a progress bar.
    folder : Path, optional
        Folder of the cached result; by default ``data/prepared`` of the project. The name of the cached file holds a
        hash of the images' paths, sizes and modification times, of `size`, of this code and of library versions.

    Returns
    -------
    ndarray of uint8, shape (n, 3, size, size)
        RGB in the order of `files`. Images are resized by Pillow's bilinear filter, which averages over the area that
        a pixel covers.

    Raises
    ------
    InputError
        `files` is empty, `size` is not a whole number above 0, a file is missing (raised at once), a file is damaged,
        no image or deeper than 8 bits (raised after all other files were tried), or the result cannot be written.
    """
    from tqdm.auto import tqdm

    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError("size", f"{size!r} is not a whole number above 0", "Give the side in pixels, such as 64")
    files = [Path(file) for file in files]
    if not files:
        raise InputError("files", "no file is given", "Give the paths of the images")
    kept = (folder or paths.data() / "prepared") / f"images-{key(files, size, by=__name__)}.npy"
    if kept.is_file():
        return np.load(kept)
    images = np.empty((len(files), 3, size, size), np.uint8)
    broken = []
    squares = each_case(_square, [(file, int(size)) for file in files], workers)
    bar = tqdm(squares, desc="images", unit="image", total=len(files), disable=not progress)
    for i, square in enumerate(bar):
        if isinstance(square, InputError):
            broken.append(square)
        else:
            images[i] = square
    if broken:
        first, more = broken[0], f" (and {len(broken) - 1} more)" * (len(broken) > 1)
        raise InputError(first.where, f"{first.problem}{more}", first.fix)
    with store.file(kept) as part, part.open("wb") as stream:
        np.save(stream, images)
    return images


def key(files: list[Path], size: int, *, by: str) -> str:
    """Hash the image files (paths, file sizes, times of change), the `size` in pixels, and the code of module `by`."""
    try:
        known = [(str(file.resolve()), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    except OSError as error:
        raise _unreadable(error.filename, error) from error
    return hashlib.sha256(json.dumps([known, int(size), fingerprint.made_by(by)]).encode()).hexdigest()[:16]


def _square(file: Path, size: int) -> np.ndarray | InputError:
    from PIL import Image, ImageOps

    try:
        image = decode(file.read_bytes(), file)
    except OSError as error:
        return _unreadable(file, error)
    except InputError as error:
        return error
    fitted = ImageOps.fit(image, (size, size), method=Image.Resampling.BILINEAR)
    return np.asarray(fitted).transpose(2, 0, 1)


def _unreadable(file: object, error: OSError) -> InputError:
    return InputError(file, f"cannot be read ({error.strerror or error})", "Download it, or leave the case out")
