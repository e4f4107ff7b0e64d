"""Uncertainty of a decoder: Laplace posterior of its parameters, scores and maps of its images, and baselines."""

from helpers.studies.uncertainty.artefacts import ARTEFACTS, artefact
from helpers.studies.uncertainty.decoders import Decoder
from helpers.studies.uncertainty.deferral import calibration, hand_over
from helpers.studies.uncertainty.eigen import Eigenpairs, Sketch, lanczos, sketch
from helpers.studies.uncertainty.experiments import (
    EFFORT,
    SIGNS,
    mixed,
    network_name,
    run,
    shares,
    sign_posterior,
    signs,
    training_name,
)
from helpers.studies.uncertainty.methods import (
    curvature,
    decoder,
    diagonal_posterior,
    dropout,
    encoder_deviation,
    ensemble,
    fit_dropout,
    last_layer,
    posterior,
    residual,
    with_dropout,
)
from helpers.studies.uncertainty.planting import planted
from helpers.studies.uncertainty.posteriors import Diagonal, Posterior, diagonal, laplace, most_evident
from helpers.studies.uncertainty.reading import Cohort, read
from helpers.studies.uncertainty.scoring import Scores, score

__all__ = [
    "ARTEFACTS",
    "EFFORT",
    "SIGNS",
    "Cohort",
    "Decoder",
    "Diagonal",
    "Eigenpairs",
    "Posterior",
    "Scores",
    "Sketch",
    "artefact",
    "calibration",
    "curvature",
    "decoder",
    "diagonal",
    "diagonal_posterior",
    "dropout",
    "encoder_deviation",
    "ensemble",
    "fit_dropout",
    "hand_over",
    "lanczos",
    "laplace",
    "last_layer",
    "mixed",
    "most_evident",
    "network_name",
    "planted",
    "posterior",
    "read",
    "residual",
    "run",
    "score",
    "shares",
    "sign_posterior",
    "signs",
    "sketch",
    "training_name",
    "with_dropout",
]
