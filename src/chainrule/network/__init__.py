"""`Network`: a network's shape and parameters, forward pass and exact gradients on the compiled engine."""

from chainrule.network.network import Gradients, Network

__all__ = ["Gradients", "Network"]
