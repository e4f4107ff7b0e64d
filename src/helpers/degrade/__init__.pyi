"""Simulated degradation of images by their acquisition: fewer lines of k-space, fewer photons.

Images are (n, 1, h, w) or any other array with images along its last two axes, NumPy or torch. The result is of the
same kind, on the same device, as float32. MRI: `radial_mask` and `undersample`. X-ray: `low_dose`, which uses the
projector `radon` and its filtered back-projection `fbp`. `stored` keeps slow results on disk. "The study" is the one on
learned reconstruction by Wohlrapp et al. (MIDL 2026, https://arxiv.org/abs/2604.10904). Each function states where it
follows the study's code and where it corrects it.
"""

from helpers.degrade.chunks import stored
from helpers.degrade.kspace import acceleration, radial_mask, spokes_for, undersample
from helpers.degrade.projector import fbp, radon
from helpers.degrade.xray import bowtie, low_dose, measured_lines

__all__ = [
    "acceleration",
    "bowtie",
    "fbp",
    "low_dose",
    "measured_lines",
    "radial_mask",
    "radon",
    "spokes_for",
    "stored",
    "undersample",
]
