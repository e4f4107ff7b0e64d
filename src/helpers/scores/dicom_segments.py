"""Reader of DICOM segmentations (SEG), whose frames are put at their true positions.

Only elements that describe pixels are read, none about a person. DICOM PS3.3 has the definitions: C.8.20 of
segmentations, C.7.6.16.2 of the positions of frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.datasets.shared.nifti import SLACK, check_affine
from helpers.errors import InputError
from helpers.scores.volumes import FLIP, Segment, Volume

if TYPE_CHECKING:
    from pydicom import Dataset

AGAIN = "Export the segmentation again, or convert it to NIfTI"
FRACTIONS = "fractional segments were cut at one half"
POSITIONS = "the distance of planes in the file does not fit the positions of its frames: the positions were taken"
THICKNESS = "the distance of planes is not in the file: the thickness of a slice was taken"
NO_FRAMES = "a segmentation without frames was read as an empty mask on the grid of the other mask"
TAGS = """
Modality SegmentationType MaximumFractionalValue SegmentSequence SharedFunctionalGroupsSequence
PerFrameFunctionalGroupsSequence NumberOfFrames Rows Columns SamplesPerPixel PhotometricInterpretation BitsAllocated
BitsStored HighBit PixelRepresentation PixelData
""".split()  # noqa: SIM905


def read(path: Path) -> Volume:
    """Read the segments of a DICOM segmentation: binary, fractional or a label map, with frames in any order.

    A plane without a frame is empty. Segments that overlap are in separate layers. The label of a segment is its
    number. DICOM lets a file leave out empty frames: one without any has no grid, so its volume has no plane, and
    `grids.on_one_grid` gives it the grid of the other mask.

    Raises
    ------
    InputError
        The file cannot be read or is no segmentation, or its frames are on no regular grid.
    """
    from pydicom import dcmread

    try:
        dataset = dcmread(path, specific_tags=TAGS)
        if dataset.get("Modality") != "SEG":
            problem = f"is a DICOM file of modality {dataset.get('Modality', '?')}, and no segmentation (SEG)"
            raise InputError(path, problem, "Give the segmentation, or convert the contours to a mask")
        names = {int(s.SegmentNumber): str(s.get("SegmentLabel", "")) for s in dataset.get("SegmentSequence", ())}
        if dataset.get("NumberOfFrames") == 0 and not dataset.get("PixelData"):
            parts = tuple(Segment(name or f"segment {number}", number) for number, name in sorted(names.items()))
            nothing = np.zeros((dataset.Columns, dataset.Rows, 0), np.uint16)
            return Volume((nothing,), np.eye(4), (NO_FRAMES,), parts, sized=False, placed=False, cropped=True)
        frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
        groups = _groups(dataset)
        numbers = [_number(dataset, group) for group in groups]
        positions = np.array([_element(g, "PlanePositionSequence", "ImagePositionPatient") for g in groups], float)
        affine, places, notes = _grid(groups, positions, path)
    except (InputError, MemoryError):
        raise
    except Exception as error:
        # pydicom has no common error class, and its messages may show the content of the file.
        raise InputError(path, f"is truncated or no DICOM segmentation ({type(error).__name__})", AGAIN) from None
    if dataset.get("SegmentationType") == "FRACTIONAL":
        frames = frames >= dataset.MaximumFractionalValue / 2
        notes = (*notes, FRACTIONS)
    if len(frames) != len(groups):
        raise InputError(path, f"has {len(frames)} frames and positions of {len(groups)}", AGAIN)
    layers, layer_of = _layers(frames, numbers, places, path)
    segments = tuple(
        Segment(names.get(number) or f"segment {number}", number, layer_of.get(number, layer_of.get(0, 0)))
        for number in sorted((names.keys() | layer_of.keys()) - {0})
    )
    return Volume(layers, check_affine(affine, path), notes, segments, cropped=True)


def _groups(dataset: Dataset) -> list[tuple[Dataset, Dataset]]:
    """Pair the functional groups of each frame with those that all frames share."""
    shared = dataset.SharedFunctionalGroupsSequence[0]
    return [(frame, shared) for frame in dataset.PerFrameFunctionalGroupsSequence]


def _element(group: tuple[Dataset, Dataset], sequence: str, name: str) -> object:
    """Return an element of a frame, or else of all frames; None if there is none."""
    items = (part.get(sequence) for part in group)
    return next((item[0].get(name) for item in items if item), None)


def _number(dataset: Dataset, group: tuple[Dataset, Dataset]) -> int:
    """Return the number of the segment that a frame shows; 0 in a label map, whose pixels hold the numbers."""
    if dataset.get("SegmentationType") == "LABELMAP":
        return 0
    return int(_element(group, "SegmentIdentificationSequence", "ReferencedSegmentNumber"))


def _grid(
    groups: Sequence[tuple[Dataset, Dataset]], positions: np.ndarray, path: Path
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the affine (RAS), the number of the plane of each frame, and notes."""
    turns = np.array([_element(g, "PlaneOrientationSequence", "ImageOrientationPatient") for g in groups], float)
    sizes = np.array([_element(g, "PixelMeasuresSequence", "PixelSpacing") for g in groups], float)
    if np.ptp(turns, axis=0).max() > 1e-4 or np.ptp(sizes, axis=0).max() > 1e-4:
        raise InputError(path, "its frames differ in orientation or in the size of pixels", AGAIN)
    across, down = turns[0].reshape(2, 3)
    normal = np.cross(across, down)
    heights = positions @ normal
    first, last = positions[heights.argmin()], positions[heights.argmax()]
    step, notes = _step(groups, np.sort(heights), path)
    places = np.rint((heights - heights.min()) / step).astype(int)
    third = (last - first) / places.max() if places.max() else normal * step
    if np.linalg.norm(first + places[:, None] * third - positions, axis=1).max() > SLACK:
        raise InputError(path, "its frames are on no common grid: some are shifted within their planes", AGAIN)
    affine = np.eye(4)
    affine[:3] = np.column_stack([across * sizes[0][1], down * sizes[0][0], third, first])
    return FLIP @ affine, places, notes


def _step(groups: Sequence[tuple[Dataset, Dataset]], heights: np.ndarray, path: Path) -> tuple[float, tuple[str, ...]]:
    """Return the distance of planes in mm: as the file has it if that fits all frames, or else their smallest gap."""
    spacing, thickness = (
        abs(float(_element(groups[0], "PixelMeasuresSequence", name) or 0))
        for name in ("SpacingBetweenSlices", "SliceThickness")
    )
    gaps = np.diff(heights)
    gaps = gaps[gaps > SLACK]
    if spacing and (step := _exact(heights, spacing)):
        return step, ()
    if len(gaps) and (step := _exact(heights, float(gaps[gaps < 1.5 * gaps.min()].mean()))):
        return step, (POSITIONS,) * bool(spacing)
    if len(gaps):
        shown = ", ".join(f"{gap:.4g}" for gap in np.unique(gaps.round(3))[:6])
        problem = f"its frames are {shown} mm apart, which are no multiples of one distance"
        raise InputError(path, problem, "Export the segmentation with planes at equal distances")
    return thickness or 1.0, (THICKNESS,)


def _exact(heights: np.ndarray, step: float) -> float | None:
    """Return the distance of planes, near `step`, of which all heights are multiples within the slack; else None."""
    counts = np.rint((heights - heights[0]) / step)
    exact = float((heights[-1] - heights[0]) / counts[-1]) if counts[-1] else step
    off = np.abs(heights - heights[0] - counts * exact).max()
    return exact if off <= min(SLACK, 0.1 * step) else None


def _layers(
    frames: np.ndarray, numbers: Sequence[int], places: np.ndarray, path: Path
) -> tuple[tuple[np.ndarray, ...], dict[int, int]]:
    """Arrange the segments in as few layers as their overlaps permit; return the layers and that of each segment."""
    shape = (*frames.shape[:0:-1], int(places.max()) + 1)
    layers, layer_of = [], {}
    for number in sorted(set(numbers)):
        chosen = [k for k, n in enumerate(numbers) if n == number]
        if len(set(places[chosen])) < len(chosen):
            raise InputError(path, f"two frames show segment {number} in the same plane", AGAIN)

        def free(layer: np.ndarray, chosen: list[int] = chosen) -> bool:
            return not any((layer[..., places[k]].astype(bool) & frames[k].T.astype(bool)).any() for k in chosen)

        at = next((k for k, layer in enumerate(layers) if free(layer)), len(layers))
        if at == len(layers):
            layers.append(np.zeros(shape, np.uint16))
        for k in chosen:
            layers[at][..., places[k]] += frames[k].T if number == 0 else frames[k].T.astype(np.uint16) * number
        layer_of[number] = at
    return tuple(layers), layer_of
