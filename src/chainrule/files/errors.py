"""What can be wrong with a model file."""


class ModelFileError(ValueError):
    """A file that is no model, is damaged, or was written by a newer version."""
