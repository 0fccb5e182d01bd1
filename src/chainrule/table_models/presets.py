"""Whether a table gets an ensemble of networks or one plain network, decided before the table is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.tables import checks
from chainrule.tables.errors import ParameterError

#: One network, as `TableModel.fit`'s own settings describe it.
PLAIN = "plain"
#: What `TabularClassifier` and `TabularRegressor` call theirs, and the one that has a network of its own.
PRESETS = ("fast", "default", "best", PLAIN)
#: Further parameters that ensembles have, too, and those that they have where a preset is named.
SHARED = ("class_weight",)
SHARED_IF_NAMED = (*SHARED, "scoring", "checkpoint")
#: Settings of an ensemble.
OF_ENSEMBLES = ("time_budget", "n_folds")


@dataclass(frozen=True)
class Preset:
    """What is fitted.

    Attributes
    ----------
    name : {"fast", "default", "best", "plain"}
    because : str
        The setting that asks for one plain network, where no preset was named; else "".
    time_budget : float or None
        Seconds that the fit of an ensemble may take.
    n_folds : int
        Of an ensemble.
    """

    name: str = PLAIN
    because: str = ""
    time_budget: float | None = None
    n_folds: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether it is one network."""
        return self.name == PLAIN


#: What tables were fitted with before there were ensembles.
PLAIN_NETWORK = Preset()


def choose(
    preset: Any, time_budget: Any, n_folds: Any, network: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Preset:
    """Decide by what was said.

    Parameters
    ----------
    preset, time_budget, n_folds
        As `TableModel.fit` has them; None where nothing was said.
    network : mapping of str to object
        What was said of a network, its training or its callbacks, None where nothing was.
    parameters : mapping of str to object
        Further parameters of the estimator.

    Raises
    ------
    ParameterError
        For values that are none, and for settings that do not go together.

    Examples
    --------
    >>> choose(None, None, None, {"epochs": None}, {}).name
    'default'
    >>> choose(None, None, None, {"epochs": 50}, {})
    Preset(name='plain', because='epochs', time_budget=None, n_folds=0)
    """
    if preset is not None:
        checks.one_of("preset", preset, PRESETS)
    if time_budget is not None:
        time_budget = float(checks.positive("time_budget", time_budget))
    if n_folds is not None and checks.whole("n_folds", n_folds, least=0) == 1:
        raise ParameterError("got 1, expected at least 2, or 0 for the usual", "n_folds")
    shared = SHARED if preset is None else SHARED_IF_NAMED
    described = [name for name, value in network.items() if value is not None]
    if preset is not None and "resume" in described:
        described.remove("resume")
    described += [name for name in parameters if name not in shared]
    wanted = {"time_budget": time_budget, "n_folds": n_folds}
    of_ensembles = [name for name, value in wanted.items() if value is not None]
    if preset == PLAIN and of_ensembles:
        raise ParameterError("it is for the presets fast, default and best, not for plain", of_ensembles[0])
    if described and (of_ensembles or preset not in (None, PLAIN)):
        what = "preset" if preset is not None else of_ensembles[0]
        raise ParameterError(
            f"it asks for an ensemble, but {described[0]} for one plain network; leave one of the two out"
            + (", or ask for the preset plain" if preset is not None else ""),
            what,
        )
    if preset == PLAIN or described:
        return Preset(PLAIN, described[0] if preset is None else "")
    return Preset(preset or "default", "", time_budget, n_folds or 0)
