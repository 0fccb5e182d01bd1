import pytest


@pytest.fixture(autouse=True)
def no_windows():
    """Draw in memory, and close every figure afterwards."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")
