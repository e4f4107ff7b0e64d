"""Duplicates, blank and inverted pictures, and other oddities among the pictures of a table, as sentences."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.datasets.image_table.loading import ImageTable

NEAR = 26  # differing bits, of 256, of near-duplicates; pictures of different people differ by 60 and more
NEGATIVE = -0.3  # correlation with the usual picture below which one is inverted
AGREE = 0.9  # share of the pictures that must correlate with it above 0 before others are inverted
SHOWN = 3  # rows that are named
PIECE = 500  # hashes that are compared with all others at a time


def duplicates(facts: pd.DataFrame, table: ImageTable) -> list[str]:
    """Report pictures that are equal by bytes, and near-duplicates across patients and across parts.

    Near-duplicates have perceptual hashes that differ in at most `NEAR` bits; rotated, mirrored and cropped pictures
    are not found. Blank pictures are left out.
    """
    good = ((facts["problem"] == "") & ~facts["blank"]).to_numpy()
    digest = facts["digest"].where(good)
    same = [np.array(rows) for rows in digest.groupby(digest).indices.values() if len(rows) > 1]
    equal = [(a, b) for rows in same for a, b in pairwise(rows)]
    found = _pairs(equal, table, "equal by bytes", always=True)
    places = np.flatnonzero(good)
    pairs = [(places[a], places[b]) for a, b in _near(np.stack(facts["hash"][good].map(_bits)) if len(places) else [])]
    return found + _pairs([p for p in pairs if digest[p[0]] != digest[p[1]]], table, "near-duplicates", always=False)


def _bits(text: bytes) -> np.ndarray:
    return np.frombuffer(text, np.uint64)


def _near(hashes: np.ndarray) -> list[tuple[int, int]]:
    """List the pairs of hashes (n, 4) that differ in at most `NEAR` bits."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(hashes), PIECE):
        piece = hashes[start : start + PIECE]
        differ = sum(np.bitwise_count(piece[:, None, k] ^ hashes[None, start:, k]).astype(np.uint16) for k in range(4))
        found += [(start + a, start + b) for a, b in zip(*np.nonzero(differ <= NEAR), strict=True) if a < b]
    return found


def _pairs(pairs: list[tuple[int, int]], table: ImageTable, kind: str, *, always: bool) -> list[str]:
    """Report pairs of pictures; near-duplicates of one patient in one part are expected, and not reported."""
    patient, part = table.images["patient_id"].to_numpy(object), table.images["split"].fillna("").to_numpy(object)
    labels, case = table.labels, table.images["case"]
    across = [p for p in pairs if table.has_patients and patient[p[0]] != patient[p[1]]]
    apart = [p for p in pairs if part[p[0]] != part[p[1]] and part[p[0]] and part[p[1]]]
    found = []
    for chosen, where in ((across, "across patients"), (apart, "across parts, so a test picture was trained on")):
        if chosen:
            found.append(f"{_count(chosen, 'pair')} of pictures {kind} {where}: {_rows(chosen, case)}")
    worse = {*across, *apart}
    other = [p for p in pairs if p not in worse]
    if other and (always or not table.has_patients):
        found.append(f"{_count(other, 'pair')} of pictures {kind}: {_rows(other, case)}")
    shown = [p for p in pairs if always or p in worse]
    odd = [(a, b) for a, b in shown if (labels.iloc[a].fillna(-1) != labels.iloc[b].fillna(-1)).any()]
    if odd:
        found.append(f"{_count(odd, 'pair')} of pictures {kind} with different labels: {_rows(odd, case)}")
    return found


def _count(things: list, word: str) -> str:
    return f"{len(things)} {word}{'s' * (len(things) != 1)}"


def _rows(pairs: list[tuple[int, int]], case: pd.Series) -> str:
    named = [f"{case.iloc[a]} and {case.iloc[b]}" for a, b in pairs[:SHOWN]]
    return "; ".join(named) + "; ..." * (len(pairs) > SHOWN)


def unreadable(facts: pd.DataFrame, table: ImageTable) -> list[str]:
    """Report the pictures that cannot be read, by reason."""
    groups = facts[facts["problem"] != ""].groupby("problem").groups.items()
    return [f"{_images(rows, table)} cannot be read, since the file {problem}" for problem, rows in groups]


def blank_or_inverted(facts: pd.DataFrame, thumbs: np.ndarray, table: ImageTable) -> list[str]:
    """Report pictures without content, and those inverted against the others.

    Where nearly all pictures correlate with their median picture, one is inverted if it correlates negatively. Pictures
    in colour are not looked at.
    """
    found = []
    if facts["blank"].any():
        found.append(f"{_images(facts.index[facts['blank']], table)} blank: all pixels are nearly equal")
    used = ((facts["problem"] == "") & ~facts["blank"] & ~facts["colour"]).to_numpy()
    inverted = facts.index[used][_inverted(thumbs[used])]
    if len(inverted):
        found.append(f"{_images(inverted, table)} inverted against the others (black is white)")
    if facts["text"].any():
        found.append(f"{_images(facts.index[facts['text']], table)} perhaps with burnt-in text, a guess: look at them")
    return found


def _inverted(thumbs: np.ndarray) -> np.ndarray:
    """Find the pictures that are the negative of the usual one, where most pictures are like the usual one."""
    if len(thumbs) < 10:
        return np.zeros(len(thumbs), bool)
    flat = thumbs.reshape(len(thumbs), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    usual = np.median(flat, axis=0)
    usual -= usual.mean()
    alike = flat @ usual / (np.linalg.norm(flat, axis=1) * np.linalg.norm(usual) + 1e-9)
    return (alike < NEGATIVE) & ((alike > 0).mean() >= AGREE)


def _images(rows: pd.Index, table: ImageTable) -> str:
    named = ", ".join(table.images["case"].loc[list(rows[:SHOWN])])
    more = ", ..." * (len(rows) > SHOWN)
    return f"{len(rows)} picture{'s' * (len(rows) != 1)} ({named}{more})"


def described(facts: pd.DataFrame, table: ImageTable) -> tuple[list[str], list[str]]:
    """Describe sizes, bit depths and colour, and report what is mixed."""
    good = facts[facts["problem"] == ""]
    if good.empty:
        return ["No picture can be read."], []
    sizes = (good["width"].astype(str) + " x " + good["height"].astype(str)).value_counts()
    usual = ", ".join(f"{size} ({n})" for size, n in list(sizes.items())[:3])
    bits, colour = good["bits"].value_counts(), int(good["colour"].sum())
    kinds = pd.Series([_suffix(file) for file in table.images["file"]]).value_counts()
    lines = [
        f"files   {', '.join(f'{kind} ({n})' for kind, n in kinds.items())}",
        f"pixels  {usual}" + f", and {len(sizes) - 3} other sizes" * (len(sizes) > 3),
        f"bits    {', '.join(f'{b} ({n})' for b, n in bits.items())} a channel",
        f"colour  {colour} in colour, {len(good) - colour} grey",
    ]
    as_rgb = int((~good["colour"] & (good["stored"] == "RGB")).sum())
    if as_rgb:
        lines[-1] += f" ({as_rgb} of these stored as RGB)"
    found = []
    if 0 < colour < len(good):
        found.append(f"colour and grey are mixed: {colour} and {len(good) - colour} pictures")
    if len(bits) > 1:
        found.append(f"bit depths are mixed: {', '.join(f'{b} bits in {n}' for b, n in bits.items())} pictures")
    deep = int(((good["bits"] > 8) & (good["stored"] == "RGB")).sum())
    if deep:
        found.append(f"{deep} pictures in colour have more than 8 bits, of which 8 are read")
    return lines, found


def _suffix(file: str) -> str:
    name = file.lower()
    return "nii.gz" if name.endswith(".nii.gz") else name.rpartition(".")[2]
