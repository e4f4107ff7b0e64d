"""Self-supervised training of a vision transformer by a teacher that follows it: DINO, iBOT and KoLeo."""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from helpers.errors import InputError
from helpers.learn.building import is_count, seeded
from helpers.learn.vision_transformer import ViT

STUDENT = 0.1  # temperature of the student
WARM = 0.3  # share of the steps in which that temperature rises
FIXED = 0.01  # share of the steps in which the last layer of the head is not trained
CENTRE = 0.9  # decay of the centres
KOLEO = 0.1  # weight of the spread of the class tokens
NEAR = 1e-8  # added to distances before their logarithm


class Head(nn.Module):
    """Projection of a token on prototypes: an MLP, a normalised bottleneck, and unit vectors (Caron et al. 2021)."""

    def __init__(self, width: int, hidden: int, bottleneck: int, prototypes: int) -> None:
        super().__init__()
        sizes = [width, hidden, hidden, bottleneck]
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.GELU())]
        self.mlp = nn.Sequential(*layers[:-1])
        self.prototypes = nn.Parameter(nn.init.trunc_normal_(torch.empty(prototypes, bottleneck)))

    def forward(self, x: torch.Tensor, fixed: bool = False) -> torch.Tensor:
        """Compute the cosine with each prototype, (n, prototypes)."""
        prototypes = self.prototypes.detach() if fixed else self.prototypes
        return functional.normalize(self.mlp(x), dim=-1, eps=1e-6) @ functional.normalize(prototypes, dim=-1).T


class SelfDistillation(nn.Module):
    """A student and its teacher; called with views, it returns the losses of a step. Build it by `self_distillation`.

    The teacher, the centres and the count of steps are part of the state dict, so that a checkpoint has them.

    Attributes
    ----------
    teacher : ViT
        The moving average of the student, which it follows at the start of each step; this is the encoder to keep.
    """

    def __init__(self, net: ViT, head: Head, steps: int, momentum: float, temperature: tuple[float, float]) -> None:
        super().__init__()
        self.student, self.head = net, head
        self.teacher, self.teacher_head = (copy.deepcopy(part).requires_grad_(False) for part in (net, head))
        self.steps, self.momentum, self.temperature = steps, momentum, temperature
        for name in ("centre", "patch_centre"):
            self.register_buffer(name, torch.zeros(len(head.prototypes)))
        self.register_buffer("step", torch.tensor(0))

    def forward(self, large: torch.Tensor, small: torch.Tensor, masked: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the losses of views as `Views` draws them, and move the teacher and the centres if in training.

        Returns
        -------
        dict of scalar
            ``loss``, the sum of ``dino``, ``ibot`` and a tenth of ``koleo``.
        """
        done = int(self.step) / self.steps
        if self.training and done:
            self._follow(done)
        each = 1 + self.teacher.registers + masked.shape[1]
        first = torch.arange(len(large), device=large.device) * each
        image, patch = masked.nonzero(as_tuple=True)
        asked = torch.cat([first, image * each + 1 + self.teacher.registers + patch])
        with torch.no_grad():
            seen = self.teacher_head(self.teacher.tokens(large, only=asked))
            whole, part = seen[: len(first)], seen[len(first) :]
            cold, warm = self.temperature
            heat = cold + (warm - cold) * min(1.0, done / WARM)
            targets = torch.softmax((whole - self.centre) / heat, 1)
            patch_targets = torch.softmax((part - self.patch_centre) / heat, 1)
            if self.training:
                self.centre.lerp_(whole.mean(0), 1 - CENTRE)
                if len(part):
                    self.patch_centre.lerp_(part.mean(0), 1 - CENTRE)
        tokens = self.student.tokens(large, masked, asked)
        count = len(small) * (1 + self.student.registers + (small.shape[2] // self.student.patch) ** 2)
        token = self.student.tokens(small, only=torch.arange(0, count, count // len(small), device=small.device))
        logits = self.head(torch.cat([tokens, token]), fixed=done < FIXED)
        whole, part, local = logits.split([len(first), len(image), len(small)])
        n = len(large) // 2
        dino = cross_entropy_of_views(torch.cat([whole, local]).unflatten(0, (-1, n)), targets.unflatten(0, (2, n)))
        ibot = cross_entropy_of_masked(part, patch_targets, image)
        koleo = sum(nearness(view) for view in tokens[: len(first)].chunk(2))
        if self.training:
            self.step += 1
        return {"loss": dino + ibot + KOLEO * koleo, "dino": dino, "ibot": ibot, "koleo": koleo}

    @torch.no_grad()
    def _follow(self, done: float) -> None:
        """Move the teacher towards the student; the momentum rises to 1 along a half cosine."""
        rate = (1 - self.momentum) * (math.cos(math.pi * done) + 1) / 2
        for teacher, student in ((self.teacher, self.student), (self.teacher_head, self.head)):
            get_ema_multi_avg_fn(1 - rate)(list(teacher.parameters()), list(student.parameters()), None)


def cross_entropy_of_views(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Compute the mean cross-entropy over pairs of a teacher's view and another view of the student.

    DINO's loss (Caron et al. 2021, equation 3). The sum over pairs is that of all views less that of equal ones.

    Parameters
    ----------
    logits : torch.Tensor of shape (views, n, k)
        Of the student; the first views are the teacher's.
    targets : torch.Tensor of shape (teacher's views, n, k)
        Probabilities of the teacher.
    """
    views, n = logits.shape[:2]
    logs = functional.log_softmax(logits / STUDENT, 2)
    pairs = (targets.sum(0) * logs.sum(0)).sum() - (targets * logs[: len(targets)]).sum()
    return -pairs / (n * len(targets) * (views - 1))


def cross_entropy_of_masked(logits: torch.Tensor, targets: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Compute the mean over masked views of the mean cross-entropy over their masked patches.

    IBOT's loss (Zhou et al. 2022, equation 2); 0 if nothing is masked.

    Parameters
    ----------
    logits, targets : torch.Tensor of shape (m, k)
        Of the masked patches.
    image : torch.Tensor of int, shape (m,)
        View that each patch is of, sorted.
    """
    if not len(image):
        return logits.sum()
    _, which, count = image.unique_consecutive(return_inverse=True, return_counts=True)
    each = -(targets * functional.log_softmax(logits / STUDENT, 1)).sum(1)
    return (each / count[which]).sum() / len(count)


def nearness(tokens: torch.Tensor) -> torch.Tensor:
    """Compute minus the mean logarithm of the distance of each normalised token (n, d) to its nearest neighbour.

    The KoLeo loss (Sablayrolles et al. 2019): low where tokens spread out evenly.
    """
    x = functional.normalize(tokens, dim=1)
    with torch.no_grad():
        near = (x @ x.T).fill_diagonal_(-2).argmax(1)
    return -torch.log(torch.linalg.vector_norm(x - x[near], dim=1) + NEAR).mean()


def self_distillation(
    net: ViT,
    *,
    steps: int,
    hidden: int = 128,
    bottleneck: int = 32,
    prototypes: int = 256,
    momentum: float = 0.99,
    temperature: tuple[float, float] = (0.04, 0.07),
    seed: int = 0,
) -> SelfDistillation:
    """Build a student and its teacher for a self-supervised training, as in DINOv2 (Oquab et al. 2024).

    Train it by ``learn.fit(model, (images,), lambda model, views: model(*views), augment=learn.Views(), ...)`` with the
    same number of `steps`, and keep ``model.teacher``.

    Parameters
    ----------
    net : ViT
        The encoder, which becomes the student; the teacher starts as its copy.
    steps : int
        Steps of the training, for the schedules: the teacher's momentum rises to 1, its temperature rises in the first
        30%, and the last layer of the head is fixed in the first 1%.
    hidden, bottleneck, prototypes : int
        Sizes of the head; DINOv2 has 2,048, 256 and 65,536. Class tokens and patches share it.
    momentum : float
        Decay of the moving average at the start, from 0 to below 1.
    temperature : pair of float
        Of the teacher, at the start and later; the student's is 0.1. The lower, the less likely are outputs that are
        the same for all images, with a loss at the logarithm of the number of prototypes.
    seed : int
        Seed of the head's initial weights.

    Raises
    ------
    InputError
        A number is out of range.
    """
    for name, count in {"steps": steps, "hidden": hidden, "bottleneck": bottleneck, "prototypes": prototypes}.items():
        if not is_count(count):
            raise InputError(f"{name} = {count}", "expected a whole number, 1 or more", "See the function's page")
    if not 0 <= momentum < 1:
        raise InputError(f"momentum = {momentum}", "expected a decay from 0 to below 1", "Use 0.99 for short runs")
    if len(temperature) != 2 or not min(temperature) > 0:
        raise InputError(f"temperature = {temperature}", "expected two numbers above 0", "Use (0.04, 0.07)")
    head = seeded(lambda: Head(net.width, hidden, bottleneck, prototypes), seed)
    return SelfDistillation(net, head, int(steps), float(momentum), tuple(temperature))
