"""Runs inside an environment that holds SGLang: the command lines of standard input through the parser of its server."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from sglang.srt.server_args import ServerArgs


def refusal(parser: ArgumentParser, args: list[str]) -> str | None:
    said = StringIO()
    try:
        with redirect_stderr(said):
            parser.parse_args(args)
    except SystemExit:
        return said.getvalue().strip().splitlines()[-1]
    return None


def main() -> None:
    parser = ArgumentParser()
    ServerArgs.add_cli_args(parser)
    refusals = [refusal(parser, args) for args in json.load(sys.stdin)]
    # Imports print what they like.
    Path(sys.argv[1]).write_text(json.dumps(refusals), encoding="utf-8")


if __name__ == "__main__":
    main()
