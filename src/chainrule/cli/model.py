"""Models for commands that need the columns of a table."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.table_models.table_model import TableModel


def load_table_model(path: str | os.PathLike[str]) -> "TableModel":
    """Load a model that `chainrule fit` saved; ModelFileError for one that knows no columns."""
    from chainrule.files.errors import ModelFileError
    from chainrule.files.models import load
    from chainrule.table_models.table_model import TableModel

    model = load(path)
    if not isinstance(model, TableModel):
        raise ModelFileError(
            f"{os.fspath(path)} holds a {type(model).__name__}, which knows no columns; expected a model "
            "that `chainrule fit` saved"
        )
    return model
