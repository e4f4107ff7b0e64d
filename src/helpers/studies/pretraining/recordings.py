"""Recorded toy encoders of the book: three small files of weights, with the settings that made them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from helpers import learn, paths
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint, store
from helpers.studies.pretraining import encoders
from helpers.studies.pretraining.cohorts import unlabelled
from helpers.studies.pretraining.encoders import Encoder, Statistics
from helpers.studies.pretraining.textures import other_textures

SIZE, N_IMAGES = 24, 1500
KINDS = {"in-domain": "in-domain.pt", "a tenth": "a-tenth.pt", "other textures": "other-textures.pt"}
ALL_KINDS = (*KINDS, "in-domain again")  # the last needs further pretrainings, and is not recorded
LARGEST = 500_000  # bytes of a file
AGAIN = 500  # added to the seed of other images of the domain
FIX = "Make it by python -m helpers.studies.pretraining, or set ENCODERS to train"
CANARY = {"steps": 3, "n": 64}


def images(kind: str, *, n: int, size: int, seed: int) -> np.ndarray:
    """Draw the images that a kind of encoder is pretrained on: uint8 (n, 1, size, size); of "a tenth", a tenth of n.

    Raises
    ------
    InputError
        There is no such kind.
    """
    check_choice("kind", kind, ALL_KINDS)
    if kind == "other textures":
        return other_textures(n, size=size, seed=seed)
    drawn = unlabelled(n, size=size, seed=seed + AGAIN * (kind == "in-domain again"))
    return drawn[: n // 10] if kind == "a tenth" else drawn


def settings(steps: int = encoders.TRAINING["steps"]) -> dict[str, Any]:
    """Return all settings of the recorded pretrainings."""
    parts = {"network": encoders.NETWORK, "heads": encoders.HEADS, "views": encoders.VIEWS}
    parts |= {"training": encoders.TRAINING | {"steps": steps}, "n": N_IMAGES, "size": SIZE}
    return json.loads(json.dumps(parts))


def code() -> str:
    """Hash the code of the pretrainings."""
    return fingerprint.code_of(encoders.pretrain, images)


def canary() -> np.ndarray:
    """Compute features after a pretraining of three steps, which a change of code that changes nothing keeps."""
    few = images("in-domain", n=CANARY["n"], size=SIZE, seed=0)
    made = encoders.pretrain("canary", few, seed=0, steps=CANARY["steps"], device="cpu")
    return encoders.features(made, few[:4])


def folder() -> Path:
    """Return the folder of the recorded encoders."""
    return paths.recorded() / "09_pretraining" / "encoders"


def exist(kind: str) -> bool:
    """Return True if encoders of a kind are recorded."""
    return kind in KINDS and (folder() / KINDS[kind]).is_file()


def save(made: Sequence[Encoder], file: Path, *, steps: int) -> None:
    """Write encoders of one kind to a file, their weights in 16 bits.

    Raises
    ------
    InputError
        The file would be larger than half a megabyte, or cannot be written.
    """
    weights = [parameters_to_vector(encoder.net.parameters()).detach().half() for encoder in made]
    content = {
        "settings": json.dumps(settings(steps)),
        "code": code(),
        "seeds": [encoder.seed for encoder in made],
        "statistics": torch.tensor([[*e.statistics.mean, *e.statistics.sd] for e in made], dtype=torch.float64),
        "losses": torch.tensor([[float(e.history["dino"].iloc[-1]), steps] for e in made], dtype=torch.float64),
        "weights": torch.stack(weights),
        "canary": torch.from_numpy(canary()),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    if buffer.tell() > LARGEST:
        raise InputError(file.name, f"{buffer.tell():,} bytes, more than {LARGEST:,}", "Record fewer seeds")
    with store.file(file, problem="encoders cannot be written") as part:
        part.write_bytes(buffer.getbuffer())


def contents(file: Path) -> Mapping[str, Any]:
    """Read a file of encoders.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    return learn.read_saved(file, problem="not a complete file of recorded encoders", fix=FIX)


def recorded(kind: str, *, seeds: int) -> list[Encoder]:
    """Load the recorded encoders of a kind, at most so many seeds.

    Raises
    ------
    InputError
        The file is missing or damaged, or was made with other settings than those of today.
    """
    check_choice("KINDS", kind, KINDS)
    file = folder() / KINDS[kind]
    content = contents(file)
    steps = int(content["losses"][0, 1])
    if json.loads(content["settings"]) != settings(steps):
        raise InputError(file.name, "it was made with other settings than those of today", FIX)
    made = []
    for place, seed in enumerate(content["seeds"][:seeds]):
        net = learn.vit(**encoders.NETWORK)
        vector_to_parameters(content["weights"][place].float(), net.parameters())
        mean, sd = content["statistics"][place].tolist()
        loss, length = content["losses"][place].tolist()
        history = pd.DataFrame({"step": [length], "dino": [loss]})
        made.append(Encoder(kind, int(seed), net.requires_grad_(False).eval(), Statistics((mean,), (sd,)), history))
    return made
