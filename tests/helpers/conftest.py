"""What is slow and always the same is done once in a process, not in every test of the helpers."""

import functools
import importlib.metadata
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    """Remember what is installed: Lightning looks through all packages at the start of each training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.metadata, "entry_points", functools.cache(importlib.metadata.entry_points))
        yield
