#!/usr/bin/env bash
# Lightning's Fabric reads the metadata of every installed package each time one is made.
#
# One would expect: `Fabric(accelerator="cpu", devices=1)` is a light object, which each short training can have anew.
# What happens: its constructor looks for callbacks that other packages declare, and reads the entry points of all
# installed packages from disk for it. Nothing keeps the answer, so the cost is trainings times packages.
# Why it matters here: a comparison of methods trains hundreds of small networks in one process, in an environment of
# two hundred packages, 27 ms or more each. One Fabric for all trainings of a process ends it (`helpers.learn`),
# but for half precision, whose loss scale a Fabric keeps from one training to the next.
# Source: lightning_fabric/fabric.py (_configure_callbacks), utilities/registry.py (_load_external_callbacks) and, for the
# scale, plugins/precision/amp.py.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
"$folder/venv/bin/pip" install --quiet lightning-fabric==2.6.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata
from pathlib import Path

import torch
from lightning_fabric import Fabric

print({name: metadata.version(name) for name in ("torch", "lightning-fabric")})
read = []
text = metadata.PathDistribution.read_text


def counted(self, name):
    if name == "entry_points.txt":
        read.append(self.name)
    return text(self, name)


metadata.PathDistribution.read_text = counted
packages = len(list(metadata.distributions()))


def made():
    """Make a Fabric, and count the packages whose entry points were read for it."""
    read.clear()
    Fabric(accelerator="cpu", devices=1)
    return len(set(read))


first, second = made(), made()
print(f"packages read: {first} for the first, {second} for the second, of {packages} installed")
assert first >= packages - 1 and second == first, "the behaviour has changed"
extra = Path(torch.__path__[0]).parent / "another-1.0.dist-info"
extra.mkdir()
(extra / "METADATA").write_text("Metadata-Version: 2.1\nName: another\nVersion: 1.0\n")
third = made()
print(f"with one package more: {third}")
assert third == second + 1, "the behaviour has changed"
PY
