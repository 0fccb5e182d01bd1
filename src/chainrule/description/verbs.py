"""Where the methods live that models have but do not do themselves: exports, saving, HTML.

What exports or draws models stands above them and may know them; a model knows only the name of a method
here. The module is imported when the method is called.
"""

from importlib import import_module
from typing import Any

#: The method (of a kind of model, where two differ), and the module and function that do it.
HOMES = {
    "save": ("chainrule.files.models", "save"),
    "to_onnx": ("chainrule.export.onnx_model", "to_onnx"),
    "export_c": ("chainrule.export.c.document", "export_c"),
    "to_torch": ("chainrule.export.torch_writing", "to_torch"),
    "network_html": ("chainrule.inspection.html", "network_html"),
    "estimator_html": ("chainrule.inspection.html", "estimator_html"),
}


def verb(name: str) -> Any:
    """Import the function that a method stands for.

    Examples
    --------
    >>> verb("save").__module__
    'chainrule.files.models'
    """
    module, function = HOMES[name]
    return getattr(import_module(module), function)
