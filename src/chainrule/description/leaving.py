"""The methods by which models leave: thin, so that a model's class need not know any format."""

import os
from typing import TYPE_CHECKING, Any

from chainrule.description.verbs import verb

if TYPE_CHECKING:
    import onnx
    import torch


class Leaving:
    """`save`, `to_onnx` and `export_c` for every kind of model."""

    __slots__ = ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the model as one safetensors file, without pickle; `chainrule.load(path)` returns it.

        Parameters
        ----------
        path : str or path-like
            File to write; it appears whole or not at all. Opening such a file runs no code.

        Raises
        ------
        TypeError
            For settings that JSON cannot hold.
        ValueError
            Where a parameter is not finite.
        OSError
            Where the file cannot be written.
        """
        verb("save")(self, path)

    def to_onnx(self, path: str | os.PathLike[str] | None = None, *, dtype: Any = None) -> "onnx.ModelProto":
        """Turn the model into an ONNX graph; see `chainrule.export.to_onnx`, which takes pipelines too.

        Parameters
        ----------
        path : str or path-like, optional
            File to write; it appears whole or not at all.
        dtype : {"float32", "float64"}, optional
            In which the graph computes; by default the model's own.

        Returns
        -------
        proto : onnx.ModelProto
            The graph, also where it was written.
        """
        proto: onnx.ModelProto = verb("to_onnx")(self, path, dtype=dtype)
        return proto

    def export_c(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        header: str | os.PathLike[str] | None = None,
        dtype: Any = None,
    ) -> None:
        """Write one C99 file without dependencies; see `chainrule.export.export_c`.

        Parameters
        ----------
        path : str or path-like
            File to write; it appears whole or not at all.
        name : str, optional
            What the function is called, followed by "_predict"; by default the file's name.
        header : str or path-like, optional
            A header to write beside it, with the declarations; the C file does not need it.
        dtype : {"float32", "float64"}, optional
            In which everything is computed, taken and given; by default the network in the model's own, what
            is scaled before or after it in double.
        """
        verb("export_c")(self, path, name=name, header=header, dtype=dtype)


class LeavingNetwork(Leaving):
    """What networks and estimators can do beside: they have no columns of a table before them."""

    __slots__ = ()

    def to_torch(self) -> "torch.nn.Sequential":
        """Build PyTorch modules with a copy of the numbers; see `chainrule.export.to_torch`.

        Returns
        -------
        module : torch.nn.Sequential
            In evaluation mode. A classifier's gives logits.
        """
        module: torch.nn.Sequential = verb("to_torch")(self)
        return module
