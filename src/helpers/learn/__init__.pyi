"""Networks, one training loop for all of them, and autoencoders and learned restoration that several studies use.

A builder returns a plain `torch.nn.Module`; its initial weights depend only on its seed. The caller supplies the parts
that differ between studies as functions: the loss, the augmentation and the validation. This package supplies the
shared parts: device, precision, seeds, order of the data, early stopping, and checkpoints that resume at the very step.
"""

from helpers.keep.processor import choose_device
from helpers.learn.attributing import attribute
from helpers.learn.causal_orders import ScoreOrder, ordering_loss, score_order
from helpers.learn.chest_weights import ChestModel, chest_latents, chest_levels, load_chest_model, load_text_tokens
from helpers.learn.classifiers import classifier
from helpers.learn.cross_attention import attention_layers, attention_maps, inverted_maps, word_maps
from helpers.learn.deleting import deletion_curve
from helpers.learn.denoising import denoiser
from helpers.learn.diffusion import (
    as_noise,
    as_picture,
    as_velocity,
    ddim_generate,
    ddim_invert,
    ddim_times,
    denoising_loss,
    noise_levels,
    noised,
    velocity,
)
from helpers.learn.distillation import SelfDistillation, self_distillation
from helpers.learn.downstream import fit_classifier, fit_segmenter, predicted_masks, probabilities
from helpers.learn.features import Features, random_features, vgg19_features
from helpers.learn.forward import embed
from helpers.learn.graph_checking import equivariance_error
from helpers.learn.graph_fitting import fit_graph_classifier, fit_graph_vae, predict_graphs, reconstruct_graphs
from helpers.learn.graph_networks import (
    GraphClassifier,
    GraphVAE,
    as_dense,
    graph_classifier,
    graph_vae,
    hard_graphs,
    numbered_graphs,
)
from helpers.learn.last_layer import Last, last_outputs, with_dropout
from helpers.learn.linear_latents import KINDS as LATENT_KINDS
from helpers.learn.linear_latents import LinearLatents, ordered_latents, whiten
from helpers.learn.loop import Fitted, fit
from helpers.learn.networks import dynunet, light_unet, topology, unet
from helpers.learn.prediction import predict, predict_volume
from helpers.learn.probing import Probes, draw_labelled, effective_rank, logistic_probes, nearest_neighbours
from helpers.learn.prototype_editing import activations as prototype_activations
from helpers.learn.prototype_editing import dead_prototypes, nearest_patches
from helpers.learn.prototype_editing import drawn as draw_from_noise
from helpers.learn.prototype_editing import inverted as noise_of
from helpers.learn.prototype_fitting import fit_prototypes, load_prototypes
from helpers.learn.prototype_networks import GlobalDiffusion, PrototypeDiffusion, prototype_diffusion
from helpers.learn.restoration_experiment import Outputs
from helpers.learn.restoration_experiment import run as run_restoration
from helpers.learn.restoration_measuring import Measured
from helpers.learn.restoration_measuring import measure as measure_restored
from helpers.learn.restoration_networks import patch_discriminator, pix2pix_generator, plain_unet, score_network
from helpers.learn.restoration_settings import NETWORKS as RESTORATION_NETWORKS
from helpers.learn.restoration_settings import OPTIMISATION as RESTORATION_OPTIMISATION
from helpers.learn.restoration_tasks import DATASETS as RESTORATION_DATASETS
from helpers.learn.restoration_tasks import LEVELS as RESTORATION_LEVELS
from helpers.learn.restoration_tasks import Task, degraded, published_training
from helpers.learn.restoration_tasks import load as load_task
from helpers.learn.restoration_tasks import read as read_task
from helpers.learn.restoration_tasks import simulated as simulated_task
from helpers.learn.restoration_training import Pix2Pix, fit_pix2pix, fit_sde, fit_unet, linear_decay
from helpers.learn.restoring import restore
from helpers.learn.saved import read as read_saved
from helpers.learn.sde import SAMPLERS, MeanReverting, Schedule, schedule
from helpers.learn.stein import kernel_sums, kernel_width, stein_hessian
from helpers.learn.strangers import STRANGENESS, Known, fit_known, plain_strangeness, strangeness
from helpers.learn.text_denoising import (
    MOST_TOKENS,
    TextDenoiser,
    fit_text_denoiser,
    numbered_words,
    text_denoiser,
    vocabulary_of,
    words_of,
)
from helpers.learn.vae_fitting import fit as fit_vae
from helpers.learn.vae_losses import equation_beta
from helpers.learn.vae_losses import loss as vae_loss
from helpers.learn.vae_measuring import measures as vae_measures
from helpers.learn.vae_measuring import reconstruct
from helpers.learn.vae_networks import VAE, Coded, vae
from helpers.learn.vae_settings import NETWORKS as VAE_NETWORKS
from helpers.learn.vae_settings import OPTIMISATION as VAE_OPTIMISATION
from helpers.learn.vae_settings import PIXELS as VAE_PIXELS
from helpers.learn.vae_settings import network_seed
from helpers.learn.vae_weights import load as load_vae
from helpers.learn.vae_weights import save as save_vae
from helpers.learn.views import Views
from helpers.learn.vision_transformer import ViT, vit
from helpers.learn.vit_weights import load_vit, save_vit

__all__ = [
    "LATENT_KINDS",
    "MOST_TOKENS",
    "RESTORATION_DATASETS",
    "RESTORATION_LEVELS",
    "RESTORATION_NETWORKS",
    "RESTORATION_OPTIMISATION",
    "SAMPLERS",
    "STRANGENESS",
    "VAE",
    "VAE_NETWORKS",
    "VAE_OPTIMISATION",
    "VAE_PIXELS",
    "ChestModel",
    "Coded",
    "Features",
    "Fitted",
    "GlobalDiffusion",
    "GraphClassifier",
    "GraphVAE",
    "Known",
    "Last",
    "LinearLatents",
    "MeanReverting",
    "Measured",
    "Outputs",
    "Pix2Pix",
    "Probes",
    "PrototypeDiffusion",
    "Schedule",
    "ScoreOrder",
    "SelfDistillation",
    "Task",
    "TextDenoiser",
    "ViT",
    "Views",
    "as_dense",
    "as_noise",
    "as_picture",
    "as_velocity",
    "attention_layers",
    "attention_maps",
    "attribute",
    "chest_latents",
    "chest_levels",
    "choose_device",
    "classifier",
    "ddim_generate",
    "ddim_invert",
    "ddim_times",
    "dead_prototypes",
    "degraded",
    "deletion_curve",
    "denoiser",
    "denoising_loss",
    "draw_from_noise",
    "draw_labelled",
    "dynunet",
    "effective_rank",
    "embed",
    "equation_beta",
    "equivariance_error",
    "fit",
    "fit_classifier",
    "fit_graph_classifier",
    "fit_graph_vae",
    "fit_known",
    "fit_pix2pix",
    "fit_prototypes",
    "fit_sde",
    "fit_segmenter",
    "fit_text_denoiser",
    "fit_unet",
    "fit_vae",
    "graph_classifier",
    "graph_vae",
    "hard_graphs",
    "inverted_maps",
    "kernel_sums",
    "kernel_width",
    "last_outputs",
    "light_unet",
    "linear_decay",
    "load_chest_model",
    "load_prototypes",
    "load_task",
    "load_text_tokens",
    "load_vae",
    "load_vit",
    "logistic_probes",
    "measure_restored",
    "nearest_neighbours",
    "nearest_patches",
    "network_seed",
    "noise_levels",
    "noise_of",
    "noised",
    "numbered_graphs",
    "numbered_words",
    "ordered_latents",
    "ordering_loss",
    "patch_discriminator",
    "pix2pix_generator",
    "plain_strangeness",
    "plain_unet",
    "predict",
    "predict_graphs",
    "predict_volume",
    "predicted_masks",
    "probabilities",
    "prototype_activations",
    "prototype_diffusion",
    "published_training",
    "random_features",
    "read_saved",
    "read_task",
    "reconstruct",
    "reconstruct_graphs",
    "restore",
    "run_restoration",
    "save_vae",
    "save_vit",
    "schedule",
    "score_network",
    "score_order",
    "self_distillation",
    "simulated_task",
    "stein_hessian",
    "strangeness",
    "text_denoiser",
    "topology",
    "unet",
    "vae",
    "vae_loss",
    "vae_measures",
    "velocity",
    "vgg19_features",
    "vit",
    "vocabulary_of",
    "whiten",
    "with_dropout",
    "word_maps",
    "words_of",
]
