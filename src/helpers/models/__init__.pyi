"""Networks of the studies: thin builders around MONAI and a few of our own, and a look into a trained one.

A builder gives a plain `torch.nn.Module`, whose first weights depend on its seed alone.
"""

from helpers.models.classifiers import classifier
from helpers.models.features import Features, random_features, vgg19_features
from helpers.models.forward import embed
from helpers.models.networks import dynunet, light_unet, topology, unet
from helpers.models.restoration import patch_discriminator, pix2pix_generator, plain_unet, score_network
from helpers.models.vae import VAE, Coded, vae

__all__ = [
    "VAE",
    "Coded",
    "Features",
    "classifier",
    "dynunet",
    "embed",
    "light_unet",
    "patch_discriminator",
    "pix2pix_generator",
    "plain_unet",
    "random_features",
    "score_network",
    "topology",
    "unet",
    "vae",
    "vgg19_features",
]
