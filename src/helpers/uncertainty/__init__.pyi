"""What a decoder does not know: a Laplace posterior of its parameters, scores and maps of its images, and baselines."""

from helpers.uncertainty.decoders import Decoder
from helpers.uncertainty.eigen import Eigenpairs, Sketch, lanczos, sketch
from helpers.uncertainty.experiments import (
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
from helpers.uncertainty.methods import (
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
from helpers.uncertainty.planting import planted
from helpers.uncertainty.posterior import Diagonal, Posterior, diagonal, laplace, most_evident
from helpers.uncertainty.scoring import Scores, score

__all__ = [
    "EFFORT",
    "SIGNS",
    "Decoder",
    "Diagonal",
    "Eigenpairs",
    "Posterior",
    "Scores",
    "Sketch",
    "curvature",
    "decoder",
    "diagonal",
    "diagonal_posterior",
    "dropout",
    "encoder_deviation",
    "ensemble",
    "fit_dropout",
    "lanczos",
    "laplace",
    "last_layer",
    "mixed",
    "most_evident",
    "network_name",
    "planted",
    "posterior",
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
