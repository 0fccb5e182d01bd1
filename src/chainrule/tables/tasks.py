"""Which task a column poses."""

from typing import Literal

import numpy as np
import pyarrow as pa

from chainrule.tables.errors import TableError
from chainrule.tables.values import is_number, is_text, to_numbers

Task = Literal["classification", "regression"]
TASKS: tuple[Task, ...] = ("classification", "regression")

#: Whole numbers of at most this many different values are taken as classes.
MAX_NUMBER_CLASSES = 20


def infer_task(name: str, values: pa.ChunkedArray) -> tuple[Task, str]:
    """Return the task that a column without missing values poses, and why.

    Text, booleans and dictionaries are classes, and so are whole numbers of at most 20 different values;
    other numbers are quantities.

    Examples
    --------
    >>> infer_task("price", pa.chunked_array([[1.5, 2.0]]))
    ('regression', 'its values are numbers')
    """
    found = values.type
    if pa.types.is_dictionary(found):
        return "classification", "its values are categories"
    if is_text(found):
        return "classification", "its values are text"
    if pa.types.is_boolean(found):
        return "classification", "its values are true or false"
    if is_number(found):
        numbers = to_numbers(name, values)
        if not (numbers == np.floor(numbers)).all():
            return "regression", "its values are numbers"
        if len(np.unique(numbers)) <= MAX_NUMBER_CLASSES:
            return (
                "classification",
                f"its values are whole numbers, at most {MAX_NUMBER_CLASSES} different ones",
            )
        return "regression", f"its values are whole numbers, more than {MAX_NUMBER_CLASSES} different ones"
    raise TableError(f"the target {name!r} has values of type {found}, expected numbers, booleans or text")
