"""Write what the documents take from the program: docs/stack-file.md, docs/engines.md, and the output in README.md and docs/size.md.

`make docs` runs this.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from docs import claims, engine_page, published
from inferstack import stackfile

ROOT = Path(__file__).parents[1]
STACK_FILE_PAGE = ROOT / "docs" / "stack-file.md"
ENGINES_PAGE = ROOT / "docs" / "engines.md"
SIZE_PAGE = ROOT / "docs" / "size.md"
README = ROOT / "README.md"
CLAIMS_PAGE = ROOT / "docs" / "api-or-self-host.md"
COSTS_PAGE = ROOT / "docs" / "costs.md"

OUTPUT = re.compile(r"(?<=<!-- output: inferstack preview -s dev -->\n```\n).*?(?=```\n<!-- end of output -->)", re.DOTALL)
EXCERPTS = (
    ("inferstack ", "Node pools "),
    ("Resources ", "  │  │  "),
    ("  ├─ inferstack:index:GpuNodePool ", "Outputs "),
    ("Costs ", "  control plane "),
    ("  Total per month", "  Prices as of"),
    ("  Per service", None),
)
"""What is shown of a preview: from a line that begins with the first text up to one that begins with the second, or to the end."""


def readme(text: str, output: str) -> str:
    """`text` of the README with the excerpts of a preview's `output` in it, `...` between them."""
    lines = output.splitlines()
    parts = ["\n".join(_excerpt(lines, begin, end)).rstrip() + "\n" for begin, end in EXCERPTS]
    return OUTPUT.sub(lambda _: "...\n".join(parts), text)


def _excerpt(lines: list[str], begin: str, end: str | None) -> list[str]:
    first = next(index for index, line in enumerate(lines) if line.startswith(begin))
    if end is None:
        return lines[first:]
    return lines[first : next(index for index in range(first, len(lines)) if lines[index].startswith(end))]


WHOLE_OUTPUT = re.compile(r"(?<=<!-- output: inferstack )([^\n]*)( -->\n```\n).*?(?=```\n<!-- end of output -->)", re.DOTALL)


def with_output(text: str) -> str:
    """`text` of a page with what each of the commands in it prints, whole."""
    return WHOLE_OUTPUT.sub(lambda block: block[1] + block[2] + printed(*block[1].split()), text)


def printed(*arguments: str) -> str:
    """What `inferstack` prints into a pipe."""
    command = [sys.executable, "-c", "from inferstack.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> None:
    STACK_FILE_PAGE.write_text(stackfile.markdown(), encoding="utf-8")
    ENGINES_PAGE.write_text(engine_page.markdown(), encoding="utf-8")
    CLAIMS_PAGE.write_text(claims.page(CLAIMS_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    COSTS_PAGE.write_text(published.page(COSTS_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SIZE_PAGE.write_text(with_output(SIZE_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8"), printed("preview", "-s", "dev")), encoding="utf-8")


if __name__ == "__main__":
    main()
