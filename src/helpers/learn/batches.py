"""Batches that depend only on seed and step, so that a run can be resumed at any step."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils.data import DataLoader, Dataset, IterableDataset

from helpers.errors import InputError
from helpers.learn.device import ITEM, ORDER


class Order:
    """Endless sequence of cases, one shuffled epoch after the other, cut into full batches.

    A batch may span two epochs, so that all batches have the same size. With weights, an epoch is n draws with
    replacement.
    """

    def __init__(self, n: int, batch_size: int, seed: int, weights: ArrayLike | None = None) -> None:
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.share = None if weights is None else _shares(weights, n)
        self._epochs: dict[int, np.ndarray] = {}

    @property
    def steps_per_epoch(self) -> int:
        """Return the number of steps of an epoch, rounded up."""
        return -(-self.n // self.batch_size)

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch as positions in the endless sequence, and the cases at these positions."""
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        first, last = places[0] // self.n, places[-1] // self.n
        row = np.concatenate([self._epoch(int(e)) for e in range(first, last + 1)])
        return places, row[places - first * self.n]

    def _epoch(self, epoch: int) -> np.ndarray:
        if epoch not in self._epochs:
            rng = np.random.default_rng((self.seed, ORDER, epoch))
            drawn = rng.permutation(self.n) if self.share is None else rng.choice(self.n, self.n, p=self.share)
            self._epochs = {e: row for e, row in self._epochs.items() if e >= epoch - 1} | {epoch: drawn}
        return self._epochs[epoch]


class Arrays:
    """Arrays kept in device memory; a batch is a tuple of their rows."""

    def __init__(self, arrays: Sequence[ArrayLike | torch.Tensor]) -> None:
        self.tensors = [_tensor(array, place) for place, array in enumerate(arrays)]
        sizes = {len(tensor) for tensor in self.tensors}
        if len(sizes) > 1:
            raise InputError("data", f"arrays of different lengths, {sorted(sizes)}", "Give one row a case in each")
        self.n = sizes.pop() if sizes else 0

    def identity(self) -> str:
        """Compute a hash of the content."""
        digest = hashlib.blake2b(digest_size=16)
        for tensor in self.tensors:
            digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    def batches(self, order: Order, steps: range, rank: int, world: int, device: torch.device) -> Iterator[tuple]:
        """Yield one process's share of each step's batch."""
        tensors = [tensor.to(device) for tensor in self.tensors]
        for step in steps:
            rows = torch.from_numpy(order.batch(step)[1][rank::world]).to(device)
            yield tuple(tensor.index_select(0, rows) for tensor in tensors)


class Items:
    """A map-style data set, read item by item, in separate processes if workers are requested."""

    def __init__(self, data: Dataset, workers: int) -> None:
        self.data, self.workers, self.n = data, workers, len(data)

    def identity(self) -> str:
        """Return the number of items; the content of a data set is not inspected."""
        return f"{self.n} items"

    def batches(self, order: Order, steps: range, rank: int, world: int, device: torch.device) -> Iterator[Any]:
        """Yield one process's share of each step's batch."""
        loader = DataLoader(
            _Seeded(self.data, order.seed),
            batch_sampler=_Keys(order, steps, rank, world),
            num_workers=self.workers,
            pin_memory=device.type == "cuda",
        )
        for batch in loader:
            yield _to(batch, device)


def source(data: Dataset | Sequence[ArrayLike | torch.Tensor], workers: int) -> Arrays | Items:
    """Wrap the data as arrays or as items; raise InputError if they are empty or of another type."""
    if isinstance(data, tuple | list):
        found: Arrays | Items = Arrays(data)
    elif isinstance(data, Dataset) and not isinstance(data, IterableDataset) and hasattr(data, "__len__"):
        found = Items(data, workers)
    else:
        raise InputError(
            "data", f"found {type(data).__name__}", "Give a tuple of arrays, or a data set with a length and items"
        )
    if not found.n:
        raise InputError("data", "there is no case", "Check how cases were chosen")
    return found


class _Keys:
    """Keys (position, case) of each step's batch, for a loader."""

    def __init__(self, order: Order, steps: range, rank: int, world: int) -> None:
        self.order, self.steps, self.rank, self.world = order, steps, rank, world

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in self.steps:
            places, rows = self.order.batch(step)
            mine = slice(self.rank, None, self.world)
            yield list(zip(places[mine].tolist(), rows[mine].tolist(), strict=True))


class _Seeded(Dataset):
    """Data set with random transforms that depend only on seed and position, in whichever process they run."""

    def __init__(self, data: Dataset, seed: int) -> None:
        self.data, self.seed = data, seed

    def __getitem__(self, key: tuple[int, int]) -> Any:
        place, row = key
        states = np.random.SeedSequence((self.seed, ITEM, place)).generate_state(4)
        random.seed(int(states[0]))
        np.random.seed(states[1])
        torch.default_generator.manual_seed(int(states[2]))
        transform = getattr(self.data, "transform", None)
        if hasattr(transform, "set_random_state"):  # MONAI's transforms have separate generators
            transform.set_random_state(seed=int(states[3]))
        return self.data[row]


def _to(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: _to(value, device) for key, value in batch.items()}
    return type(batch)(_to(value, device) for value in batch) if isinstance(batch, tuple | list) else batch


def _tensor(array: ArrayLike | torch.Tensor, place: int) -> torch.Tensor:
    tensor = array.detach() if isinstance(array, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(array))
    if not tensor.ndim:
        raise InputError(f"data[{place}]", "a single number", "Give arrays with one row a case")
    if tensor.is_floating_point():
        if not tensor.isfinite().all():
            case = int((~tensor.reshape(len(tensor), -1).isfinite().all(1)).nonzero()[0])
            raise InputError(f"data[{place}]", f"case {case} holds NaN or infinity", "Correct or leave out such cases")
        tensor = tensor.float()
    return tensor


def _shares(weights: ArrayLike, n: int) -> np.ndarray:
    share = np.asarray(weights, float)
    if share.shape != (n,) or not np.isfinite(share).all() or (share < 0).any() or not share.sum():
        raise InputError("weights", f"expected {n} finite weights of 0 or more", "Give one for each case")
    return share / share.sum()
