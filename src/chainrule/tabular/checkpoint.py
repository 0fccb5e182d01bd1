"""Checkpoints of a fit of many networks: those that are finished need not be trained again."""

import math
import os
import time
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.estimators.warning import warn
from chainrule.files import models
from chainrule.files.atomic import check_writable
from chainrule.files.errors import ModelFileError
from chainrule.tabular.recipes import Recipe
from chainrule.tabular.training import Candidate, Data, Finished

KIND = "tabular_checkpoint"
#: Seconds between two writes, at least.
EVERY = 10.0


class Unfinished:
    """What `chainrule.load` makes of such a file: an error that says what to do with it."""

    @classmethod
    def _from_state(cls, tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> "Unfinished":
        raise ModelFileError(
            "the file is a checkpoint of a fit of many networks, and no model: fit with the same data and"
            " settings, checkpoint= this file and resume=True, and save the estimator"
        )


class Checkpoint:
    """The file of one fit.

    It holds the parameters of each network at the ends of its cycles, once its stage is done; what was on its
    way is trained again, from its first weights, to the same bits.

    Parameters
    ----------
    path : str or path-like
    settings : dict
        What must be the same to go on.
    data : Data
        Rows that networks are trained on; a checksum of them is kept.
    last : int
        The epoch after which a network is done.

    Raises
    ------
    OSError
        Where the file cannot be written.
    ModelFileError
        Where a file stands there that is none of ours.
    """

    def __init__(self, path: Any, settings: dict[str, Any], data: Data, last: int) -> None:
        self.path, self.settings, self.last = os.fspath(path), settings, last
        check_writable(self.path)
        if os.path.exists(self.path) and os.path.getsize(self.path) and not models.is_model_file(self.path):
            raise ModelFileError(
                f"{self.path} exists and is no model file, so no checkpoint replaces it; remove it, or choose"
                " another path"
            )
        self.data = _checksum(data)
        self._when, self._n_kept = -math.inf, 0

    def resume(self, candidates: list[Candidate]) -> int:
        """Give networks what the file has of them; return to how many. Without a file there are none.

        Raises
        ------
        ValueError
            Where the file is damaged or of another kind (`ModelFileError`), or belongs to other rows or
            settings.
        """
        if not os.path.exists(self.path):
            return 0
        kind, tensors, state = models.read_state(self.path)
        if kind != KIND:
            raise ModelFileError(
                f"{self.path} holds a {kind}, and no checkpoint of a tabular estimator; remove it, or choose"
                " another path"
            )
        with models.checking(self.path, kind):
            then, crc, kept = dict(state["settings"]), int(state["data"]), list(state["networks"])
        others = [
            f"{name}={then.get(name)!r} (now {value!r})"
            for name, value in self.settings.items()
            if then.get(name) != value
        ]
        if others:
            raise ValueError(
                f"{self.path} belongs to a fit with {', '.join(others)}. Give the same settings to go on, or"
                " fit without resume=True to begin again."
            )
        if crc != self.data:
            raise ValueError(
                f"{self.path} belongs to a fit of other rows (X, y, sample_weight or the validation rows"
                " differ). Give the same rows to go on, or fit without resume=True to begin again."
            )
        with models.checking(self.path, kind):
            found = [(candidates[int(one["place"])], one, self._finished(one, tensors)) for one in kept]
            for candidate, one, finished in found:
                self._restore(candidate, one, finished)
        return len(kept)

    def _finished(self, one: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> list[tuple[int, Any]]:
        return [(int(epoch), tensors[_name(int(one["place"]), int(epoch))]) for epoch in one["finished"]]

    def _restore(self, candidate: Candidate, one: dict[str, Any], finished: list[tuple[int, Any]]) -> None:
        recipe = Recipe.from_state(one["recipe"])
        candidate.recipe, candidate.trials, candidate.failed = recipe, int(one["trials"]), bool(one["failed"])
        candidate.finished.clear()
        flat = candidate.network._trainee.flat
        first = flat.copy()
        for epoch, parameters in finished:
            if parameters.shape != flat.shape or parameters.dtype != flat.dtype:
                raise ValueError(f"a network has {parameters.shape} parameters, expected {flat.shape}")
            flat[:] = parameters
            outputs = candidate.network(candidate.watched)
            candidate.finished.append(Finished(epoch, parameters.copy(), outputs))
        if not finished:
            flat[:] = first
        candidate.epoch = int(one["epoch"])

    def cycle_ends(self, candidates: list[Candidate], *, now: bool = False) -> None:
        """Write the file if there is more to keep, and some seconds have passed since it was written."""
        done = [
            k for k, one in enumerate(candidates) if one.failed or (one.finished and one.epoch == self.last)
        ]
        if not now and (len(done) == self._n_kept or time.monotonic() - self._when < EVERY):
            return
        tensors: dict[str, NDArray[Any]] = {}
        networks = []
        for place in done:
            one = candidates[place]
            networks.append(
                {
                    "place": place,
                    "epoch": one.epoch,
                    "recipe": one.recipe.to_state(),
                    "trials": one.trials,
                    "failed": one.failed,
                    "finished": [finished.epoch for finished in one.finished],
                }
            )
            tensors |= {_name(place, finished.epoch): finished.parameters for finished in one.finished}
        state = {"settings": self.settings, "data": self.data, "networks": networks}
        try:
            models.write_state(KIND, tensors, state, self.path)
        except OSError as error:
            warn(f"The checkpoint could not be written: {error}. Training goes on.")
        self._when, self._n_kept = time.monotonic(), len(done)


def _checksum(data: Data) -> int:
    crc = 0
    for part in (
        data.x,
        data.y,
        data.weights,
        data.x_watched,
        *(rows for split in data.splits for rows in split),
    ):
        if part is not None:
            part = np.ascontiguousarray(part)
            crc = zlib.crc32(f"{part.dtype.str}{part.shape}".encode(), crc)
            crc = zlib.crc32(part.reshape(-1).view(np.uint8).data, crc)
    return crc


def _name(place: int, epoch: int) -> str:
    return f"networks.{place}.{epoch}"
