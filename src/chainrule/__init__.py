"""Deep feed-forward networks by hand-derived backpropagation, at the speed of the CPU.

Public names are loaded when first used: ``import chainrule`` alone imports no other library.
"""

TYPE_CHECKING = False  # for type checkers as good as typing's, whose import would cost more than all of this
if TYPE_CHECKING:
    from chainrule import inputs, losses, reference, stream
    from chainrule.derive import derive
    from chainrule.estimators import MLPClassifier, MLPRegressor
    from chainrule.export.scikit_learn import from_sklearn
    from chainrule.export.torch_reading import from_torch
    from chainrule.files.models import load
    from chainrule.inspection import (
        GradientFlowDisplay,
        GradientRecorder,
        TrainingCurveDisplay,
        WeightsDisplay,
        diagnose,
        find_learning_rate,
    )
    from chainrule.network import Network
    from chainrule.network.many import train_many
    from chainrule.optimizers import LBFGS, SGD, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop, Rprop
    from chainrule.reference import gradcheck
    from chainrule.table_models.table_model import TableModel
    from chainrule.tabular.classifier import TabularClassifier
    from chainrule.tabular.regressor import TabularRegressor
    from chainrule.training import History
    from chainrule.training.schedules import (
        ConstantSchedule,
        CosineSchedule,
        CosLog4Schedule,
        ExponentialSchedule,
        FlatCosineSchedule,
        InverseTimeSchedule,
        OneCycleSchedule,
        PlateauSchedule,
        StepSchedule,
    )

    __version__: str

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ConstantSchedule",
    "CosLog4Schedule",
    "CosineSchedule",
    "ExponentialSchedule",
    "FlatCosineSchedule",
    "GradientFlowDisplay",
    "GradientRecorder",
    "History",
    "InverseTimeSchedule",
    "Lion",
    "MLPClassifier",
    "MLPRegressor",
    "Nadam",
    "Network",
    "OneCycleSchedule",
    "PlateauSchedule",
    "RMSprop",
    "Rprop",
    "StepSchedule",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
    "TrainingCurveDisplay",
    "WeightsDisplay",
    "__version__",
    "derive",
    "diagnose",
    "find_learning_rate",
    "from_sklearn",
    "from_torch",
    "gradcheck",
    "inputs",
    "load",
    "losses",
    "reference",
    "stream",
    "train_many",
]

_HOMES = {
    "LBFGS": "chainrule.optimizers",
    "SGD": "chainrule.optimizers",
    "Adagrad": "chainrule.optimizers",
    "Adam": "chainrule.optimizers",
    "AdamW": "chainrule.optimizers",
    "Lion": "chainrule.optimizers",
    "Nadam": "chainrule.optimizers",
    "RMSprop": "chainrule.optimizers",
    "Rprop": "chainrule.optimizers",
    "GradientFlowDisplay": "chainrule.inspection",
    "GradientRecorder": "chainrule.inspection",
    "History": "chainrule.training",
    "MLPClassifier": "chainrule.estimators",
    "MLPRegressor": "chainrule.estimators",
    "Network": "chainrule.network",
    "TableModel": "chainrule.table_models.table_model",
    "TabularClassifier": "chainrule.tabular.classifier",
    "TabularRegressor": "chainrule.tabular.regressor",
    "TrainingCurveDisplay": "chainrule.inspection",
    "WeightsDisplay": "chainrule.inspection",
    "diagnose": "chainrule.inspection",
    "find_learning_rate": "chainrule.inspection",
    "from_sklearn": "chainrule.export.scikit_learn",
    "from_torch": "chainrule.export.torch_reading",
    "gradcheck": "chainrule.reference",
    "load": "chainrule.files.models",
    "train_many": "chainrule.network.many",
    "ConstantSchedule": "chainrule.training.schedules",
    "CosLog4Schedule": "chainrule.training.schedules",
    "FlatCosineSchedule": "chainrule.training.schedules",
    "CosineSchedule": "chainrule.training.schedules",
    "ExponentialSchedule": "chainrule.training.schedules",
    "InverseTimeSchedule": "chainrule.training.schedules",
    "OneCycleSchedule": "chainrule.training.schedules",
    "PlateauSchedule": "chainrule.training.schedules",
    "StepSchedule": "chainrule.training.schedules",
}


if not TYPE_CHECKING:  # hidden from type checkers, so that they report unknown names

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        elif name in ("derive", "inputs", "losses", "reference", "stream"):  # the first can be called
            value = import_module(f"chainrule.{name}")
        elif name == "__version__":
            value = import_module("chainrule._version").version()
        else:
            import sys

            # With the module, from which Python takes its "Did you mean".
            message = f"module 'chainrule' has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[__name__])
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
