#!/usr/bin/env bash
# MONAI: load_old_state_dict leaves weights that a file lacks at their random start, without a word.
#
# One would expect: a tensor that is missing from the file, or left over in it, is an error, as in PyTorch's
# load_state_dict, which is strict by default.
# What happens: weights of MONAI Generative whose file lacks a tensor are loaded, and that tensor keeps its random
# start. A tensor that the network does not have is dropped. The loaded network changes from one run to the next.
# Why it matters here: a user may bring the published chest model. Maps of a network that is partly random look like maps.
# helpers.learn.load_chest_model therefore converts the names itself, and refuses both.
# Source: monai/networks/nets/diffusion_model_unet.py (load_old_state_dict).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 torch==2.13.0 einops==0.8.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import torch
from monai.networks.nets import DiffusionModelUNet

print({name: metadata.version(name) for name in ("monai", "torch")})


def built(blocks):
    return DiffusionModelUNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=1,
        channels=(8, 16),
        attention_levels=(False, False),
        num_res_blocks=blocks,
        num_head_channels=8,
        norm_num_groups=4,
        with_conditioning=True,
        cross_attention_dim=4,
    )


def old(network):
    """Write the names of MONAI Generative."""
    state = network.state_dict()
    names = {
        name: name.replace(".out_proj.", ".to_out.0.") if ".transformer_blocks." in name else name for name in state
    }
    return {names[name].replace(".postconv.", ".conv."): tensor.clone() for name, tensor in state.items()}


file = old(built(1))
del file["conv_in.conv.weight"]
first, second = built(1), built(1)
for network in (first, second):
    network.load_old_state_dict(dict(file))
same = {name: bool(torch.equal(tensor, second.state_dict()[name])) for name, tensor in first.state_dict().items()}
random = [name for name, equal in same.items() if not equal]
print(f"{len(random)} of {len(same)} tensors differ after loading one file twice, such as {random[0]}")
extra = dict(file) | {"nowhere.weight": torch.zeros(1)}
built(1).load_old_state_dict(extra)
print("a tensor that the network does not have was dropped")
assert 0 < len(random) < len(same), "the behaviour has changed"
PY
