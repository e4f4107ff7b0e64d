#!/usr/bin/env bash
# MONAI: DDIMScheduler lists times with gaps of 111, and its steps move by 100.
#
# One would expect: a step from one listed time leads to the next listed time, and the inversion (reversed_step) is the
# way back of the generation (step).
# What happens: set_timesteps(10) of a scheduler with 1000 times lists 999, 888, ..., 111, 0, while step and
# reversed_step move by 1000 // 10 = 100. So the sample is at time 899 when the network is called for 888: each
# step misses the next listed time by 11.
# Why it matters here: an edit inverts a picture and draws it again with few steps, and the network would be called for
# times at which the sample is not. `helpers.learn.diffusion` steps from each listed time to the next.
# Source: monai/networks/schedulers/ddim.py (set_timesteps, step, reversed_step); Song et al. 2021, arXiv 2010.02502.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 torch==2.13.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import torch
from monai.networks.schedulers import DDIMScheduler

print({name: metadata.version(name) for name in ("monai", "torch")})
scheduler = DDIMScheduler(1000, clip_sample=False)


def landed(sample, time):
    """Find the time at which a known picture with known noise is after a step."""
    moved, _ = scheduler.step(noise, int(time), sample)
    ends = scheduler.alphas_cumprod.sqrt()[:, None] * picture + (1 - scheduler.alphas_cumprod).sqrt()[:, None] * noise
    return int((ends - moved).abs().sum(1).argmin())


torch.manual_seed(0)
picture, noise = torch.randn(1, 500), torch.randn(1, 500)
scheduler.set_timesteps(10)
times = scheduler.timesteps.tolist()
level = scheduler.alphas_cumprod[times[0]]
there = landed(level.sqrt() * picture + (1 - level).sqrt() * noise, times[0])
print("listed times", times, "- a step from", times[0], "leads to", there)
assert times[:2] == [999, 888] and there == 899, "the behaviour has changed"
PY
