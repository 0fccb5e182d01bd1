"""What a network is, for exports, pictures and derivations."""

from chainrule.description import Description, Layer, Training
from chainrule.model.architecture import Architecture
from chainrule.model.inputs import LearnedInput, as_blocks
from chainrule.model.parameters import Parameters


def describe_network(
    architecture: Architecture, learned: Parameters, inputs: list[LearnedInput], rate: float | None
) -> Description:
    """Describe a network; the layers hold the arrays given here. `rate` is that of its last training.

    `inputs` are its input layers.
    """
    options = architecture.layers
    layers = [
        Layer(W, b, activation, gain, shift, slopes, residual, dropout, alphas)
        for W, b, activation, gain, shift, slopes, residual, dropout, alphas in zip(
            learned.weights,
            learned.biases,
            architecture.activations,
            learned.gains,
            learned.shifts,
            learned.slopes,
            options.residual,
            options.dropout,
            learned.alphas,
            strict=True,
        )
    ]
    training = Training(
        rate="" if rate is None else f"it was {rate:g}",
        why_no_losses="a Network keeps no curve; give the History that its train method returned",
    )
    return Description(layers, loss=architecture.shown_loss, training=training, inputs=as_blocks(inputs))
