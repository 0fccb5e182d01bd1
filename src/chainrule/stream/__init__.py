"""More rows than memory: rows that are read while the engine trains on those before."""

from chainrule.stream.errors import StreamError, StreamWarning
from chainrule.stream.parquet import ParquetRows
from chainrule.stream.quantiles import QuantileSummary

__all__ = ["ParquetRows", "QuantileSummary", "StreamError", "StreamWarning"]
