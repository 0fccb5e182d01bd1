"""More machines than one: the estimators on a Dask cluster, with the bits of a fit on one machine."""

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"chainrule.dask needs Dask, which is not installed ({error}): pip install 'chainrule[dask]'"
    ) from None

from chainrule.dask.errors import ClusterError
from chainrule.dask.estimators import DaskMLPClassifier, DaskMLPRegressor
from chainrule.dask.tabular import DaskTabularClassifier, DaskTabularRegressor

__all__ = [
    "ClusterError",
    "DaskMLPClassifier",
    "DaskMLPRegressor",
    "DaskTabularClassifier",
    "DaskTabularRegressor",
]
