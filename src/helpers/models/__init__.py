"""Networks of the studies: thin builders around MONAI and a few of our own, and a look into a trained one.

A builder gives a plain `torch.nn.Module`, whose first weights depend on its seed alone.
"""

from helpers.faces import attach

__all__ = attach(__name__)
