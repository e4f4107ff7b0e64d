"""Two balls as masks, and writers of every format that masks come in."""

from pathlib import Path

import nibabel as nib
import numpy as np

GRID = np.indices((40, 36, 24))
A = (((GRID[0] - 18) ** 2 + (GRID[1] - 17) ** 2 + (GRID[2] - 11) ** 2) <= 64).astype(np.uint8)
B = np.roll(A, (2, 1, 1), (0, 1, 2))
AFFINE = np.array([[0.7, 0, 0, -12], [0, 0.7, 0, 5], [0, 0, 2, -20], [0, 0, 0, 1]])
LPS = np.diag([-1.0, -1, 1, 1])
# A quarter turn and a tilt: columns at right angles, 0.7, 0.7 and 2 mm long.
TILTED = np.array([[0, -0.42, 1.6, 3], [0.7, 0, 0, -9], [0, 0.56, 1.2, 4], [0, 0, 0, 1]])


def nifti(path: Path, values: np.ndarray, affine=AFFINE, edit=lambda image: None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    edit(image)
    nib.save(image, path)


def mgz(path: Path, values: np.ndarray, affine=AFFINE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.MGHImage(values, affine), path)


def itk(path: Path, values: np.ndarray, affine=AFFINE) -> None:
    """Write MetaImage or NRRD by SimpleITK, whose positions are LPS."""
    import SimpleITK as sitk  # noqa: N813

    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(values.T)
    lps = LPS @ affine
    lengths = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(lengths.tolist())
    image.SetDirection((lps[:3, :3] / lengths).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))


def nrrd(path: Path, layers: list[np.ndarray], fields: dict[str, object], affine=AFFINE) -> None:
    """Write NRRD by hand, with layers as its first axis if there are several, and more fields.

    A field with "_" in its name is a pair of key and value (name:=value); one that is None is left out.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lps = LPS @ affine
    several = len(layers) > 1
    directions = [f"({','.join(map(repr, column))})" for column in lps[:3, :3].T.tolist()]
    header = {
        "type": "unsigned char",
        "dimension": 3 + several,
        "space dimension": None,  # before the directions
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, [*([len(layers)] * several), *layers[0].shape])),
        "space directions": " ".join(["none"] * several + directions),
        "kinds": " ".join(["list"] * several + ["domain"] * 3),
        "encoding": "raw",
        "space origin": f"({','.join(map(repr, lps[:3, 3].tolist()))})",
    }
    header |= {name: value for name, value in fields.items() if "_" not in name}
    text = "NRRD0004\n" + "".join(f"{k}: {v}\n" for k, v in header.items() if v is not None)
    text += "".join(f"{k}:={v}\n" for k, v in fields.items() if "_" in k)
    path.write_bytes(text.encode() + b"\n" + np.stack(layers).astype("u1").tobytes(order="F"))


def meta(path: Path, values: np.ndarray, affine=AFFINE, **fields: object) -> None:
    """Write MetaImage by hand, with more or other fields of its header; a field that is None is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lps = LPS @ affine
    lengths = np.linalg.norm(lps[:3, :3], axis=0)

    def words(numbers: np.ndarray) -> str:
        return " ".join(map(repr, numbers.ravel().tolist()))

    header = {"ObjectType": "Image", "NDims": 3, "BinaryData": True, "BinaryDataByteOrderMSB": False}
    header |= {"TransformMatrix": words((lps[:3, :3] / lengths).T), "Offset": words(lps[:3, 3])}
    header |= {"ElementSpacing": words(lengths), "DimSize": words(np.array(values.shape)), **fields}
    header |= {"ElementType": "MET_UCHAR", "ElementDataFile": "LOCAL"}
    text = "".join(f"{name} = {value}\n" for name, value in header.items() if value is not None)
    path.write_bytes(text.encode() + values.astype("u1").tobytes(order="F"))


def slicer(*segments: tuple[str, int, int]) -> dict[str, object]:
    """Name segments (name, label, layer) as 3D Slicer does."""
    fields = {}
    for k, (name, label, layer) in enumerate(segments):
        fields |= {f"Segment{k}_ID": f"Segment_{k}", f"Segment{k}_Name": name}
        fields |= {f"Segment{k}_LabelValue": label, f"Segment{k}_Layer": layer}
    return fields


def npy(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def pictures(path: Path, values: np.ndarray) -> None:
    """Write a picture of a plane, or a folder of pictures of a volume: rows run along the second axis."""
    from PIL import Image

    if values.ndim == 2:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values.T).save(path)
        return
    for k in range(values.shape[2]):
        pictures(path / f"slice{k}.png", values[..., k])


def seg(
    path: Path,
    segments: dict[str, np.ndarray],
    affine=AFFINE,
    *,
    kind: str = "BINARY",
    order: np.random.Generator | None = None,
    measures: dict[str, float] | None = None,
    shift: dict[int, float] | None = None,
    empty: bool = False,
) -> None:
    """Write a DICOM segmentation by pydicom alone.

    `order` shuffles the frames, `measures` replaces the distances of planes, `shift` moves planes by so many mm along
    their normal, and `empty` keeps planes without foreground. Without any plane the file has no frame and no pixels.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.pixels import pack_bits
    from pydicom.uid import ExplicitVRLittleEndian

    path.parent.mkdir(parents=True, exist_ok=True)
    lps = LPS @ affine
    lengths = np.linalg.norm(lps[:3, :3], axis=0)
    units = lps[:3, :3] / lengths
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3"
    data.Modality, data.SegmentationType = "SEG", kind
    data.SegmentSequence = [item(SegmentNumber=k, SegmentLabel=name) for k, name in enumerate(segments, 1)]
    planes = [
        (number, k, values[..., k].T)
        for number, values in enumerate(segments.values(), 1)
        for k in range(values.shape[2])
        if empty or values[..., k].any()
    ]
    planes = planes if order is None else [planes[k] for k in order.permutation(len(planes))]
    between = {"SpacingBetweenSlices": lengths[2]} if measures is None else measures
    size = {key: float(v) for key, v in {"SliceThickness": lengths[2], **between}.items()}
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[lengths[1], lengths[0]], **size)],
        PlaneOrientationSequence=[item(ImageOrientationPatient=units[:, :2].T.ravel().round(8).tolist())],
    )
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = []
    for number, k, _ in planes:
        place = lps[:3, 3] + k * lps[:3, 2] + (shift or {}).get(k, 0) * units[:, 2]
        frame = item(PlanePositionSequence=[item(ImagePositionPatient=place.round(8).tolist())])
        if kind != "LABELMAP":
            frame.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=number)]
        data.PerFrameFunctionalGroupsSequence.append(frame)
    shape = next(iter(segments.values())).shape
    pixels = np.array([plane for *_, plane in planes]).reshape(-1, shape[1], shape[0])
    data.NumberOfFrames, data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated = data.BitsStored = 1 if kind == "BINARY" else 8
    data.HighBit = data.BitsStored - 1
    if kind == "FRACTIONAL":
        data.MaximumFractionalValue, data.SegmentationFractionalType = 200, "PROBABILITY"
    if not planes:
        del data.PerFrameFunctionalGroupsSequence
        data.save_as(path, enforce_file_format=True)
        return
    data.PixelData = pack_bits(pixels) if kind == "BINARY" else pixels.astype("u1").tobytes()
    data.save_as(path, enforce_file_format=True)


def item(**elements: object):
    """Make a DICOM data set of these elements."""
    from pydicom.dataset import Dataset

    made = Dataset()
    for name, value in elements.items():
        setattr(made, name, value)
    return made
