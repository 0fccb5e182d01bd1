"""What goes wrong between machines."""


class ClusterError(RuntimeError):
    """The cluster cannot train: too few workers, a scheduler that is gone, rows that are lost."""
