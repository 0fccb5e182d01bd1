"""What a notebook shows of a network and of an estimator."""

from html import escape
from typing import Any

from chainrule.description import describe
from chainrule.description.unwrapping import is_fitted
from chainrule.inspection.drawing import draw

CARD = "width:fit-content;max-width:100%;box-sizing:border-box;padding:.4em .8em;margin:.3em 0;"
CARD += "border:1px solid rgba(128,128,128,.35);border-radius:6px;font-family:system-ui,sans-serif"


def network_html(network: Any) -> str:
    """Return a card with the network drawn and its settings in one line.

    Examples
    --------
    >>> from chainrule import Network
    >>> "3 – 5 – 2" in network_html(Network([3, 5, 2], random_state=0))
    True
    """
    described = describe(network)
    facts = [
        f"<b>{type(network).__name__}</b>",
        f"{described.n_parameters:,} parameters",
        f"loss {escape(str(described.loss))}",
        str(described.dtype),
    ]
    return card(" · ".join(facts), draw(described))


def estimator_html(estimator: Any, diagram: str) -> str:
    """Return scikit-learn's diagram of an estimator, with the network drawn below it once there is one."""
    if not is_fitted(estimator):
        return diagram
    described = describe(estimator)
    facts = [f"{described.n_parameters:,} parameters", *described.training.facts]
    return diagram + card(" · ".join(facts), draw(described))


def card(title: str, body: str) -> str:
    """Frame a body; the colors are those of the page."""
    return f'<div class="chainrule" style="{CARD}"><div style="font-size:13px">{title}</div>{body}</div>'
