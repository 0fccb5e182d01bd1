"""What a trained model is, said once: models describe themselves; what reads models reads that."""

from chainrule.description.layers import EPSILON, Description, Layer, Meaning
from chainrule.description.training import Training
from chainrule.description.unwrapping import describe

__all__ = ["EPSILON", "Description", "Layer", "Meaning", "Training", "describe"]
