"""Tables in, model files in and out. Names are loaded when first used, so that importing this is cheap."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.files.errors import ModelFileError
    from chainrule.files.models import load, save
    from chainrule.table_models.table_model import TableModel
    from chainrule.tables.errors import ParameterError, TableError, TableWarning, TrainingError
    from chainrule.tables.tables import read_table, write_table

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
    "ModelFileError": "chainrule.files.errors",
    "ParameterError": "chainrule.tables.errors",
    "TrainingError": "chainrule.tables.errors",
    "TableError": "chainrule.tables.errors",
    "TableModel": "chainrule.table_models.table_model",
    "TableWarning": "chainrule.tables.errors",
    "load": "chainrule.files.models",
    "read_table": "chainrule.tables.tables",
    "save": "chainrule.files.models",
    "write_table": "chainrule.tables.tables",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
