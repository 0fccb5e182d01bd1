"""What a network is, for exports, pictures and derivations."""

from chainrule.description import Description, Layer
from chainrule.model.architecture import Architecture
from chainrule.model.parameters import Parameters


def describe_network(architecture: Architecture, learned: Parameters) -> Description:
    """Describe a network by its architecture and what it learned; the layers hold the arrays given here."""
    options = architecture.layers
    layers = [
        Layer(W, b, activation, gain, shift, slopes, residual, dropout)
        for W, b, activation, gain, shift, slopes, residual, dropout in zip(
            learned.weights,
            learned.biases,
            architecture.activations,
            learned.gains,
            learned.shifts,
            learned.slopes,
            options.residual,
            options.dropout,
            strict=True,
        )
    ]
    return Description(layers, loss=architecture.shown_loss)
