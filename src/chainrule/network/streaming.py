"""`Network.train` on rows that are read while it trains."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.model.arrays import as_floats
from chainrule.model.rows import Rows, as_rows
from chainrule.model.trainee import Trainee
from chainrule.optimizers import LBFGS
from chainrule.stream.rows import StreamedRows
from chainrule.stream.source import StreamSource
from chainrule.training.history import History
from chainrule.training.loop import train
from chainrule.training.settings import Settings


def train_stream(
    trainee: Trainee, stream: StreamedRows, y: Any, sample_weight: Any, settings: Settings
) -> History:
    """Train on a stream; `Network.train` and `ParquetRows` document the errors."""
    if y is not None or sample_weight is not None:
        given = "y" if y is not None else "sample_weight"
        raise TypeError(f"{given} is given beside ParquetRows, which have a column for it; leave it out")
    if isinstance(settings.optimizer, LBFGS):
        raise ValueError("LBFGS takes all rows at once, so ParquetRows are not for it; use another optimizer")
    architecture = trainee.architecture
    n = architecture.sizes[0]
    if len(stream.columns) != n:
        raise ValueError(
            f"the rows have {len(stream.columns)} columns; expected {n}, the inputs of the network"
        )
    stream.summary()

    def encode(x: NDArray[Any], y: NDArray[Any], weight: NDArray[np.float64] | None) -> Rows:
        rows = as_rows(architecture, x, y)
        if weight is None:
            return rows
        return rows._replace(sample_weight=as_floats(weight, trainee.dtype, "sample_weight"))

    sample = stream.sample()
    rows = encode(*sample)
    source = StreamSource(
        trainee,
        stream,
        encode,
        settings.batch_size,
        shuffle=settings.shuffle,
        n_blocks=settings.row_blocks,
        seed=trainee.seed,
        first_epoch=trainee.n_epochs,
    )
    return train(trainee, rows, settings, source=source)
