"""Networks, one training loop for all of them, and autoencoders and learned restoration that several studies use.

A builder returns a plain `torch.nn.Module`; its initial weights depend only on its seed. The caller supplies the parts
that differ between studies as functions: the loss, the augmentation and the validation. This package supplies the
shared parts: device, precision, seeds, order of the data, early stopping, and checkpoints that resume at the very step.
"""

from helpers.faces import attach

__all__ = attach(__name__)
