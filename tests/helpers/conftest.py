"""What is slow and always the same is done once in a process, not in every test of the helpers."""

import functools
import importlib.metadata
from collections.abc import Iterator

import pytest

from helpers import fingerprint


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    """Remember what functions of their arguments alone gave.

    A fingerprint of the package parses 200 files, which takes two seconds, at each call of a cache. Lightning looks
    through all installed packages at the start of each training.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "code", functools.cache(fingerprint.code))
        patch.setattr(importlib.metadata, "entry_points", functools.cache(importlib.metadata.entry_points))
        yield
