"""X-ray images at a low dose: as in the study, and with the physics of transmission."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch

from helpers.degrade.arrays import Array, check_whole, like, stack
from helpers.degrade.projector import fbp, radon
from helpers.errors import InputError, check_choice

EDGE = 0.05  # smallest share that the bowtie filter, or the published profile, lets through
MOST = 1e15  # photons; far above any dose, and within the range that can be counted
TOGETHER = 64  # images whose sinograms are in memory at once


def low_dose(
    images: Array,
    photons: float,
    *,
    mode: Literal["as_published", "corrected"],
    seed: int,
    first: int = 0,
    attenuation: float = 4.0,
    angles: int | None = None,
) -> Array:
    """Simulate images reconstructed by filtered back-projection from few photons.

    Parameters
    ----------
    images : ndarray or tensor, (..., size, size)
        Square, values from 0 to 1; a value is an attenuation.
    photons : float
        Number of photons; the study uses 100000, 10000 and 3000. Its meaning depends on the mode, see Notes.
    mode : {"as_published", "corrected"}
        See Notes.
    seed : int
        Seed of the noise. The noise of an image depends on the seed and its position, not on the other images.
    first : int
        Position of the first image: ``low_dose(x, ...)[5:10]`` is ``low_dose(x[5:10], ..., first=5)``.
    attenuation : float
        In "corrected", the line integral through a white image along its diagonal, the longest chord.
    angles : int, optional
        As in `radon`; the study has 256 at 256 pixels.

    Returns
    -------
    ndarray or tensor
        float32 from 0 to 1, of the shape and kind of `images`.

    Raises
    ------
    InputError
        Images, or a number, cannot be used, or the mode is unknown.

    Notes
    -----
    "as_published" follows the study's code. The sinogram is multiplied along its *angles* by a profile, which falls
    from 1 at both ends to 0.05 in the middle and is never divided out. Counts are drawn with a mean in proportion to
    the product; the mean is `photons` at its largest value. The image, filtered with a Hann window, is rescaled so that
    its smallest and largest values are 0 and 1, and rounded to 8 bits. So even without noise the image is distorted,
    and a ray that no tissue attenuates gets no photons.

    "corrected" follows the Beer-Lambert law, see `measured_lines`, with the same filter. Nothing is rescaled: a value
    means the same attenuation in every image. Values are clipped to 0 to 1.
    """
    check_choice("mode", mode, ("as_published", "corrected"))
    _check_positive("photons", photons)
    _check_positive("attenuation", attenuation)
    check_whole("seed", seed, least=0)
    check_whole("first", first, least=0)
    tensor = stack(images)
    scale = attenuation / (math.sqrt(2) * tensor.shape[-1])
    found = torch.empty_like(tensor)
    for start in range(0, len(tensor), TOGETHER):
        lines = radon(tensor[start : start + TOGETHER], angles=angles)
        noisy = lines.cpu().numpy().astype(np.float64)
        for row, sinogram in enumerate(noisy):
            rng = np.random.default_rng([seed, first + start + row])
            if mode == "corrected":
                noisy[row] = measured_lines(sinogram * scale, photons, rng) / scale
            else:
                noisy[row] = _published_lines(sinogram, photons, rng)
        made = fbp(torch.from_numpy(noisy).to(lines), window="hann")
        found[start : start + TOGETHER] = made.clamp(0, 1) if mode == "corrected" else _eight_bit(made)
    return like(found, images)


def bowtie(detectors: int) -> np.ndarray:
    """Compute the share of photons that the bowtie filter lets through to each detector.

    Returns
    -------
    ndarray
        float64 (detectors,): 1 in the middle, falling linearly to 0.05 at the ends.
    """
    middle = detectors // 2
    return 1 - (1 - EDGE) * np.abs(np.arange(detectors) - middle) / middle


def measured_lines(lines: np.ndarray, photons: float, rng: np.random.Generator) -> np.ndarray:
    """Simulate line integrals as a detector measures them.

    Counts I follow a Poisson distribution with mean ``N b exp(-p)`` (Beer-Lambert law). The measured line integral is
    ``-log(max(I, 1) / (N b))``. So the bowtie profile b is divided out, and a detector without a photon counts as one
    photon. For large counts the variance of the line integral is ``1 / (N b exp(-p))``.

    Parameters
    ----------
    lines : ndarray, (..., detectors)
        True line integrals p, dimensionless.
    photons : float
        Photons N that leave the source towards one detector at one angle, before the bowtie.
    rng : Generator

    Returns
    -------
    ndarray
        float64, of the shape of `lines`; below 0 where, by noise, more photons are counted than were sent.
    """
    sent = photons * bowtie(lines.shape[-1])
    counts = rng.poisson(sent * np.exp(-lines))
    return -np.log(np.maximum(counts, 1) / sent)


def _published_lines(lines: np.ndarray, photons: float, rng: np.random.Generator) -> np.ndarray:
    profile = EDGE + (1 - EDGE) * np.abs(np.linspace(-1, 1, len(lines)))
    filtered = lines * profile[:, None]
    largest = filtered.max()
    if largest == 0:  # a black image
        return filtered
    return rng.poisson(filtered * (photons / largest)) * (largest / photons)


def _eight_bit(images: torch.Tensor) -> torch.Tensor:
    low, high = images.amin((1, 2), keepdim=True), images.amax((1, 2), keepdim=True)
    spread = torch.where(high > low, high - low, 1)
    return ((images - low) / spread * 255).round() / 255


def _check_positive(name: str, value: float) -> None:
    if not 0 < value <= MOST:  # NaN too
        raise InputError(f"{name} = {value}", f"expected a number above 0, at most {MOST:g}", "Give a usual one")
