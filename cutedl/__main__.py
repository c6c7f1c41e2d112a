"""The command line: `python -m cutedl COMMAND ...`, also installed as `cutedl`."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from cutedl.commands import datasets, evaluate, report, summary, train
from cutedl.commands.answer import complaint, remark
from cutedl.errors import CutedlError
from cutedl.version import __version__

__all__ = ["main"]

_COMMANDS = {"train": train, "evaluate": evaluate, "report": report, "summary": summary, "datasets": datasets}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 refused, failed or interrupted; wrong usage exits with 2.

    The result goes to stdout, as text or with --json as one line of JSON; progress, remarks and errors go to stderr.
    """
    args = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *rest: print(f"cutedl: warning: {message}", file=sys.stderr)
            answer = _COMMANDS[args.command].run(args)
        print(answer.json() if args.json else answer.text, flush=True)
    except BrokenPipeError:  # the reader has gone, as `| head` does: nothing more to say, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("cutedl: interrupted", file=sys.stderr)
        return 1
    except (CutedlError, OSError, MemoryError) as error:
        remark(complaint(error))
        return 1
    return 0 if answer.complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cutedl", description="Train, measure and report without writing code.")
    parser.add_argument("--version", action="version", version=f"cutedl {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in _COMMANDS.items():
        one = commands.add_parser(name, help=command.HELP, description=command.HELP.capitalize() + ".")
        command.add_arguments(one)
        one.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
