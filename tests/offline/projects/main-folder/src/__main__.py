"""A program in a folder of its own."""

from pathlib import Path

import pulumi

pulumi.export("cwd", Path.cwd().name)


async def main() -> dict[str, str]:
    return {"from": "pulumi.run"}


pulumi.run(main)
