"""What a network is, for exports, pictures and derivations."""

from typing import TYPE_CHECKING

from chainrule.description import Description, Layer

if TYPE_CHECKING:
    from chainrule.network.network import Network


def describe_network(network: "Network") -> Description:
    """Describe a network; the layers hold its own arrays."""
    learned = zip(
        network.weights,
        network.biases,
        network.activations,
        network.norm_gains,
        network.norm_shifts,
        network.slopes,
        network.residual,
        network.dropout,
        strict=True,
    )
    return Description([Layer(*parts) for parts in learned], loss=network.loss)
