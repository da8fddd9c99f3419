"""``reelscore``: finds the command, runs it, and turns what goes wrong into one line and an exit code.

Exit codes: 0 done, 1 the job failed, 2 used wrongly, 130 stopped by the keyboard.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from pipeline import __version__
from pipeline.cli.console import quiet, say
from pipeline.errors import JobError, UsageError

#: The commands in the order of ``--help``; each is a module of this package with HELP, add_arguments() and run().
COMMANDS = (
    "run",
    "extract",
    "fit",
    "derive",
    "index",
    "search",
    "inspect",
    "rejects",
    "verify",
    "compact",
    "sample",
    "weights",
    "doctor",
)


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line, and leaves the usage to ``--help``."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    top = OneLineParser(
        prog="reelscore",
        description="Turns videos into a dataset of features and an index that can be searched.",
        epilog="`reelscore COMMAND --help` tells more of a command. Start with: reelscore sample clips",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"reelscore {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"pipeline.cli.{name}")
        sub = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP[0].upper() + module.HELP[1:] + ".",
            epilog=getattr(module, "EPILOG", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(sub)
        sub.add_argument("--verbose", action="store_true", help="show the log of libraries, and the trace of an error")
        sub.set_defaults(module=module, takes_beam_options=getattr(module, "TAKES_BEAM_OPTIONS", False))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    top = parser()
    options, rest = top.parse_known_args(arguments)
    if rest and not options.takes_beam_options:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    options.beam = rest
    quiet(options.verbose)
    try:
        return int(options.module.run(options) or 0)
    except KeyboardInterrupt:
        say("reelscore: stopped; the same command again goes on where it was")
        return 130
    except BrokenPipeError:
        # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        return 1
    except Exception as error:
        if options.verbose:
            traceback.print_exc()
        say(f"reelscore: {_line(error)}")
        return 2 if isinstance(error, UsageError) else 1


def _line(error: Exception) -> str:
    """What a person should read of an error, in one line."""
    if isinstance(error, (UsageError, JobError)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]} (--verbose shows where)"


if __name__ == "__main__":
    sys.exit(main())
