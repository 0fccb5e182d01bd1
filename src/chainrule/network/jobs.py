"""The jobs of `train_many`, checked before the first of them begins."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from chainrule.model.rows import Rows, as_rows
from chainrule.network import Network
from chainrule.training.settings import Settings

EXPECTED = "expected (network, x, y) or (network, x, y, settings)"


class Job(NamedTuple):
    """A network to train, on rows that fit it."""

    network: Network
    rows: Rows
    settings: Settings

    @property
    def work(self) -> int:
        """Multiply-adds of the forward passes: what a training takes, up to a factor."""
        n_samples = len(self.rows.y) if self.rows.y is not None else 0
        return self.network.n_parameters * n_samples * self.settings.epochs


def as_jobs(jobs: Iterable[Any], common: Mapping[str, Any], *, foreign: bool = False) -> list[Job]:
    """Check what `train_many` was given; its docstring says what raises what.

    Arrays that several jobs share are checked, and where need be converted, once.

    Parameters
    ----------
    jobs : iterable of tuple
        (network, x, y) or (network, x, y, settings).
    common : mapping
        Every setting by its name, for the jobs that do not have their own.
    foreign : bool
        Whether code of the user's runs while they train, beside callbacks and losses: it could change the
        index arrays of sparse rows, which are copied then.
    """
    if isinstance(jobs, Mapping | str | bytes) or not isinstance(jobs, Iterable):
        raise TypeError(f"jobs is {_short(jobs)}; expected a list, each {EXPECTED[9:]}")
    jobs = list(jobs)
    if jobs and isinstance(jobs[0], Network):
        raise TypeError(f"jobs[0] is a Network; {EXPECTED}; for a single job: [(network, x, y)]")
    checked: list[Job] = []
    places: dict[int, int] = {}  # of each network
    seen: dict[tuple[Any, ...], Rows] = {}
    for i, job in enumerate(jobs):
        try:
            checked.append(_as_job(job, common, seen))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"jobs[{i}]: {error}") from None
        first = places.setdefault(id(checked[i].network), i)
        if first != i:
            raise ValueError(
                f"jobs[{first}] and jobs[{i}] have the same network; give each one of its own, for example a"
                " copy.deepcopy"
            )
    if foreign or any(job.settings.callback or job.rows.loss for job in checked):
        own = {id(rows): rows.own() for rows in seen.values()}
        checked = [job._replace(rows=own[id(job.rows)]) for job in checked]
    return checked


def _as_job(job: Any, common: Mapping[str, Any], seen: dict[tuple[Any, ...], Rows]) -> Job:
    if not isinstance(job, tuple | list):
        raise TypeError(f"got {_short(job)}; {EXPECTED}")
    if len(job) not in (3, 4):
        raise TypeError(f"got {len(job)} items; {EXPECTED}")
    network, x, y, *rest = job
    if not isinstance(network, Network):
        raise TypeError(f"got {_short(network)} in the network's place; {EXPECTED}")
    own = rest[0] if rest else {}
    if not isinstance(own, Mapping):
        raise TypeError(f"settings is {_short(own)}; expected a dictionary such as {{'epochs': 10}}")
    for name in own:
        if name not in common:
            close = difflib.get_close_matches(str(name), common, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; expected one of: {', '.join(common)}"
            raise TypeError(f"unknown setting {name!r}{hint}")
    settings = {**common, **own}
    sample_weight = settings.pop("sample_weight")
    checked = Settings.checked(**settings).fitted_to(network._trainee)
    return Job(network, _rows(network, x, y, sample_weight, seen), checked)


def _rows(network: Network, x: Any, y: Any, sample_weight: Any, seen: dict[tuple[Any, ...], Rows]) -> Rows:
    """Rows that fit the network; the same ones for all networks that they fit alike."""
    kind = network._trainee.architecture
    # The caller's arrays outlive `seen`, so that no two have one identity.
    key = (id(x), id(y), id(sample_weight), kind.sizes[0], kind.sizes[-1], kind.loss, kind.dtype)
    if key not in seen:
        rows = as_rows(kind, x, y, sample_weight).without_weightless()
        rows.check_finite()
        seen[key] = rows
    return seen[key]


def _short(value: Any) -> str:
    """Name a value, or its type where that would fill the screen."""
    text = repr(value)
    return text if len(text) <= 60 else f"something of type {type(value).__name__}"
