"""One picture of each format and depth: its values, its facts, and refusals in one line."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from helpers import datasets
from helpers.datasets.shared import dicom as reader
from helpers.datasets.shared.pictures import read_header
from helpers.errors import InputError
from tests.helpers.pictures import NAME, dicom

BYTE = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
WORD = BYTE.astype(np.uint16) * 257
TWELVE = BYTE.astype(np.uint16) * 17
SIGNED = WORD.astype(np.int32).astype(np.int16) - 300
FLOAT = BYTE.astype(np.float32) / 7 - 3
COLOUR = np.stack([BYTE, BYTE[::-1], 255 - BYTE], axis=-1)
COLOUR16 = COLOUR.astype(np.uint16) * 256 + 99
BLOCKS = np.kron(np.array([[16, 240, 96], [128, 0, 200]], np.uint8), np.ones((8, 8), np.uint8))  # exact in a JPEG
VOLUME = np.arange(4 * 5 * 3, dtype=np.int16).reshape(4, 5, 3)
ROTATED = 6  # EXIF: the top of the scene is at the right side of the stored picture


def pil(values: np.ndarray, mode: str = "", **options):
    def write(path: Path) -> None:
        image = Image.fromarray(values)
        (image.convert(mode) if mode else image).save(path, **options)

    return write


def tiff(values: np.ndarray, **options):
    return lambda path: tifffile.imwrite(path, values, **options)


def with_alpha(path: Path) -> None:
    Image.fromarray(np.dstack([COLOUR, BYTE])).save(path)


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[274] = ROTATED
    Image.fromarray(BLOCKS).save(path, exif=exif, **({"quality": 100} if path.suffix == ".jpg" else {}))


def pages(path: Path) -> None:
    first, second = Image.fromarray(BYTE), Image.fromarray(BYTE[::-1].copy())
    first.save(path, save_all=True, append_images=[second])


def previewed(path: Path) -> None:
    Image.fromarray(BLOCKS).save(
        path, format="MPO", save_all=True, append_images=[Image.fromarray(BLOCKS[:8])], quality=100
    )


def nifti(values: np.ndarray, slope: float | None = None, unit: str = "mm"):
    def write(path: Path) -> None:
        image = nib.Nifti1Image(values, np.diag([0.5, 0.7, 3, 1]))
        image.header.set_xyzt_units(unit)
        if slope:
            image.header.set_slope_inter(slope, 1)
        nib.save(image, path)

    return write


def jpeg(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "JPEG", quality=100)
    return stream.getvalue()


def dcm(values: np.ndarray, *options, **elements):
    return lambda path: dicom(path, values, *options, **elements)


def rle(path: Path) -> None:
    made = dcmread(dicom(path, TWELVE, BitsStored=12))
    made.compress(RLELossless)
    made.save_as(path)


def no_preamble(path: Path) -> None:
    made = dcmread(dicom(path, TWELVE, BitsStored=12))
    del made.file_meta, made.preamble
    made.save_as(path, implicit_vr=True, little_endian=True)


def palette(path: Path) -> None:
    tables = {}
    for k, name in enumerate(("Red", "Green", "Blue")):
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        table = (np.arange(256, dtype=np.uint16)[:: -1 if k == 2 else 1] << 8).astype("<u2")
        tables[f"{name}PaletteColorLookupTableData"] = table.tobytes()
    dicom(path, BYTE, PhotometricInterpretation="PALETTE COLOR", **tables)


def enhanced(path: Path) -> None:
    def group(sequence: str, **elements) -> Dataset:
        inner, outer = Dataset(), Dataset()
        for name, value in elements.items():
            setattr(inner, name, value)
        setattr(outer, sequence, [inner])
        return outer

    each = [group("PixelValueTransformationSequence", RescaleSlope=k, RescaleIntercept=-k) for k in (1, 2)]
    shared = [group("PixelMeasuresSequence", PixelSpacing=[0.3, 0.4])]
    frames = np.stack([TWELVE, TWELVE])
    groups = {"PerFrameFunctionalGroupsSequence": each, "SharedFunctionalGroupsSequence": shared}
    dicom(path, frames, NumberOfFrames=2, BitsStored=12, **groups)


PLANAR = np.ascontiguousarray(COLOUR.transpose(2, 0, 1)).tobytes()
GREYS = np.dstack([BYTE] * 3)
# A neutral grey has the same luma and chroma of 128.
YBR = np.dstack([BYTE, np.full_like(BYTE, 128), np.full_like(BYTE, 128)])

# File name, how it is written, slice, expected values, bits, colour, frames.
FORMATS = {
    "png 1 bit": ("a.png", pil(BYTE > 100), None, np.where(BYTE > 100, 255, 0), 1, "grey", 1),
    "png 8 bits": ("a.png", pil(BYTE), None, BYTE, 8, "grey", 1),
    "png 16 bits": ("a.png", pil(WORD), None, WORD, 16, "grey", 1),
    "png colour": ("a.png", pil(COLOUR), None, COLOUR, 8, "RGB", 1),
    "png with alpha": ("a.png", with_alpha, None, COLOUR, 8, "RGB", 1),
    "png grey with alpha": ("a.png", pil(BYTE, "LA"), None, BYTE, 8, "grey", 1),
    "png palette": ("a.png", pil(BYTE, "P"), None, GREYS, 8, "RGB", 1),
    "png turned": ("a.png", turned, None, BLOCKS.T[:, ::-1], 8, "grey", 1),
    "jpeg grey": ("a.jpg", pil(BLOCKS, quality=100), None, BLOCKS, 8, "grey", 1),
    "jpeg turned": ("a.jpg", turned, None, BLOCKS.T[:, ::-1], 8, "grey", 1),
    "jpeg with a preview": ("a.jpg", previewed, None, BLOCKS, 8, "grey", 1),
    "bmp": ("a.bmp", pil(COLOUR), None, COLOUR, 8, "RGB", 1),
    "webp": ("a.webp", pil(COLOUR, lossless=True), None, COLOUR, 8, "RGB", 1),
    "tiff 8 bits": ("a.tif", pil(BYTE, compression="tiff_lzw"), None, BYTE, 8, "grey", 1),
    "tiff 16 bits": ("a.tif", tiff(WORD), None, WORD, 16, "grey", 1),
    "tiff 16 bits, big-endian": ("a.tif", tiff(WORD, byteorder=">"), None, WORD, 16, "grey", 1),
    "tiff 16 bits, white is 0": ("a.tif", tiff(WORD, photometric="miniswhite"), None, 65535 - WORD, 16, "grey", 1),
    "tiff 8 bits, white is 0": ("a.tif", tiff(BYTE, photometric="miniswhite"), None, 255 - BYTE, 8, "grey", 1),
    "tiff signed": ("a.tif", tiff(SIGNED), None, SIGNED, 16, "grey", 1),
    "tiff float": ("a.tif", tiff(FLOAT), None, FLOAT, 32, "grey", 1),
    "tiff colour, 16 bits": ("a.tif", tiff(COLOUR16, photometric="rgb"), None, COLOUR, 16, "RGB", 1),
    "tiff cmyk": (
        "a.tif",
        lambda path: Image.fromarray(np.dstack([255 - COLOUR, 0 * BYTE]), "CMYK").save(path),
        None,
        COLOUR,
        8,
        "RGB",
        1,
    ),
    "tiff turned": ("a.tif", turned, None, BLOCKS.T[:, ::-1], 8, "grey", 1),
    "tiff, page 1": ("a.tif", pages, 1, BYTE[::-1], 8, "grey", 2),
    "nifti, middle": ("a.nii.gz", nifti(VOLUME), None, VOLUME[..., 1].T, 16, "grey", 3),
    "nifti, slice 2": ("a.nii", nifti(VOLUME), 2, VOLUME[..., 2].T, 16, "grey", 3),
    "nifti, scaled": ("a.nii", nifti(VOLUME, 2), 0, 2 * VOLUME[..., 0].T + 1, 16, "grey", 3),
    "nifti, two axes": ("a.nii", nifti(VOLUME[..., 0]), None, VOLUME[..., 0].T, 16, "grey", 1),
    "nifti, four axes": ("a.nii", nifti(VOLUME[..., None]), 2, VOLUME[..., 2].T, 16, "grey", 3),
    "dicom 8 bits": ("a", dcm(BYTE), None, BYTE, 8, "grey", 1),
    "dicom 12 bits": ("a.dcm", dcm(TWELVE, BitsStored=12), None, TWELVE, 12, "grey", 1),
    "dicom signed": ("a", dcm(SIGNED), None, SIGNED, 16, "grey", 1),
    "dicom rescaled": (
        "a",
        dcm(SIGNED, RescaleSlope=2, RescaleIntercept=-1024),
        None,
        SIGNED * 2.0 - 1024,
        16,
        "grey",
        1,
    ),
    "dicom monochrome1": (
        "a",
        dcm(TWELVE, BitsStored=12, PhotometricInterpretation="MONOCHROME1"),
        None,
        4095 - TWELVE,
        12,
        "grey",
        1,
    ),
    "dicom monochrome1, signed": (
        "a",
        dcm(SIGNED, PhotometricInterpretation="MONOCHROME1"),
        None,
        -1 - SIGNED,
        16,
        "grey",
        1,
    ),
    "dicom colour": ("a", dcm(COLOUR), None, COLOUR, 8, "RGB", 1),
    "dicom colour by planes": (
        "a",
        dcm(COLOUR, PlanarConfiguration=1, PixelData=PLANAR),
        None,
        COLOUR,
        8,
        "RGB",
        1,
    ),
    "dicom ybr": ("a", dcm(YBR, PhotometricInterpretation="YBR_FULL"), None, GREYS, 8, "RGB", 1),
    "dicom palette": ("a", palette, None, np.dstack([BYTE, BYTE, 255 - BYTE]), 8, "RGB", 1),
    "dicom, frame 1": ("a", dcm(np.stack([BYTE, BYTE[::-1]]), NumberOfFrames=2), 1, BYTE[::-1], 8, "grey", 2),
    "dicom enhanced": ("a", enhanced, 1, TWELVE * 2.0 - 2, 12, "grey", 2),
    "dicom implicit": ("a", dcm(TWELVE, ImplicitVRLittleEndian), None, TWELVE, 16, "grey", 1),
    "dicom deflated": ("a", dcm(TWELVE, DeflatedExplicitVRLittleEndian), None, TWELVE, 16, "grey", 1),
    "dicom rle": ("a", rle, None, TWELVE, 12, "grey", 1),
    "dicom jpeg": ("a", dcm(BLOCKS, JPEGBaseline8Bit, jpeg(BLOCKS)), None, BLOCKS, 8, "grey", 1),
    "dicom without preamble": ("a.dcm", no_preamble, None, TWELVE, 12, "grey", 1),
}


@pytest.mark.parametrize(
    ("name", "write", "number", "expected", "bits", "colour", "frames"), FORMATS.values(), ids=FORMATS
)
def test_values_and_header_of_each_format(tmp_path, name, write, number, expected, bits, colour, frames):
    write(tmp_path / name)
    found, header = datasets.read_picture(tmp_path / name, slice=number), read_header(tmp_path / name)
    np.testing.assert_array_equal(found.values, expected)
    assert found.values.dtype.isnative and found.values.dtype.kind in "uif"
    assert (found.bits, found.colour) == (bits, colour)
    assert header[:5] == (expected.shape[1], expected.shape[0], bits, colour, frames)
    assert found.spacing == header.spacing
    if frames > 1 and not name.startswith("a.nii"):
        with pytest.raises(InputError, match=rf"a.*: has {frames} \w+s, and no slice is named\. Name one, from 0"):
            datasets.read_picture(tmp_path / name)
    with pytest.raises(InputError, match=rf"none is number {frames}"):
        datasets.read_picture(tmp_path / name, slice=frames)


@pytest.mark.parametrize(
    ("name", "write", "spacing"),
    [
        ("a", dcm(BYTE, PixelSpacing=[0.2, 0.1], ImagerPixelSpacing=[3, 3]), (0.2, 0.1)),
        ("a", dcm(BYTE, ImagerPixelSpacing=[0.3, 0.4]), (0.3, 0.4)),
        ("a", dcm(BYTE), None),
        ("a.nii", nifti(VOLUME), (np.float32(0.7), 0.5)),
        ("a.nii", nifti(VOLUME, unit="meter"), (1000 * np.float32(0.7).astype(float), 500)),
        ("a.png", pil(BYTE), None),
    ],
)
def test_spacing_is_that_of_the_header(tmp_path, name, write, spacing):
    write(tmp_path / name)
    assert datasets.read_picture(tmp_path / name).spacing == spacing == read_header(tmp_path / name).spacing


def test_spacing_of_an_enhanced_file_is_in_its_groups(tmp_path):
    enhanced(tmp_path / "a")
    assert datasets.read_picture(tmp_path / "a", slice=0).spacing == (0.3, 0.4)


def text(content: bytes):
    return lambda path: path.write_bytes(content)


def cut(write, share: float = 0.7):
    def half(path: Path) -> None:
        write(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return half


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
REFUSED = {
    "missing": ("no.png", lambda path: None, "cannot be read"),
    "folder": ("a.png", Path.mkdir, "cannot be read"),
    "empty": ("a.png", text(b""), "is empty"),
    "empty nifti": ("a.nii.gz", text(b""), "is empty"),
    "web page": ("a.jpg", text(b"<html>404</html>"), "is no image"),
    "cut png": ("a.png", cut(pil(NOISE)), "is cut off"),
    "cut jpeg": ("a.jpg", cut(pil(NOISE)), "is cut off"),
    "cut tiff": ("a.tif", cut(pil(NOISE), 0.5), "is cut off"),
    "cut nifti": ("a.nii", cut(nifti(VOLUME)), "is truncated"),
    "cut nifti.gz": ("a.nii.gz", cut(nifti(VOLUME)), "is truncated"),
    "text as nifti": ("a.nii.gz", text(b"text"), "not a NIfTI file"),
    "text as dicom": ("a.dcm", text(b"text " * 99), "is no DICOM picture|is cut off"),
    "cut dicom": ("a", cut(dcm(NOISE)), "is cut off"),
    "not finite tiff": ("a.tif", tiff(np.where(BYTE > 9, FLOAT, np.nan)), "not finite"),
    "not finite nifti": ("a.nii", nifti(np.full((4, 4), np.inf)), "slice 0: holds values that are not finite"),
    "too large for float32": ("a.nii", nifti(np.full((4, 4), 1e300)), "not finite"),
    "lab": ("a.tif", lambda path: Image.new("LAB", (4, 4)).save(path), "colours of the kind LAB"),
    "complex": ("a.nii", nifti(np.zeros((4, 4), np.complex64)), "complex64"),
    "several volumes": ("a.nii", nifti(np.zeros((4, 4, 2, 2), np.uint8)), "two or three dimensions"),
    "no plugin": ("a", dcm(BYTE, JPEGLosslessSV1, b"\0\0"), "JPEG Lossless.* no plugin"),
    "film": ("a", dcm(BYTE, MPEG2MPML, b"\0\0"), "MPEG2.* no plugin"),
    "cmyk dicom": ("a", dcm(COLOUR, PhotometricInterpretation="CMYK"), "photometric interpretation 'CMYK'"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("name", "write", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, name, write, words):
    write(tmp_path / name)
    with pytest.raises(InputError, match=words) as caught:
        datasets.read_picture(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value) and NAME not in str(caught.value)
    assert caught.value.__cause__ is None


def test_too_many_pixels_are_refused(tmp_path, monkeypatch):
    pil(NOISE)(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for act in (datasets.read_picture, read_header):
        with pytest.raises(InputError, match="more pixels"):
            act(tmp_path / "a.png")


def test_nothing_about_a_person_is_read(tmp_path):
    file = dicom(tmp_path / "a", BYTE, PatientID="7", StudyDate="20200101", PixelSpacing=[1, 1])
    with file.open("rb") as stream:
        dataset, _ = reader._dataset(stream, file)
    assert {element.keyword for element in dataset} <= {*reader.TAGS, "SpecificCharacterSet"}
    assert dcmread(file).PatientName == NAME and NAME not in repr(datasets.read_picture(file))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_damaged_exif_leaves_the_picture_as_it_is(tmp_path):
    pil(BLOCKS, quality=100, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")(tmp_path / "a.jpg")
    np.testing.assert_array_equal(datasets.read_picture(tmp_path / "a.jpg").values, BLOCKS)


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(tmp_path):
    pil(np.kron(NOISE, np.ones((16, 16), np.uint8)), quality=95)(tmp_path / "a.jpg")
    sizes = {side: datasets.read_picture(tmp_path / "a.jpg", side=side).values.shape[0] for side in (64, 128, 256, 257)}
    assert sizes == {64: 128, 128: 256, 256: 512, 257: 1024}


def test_a_header_needs_no_torch_and_no_library_of_other_formats(tmp_path):
    pil(BYTE)(tmp_path / "a.png")
    code = f"import sys; from helpers import datasets; datasets.check_pictures([{str(tmp_path / 'a.png')!r}]); "
    code += "print([name for name in ('torch', 'nibabel', 'pydicom', 'scipy', 'joblib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
