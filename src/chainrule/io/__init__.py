"""Tables in, model files in and out. Names are loaded when first used, so that importing this is cheap."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.io.errors import ModelFileError, ParameterError, TableError, TableWarning, TrainingError
    from chainrule.io.models import load, save
    from chainrule.io.table_model import TableModel
    from chainrule.io.tables import read_table, write_table

__all__ = [
    "ModelFileError",
    "ParameterError",
    "TableError",
    "TableModel",
    "TableWarning",
    "TrainingError",
    "load",
    "read_table",
    "save",
    "write_table",
]

_HOMES = {
    "ModelFileError": "errors",
    "ParameterError": "errors",
    "TrainingError": "errors",
    "TableError": "errors",
    "TableModel": "table_model",
    "TableWarning": "errors",
    "load": "models",
    "read_table": "tables",
    "save": "models",
    "write_table": "tables",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
