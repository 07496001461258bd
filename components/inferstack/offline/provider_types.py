"""Nested types of provider SDKs, defined one by one.

The types that a generated module's resources take and give lie in three files of it: 1.3 MB of source each for `pulumi_aws.ec2`, whose 900
classes take 0.1 s and 20 MiB, while a program needs a dozen. Here such a file is only looked through for where its classes stand. A class
is defined when it is asked for, from the same source in the same module, together with the classes that it mentions.
"""

from __future__ import annotations

import importlib.machinery
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, cast

INPUTS, OUTPUTS, ENUMS = "_inputs", "outputs", "_enums"
LEAST_CLASSES = {INPUTS: 40, OUTPUTS: 40, ENUMS: 1}
"""By file: with fewer classes it is run as a whole, as most are used and only the bytecode of whole files is cached. Enumerations are few
and long: `aws.ec2.InstanceType` has a thousand members."""
NAMED_AS_THEY_ARE = (INPUTS, ENUMS)
"""Star imports put these classes among a file's own names; outputs are named as `outputs.Something`."""
SPANS = "__spans__"
_CLASS = re.compile(rb"^(?:@[^\n]*\n)*class (\w+)", re.MULTILINE)


class Types(ModuleType):
    """A module of types that defines them when they are asked for."""

    stars_bring_all = True
    """False while a file of an SDK runs: what its star imports would bring is brought afterwards, as far as it is mentioned."""

    def __getattr__(self, name: str) -> Any:
        spans: dict[str, tuple[int, int]] = self.__dict__[SPANS]
        if name == "__all__" and self.stars_bring_all:
            return list(spans)
        if name not in spans:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        start, end = spans[name]
        path = Path(cast(str, self.__file__))
        with path.open("rb") as file:
            file.seek(start)
            source = file.read(end - start)
        run(self, compile(source, f"{path}:{name}", "exec", dont_inherit=True))
        return self.__dict__[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.__dict__[SPANS]]


class UserLoader(importlib.machinery.SourceFileLoader):
    """Runs a file that uses types of its package."""

    def exec_module(self, module: ModuleType) -> None:
        run(module, cast(CodeType, self.get_code(module.__name__)))


class TypesLoader(UserLoader):
    """Runs what comes before the classes, and notes where each of them stands."""

    def exec_module(self, module: ModuleType) -> None:
        source = self.get_data(self.path)
        found = list(_CLASS.finditer(source))
        if len(found) < LEAST_CLASSES[module.__name__.rpartition(".")[2]]:
            super().exec_module(module)
            return
        starts = [match.start() for match in found]
        run(module, compile(source[: starts[0]], self.path, "exec", dont_inherit=True))
        names = [match[1].decode() for match in found]
        if sorted(names) != sorted(module.__dict__.get("__all__", ())):
            # Not the file that a generator writes today.
            super().exec_module(module)
            return
        del module.__dict__["__all__"]
        module.__dict__[SPANS] = dict(zip(names, zip(starts, [*starts[1:], len(source)], strict=True), strict=True))
        module.__class__ = Types


def run(module: ModuleType, code: CodeType) -> None:
    """Run `code` of an SDK in `module`, and give the module the types of its package that the code mentions."""
    with _mentioned_later():
        exec(code, module.__dict__)
    package = module.__name__.rpartition(".")[0]
    beside = [sys.modules.get(f"{package}.{name}") for name in NAMED_AS_THEY_ARE]
    for types in beside:
        if isinstance(types, Types):
            for name in types.__dict__[SPANS].keys() & _mentions(code):
                if name not in module.__dict__:
                    module.__dict__[name] = getattr(types, name)


@contextmanager
def _mentioned_later() -> Generator[None]:
    before, Types.stars_bring_all = Types.stars_bring_all, False
    try:
        yield
    finally:
        Types.stars_bring_all = before


def _mentions(code: CodeType) -> set[str]:
    """Names that `code` uses, and texts in it that may be names: types in annotations are given as text."""
    return {*code.co_names, *_texts(code.co_consts)}


def _texts(constants: tuple[Any, ...]) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from _texts(cast("tuple[Any, ...]", constant))
        elif isinstance(constant, CodeType):
            yield from _mentions(constant)
