"""Names on a server that others use too: all begin with the prefix of one index.

```
<prefix>__skills__<build>         the collections of a build
<prefix>__occupations__<build>
<prefix>__skills                  the aliases of the published build
<prefix>__occupations
<prefix>__lock                    the collection of the lock
```

Versions before 0.2 had no prefix: ``skills__<build>``, alias ``skills``. Builds of that time are read,
and published ones served, until a build under the prefix is published.
"""

import re
from dataclasses import dataclass
from typing import Final

from skillsearch.errors import ConfigurationError
from skillsearch.store.base import Space

__all__ = ["EARLIER", "Names"]

_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the collections and aliases of one index.

    Attributes:
        prefix: what they begin with; empty for those of versions before 0.2.

    Raises:
        ConfigurationError: the prefix cannot be part of a name.
    """

    prefix: str

    def __post_init__(self) -> None:
        """Check the prefix."""
        if self.prefix and (not _PREFIX.fullmatch(self.prefix) or "__" in self.prefix):
            raise ConfigurationError(
                f"qdrant_prefix {self.prefix!r}: expected a letter or digit and then at most 63 letters of a "
                "to z, digits, dots, hyphens or single underscores"
            )

    def alias(self, space: Space) -> str:
        """The alias of the published collection of a space."""
        return f"{self.prefix}__{space}" if self.prefix else space

    def collection(self, space: Space, build: str) -> str:
        """The collection of a build."""
        return f"{self.alias(space)}__{build}"

    def build(self, collection: str) -> str | None:
        """The build whose skills a collection holds; None where the name is of something else."""
        start = f"{self.alias('skills')}__"
        return collection.removeprefix(start) if collection.startswith(start) else None

    @property
    def lock(self) -> str:
        """The collection of the lock."""
        return f"{self.prefix}__lock"


EARLIER: Final = Names("")
"""Those of versions before 0.2."""
