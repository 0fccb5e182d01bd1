"""`chainrule export`: a model for another program."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.options import check_name


class Format(StrEnum):
    """Formats by the ending of their files."""

    onnx = "onnx"
    c = "c"


def command(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Model that `chainrule fit` or `save` wrote.")
    ],
    to: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="By default what the ending of FILE says: .onnx or .c."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="C only: the function is called NAME_predict; by default after FILE.", metavar="NAME"
        ),
    ] = None,
    header: Annotated[
        Path | None, typer.Option(metavar="FILE", help="C only: a header to write beside it.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(metavar="TYPE", help="float32 or float64; by default the model's.")
    ] = None,
) -> None:
    """Write MODEL, with its preprocessing and its class labels, for a program without chainrule.

    onnx: a graph for ONNX Runtime. c: one C99 file that needs nothing but a compiler.
    """
    form = form or _by_ending(to)
    if name is not None and form is not Format.c:
        raise typer.BadParameter("only a C file has a function to be named", param_hint="'--name'")
    if header is not None and form is not Format.c:
        raise typer.BadParameter("only a C file has a header", param_hint="'--header'")
    if dtype is not None:
        check_name(dtype, ("float32", "float64"), "--dtype")

    from chainrule.export import export_c, to_onnx
    from chainrule.files.atomic import check_writable
    from chainrule.files.errors import ModelFileError
    from chainrule.files.models import load

    for path in filter(None, (to, header)):
        check_writable(path)
        if path.exists() and model.exists() and path.samefile(model):
            raise ModelFileError(f"{path} is read by this command, expected another name for what it writes")
    loaded = load(model)
    try:
        if form is Format.c:
            export_c(loaded, to, name=name, header=header, dtype=dtype)
        else:
            to_onnx(loaded, to, dtype=dtype)
    except (ImportError, NotImplementedError, TypeError, ValueError) as error:
        raise ModelFileError(f"{model} cannot be exported: {error}") from None
    for path in filter(None, (to, header)):
        print(f"{path}: {path.stat().st_size:,} bytes")


def _by_ending(to: Path) -> Format:
    ending = to.suffix.lower().removeprefix(".")
    if ending not in list(Format):
        known = ", ".join(f".{one}" for one in Format)
        raise typer.BadParameter(
            f"{to} has none of the endings {known}; --format says what to write", param_hint="'--to'"
        )
    return Format(ending)
