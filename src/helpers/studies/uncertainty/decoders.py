"""A decoder as a function of its parameters, and products with its Jacobian, which is never formed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.func import functional_call, jvp, vjp, vmap
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from helpers.errors import InputError

AT_ONCE = 2**26  # numbers of derivatives in memory at a time: 256 MiB in 32 bits


class Decoder:
    """A network as a function of one vector of parameters.

    Parameters
    ----------
    network : torch.nn.Module
        Network in evaluation mode. It maps codes of shape (n, ...) to images of shape (n, ...), each independently.
    only : sequence of str, optional
        Names of the uncertain parameters, or prefixes of the names; default all parameters.

    Attributes
    ----------
    vector : torch.Tensor of shape (p,)
        The current values of the uncertain parameters, concatenated.

    Raises
    ------
    InputError
        No parameter has such a name, or a layer of batch normalisation or dropout is in training mode: an image would
        then depend on its batch or on chance.
    """

    def __init__(self, network: nn.Module, only: Sequence[str] | None = None) -> None:
        for name, layer in network.named_modules():
            if layer.training and isinstance(layer, _BatchNorm | _DropoutNd):
                problem = (
                    f"{type(layer).__name__} is in training mode, so that an output depends on its batch or on chance"
                )
                raise InputError(f"layer {name}", problem, "Call .eval() on the network first")
        every = {name: value.detach() for name, value in network.named_parameters()}
        self.parts = {name: value for name, value in every.items() if only is None or name.startswith(tuple(only))}
        if not self.parts:
            raise InputError(
                f"only = {only}", "no parameter has such a name", f"Choose from {', '.join(every) or 'none'}"
            )
        self.network, self.fixed = network, {name: every[name] for name in every.keys() - self.parts.keys()}
        self.vector = torch.cat([value.flatten() for value in self.parts.values()])
        self._shapes: dict[tuple[object, ...], torch.Size] = {}  # of images, by the kind of codes that were tested

    def __call__(self, vector: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Decode codes with the given parameters; images are flattened, shape (n, o)."""
        pieces = vector.split([value.numel() for value in self.parts.values()])
        moved = {name: piece.view_as(value) for (name, value), piece in zip(self.parts.items(), pieces, strict=True)}
        return functional_call(self.network, {**self.fixed, **moved}, (codes,)).flatten(1)

    def check(self, codes: torch.Tensor) -> torch.Size:
        """Return the shape of an image, after a test that the derivatives can be computed: one for each kind of codes.

        Raises
        ------
        InputError
            There are no codes, they do not fit, or a layer has no derivative in `torch.func`.
        """
        if not len(codes):
            raise InputError("codes", "there is no code", "Give codes of one image or more, shape (n, ...)")
        kind = (codes.shape[1:], codes.dtype, codes.device)
        if kind not in self._shapes:
            self._shapes[kind] = self._tested(codes)
        return self._shapes[kind]

    def _tested(self, codes: torch.Tensor) -> torch.Size:
        try:
            with torch.no_grad(), self._entered() as entered:
                shape = self.network(codes[:1]).shape[1:]
        except RuntimeError as error:
            problem = f"codes of shape {tuple(codes.shape[1:])} do not fit the network: {_first(error)}"
            raise InputError(entered[-1][0], problem, "Give codes as the network takes them") from error
        try:
            with self._entered() as entered:
                self.pulled(codes[:1], codes.new_ones(1, 1, math.prod(shape)))
                self.pushed(codes[:1], self.vector[None, None])
        except (RuntimeError, NotImplementedError) as error:
            problem = f"torch.func cannot differentiate it: {_first(error)}"
            raise InputError(
                entered[-1][0], problem, "Replace the layer by one made of torch's differentiable functions"
            ) from error
        return shape

    def normal(self, codes: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        """Compute the sum over the codes of J^T J v, for v of shape (p,)."""

        def images(parameters: torch.Tensor) -> torch.Tensor:
            return self(parameters, codes)

        _, moved = jvp(images, (self.vector,), (vector,))
        _, back = vjp(images, self.vector)
        return back(moved)[0]

    def pulled(self, codes: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """Compute J_n^T u for each code and each of its m directions (n, m, o) in the image; shape (n, m, p)."""

        def back(code: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
            _, pull = vjp(lambda parameters: self(parameters, code[None])[0], self.vector)
            return vmap(lambda u: pull(u)[0])(own)

        return vmap(back)(codes, directions)

    def pushed(self, codes: torch.Tensor, tangents: torch.Tensor) -> torch.Tensor:
        """Compute J_n w for each code and each of its m tangents (n, m, p); shape (n, m, o)."""

        def forth(code: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
            def image(parameters: torch.Tensor) -> torch.Tensor:
                return self(parameters, code[None])[0]

            return vmap(lambda w: jvp(image, (self.vector,), (w,))[1])(own)

        return vmap(forth)(codes, tangents)

    def held(self, codes: torch.Tensor) -> int:
        """Count the numbers held in memory by a derivative of one image: a gradient, and the inputs of all layers."""
        with torch.no_grad(), self._entered() as entered:
            self.network(codes[:1])
        return len(self.vector) + sum(numbers for _, numbers in entered)

    @contextmanager
    def _entered(self) -> Iterator[list[tuple[str, int]]]:
        """Record each leaf layer that runs in this context, with the size of its input."""
        entered = [("the decoder", 0)]
        hooks = [
            layer.register_forward_pre_hook(
                lambda _, given, name=name: entered.append((f"layer {name}", given[0].numel()))
            )
            for name, layer in self.network.named_modules()
            if name and not [*layer.children()]
        ]
        try:
            yield entered
        finally:
            for hook in hooks:
                hook.remove()


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200].rstrip(".")
