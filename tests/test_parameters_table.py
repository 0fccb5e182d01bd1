"""docs/parameters.md names every parameter of the estimators, with its default."""

import inspect
from pathlib import Path

import pytest

from chainrule import MLPClassifier, MLPRegressor

TEXT = (Path(__file__).parents[1] / "docs" / "parameters.md").read_text(encoding="utf-8")
ROWS = {
    cells[1].strip(" `"): cells[2].strip()
    for cells in (line.split("|") for line in TEXT.splitlines() if line.startswith("| `"))
}


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_every_parameter_is_in_the_table(estimator):
    parameters = inspect.signature(estimator).parameters
    missing = [name for name in parameters if name not in ROWS]
    assert not missing
    for name, parameter in parameters.items():
        default = f'"{parameter.default}"' if isinstance(parameter.default, str) else repr(parameter.default)
        assert f"`{default}`" in ROWS[name], name


def test_the_table_has_no_others():
    known = {*inspect.signature(MLPClassifier).parameters, *inspect.signature(MLPRegressor).parameters}
    assert set(ROWS) <= known
