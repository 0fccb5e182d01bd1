"""The commands and their help. Each command's file loads what it computes with only when it runs."""

from typing import Annotated

import typer

from chainrule.cli import derive, evaluate, explain, export, fit, gradcheck, info, predict


def _version(wanted: bool) -> None:
    if wanted:
        import chainrule

        print(f"chainrule {chainrule.__version__}")
        raise typer.Exit


app = typer.Typer(
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train deep feed-forward networks on tables, on this machine's CPU.",
    epilog="Exit codes: 0 done, 1 something is wrong with a file or its data, 2 with the command line.",
)


@app.callback(invoke_without_command=True)
def program(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="After any command: show where in the program an error arose.")
    ] = False,
) -> None:
    """Show the help where no command is given."""
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (fit, predict, evaluate, explain, export, info, derive, gradcheck):
    app.command(command.__name__.rpartition(".")[2])(command.command)
