"""Networks of the studies: thin builders around MONAI, and a look into a trained one.

A builder gives a plain `torch.nn.Module`, whose first weights depend on its seed alone.
"""

from helpers.models.forward import embed
from helpers.models.networks import dynunet, light_unet, topology, unet

__all__ = ["dynunet", "embed", "light_unet", "topology", "unet"]
