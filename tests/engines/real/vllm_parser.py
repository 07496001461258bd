"""Runs inside an environment that holds vLLM: the command lines of standard input through the parser of `vllm serve`."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.utils.argparse_utils import FlexibleArgumentParser


def refusal(parser: FlexibleArgumentParser, args: list[str]) -> str | None:
    said = StringIO()
    try:
        with redirect_stderr(said):
            parser.parse_args(["serve", *args])
    except SystemExit:
        return said.getvalue().strip().splitlines()[-1]
    return None


def main() -> None:
    parser = FlexibleArgumentParser()
    ServeSubcommand().subparser_init(parser.add_subparsers(dest="subparser"))
    refusals = [refusal(parser, args) for args in json.load(sys.stdin)]
    # Imports print what they like.
    Path(sys.argv[1]).write_text(json.dumps(refusals), encoding="utf-8")


if __name__ == "__main__":
    main()
