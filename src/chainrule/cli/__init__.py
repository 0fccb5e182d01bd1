"""The command line: one file per command. `main` is what the `chainrule` program calls."""

import sys


def main() -> None:
    """Run the command of `sys.argv` and exit with its code: 0, 1 for data, 2 for usage, 130 for Ctrl-C."""
    try:
        from chainrule.cli.run import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)
