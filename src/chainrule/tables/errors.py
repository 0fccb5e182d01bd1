"""What can be wrong with a table and with a model of one."""


class TableError(ValueError):
    """A table that cannot be read, or does not have what was asked of it."""


class TableWarning(UserWarning):
    """Something in a table that a model had to make do with."""


class TrainingError(ValueError):
    """Training that came to nothing."""


class ParameterError(ValueError):
    """A parameter of the network that no estimator has, or with a value that it cannot have."""
