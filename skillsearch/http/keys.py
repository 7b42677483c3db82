"""API keys: who may read, and who may judge too; only their hashes are kept."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from skillsearch.errors import ConfigurationError

__all__ = ["ANYBODY", "Caller", "Keys", "Role", "new_key"]

Role = Literal["read", "judge"]

_LINE: Final = re.compile(r"(?P<name>[\w.@-]{1,64}):(?P<role>[a-z]+):(?P<hash>[0-9a-f]{64})", re.ASCII)
_PREFIX: Final = "sk_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the name of the key, and what it may do."""

    name: str
    role: Role

    @property
    def may_judge(self) -> bool:
        """Whether judgements are taken from them."""
        return self.role == "judge"


ANYBODY: Final = Caller("local", "judge")
"""Who calls a service without keys, which listens on its own machine alone."""


@dataclass(frozen=True)
class Keys:
    """The callers that are known, by the hash of their key; without any, everybody is."""

    _callers: dict[str, Caller] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self._callers)

    def caller(self, key: str | None) -> Caller | None:
        """Whose key this is; None where it is nobody's."""
        if not self._callers:
            return ANYBODY
        given = _hash(key or "")
        found = None
        for known, caller in self._callers.items():  # all of them: the time tells nothing
            if hmac.compare_digest(known, given):
                found = caller
        return found

    @classmethod
    def load(cls, file: Path | None, lines: str | None) -> "Keys":
        """Read keys from a file and from a text.

        Raises:
            ConfigurationError: the file cannot be read, has no key, or a line is not ``name:role:hash``.
        """
        found: dict[str, Caller] = {}
        if file is not None:
            try:
                text = file.expanduser().read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"the keys in {file} cannot be read: {error}") from error
            found |= _read(text.splitlines(), str(file))
            if not found:
                raise ConfigurationError(
                    f"{file} has no key: make one with `skillsearch serve --new-key judge:NAME`"
                )
        return cls(found | _read((lines or "").split(), "SKILLSEARCH_SERVE_KEYS"))


def new_key(name: str, role: str) -> tuple[str, str]:
    """A new key, and the line that a file of keys has for it.

    Raises:
        ConfigurationError: the name or the role cannot be used.
    """
    key = _PREFIX + secrets.token_urlsafe(32)
    line = f"{name}:{role}:{_hash(key)}"
    _read([line], "the new key")
    return key, line


def _read(lines: Iterable[str], source: str) -> dict[str, Caller]:
    """Callers by hash; messages name lines by number, and never quote them."""
    found: dict[str, Caller] = {}
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if not match or match["role"] not in get_args(Role):
            raise ConfigurationError(
                f"{source}, key {number}: expected name:role:hash, with a name of letters and digits, the "
                "role read or judge, and the SHA-256 of the key; `skillsearch serve --new-key judge:NAME` "
                "makes one"
            )
        found[match["hash"]] = Caller(match["name"], match["role"])  # type: ignore[arg-type] # checked
    return found


def _hash(key: str) -> str:
    """SHA-256; a key has 256 random bits, so that a slow hash adds nothing."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
