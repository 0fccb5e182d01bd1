"""Models leave for other programs, and enter from them. Names are loaded when first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.export.c import export_c
    from chainrule.export.onnx_model import to_onnx
    from chainrule.export.onnx_pipeline import register_onnx_converters
    from chainrule.export.scikit_learn import from_sklearn, to_sklearn
    from chainrule.export.torch_reading import from_torch
    from chainrule.export.torch_writing import to_torch

__all__ = [
    "export_c",
    "from_sklearn",
    "from_torch",
    "register_onnx_converters",
    "to_onnx",
    "to_sklearn",
    "to_torch",
]

_HOMES = {
    "export_c": "c",
    "from_sklearn": "scikit_learn",
    "from_torch": "torch_reading",
    "register_onnx_converters": "onnx_pipeline",
    "to_onnx": "onnx_model",
    "to_sklearn": "scikit_learn",
    "to_torch": "torch_writing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
