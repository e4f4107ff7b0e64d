"""Random views of images for self-supervised training: large and small crops, changed in look, and masks of patches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from helpers.errors import InputError

LOG_RATIO = math.log(4 / 3)  # of the sides of a crop, at most, on either side of 0
MASKED = (0.1, 0.5)  # share of the patches of a masked view that its mask covers


@dataclass(frozen=True)
class Views:
    """Settings of the views of an image; called with a batch ``(images,)``, it draws them.

    The views are those of DINOv2 (Oquab et al. 2024) for grey images of a fan: a vertical flip in place of a horizontal
    one, and no change of hue. All views have the same range of changes of look, noise is added, and a mask is one
    rectangle. The default areas suit images of some 24 pixels; DINOv2 has (0.32, 1) and (0.05, 0.32).

    Attributes
    ----------
    large, small : int
        Pixels of the side of the two large views, and of the small ones.
    n_small : int
        Small views of an image.
    large_area, small_area : pair of float
        Least and largest share of the image's area that a view shows.
    patch : int
        Pixels of a patch's side, for the masks.
    flip, turn : float
        Probability of a vertical flip, and largest rotation, in radians; DINOv2 does not turn.
    contrast, brightness : float
        Largest change of contrast (of a factor of 1), and of brightness (in the images' unit).
    blur, noise : float
        Largest share of a blurred view that is mixed in, and largest SD of added noise (in the images' unit).
    """

    large: int = 24
    small: int = 12
    n_small: int = 2
    large_area: tuple[float, float] = (0.5, 1.0)
    small_area: tuple[float, float] = (0.2, 0.5)
    patch: int = 4
    flip: float = 0.5
    turn: float = 0.0
    contrast: float = 0.4
    brightness: float = 1.4
    blur: float = 0.5
    noise: float = 0.5

    def __call__(self, batch: tuple[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Draw the views of images (n, c, h, w) from PyTorch's global generators.

        Returns
        -------
        large : torch.Tensor of shape (2 n, c, large, large)
            The first view of every image, then the second.
        small : torch.Tensor of shape (n_small n, c, small, small)
        masked : torch.Tensor of bool, shape (2 n, patches)
            Half of the large views have a mask; each mask covers at least one patch.

        Raises
        ------
        InputError
            The images are smaller than a small view, or a side of a view is no multiple of the patch.
        """
        (images,) = batch
        if min(images.shape[2:]) < self.small:
            raise InputError(
                "images", f"they are smaller than a view of {self.small} pixels", "Use larger images or smaller views"
            )
        if self.large % self.patch or self.small % self.patch:
            raise InputError(
                f"large = {self.large}, small = {self.small}", f"no multiple of {self.patch}", "Change the patch"
            )
        large = self._seen(images.repeat(2, 1, 1, 1), self.large, self.large_area)
        small = self._seen(images.repeat(self.n_small, 1, 1, 1), self.small, self.small_area)
        return large, small, masks(len(large), self.large // self.patch, images.device)

    def _seen(self, images: torch.Tensor, side: int, area: tuple[float, float]) -> torch.Tensor:
        """Crop each image at a random place and change its look."""
        draw = torch.rand(10, len(images), 1, 1, 1, device=images.device)
        share = area[0] + (area[1] - area[0]) * draw[0]
        ratio = torch.exp(LOG_RATIO * (2 * draw[1] - 1))
        width, height = (share * ratio).sqrt().clamp(max=1), (share / ratio).sqrt().clamp(max=1)
        right, down = (1 - width) * (2 * draw[2] - 1), (1 - height) * (2 * draw[3] - 1)
        step = torch.linspace(-1 + 1 / side, 1 - 1 / side, side, device=images.device)
        x = width * step.view(1, 1, side, 1)
        y = height * torch.where(draw[4] < self.flip, -1, 1) * step.view(1, side, 1, 1)
        angle = self.turn * (2 * draw[9] - 1)
        cos, sin = angle.cos(), angle.sin()
        grid = torch.cat([right + cos * x - sin * y, down + sin * x + cos * y], 3)
        seen = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
        if self.blur:
            blurred = functional.avg_pool2d(seen, 3, stride=1, padding=1, count_include_pad=False)
            seen = torch.lerp(seen, blurred, self.blur * draw[5])
        seen = seen * (1 + self.contrast * (2 * draw[6] - 1)) + self.brightness * (2 * draw[7] - 1)
        return seen + self.noise * draw[8] * torch.randn_like(seen) if self.noise else seen


def masks(n: int, grid: int, device: torch.device) -> torch.Tensor:
    """Draw a rectangle of patches in every second of n views, in random order; bool of shape (n, grid * grid)."""
    chosen = torch.randperm(n, device=device) < n // 2
    draw = torch.rand(4, n, device=device)
    patches = grid**2 * (MASKED[0] + (MASKED[1] - MASKED[0]) * draw[0])
    rows = (patches * torch.exp(LOG_RATIO * (2 * draw[1] - 1))).sqrt().round().clamp(1, grid)
    columns = (patches / rows).round().clamp(1, grid)
    top, left = ((draw[2] * (grid - rows + 1)).floor(), (draw[3] * (grid - columns + 1)).floor())
    place = torch.arange(grid, device=device)

    def inside(start: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        return (place >= start[:, None]) & (place < (start + count)[:, None])

    both = inside(top, rows)[:, :, None] & inside(left, columns)[:, None, :]
    return (both & chosen[:, None, None]).flatten(1)
