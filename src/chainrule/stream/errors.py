"""What goes wrong with rows that are read while training."""


class StreamError(ValueError):
    """Rows cannot be read, or not as numbers."""


class StreamWarning(UserWarning):
    """Rows can be read, but their order will teach less than a full shuffle."""
