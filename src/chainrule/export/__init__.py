"""Models leave for other programs, and enter from them. Names are loaded when first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.export.c import export_c
    from chainrule.export.onnx_model import to_onnx
    from chainrule.export.onnx_pipeline import register_onnx_converters

__all__ = ["export_c", "register_onnx_converters", "to_onnx"]

_HOMES = {"export_c": "c", "register_onnx_converters": "onnx_pipeline", "to_onnx": "onnx_model"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
