"""Grey image files as one array of squares, cached on disk so that they are decoded only once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers import paths
from helpers.datasets.shared import images as pictures
from helpers.datasets.shared.folder import each_case
from helpers.errors import InputError
from helpers.keep import store


def load_radiographs(
    files: Sequence[str | Path],
    size: int,
    *,
    workers: int = 1,
    progress: bool = True,
    folder: str | Path | None = None,
) -> np.ndarray:
    """Load radiographs as squares of one size, each stretched to the range from 0 to 1.

    The result is cached on disk, so a second call with the same files reads a single file.

    Parameters
    ----------
    files : sequence of path
    size : int
        Side in pixels. The whole picture is resized to the square, so its sides may be scaled by different factors.
    workers : int
        Number of processes that decode.
    progress : bool
        Show a progress bar.
    folder : str or Path, optional
        Folder of the cached result; by default ``data/prepared`` of the project. The name of the cached file holds a
        hash of the images' paths, file sizes and times of change, of `size` and of the code.

    Returns
    -------
    ndarray of float32, shape (n, 1, size, size)
        Brightness in the order of `files`. For each picture, 0 and 1 are its smallest and largest value before it is
        resized by Pillow's bilinear filter, which averages over the area that a pixel covers. Pictures in colour are
        converted to grey. Pixels are read from disk when they are used; changes to the array do not change the file.

    Raises
    ------
    InputError
        `files` is empty, `size` is not a whole number above 0, a file cannot be read or all its pixels are equal
        (raised after all other files were tried), or the result cannot be written.
    """
    from tqdm.auto import tqdm

    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError("size", f"{size!r} is not a whole number above 0", "Give the side in pixels, such as 64")
    files = [Path(file) for file in files]
    if not files:
        raise InputError("files", "no file is given", "Give the paths of the images")
    place = Path(folder) if folder else paths.data() / "prepared"
    kept = place / f"radiographs-{pictures.key(files, int(size), by=__name__)}.npy"
    if not kept.is_file():
        squares = each_case(_square, [(file, int(size)) for file in files], workers)
        bar = tqdm(squares, desc="images", unit="image", total=len(files), disable=not progress)
        _keep(bar, (len(files), 1, int(size), int(size)), kept)
    # Memory-mapped, since the real data set is larger than most memories.
    return np.asarray(np.load(kept, mmap_mode="c"))


def _keep(squares: object, shape: tuple[int, ...], kept: Path) -> None:
    """Write squares to `kept` as they arrive; keep nothing if one of them cannot be read."""
    broken = []
    with store.file(kept) as part:
        images = np.lib.format.open_memmap(part, "w+", np.float32, shape)
        for i, square in enumerate(squares):
            if isinstance(square, InputError):
                broken.append(square)
            else:
                images[i, 0] = square
        images.flush()
        del images
        if broken:
            first, more = broken[0], f" (and {len(broken) - 1} more)" * (len(broken) > 1)
            raise InputError(first.where, f"{first.problem}{more}", first.fix)


def _square(file: Path, size: int) -> np.ndarray | InputError:
    from PIL import Image

    try:
        image = pictures.decode(file.read_bytes(), file).convert("L")
    except OSError as error:
        return pictures._unreadable(file, error)
    except InputError as error:
        return error
    values = np.asarray(image, np.float32)
    least, most = values.min(), values.max()
    if least == most:
        return InputError(file, "all its pixels are equal", "Download it again, or leave the case out")
    stretched = Image.fromarray((values - least) / (most - least))
    return np.asarray(stretched.resize((size, size), Image.Resampling.BILINEAR)).clip(0, 1)
