"""What can be wrong with a table and with a model of one."""


class TableError(ValueError):
    """A table that cannot be read, or does not have what was asked of it."""


class TableWarning(UserWarning):
    """Something in a table that a model had to make do with."""


class TrainingError(ValueError):
    """Training that came to nothing."""


class ParameterError(ValueError):
    """An unknown or invalid parameter.

    Parameters
    ----------
    problem : str
        What was given, and what was expected.
    parameter : str
        Its name in Python, if the problem does not begin with it; the command line names its option instead.
    """

    def __init__(self, problem: str, parameter: str = "") -> None:
        super().__init__(f"{parameter}: {problem}" if parameter else problem)
        self.problem = problem
        self.parameter = parameter
