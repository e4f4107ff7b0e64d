"""Size and form of one mask: volume, surface, sphericity, elongation.

The surface is the marching-cubes mesh halfway between voxel centres (in 2-D: the contour of marching squares).
Sphericity uses the area and the volume of this mesh, as the image biomarker standardisation initiative does (IBSI,
https://doi.org/10.1148/radiol.2020191145), so it cannot exceed 1. A mesh through voxels has steps: the area of an
oblique surface comes out about 8% too large on cubic voxels, and 20% on voxels four times as long as wide, however fine
they are. So a ball has a sphericity of 0.92 or less, and masks of different voxel sizes are not comparable. The
parameter `smooth` removes the steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter
from skimage.measure import find_contours, marching_cubes, mesh_surface_area

from helpers.errors import InputError
from helpers.metrics.checks import real, shown
from helpers.metrics.cropping import crop
from helpers.metrics.grids import check_spacing, positions, voxel_volume

REACH = 4  # standard deviations at which the Gaussian is cut off: smoothing spreads a mask no further


def shape(mask: np.ndarray, *, spacing: ArrayLike, smooth: float = 0.0) -> dict[str, float]:
    """Measure the size and form of a mask's foreground, all its parts together.

    Parameters
    ----------
    mask : ndarray
        Binary mask of three or two dimensions: 0 and one positive value.
    spacing : array_like of shape (ndim,) or (ndim, ndim)
        Voxel size in mm, in the order of the array's axes; of a sheared grid, the matrix whose columns are the steps in
        mm along each axis.
    smooth : float
        Standard deviation in mm of a Gaussian applied before the surface is drawn; 0 draws it through the voxels. The
        largest voxel length is enough to remove the steps. It rounds off smaller details, and a mask too small for it
        raises an error.

    Returns
    -------
    dict of str to float
        In 3-D ``volume_cc`` (voxels counted, cm^3), ``surface_mm2``, ``sphericity`` (surface of the ball of the same
        volume over the surface, at most 1), ``surface_to_volume`` (1/mm), ``elongation``, ``flatness``.
        In 2-D ``area_mm2`` (pixels counted), ``perimeter_mm``, ``sphericity`` (perimeter of the disc of the same area
        over the perimeter), ``perimeter_to_area`` (1/mm), ``elongation``.
        Elongation is the second longest over the longest principal axis: 1 for a round form, towards 0 for a line.
        Flatness is the shortest over the longest axis. The axes are those of the foreground's inertia, with voxels
        taken as boxes.

    Raises
    ------
    InputError
        The mask is empty (it has no form: leave such a case out and count it), not binary, not of two or three
        dimensions, or vanishes under smoothing; or the spacing or `smooth` cannot be used. A sheared grid cannot be
        smoothed.
    """
    pair = crop(mask, mask)
    found, lengths = pair.expert, check_spacing(spacing, len(pair.shape))
    if found.ndim not in (2, 3):
        raise InputError("mask", f"{found.ndim} dimensions", "Give a volume or a plane.")
    if not found.any():
        raise InputError("mask", "empty, so the shape is undefined", "Leave the case out, and count it.")
    if not 0 <= (width := real(smooth)) < np.inf:
        raise InputError(f"smooth = {shown(smooth)}", "expected a length in mm, 0 or more", "Use 0 for no smoothing.")
    if width and lengths.ndim == 2:
        fix = "Use 0, or resample the mask to axes at right angles."
        raise InputError(f"smooth = {shown(smooth)}", "the axes of the grid are not at right angles", fix)
    axes = _axes(found, lengths)
    size = float(np.count_nonzero(found) * voxel_volume(lengths))
    if found.ndim == 3:
        area, volume = _mesh(_field(found, lengths, width), lengths)
        return {
            "volume_cc": size / 1000,
            "surface_mm2": area,
            "sphericity": float(np.cbrt(np.pi) * (6 * volume) ** (2 / 3) / area),
            "surface_to_volume": area / volume,
            "elongation": float(axes[1] / axes[0]),
            "flatness": float(axes[2] / axes[0]),
        }
    perimeter, area = _contour(_field(found, lengths, width), lengths)
    return {
        "area_mm2": size,
        "perimeter_mm": perimeter,
        "sphericity": float(2 * np.sqrt(np.pi * area) / perimeter),
        "perimeter_to_area": perimeter / area,
        "elongation": float(axes[1] / axes[0]),
    }


def _axes(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Compute the lengths of the principal axes, up to a common factor, longest first."""
    places = positions(np.argwhere(mask), spacing)
    within = (
        np.diag(spacing**2 / 12) if spacing.ndim == 1 else spacing @ spacing.T / 12
    )  # a voxel is a box, not a point
    return np.sqrt(np.linalg.eigvalsh(np.cov(places.T, bias=True) + within)[::-1])


def _field(mask: np.ndarray, spacing: np.ndarray, smooth: float) -> np.ndarray:
    if not smooth:
        return mask.astype(np.float32)
    sigma = smooth / spacing
    wide = np.pad(mask.astype(np.float32), [(int(np.ceil(REACH * s)),) * 2 for s in sigma])
    field = gaussian_filter(wide, sigma, truncate=REACH)
    if field.max() <= 0.5:
        problem = f"empty after smoothing by {smooth:g} mm"
        raise InputError("mask", problem, "Smooth less, or leave the case out and count it.")
    return field


def _mesh(field: np.ndarray, spacing: np.ndarray) -> tuple[float, float]:
    """Compute the area in mm^2 and the enclosed volume in mm^3 of the surface at level 0.5."""
    if spacing.ndim == 1:
        vertices, faces, _, _ = marching_cubes(field, 0.5, spacing=tuple(spacing))
    else:
        vertices, faces, _, _ = marching_cubes(field, 0.5)
        vertices = positions(vertices, spacing)
    corners = vertices[faces].astype(float)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    return float(mesh_surface_area(vertices, faces)), float(abs(volume))


def _contour(field: np.ndarray, spacing: np.ndarray) -> tuple[float, float]:
    """Compute the length in mm and the enclosed area in mm^2 of the contour at level 0.5.

    Contours of holes run the other way, so their area is subtracted.
    """
    length = area = 0.0
    for contour in find_contours(field, 0.5):
        points = positions(contour, spacing)
        steps = np.diff(points, axis=0)
        length += float(np.linalg.norm(steps, axis=1).sum())
        area += float((points[:-1, 0] * steps[:, 1] - points[:-1, 1] * steps[:, 0]).sum() / 2)
    return length, abs(area)
