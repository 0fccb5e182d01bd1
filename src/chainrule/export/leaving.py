"""The methods by which models leave: thin, so that a model's class need not know any format."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    import torch


class Leaving:
    """`to_onnx` and `export_c` for every kind of model."""

    __slots__ = ()

    def to_onnx(self, path: str | os.PathLike[str] | None = None) -> onnx.ModelProto:
        """Turn the model into an ONNX graph; see `chainrule.export.to_onnx`, which takes pipelines too.

        Parameters
        ----------
        path : str or path-like, optional
            File to write; it appears whole or not at all.

        Returns
        -------
        onnx.ModelProto
        """
        from chainrule.export.onnx_model import to_onnx

        return to_onnx(self, path)

    def export_c(self, path: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Write one C99 file without dependencies; see `chainrule.export.export_c`.

        Parameters
        ----------
        path : str or path-like
            File to write; it appears whole or not at all.
        name : str, optional
            What the function is called, followed by "_predict"; by default the file's name.
        """
        from chainrule.export.c import export_c

        export_c(self, path, name=name)


class LeavingNetwork(Leaving):
    """What networks and estimators can do beside: they have no columns of a table before them."""

    __slots__ = ()

    def to_torch(self) -> torch.nn.Sequential:
        """Build PyTorch modules with a copy of the numbers; see `chainrule.export.to_torch`.

        Returns
        -------
        torch.nn.Sequential
            In evaluation mode. A classifier's gives logits.
        """
        from chainrule.export.torch_writing import to_torch

        return to_torch(self)
