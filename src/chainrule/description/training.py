"""How a model was trained, as far as it keeps that: what pictures and diagnoses look at."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Training:
    """What a model remembers of its training; of a `Network` its caller has the `History`.

    Attributes
    ----------
    losses, validation_losses : list of float
        One value per epoch; the second of rows that were watched.
    scores : dict of str to list of float
        What was measured on the rows watched, by name.
    best_epoch : int or None
        The epoch, from 1, that was best for the rows watched.
    kept_best : bool
        Whether the parameters are those of that epoch.
    stopped : bool
        Whether the training ended before its last epoch.
    rate : str
        What sets the learning rate, with its value; "" where that is not known.
    limit : str
        The parameter that says how many epochs there are at most.
    facts : list of str
        What a card shows: how long it was trained, and to which loss.
    can_scale_targets : bool
        Whether the model can standardize the numbers that it learns by itself.
    why_no_losses : str
        What to say where `losses` is empty.
    """

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    kept_best: bool = False
    stopped: bool = False
    rate: str = ""
    limit: str = "epochs"
    facts: list[str] = field(default_factory=list)
    can_scale_targets: bool = False
    why_no_losses: str = "this model keeps no curve"
