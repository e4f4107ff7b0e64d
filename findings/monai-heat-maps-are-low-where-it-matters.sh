#!/usr/bin/env bash
# MONAI: GradCAM and OcclusionSensitivity are low at the pixels that decide, where captum's maps are high.
#
# One would expect: a heat map is high where the image matters, as in the paper of Grad-CAM and in captum.
# What happens: GradCAM scales its map from (lowest, highest) to (1, 0), so the pixels that decide are 0 and the rest
# is 1; OcclusionSensitivity returns the output with the patch hidden, which is low where the patch mattered. Drawn with
# a usual colour scale, both point at what the network ignores, and a rank correlation with captum's map is -1.
# Why it matters here: the study of explanations compares maps by rank correlation. A sign would look like
# disagreement of methods. The study does not use MONAI's maps, and its page names them.
# Source: monai/visualize/visualizer.py (default_normalizer); monai/visualize/occlusion_sensitivity.py (docstring);
# Selvaraju et al. 2017, equation 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 captum==0.9.0 torch==2.13.0 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import torch
from captum.attr import LayerGradCam
from monai.visualize import GradCAM, OcclusionSensitivity
from scipy.stats import spearmanr

print({name: metadata.version(name) for name in ("monai", "captum", "torch")})


class Corner(torch.nn.Module):
    """The second class is the sum of the upper left quarter, and the first is always zero."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 1, 1, bias=False)
        self.last = torch.nn.Linear(64, 2, bias=False)
        weight = torch.zeros(2, 8, 8)
        weight[1, :4, :4] = 1
        with torch.no_grad():
            self.conv.weight.fill_(1)
            self.last.weight.copy_(weight.reshape(2, 64))

    def forward(self, images):
        return self.last(self.conv(images).relu().flatten(1))


net, image = Corner().eval(), torch.zeros(1, 1, 8, 8)
image[..., :4, :4] = 1
hide = OcclusionSensitivity(net, mask_size=2, overlap=0, mode=0.0, activate=False, verbose=False)
maps = {
    "captum LayerGradCam": LayerGradCam(net, net.conv).attribute(image, target=1).detach()[0, 0],
    "MONAI GradCAM": torch.as_tensor(GradCAM(net, target_layers="conv")(image, class_idx=1))[0, 0],
    "MONAI OcclusionSensitivity": torch.as_tensor(hide(image)[0])[0, 1],
}
inside = torch.zeros(8, 8, dtype=bool)
inside[:4, :4] = True
first = maps["captum LayerGradCam"].numpy().ravel()
found = {}
for name, values in maps.items():
    low = values[inside].mean() < values[~inside].mean()
    rank = spearmanr(first, values.numpy().ravel())[0]
    found[name] = bool(low), round(float(rank), 3)
    print(f"{name}: {values[inside].mean():.2f} where it matters, {values[~inside].mean():.2f} elsewhere; rank {rank:.2f}")
assert found == {
    "captum LayerGradCam": (False, 1.0),
    "MONAI GradCAM": (True, -1.0),
    "MONAI OcclusionSensitivity": (True, -1.0),
}, "the behaviour has changed"
PY
