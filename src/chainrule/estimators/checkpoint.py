"""Checkpoints: all that a fit needs to go on, in a file that is whole at any moment."""

import inspect
import os
import re
import time
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from chainrule.estimators import saved, state
from chainrule.estimators.keywords import names
from chainrule.estimators.protocol import MLP
from chainrule.estimators.warning import warn
from chainrule.files import models
from chainrule.files.atomic import check_writable
from chainrule.files.errors import ModelFileError
from chainrule.model.rows import Rows

#: Why a fit may have ended for good. One that ran out of epochs or time goes on when given more.
FOR_GOOD = ("no_improvement", "callback")


class Checkpoint:
    """The file of one fit.

    It holds the estimator as `save` writes it (so `chainrule.load` opens it, too), with the state that the
    source of random numbers had when training began. The order of the rows is not stored: the same draws
    are made again.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Its `checkpoint` names the file.
    rows : list of Rows
        What is trained on, and what is watched. A checksum of them is kept.
    random_state : RandomState
        Before its first draw of training.

    Attributes
    ----------
    resumed : bool
        Whether the fit goes on from a file.
    """

    def __init__(self, mlp: MLP, rows: list[Rows], random_state: np.random.RandomState) -> None:
        assert mlp.checkpoint is not None
        self.mlp, self.path = mlp, os.fspath(mlp.checkpoint)
        self.every, self.in_seconds = interval(mlp.checkpoint_every)
        check_writable(self.path)
        if os.path.exists(self.path) and os.path.getsize(self.path) and not models.is_model_file(self.path):
            raise ModelFileError(
                f"{self.path} exists and is no model file, so no checkpoint replaces it; remove it, or "
                "choose another path"
            )
        self.data = [checksum(part) for part in rows]
        self.start: dict[str, Any] = random_state.get_state(legacy=False)
        self.resumed = False
        self._when = time.monotonic()

    def resume(self, random_state: np.random.RandomState) -> np.random.RandomState:
        """Put the estimator into the state of the file; without a file the fit begins at the beginning.

        Returns
        -------
        RandomState
            As it was before the first draw of training: the given one, unless that is NumPy's own.

        Raises
        ------
        ValueError
            Where the file is none of ours, is damaged (`ModelFileError`), or belongs to other rows or
            parameters.
        """
        mlp = self.mlp
        assert mlp._bound is not None
        expected = (mlp._bound.model.sizes, mlp._bound.dtype)
        if not os.path.exists(self.path):
            return random_state
        kind, tensors, settings = models.read_state(self.path)
        with models.checking(self.path, kind):
            settings = state.from_json(settings)
        if "checkpoint" not in settings or kind != self._kind:
            raise ModelFileError(
                f"{self.path} is no checkpoint of a {type(mlp).__name__}; remove it, or choose another path"
            )
        with models.checking(self.path, kind):
            then, checksums = saved.part(settings, "parameters"), settings["checkpoint"]["data"]
        self._check(then, checksums)
        with models.checking(self.path, kind):
            state.set_progress(mlp, tensors, settings)
            saved.check_course(mlp, expected)
            source = saved.source_of_random_numbers(settings["checkpoint"]["random_state"], tensors["start"])
        self.start = source.get_state(legacy=False)
        if mlp.random_state is None or mlp.random_state is np.random:
            random_state = np.random.RandomState()
        random_state.set_state(self.start)
        self.resumed = True
        return random_state

    @property
    def finished(self) -> bool:
        """Whether the fit that the file belongs to has ended for good."""
        return self.resumed and self.mlp.stop_reason_ in FOR_GOOD

    def epoch_ends(self) -> None:
        """Write the file if it is time to."""
        due = (
            self.mlp.n_iter_ % self.every == 0
            if self.every
            else time.monotonic() - self._when >= self.in_seconds
        )
        if due:
            self.write()

    def write(self) -> None:
        """Write the file, unless the parameters are not finite: the last good one stays then.

        A disk that is full, say, ends no training: a warning says so, and the next time it is tried again.
        """
        mlp = self.mlp
        assert mlp._bound is not None
        if not np.isfinite(mlp._bound.flat).all():
            return
        tensors, settings = state.get_state(mlp)
        source = {**self.start, "state": dict(self.start["state"])}
        tensors["start"] = source["state"].pop("key")
        settings["checkpoint"] = {"random_state": state.to_json(source), "data": self.data}
        try:
            models.write_state(self._kind, tensors, settings, self.path)
        except OSError as error:
            warn(
                f"The checkpoint of epoch {mlp.n_iter_} could not be written: {error}. Training goes on; an "
                f"earlier one stays in {self.path}."
            )
        self._when = time.monotonic()

    @property
    def _kind(self) -> str:
        return "classifier" if is_classifier(self.mlp) else "regressor"

    def _check(self, then: dict[str, Any], checksums: Any) -> None:
        now = state.from_json(state.get_state(self.mlp)[1])["parameters"]
        # A file of an earlier version lacks the parameters that came later, which did nothing then.
        usual = inspect.signature(type(self.mlp)).parameters
        then |= {name: usual[name].default for name in now.keys() - then.keys() if name in usual}
        if isinstance(now["random_state"], dict) and isinstance(then.get("random_state"), dict):
            # A RandomState has moved on; its start is in the file.
            then["random_state"] = now["random_state"]
        scheduled, may_change = self.mlp.schedule is not None, names("may_change")  # over max_iter epochs
        others = [
            f"{name}={then.get(name)!r} (now {value!r})"
            for name, value in now.items()
            if value != then.get(name) and (name not in may_change or (scheduled and name == "max_iter"))
        ]
        if others:
            raise ValueError(
                f"{self.path} belongs to a fit with {', '.join(others)}. Give the same parameters to "
                "go on, or fit without resume=True to begin again."
            )
        if checksums != self.data:
            raise ValueError(
                f"{self.path} belongs to a fit of other rows (X, y, sample_weight or the validation rows "
                "differ). Give the same rows to go on, or fit without resume=True to begin again."
            )


def interval(every: Any) -> tuple[int, float]:
    """Return `checkpoint_every` as (epochs, 0.0) or (0, seconds).

    Raises
    ------
    ValueError
        For anything but a whole number of epochs, or a time as "10 min", "30 s", "1.5 h".

    Examples
    --------
    >>> interval(5), interval("10 min")
    ((5, 0.0), (0, 600.0))
    """
    if isinstance(every, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h)\s*", every)
        if match and float(match[1]) > 0:
            return 0, float(match[1]) * {"s": 1, "min": 60, "h": 3600}[match[2]]
    elif isinstance(every, int | np.integer) and not isinstance(every, bool) and every >= 1:
        return int(every), 0.0
    raise ValueError(
        f"checkpoint_every is {every!r}; expected a number of epochs (at least 1), or a time such as "
        "'10 min', '30 s' or '1 h'"
    )


def checksum(rows: Rows) -> int:
    """Return the CRC-32 of rows, targets and weights: it tells other data, not forged ones."""
    sparse = hasattr(rows.x, "tocsr")
    x: list[NDArray[Any]] = [rows.x.data, rows.x.indices, rows.x.indptr] if sparse else [rows.x]
    crc = zlib.crc32(repr(rows.x.shape).encode())
    for part in [*x, rows.y, rows.sample_weight]:
        if part is not None:
            part = np.ascontiguousarray(part)
            crc = zlib.crc32(part.reshape(-1).view(np.uint8).data, zlib.crc32(part.dtype.str.encode(), crc))
    return crc
