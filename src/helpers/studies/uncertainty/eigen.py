"""Eigenpairs of a large symmetric matrix from its products with vectors; eigenvectors are kept whole or sketched."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from scipy.fft import next_fast_len

from helpers.errors import InputError

REPEATED = 1e-3  # share of the largest singular value of the sketches; a smaller one belongs to a repeated vector
NO_MORE = 1e-10  # share of the matrix's scale; a shorter vector is rounding error, so the Krylov space is complete


class Sketch(NamedTuple):
    """A random projection to fewer dimensions that nearly keeps lengths: signs, a Hartley transform, a subsample.

    signs : torch.Tensor of shape (p,), random signs
    places : torch.Tensor of shape (s,), the sampled entries of the transform
    length : int, length of the transform, p or a little more

    Notes
    -----
    This is the subsampled randomised trigonometric transform of Halko et al. 2011, https://doi.org/10.1137/090771806.
    On average, the squared length of a sketch is that of the vector.
    """

    signs: torch.Tensor
    places: torch.Tensor
    length: int

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Compute sketches of shape (..., s) of vectors of shape (..., p)."""
        spectrum = torch.fft.fft(vectors * self.signs, n=self.length)[..., self.places]
        return (spectrum.real - spectrum.imag) / len(self.places) ** 0.5


def sketch(size: int, rows: int, *, like: torch.Tensor, seed: int = 0) -> Sketch:
    """Draw a random `Sketch` from `size` numbers to `rows`, on the device and with the precision of `like`.

    Raises
    ------
    InputError
        `rows` is below 1, or not below `size`, so that the sketch would save nothing.
    """
    if not 1 <= rows < size:
        problem = f"expected a whole number from 1 to {size - 1}, fewer than there are parameters"
        raise InputError(f"sketch = {rows}", problem, "Leave it out for so few parameters")
    generator = torch.Generator().manual_seed(seed)
    length = next_fast_len(size)
    signs = torch.randint(0, 2, (size,), generator=generator) * 2.0 - 1
    places = torch.randperm(length, generator=generator)[:rows]
    return Sketch(signs.to(like), places.to(like.device), length)


class Eigenpairs(NamedTuple):
    """Some eigenvalues and eigenvectors of a symmetric matrix, the largest first.

    values : torch.Tensor of shape (k,), at least 0
    vectors : torch.Tensor of shape (k, p), orthonormal; of shape (k, s) where they are sketched
    nodes, weights : torch.Tensor of shape (steps,), float64, the Gauss quadrature of the whole spectrum
    sketch : Sketch, optional

    Notes
    -----
    The trace of f(matrix) is approximately p times the sum of weights times f(nodes), estimated with one random vector
    (stochastic Lanczos quadrature, Ubaru et al. 2017, https://doi.org/10.1137/16M1104974).
    """

    values: torch.Tensor
    vectors: torch.Tensor
    nodes: torch.Tensor
    weights: torch.Tensor
    sketch: Sketch | None = None


def lanczos(
    product: Callable[[torch.Tensor], torch.Tensor],
    like: torch.Tensor,
    steps: int,
    *,
    sketch: Sketch | None = None,
    seed: int = 0,
) -> Eigenpairs:
    """Compute eigenpairs of a positive semidefinite p x p matrix from its products with vectors (Lanczos algorithm).

    Parameters
    ----------
    product : callable
        Takes a vector of shape (p,) and gives the matrix times that vector.
    like : torch.Tensor of shape (p,)
        Any vector with the wanted length, precision and device.
    steps : int
        Number of products, 1 to p, and of eigenpairs. With p products the eigenpairs are exact. The largest are found
        first.
    sketch : Sketch, optional
        Keep sketches of the vectors instead of the vectors: k times s numbers instead of k times p.
    seed : int
        Seed of the first vector.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    InputError
        `steps` is out of range, or a product is NaN or infinite.

    Notes
    -----
    If vectors are kept whole, each is orthogonalised against all before it, twice. If they are sketched, each is
    orthogonalised against the last two only, as in Miani et al. 2024, https://arxiv.org/abs/2409.15008. Eigenvectors
    then occur repeatedly. Therefore the matrix is projected on an orthonormal basis of the sketches, in which each
    eigenvector counts once.
    """
    size = len(like)
    if not 1 <= steps <= size:
        problem = f"expected a whole number from 1 to {size}, the number of parameters"
        raise InputError(f"steps = {steps}", problem, "Ask for fewer than there are parameters")
    generator = torch.Generator().manual_seed(seed)

    def drawn() -> torch.Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64).to(like)

    def apart(vector: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            vector = vector - others.T @ (others @ vector)
        return vector

    kept = like.new_zeros(steps, size if sketch is None else len(sketch.places))
    diagonal, beside, scale = [], [], 0.0
    current = drawn()
    before, current = like.new_zeros(size), current / current.norm()
    for step in range(steps):
        kept[step] = current if sketch is None else sketch(current)
        image = product(current)
        if not image.isfinite().all():
            problem = "the matrix times a vector is NaN or infinite"
            raise InputError("curvature", problem, "Look for NaN or infinity in the network's weights and the codes")
        diagonal.append(float(image @ current))
        scale = max(scale, float(image.norm()))
        image = image - diagonal[-1] * current - (beside[-1] if beside else 0) * before
        if sketch is None:
            image = apart(image, kept[: step + 1])
        if step == steps - 1:
            break
        length = float(image.norm())
        if length <= NO_MORE * scale or not scale:  # space complete: continue with a vector outside it
            image, length = drawn() if sketch is not None else apart(drawn(), kept[: step + 1]), 0.0
        beside.append(length)
        before, current = current, image / image.norm()
    matrix = torch.zeros(steps, steps, dtype=torch.float64)  # on the CPU: not every device has 64 bits
    matrix.diagonal().copy_(torch.tensor(diagonal, dtype=torch.float64))
    matrix.diagonal(1).copy_(torch.tensor(beside, dtype=torch.float64))
    matrix.diagonal(-1).copy_(torch.tensor(beside, dtype=torch.float64))
    nodes, ways = torch.linalg.eigh(matrix)
    quadrature = nodes.clamp(min=0), ways[0] ** 2
    values, basis = nodes, kept
    if sketch is not None:
        basis, matrix = _projected(kept, matrix, sketch(image))
        values, ways = torch.linalg.eigh(matrix)
    return Eigenpairs(values.flip(0).clamp(min=0).to(kept), ways.flip(1).T.to(kept) @ basis, *quadrature, sketch)


def _projected(kept: torch.Tensor, matrix: torch.Tensor, rest: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the orthonormal basis U of sketches Q = U S V^T, and U^T G U, if G Q = Q T + r e^T, T tridiagonal."""
    whole = kept.cpu().double()
    _, lengths, axes = torch.linalg.svd(whole.T, full_matrices=False)
    own = lengths > REPEATED * lengths[0]
    lengths, axes = lengths[own, None], axes[own]
    basis = axes / lengths @ whole
    projected = (lengths * axes) @ matrix @ (axes / lengths).T
    projected += torch.outer(basis @ rest.cpu().double(), (axes / lengths)[:, -1])
    return basis.to(kept), (projected + projected.T) / 2
