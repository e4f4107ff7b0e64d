"""Training and use of networks: one loop for every study.

What differs between studies is the caller's: the loss, the augmentation and the validation are functions. What is the
same is here: device, precision, seeds, order of the data, early stopping, checkpoints that resume to the very step.
"""

from helpers.faces import attach

__all__ = attach(__name__)
