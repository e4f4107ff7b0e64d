"""Networks, and one loop that trains them; autoencoders and learned restoration, which several studies use.

A builder gives a plain `torch.nn.Module`, whose first weights depend on its seed alone. What differs between studies is
the caller's: the loss, the augmentation and the validation are functions. What is the same is here: device, precision,
seeds, order of the data, early stopping, checkpoints that resume to the very step.
"""

from helpers.faces import attach

__all__ = attach(__name__)
