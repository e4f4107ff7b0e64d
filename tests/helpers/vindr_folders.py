"""A folder in the layout of VinDr-CXR with the drawings of the simulator of MS-CXR, for tests of its reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from helpers import datasets
from helpers.datasets.vindr_cxr import layout
from tests.helpers.pictures import dicom


def vindr_folder(folder: Path, n_train: int = 30, n_test: int = 30, *, seed: int = 0) -> Path:
    """Write drawings as DICOM files of both parts, and their boxes and classes as both tables; sides are in no word."""
    drawn = datasets.load_ms_cxr(datasets.simulate_ms_cxr(n_train, n_test, seed=seed, folder=folder / "drawn"))
    root = folder / "vindr"
    for part in layout.TABLES:
        (root / part).mkdir(parents=True)
    phrases = drawn.phrases.loc[drawn.boxes["phrase"]].reset_index(drop=True)
    size = phrases["image_width"].to_numpy()[:, None]
    low = drawn.boxes[["x", "y"]].to_numpy() * size
    ends = np.column_stack([low, low + drawn.boxes[["width", "height"]].to_numpy() * size]).round()
    table = pd.DataFrame(ends.astype(int), columns=list(layout.BOX))
    table.insert(0, layout.PICTURE, phrases["picture"])
    table.insert(1, layout.CLASS, phrases["category"])
    for part, name in layout.TABLES.items():
        table[phrases["split"] == part].to_csv(root / name, index=False)
    for row in drawn.phrases.drop_duplicates("picture").itertuples():
        dicom(root / row.split / f"{row.picture}{layout.ENDING}", np.asarray(Image.open(row.file)))
    return root
