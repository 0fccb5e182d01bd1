"""From arguments to an exit code: a foreseeable failure is one line on standard error, no traceback."""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, TextIO

import typer

from chainrule.cli.app import app
from chainrule.cli.options import option_of
from chainrule.cli.output import degrade
from chainrule.files.errors import ModelFileError
from chainrule.tables.errors import ParameterError, TableError, TableWarning, TrainingError

TRACEBACK = "--traceback"
DATA_ERROR, USAGE_ERROR = 1, 2
INTERRUPTED, BROKEN_PIPE = 128 + signal.SIGINT, 128 + signal.SIGPIPE

# typer has no public name for the base of its errors about usage.
_UsageError: Any = typer.BadParameter.__mro__[1]


def run(arguments: Sequence[str]) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str
        Without the program's name.

    Returns
    -------
    int
        Exit code: 0, 1 for something wrong with a file or its data, 2 for the command line, 130 for Ctrl-C,
        141 where the reader of standard output went away.
    """
    degrade()
    trace = TRACEBACK in arguments  # wherever it stands, before or after the command
    arguments = [argument for argument in arguments if argument != TRACEBACK]
    command = typer.main.get_command(app)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        warnings.simplefilter("always", TableWarning)
        try:
            # Not command.main, which takes Ctrl-C and broken pipes for itself.
            with command.make_context("chainrule", list(arguments)) as context:
                command.invoke(context)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python would flush standard output once more at its exit, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        except typer.Exit as done:
            return int(done.exit_code)
        except (typer.Abort, KeyboardInterrupt) as stop:
            return _fail(f"interrupted; {str(stop) or 'nothing was written'}", INTERRUPTED, label="")
        except Exception as error:
            if trace:
                traceback.print_exc()
            return _fail(*_explained(error, arguments))
    return 0


def _fail(message: str, code: int, label: str = "error: ") -> int:
    print(label + " ".join(message.split()), file=sys.stderr)
    return code


def _explained(error: Exception, arguments: Sequence[str]) -> tuple[str, int]:
    """Return what is wrong in one line, and the exit code."""
    if isinstance(error, _UsageError):
        return _usage_message(error, arguments), USAGE_ERROR
    if isinstance(error, ParameterError):
        if not error.parameter:
            return str(error), USAGE_ERROR
        command = f"chainrule {arguments[0]}" if arguments else "chainrule"
        message = f"invalid value for '{option_of(error.parameter)}': {error.problem}; see {command} --help"
        return message, USAGE_ERROR
    if isinstance(error, ModelFileError | TableError | TrainingError):
        return str(error), DATA_ERROR
    if isinstance(error, OSError):
        return _system_message(error), DATA_ERROR
    if isinstance(error, MemoryError):
        return "there is not enough memory for this", DATA_ERROR
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"this should not have happened: {what}; {TRACEBACK} shows where it did", DATA_ERROR


def _usage_message(error: Any, arguments: Sequence[str]) -> str:
    message = error.format_message().rstrip(".")
    for option in getattr(getattr(error, "param", None), "opts", []):
        given = arguments[arguments.index(option) + 1] if option in arguments[:-1] else None
        if given is not None and given not in message:
            message += f", got {given!r}"
    path = error.ctx.command_path if error.ctx else "chainrule"
    return f"{message[:1].lower()}{message[1:]}; see {path} --help"


def _system_message(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"warning: {message}", file=sys.stderr)
