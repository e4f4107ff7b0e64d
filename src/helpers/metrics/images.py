"""Similarity of a reconstructed image to its original: one number per image of a batch.

PSNR and SSIM agree with scikit-image. LPIPS is optional: it needs the package of that name and an AlexNet trained on
ImageNet, and neither is downloaded here. Without them, report LPIPS as missing: a missing LPIPS is not a perfect one.
"""

from __future__ import annotations

import importlib
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np

from helpers.errors import InputError
from helpers.metrics.checks import as_numbers, real, shown

WINDOW = 7  # pixels: scikit-image's window, and the smallest image
K1, K2 = 0.01, 0.03  # Wang et al. 2004
NEAR = 4  # data ranges from 0 up to which a variance may be computed as the mean square less the squared mean
EDGE = WINDOW - 1
PIXELS = 2**16  # of images that are averaged at a time
TILE = 2**15  # pixels processed at a time: their sums stay in the processor's cache, which more than halves the time
ROOM = 2**18  # pixels whose differences are computed at a time
LARGE = 2**14  # pixels from which on inner products of rows cost less than a sum; smaller images keep its digits
BUFFER = 512  # pixels that NumPy converts to float64 at a time: they stay in the processor's first cache
BATCH = 32  # images through AlexNet at a time


def psnr(x: np.ndarray, y: np.ndarray, *, data_range: float = 1.0) -> np.ndarray:
    """Compute the peak signal-to-noise ratio (PSNR) in dB, ``10 log10(data_range^2 / mean squared error)``.

    Parameters
    ----------
    x, y : ndarray of shape (n, 1, h, w)
        The originals and the images compared with them.
    data_range : float
        Largest minus smallest possible value. It is not taken from the images.

    Returns
    -------
    ndarray of shape (n,)
        Infinite if the two images are equal: leave such pairs out of a mean, and count them.

    Raises
    ------
    InputError
        Shapes differ or are not (n, 1, h, w), a value is not finite or not a real number, `data_range` is not
        positive, or images of whole numbers exceed a `data_range` up to 1 by far.
    """
    x, y, peak = _scaled(x, y, data_range)
    with np.errstate(invalid="ignore"):
        np.setbufsize(BUFFER)  # until the end of this context
        error = _squared_errors(x, y)
    _check_finite(x, y, error)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(peak**2 / error)


def ssim(x: np.ndarray, y: np.ndarray, *, data_range: float = 1.0) -> np.ndarray:
    """Compute the mean structural similarity (SSIM) over all windows of 7 x 7 pixels inside the image.

    Parameters
    ----------
    x, y : ndarray of shape (n, 1, h, w)
        The originals and the images compared with them, at least 7 pixels high and wide.
    data_range : float
        Largest minus smallest possible value.

    Returns
    -------
    ndarray of shape (n,)
        At most 1, the value of equal images.

    Raises
    ------
    InputError
        Shapes differ or are not (n, 1, h, w), an image is too small, a value is not finite or not a real number,
        `data_range` is not positive, or images of whole numbers exceed a `data_range` up to 1 by far.

    Notes
    -----
    Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861, with uniform windows and sample variances (ddof 1), the
    defaults of `skimage.metrics.structural_similarity`. As in that function, float32 images are compared in float32.
    Images with a value more than four data ranges from 0 are not: there the squares are so large that rounding hides
    the variance (at 1000 data ranges, scikit-image's values of float32 images pass 1). Their deviations from the mean
    of each window are squared instead, in float64.
    """
    x, y, peak = _scaled(x, y, data_range)
    if min(x.shape[1:]) < WINDOW:
        raise InputError("x", f"images of {x.shape[1:]} pixels", f"SSIM needs at least {WINDOW} in each direction.")
    precision = np.dtype(np.float32 if x.dtype == y.dtype == np.float32 else float)
    with np.errstate(invalid="ignore"):
        found = [
            _similarity(*(np.ascontiguousarray(a[part], precision) for a in (x, y)), peak) for part in _parts(x, PIXELS)
        ]
    index = np.concatenate(found)
    _check_finite(x, y, index)
    return index


def lpips_available() -> tuple[bool, str]:
    """Check whether `lpips` can be computed here; return True or False, and if False the reason."""
    try:
        _lpips_parts()
    except InputError as error:
        return False, error.problem
    return True, ""


def lpips(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compute the learned perceptual image patch similarity (LPIPS) with AlexNet.

    Parameters
    ----------
    x, y : ndarray of shape (n, 1, h, w)
        Grey images with values in 0 to 1. They are repeated to three channels and scaled to -1 to 1.

    Returns
    -------
    ndarray of shape (n,)
        0 for equal images, larger for less similar ones.

    Raises
    ------
    InputError
        The package lpips, torchvision or AlexNet's weights in torch's cache are missing (see `lpips_available`), or the
        images cannot be used.

    Notes
    -----
    Zhang et al. 2018, https://arxiv.org/abs/1801.03924. Nothing is downloaded.
    """
    first, second, _ = _pair(x, y, 1.0)
    _check_finite(first, second, first + second)
    if min(first.min(), second.min()) < 0 or max(first.max(), second.max()) > 1:
        raise InputError("x, y", "values outside 0 to 1", "Scale the images as they were for the networks.")
    torch, package = _lpips_parts()
    network = package.LPIPS(net="alex", verbose=False).eval()

    def colour(grey: np.ndarray) -> object:
        return torch.from_numpy(2 * grey.astype(np.float32) - 1)[:, None].expand(-1, 3, -1, -1)

    with torch.inference_mode():
        parts = [
            network(colour(first[i : i + BATCH]), colour(second[i : i + BATCH])) for i in range(0, len(first), BATCH)
        ]
    return torch.cat(parts).flatten().numpy().astype(float)


def _lpips_parts() -> tuple[ModuleType, ModuleType]:
    """Import torch and lpips; raise InputError if anything that LPIPS needs is missing."""
    modules = {}
    for name in ("lpips", "torchvision", "torch"):  # slow to import; the first is missing most often
        try:
            modules[name] = importlib.import_module(name)
        except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision made for another torch
            raise InputError(
                "lpips", f"{name} cannot be imported ({error})", "Install it, or report no LPIPS."
            ) from None
    weights = modules["torchvision"].models.AlexNet_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[-1]
    if not (Path(modules["torch"].hub.get_dir()) / "checkpoints" / weights).is_file():
        fix = "Put the file into the folder checkpoints of torch.hub.get_dir(), or report no LPIPS."
        raise InputError("lpips", f"AlexNet's weights {weights} are not in torch's cache", fix)
    return modules["torch"], modules["lpips"]


def _squared_errors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Average the squared differences of each image, in float64."""
    _, height, width = x.shape
    errors, rows = np.zeros(len(x)), max(1, ROOM // width)
    room = np.empty(min(x.size, max(ROOM, width)))  # made once: memory that is new to a process costs more than sums
    for part in _parts(x, ROOM):
        for top in range(0, height, rows):
            a, b = (images[part, top : top + rows] for images in (x, y))
            apart = np.subtract(a, b, out=room[: a.size].reshape(a.shape), dtype=float)
            small = height * width < LARGE
            errors[part] += (
                np.square(apart, out=apart).sum(axis=(1, 2)) if small else np.vecdot(apart, apart).sum(axis=1)
            )
    return errors / (height * width)


def _similarity(x: np.ndarray, y: np.ndarray, peak: float) -> np.ndarray:
    far = max(abs(end) for images in (x, y) for end in (images.min(), images.max())) > NEAR * peak
    if far and len(x) > 1:
        return np.concatenate([_similarity(x[i : i + 1], y[i : i + 1], peak) for i in range(len(x))])
    x, y = (images.astype(float if far else images.dtype, copy=False) for images in (x, y))
    width, index = x.shape[2], np.zeros(x.size, x.dtype)
    rows = TILE // width + 1
    for start in range(0, x.size - EDGE * width, rows * width):
        some = slice(start, start + (rows + EDGE) * width)  # rows below each other, also of different images
        found = _index(x.reshape(-1)[some], y.reshape(-1)[some], width, peak, moments=not far)
        index[start : start + len(found)] = found
    inside = index.reshape(x.shape)[:, :-EDGE, :-EDGE]  # the other windows are in two rows, or in two images
    return np.ascontiguousarray(inside).mean(axis=(1, 2), dtype=float)


def _index(x: np.ndarray, y: np.ndarray, width: int, peak: float, *, moments: bool) -> np.ndarray:
    """Compute the similarity of all windows of rows of a width, in one row of pixels."""
    mean_x, mean_y = _window_means(x, width), _window_means(y, width)
    cross, squares = mean_x * mean_y, mean_x * mean_x
    squares += mean_y * mean_y
    if moments:
        both = x * x
        both += y * y
        covariance, variances = _window_means(x * y, width), _window_means(both, width)
        covariance -= cross
        variances -= squares
    else:
        covariance, variances = _deviations(x, y, mean_x, mean_y, width)
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    covariance *= unbiased
    variances *= unbiased
    cross *= 2
    covariance *= 2
    for part, constant in ((cross, c1), (covariance, c2), (squares, c1), (variances, c2)):
        part += constant
    cross *= covariance
    squares *= variances
    cross /= squares
    return cross


def _deviations(
    x: np.ndarray, y: np.ndarray, mean_x: np.ndarray, mean_y: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Average over each window the product of both deviations from its means, and the sum of their squares."""
    products, squares = np.zeros((2, len(mean_x)))
    for i, j in product(range(WINDOW), repeat=2):
        start = i * width + j
        a, b = (pixels[start : start + len(mean)] - mean for pixels, mean in ((x, mean_x), (y, mean_y)))
        products += a * b
        squares += a * a + b * b
    return products / WINDOW**2, squares / WINDOW**2


def _window_means(pixels: np.ndarray, width: int) -> np.ndarray:
    """Average over all windows of rows of a width, in one row of pixels, by summing rows, then columns."""
    for step in (width, 1):
        count = len(pixels) - EDGE * step
        sums = pixels[:count] + pixels[step : step + count]
        for k in range(2, WINDOW):
            sums += pixels[k * step : k * step + count]
        pixels = sums
    pixels /= WINDOW**2
    return pixels


def _parts(images: np.ndarray, pixels: int) -> list[slice]:
    step = max(1, pixels // (images.shape[1] * images.shape[2]))
    return [slice(start, start + step) for start in range(0, len(images), step)]


def _check_finite(x: np.ndarray, y: np.ndarray, result: np.ndarray) -> None:
    """Raise InputError if a value of the images is not finite; the result is finite only if they all are."""
    if np.isfinite(result).all():
        return
    for name, images in (("x", x), ("y", y)):
        bad = int((~np.isfinite(images)).any(axis=(1, 2)).sum())
        if bad:
            raise InputError(name, f"{bad} of {len(images)} images hold NaN or infinite values", "Look at these first.")


def _scaled(x: np.ndarray, y: np.ndarray, data_range: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Check a pair by `_pair`; refuse whole numbers far above 1 with a data range up to 1, which is that of floats."""
    x, y, peak = _pair(x, y, data_range)
    for name, images in (("x", x), ("y", y)):
        if peak <= 1 and images.dtype.kind in "iu" and images.max() > NEAR:
            problem = f"whole numbers up to {images.max()}, with data_range = {shown(data_range)}"
            raise InputError(name, problem, "Give the largest possible value, as data_range=255 for images of 8 bits.")
    return x, y, peak


def _pair(x: np.ndarray, y: np.ndarray, data_range: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Check both batches and `data_range`; return the batches as (n, h, w), and the range as a float."""
    x, y = as_numbers(x, "x"), as_numbers(y, "y")
    if x.ndim != 4 or x.shape[1] != 1 or not x.size:
        raise InputError("x", f"shape {x.shape}, expected (n, 1, h, w)", "Give a batch of grey images.")
    if x.shape != y.shape:
        raise InputError("x, y", f"shapes {x.shape} and {y.shape} differ", "Give the same images in the same order.")
    peak = real(data_range)
    if not 0 < peak < np.inf:
        raise InputError(
            f"data_range = {shown(data_range)}", "expected a positive number", "Use 1.0 for images in 0 to 1."
        )
    return x[:, 0], y[:, 0], peak
