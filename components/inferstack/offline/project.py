"""A Pulumi project and one of its stacks: where the program is, and the config that it gets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from ..stackfile.document import parse, read_text
from ..stackfile.finding import project_file, shown_path, stack_name
from ..stackfile.paths import printable
from ..stackfile.secrets import is_secure
from ..stackfile.untyped import is_list, is_mapping
from .passphrase import CannotDecrypt, Decrypter, passphrase
from .types import SECRET

_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


@dataclass(frozen=True, slots=True)
class Project:
    """What Pulumi.yaml says."""

    name: str
    root: Path
    program: Path
    """Folder of the program, or its file."""
    declared: Mapping[str, Any]
    """The `config` section: key, with or without namespace, to its declaration."""


@dataclass(slots=True)
class Config:
    """What a program reads with pulumi.Config: full keys to text, objects as JSON."""

    values: dict[str, str] = field(default_factory=dict[str, str])
    secret_keys: list[str] = field(default_factory=list[str])
    secret_texts: list[str] = field(default_factory=list[str])
    """Decrypted secrets, to be masked wherever they turn up."""
    undecrypted: str | None = None
    """Why secrets stand in as a placeholder; None where they were decrypted, or there are none."""


def load_project(folder: Path) -> Project:
    """The project of `folder` or of the nearest folder above it. Raises InputError."""
    path = project_file(folder)
    shown = shown_path(path)
    root = parse(read_text(path, shown), shown).root
    if not is_mapping(root) or not isinstance(root.get("name"), str):
        raise InputError([Problem("name", "is missing", nearest="a Pulumi.yaml begins with `name:` and `runtime: python`")], shown)
    runtime = root.get("runtime")
    language = runtime.get("name") if is_mapping(runtime) else runtime
    if language != "python":
        raise InputError([Problem("runtime", "is not python", language, "an offline preview runs programs in Python")], shown)
    declared = root.get("config")
    return Project(root["name"], path.parent, _program(path.parent, root.get("main"), shown), declared if is_mapping(declared) else {})


def _program(root: Path, main: Any, shown: str) -> Path:
    program = root / main if isinstance(main, str) else root
    entry = program / "__main__.py" if program.is_dir() else program
    if not entry.is_file():
        raise InputError([Problem("main", "has no __main__.py" if program.is_dir() else "does not exist", shown_path(program))], shown)
    return program


def load_config(project: Project, stack_path: Path) -> Config:
    """The config of the stack of `stack_path`, with the defaults of the project. Raises InputError with all problems."""
    shown = shown_path(stack_path)
    text = read_text(stack_path, shown)
    document = parse(text, shown)
    root: Any = {} if document.root is None else document.root
    if not is_mapping(root):
        raise InputError([Problem(shown, "is not a mapping of keys", nearest="a stack file begins with `config:`")])
    written = root.get("config")
    if written is not None and not is_mapping(written):
        raise InputError([Problem("config", "is not a mapping of keys", nearest="write one key per line")], shown)
    as_written = parse(text, shown, as_text=True).root
    config = Config()
    problems = list(document.problems)
    reader = _Reader(project, root, config)
    for key, value in (written or {}).items():
        try:
            reader.set(_full(key, project), value, as_written["config"][key])
        except CannotDecrypt as reason:
            problems.append(Problem(_full(key, project), f"cannot be decrypted: {reason}"))
    problems += _apply_declarations(project, stack_name(stack_path), written or {}, config)
    if problems:
        raise InputError(problems, shown)
    return config


class _Reader:
    """Turns values of a stack file into what a program gets."""

    def __init__(self, project: Project, root: Mapping[str, Any], config: Config) -> None:
        self._config = config
        self._salt = root.get("encryptionsalt")
        self._other = root.get("secretsprovider") or root.get("encryptedkey")
        self._decrypter: Decrypter | None = None
        self._tried = False

    def set(self, key: str, value: Any, as_written: Any) -> None:
        if is_secure(value):
            self._config.values[key] = self._decrypted(value["secure"])
            self._config.secret_keys.append(key)
        elif is_mapping(value) or is_list(value):
            if any(_secrets_in(value)):
                self._config.secret_keys.append(key)
            self._config.values[key] = _json(self._open(value))
        else:
            # Pulumi hands scalars on as they are written: 1.10 stays 1.10.
            self._config.values[key] = "" if value is None else str(as_written)

    def _open(self, value: Any) -> Any:
        """`value` with the secrets in it decrypted."""
        if is_secure(value):
            return self._decrypted(value["secure"])
        if is_mapping(value):
            return {key: self._open(item) for key, item in value.items()}
        return [self._open(item) for item in value] if is_list(value) else value

    def _decrypted(self, value: str) -> str:
        if not self._tried:
            self._tried = True
            self._decrypter = self._opened()
        if self._decrypter is None:
            return SECRET
        text = self._decrypter.decrypt(value)
        self._config.secret_texts.append(text)
        return text

    def _opened(self) -> Decrypter | None:
        if self._other or not isinstance(self._salt, str):
            self._config.undecrypted = "this stack's secrets are not encrypted with a passphrase"
            return None
        try:
            phrase = passphrase()
            if phrase is not None:
                return Decrypter(self._salt, phrase)
        except CannotDecrypt as reason:
            self._config.undecrypted = str(reason)
            return None
        self._config.undecrypted = "PULUMI_CONFIG_PASSPHRASE is not set"
        return None


def _apply_declarations(project: Project, stack: str, written: Mapping[str, Any], config: Config) -> Iterator[Problem]:
    """Fills in defaults, and says what the project declares and the stack does not keep."""
    given = {_full(key, project): value for key, value in written.items()}
    for declared, declaration in sorted(project.declared.items()):
        key = _full(declared, project)
        value, is_declared = _declared_value(declaration)
        if key not in given:
            if is_declared:
                config.values[key] = _config_text(value)
            elif key.startswith(f"{project.name}:"):
                yield Problem(key, f"is missing: Pulumi.yaml asks for it in every stack, and stack {stack} does not set it")
        elif is_mapping(declaration):
            yield from _broken_declaration(key, given[key], declaration)


def _declared_value(declaration: Any) -> tuple[Any, bool]:
    if not is_mapping(declaration):
        return declaration, declaration is not None
    for word in ("default", "value"):
        if declaration.get(word) is not None:
            return declaration[word], True
    return None, False


def _broken_declaration(key: str, value: Any, declaration: Mapping[str, Any]) -> Iterator[Problem]:
    if declaration.get("secret") is True and not is_secure(value):
        yield Problem(key, "must be encrypted, says Pulumi.yaml", nearest=f"set it with `pulumi config set --secret {key}`")
    wanted = declaration.get("type")
    if isinstance(wanted, str) and wanted in _TYPES and not is_secure(value) and not _fits(value, wanted):
        yield Problem(
            key, f"is not of type {wanted}, which Pulumi.yaml asks for", value if not is_mapping(value) and not is_list(value) else None
        )


def _fits(value: Any, wanted: str) -> bool:
    if isinstance(value, str) and wanted in ("object", "array", "integer", "boolean"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    if wanted == "string":
        return not is_mapping(value) and not is_list(value)
    if wanted == "integer" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[wanted])


def _full(key: str, project: Project) -> str:
    namespace, *rest = key.split(":")
    if not rest:
        return f"{project.name}:{printable(key)}"
    return f"{namespace}:{rest[1]}" if len(rest) == 2 and rest[0] == "config" else key


def _config_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(_as_go(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _as_go(value: Any) -> Any:
    """Go writes whole floats without a fraction."""
    if is_mapping(value):
        return {key: _as_go(item) for key, item in value.items()}
    if is_list(value):
        return [_as_go(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _secrets_in(value: Any) -> Iterator[bool]:
    if is_secure(value):
        yield True
    elif is_mapping(value):
        for item in value.values():
            yield from _secrets_in(item)
    elif is_list(value):
        for item in value:
            yield from _secrets_in(item)
