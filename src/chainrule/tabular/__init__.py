"""Strong models of tables by default: many small networks side by side, chosen and averaged."""

from chainrule.tabular.classifier import TabularClassifier
from chainrule.tabular.members import Member
from chainrule.tabular.regressor import TabularRegressor

__all__ = ["Member", "TabularClassifier", "TabularRegressor"]
