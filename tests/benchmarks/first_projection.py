"""A process that projects one image of 256 x 256 and back, and prints the seconds that this takes, without imports."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from skimage.transform import iradon, radon

from helpers import degrade

SIZE = 256
THETA = np.arange(SIZE) * 180 / SIZE

WORK = {
    "ours": lambda image: degrade.fbp(degrade.radon(image)),
    "scikit-image": lambda image: iradon(radon(image, THETA, circle=False), THETA, filter_name="hann", circle=False),
    "imports": lambda image: image,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    some = np.random.default_rng(0).random((SIZE, SIZE), dtype=np.float32)
    began = time.process_time()
    WORK[sys.argv[1]](some)
    print(json.dumps({"seconds": time.process_time() - began}))
