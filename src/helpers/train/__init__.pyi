"""Training and use of networks: one loop for every study.

What differs between studies is the caller's: the loss, the augmentation and the validation are functions. What is the
same is here: device, precision, seeds, order of the data, early stopping, checkpoints that resume to the very step.
"""

from helpers.processor import choose_device
from helpers.train.loop import Fitted, fit
from helpers.train.predict import predict, predict_volume

__all__ = ["Fitted", "choose_device", "fit", "predict", "predict_volume"]
