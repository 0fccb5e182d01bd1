"""What a network is, for exports, pictures and derivations."""

from chainrule.description import Description, Layer, Training
from chainrule.model.architecture import Architecture
from chainrule.model.parameters import Parameters


def describe_network(architecture: Architecture, learned: Parameters, rate: float | None) -> Description:
    """Describe a network; the layers hold the arrays given here. `rate` is that of its last training.

    Raises
    ------
    NotImplementedError
        For a network with input layers or parametric activations, which no description has yet.
    """
    options = architecture.layers
    if architecture.inputs or any(options.parametric):
        what = "input layers" if architecture.inputs else "parametric activations"
        raise NotImplementedError(
            f"this network has {what} [E11-E15], which exports, derivations and pictures do not have yet; it"
            " predicts, trains, differentiates and is saved"
        )
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
    training = Training(
        rate="" if rate is None else f"it was {rate:g}",
        why_no_losses="a Network keeps no curve; give the History that its train method returned",
    )
    return Description(layers, loss=architecture.shown_loss, training=training)
