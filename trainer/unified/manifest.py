"""What a data set says about itself: taxonomy, profile, sources, counts."""

import json
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skillsearch.errors import TrainingError

__all__ = ["PROFILES", "SCHEMA_VERSION", "GraphManifest", "Profile", "Source", "parse_manifest"]

Profile = Literal["workbench", "product"]

PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)
"""``workbench`` leaves out all that a task of the benchmark tests; ``product`` takes everything."""

SCHEMA_VERSION: Final = 1
"""Of the files; data sets of another version are refused."""

Count = Annotated[int, Field(ge=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Frozen):
    """A file that went in, and the SHA-256 of its bytes; of a folder, of its files."""

    name: str
    digest: str


class GraphManifest(_Frozen):
    """Where a data set comes from.

    Attributes:
        taxonomy: name of the taxonomy, such as ``esco``.
        version: of the taxonomy.
        language: of the taxonomy, such as ``en``.
        profile: ``workbench`` or ``product``.
        seed: of whatever was drawn.
        sources: the files that went in.
        generator: of the synthetic texts, with its version and settings; None where there are none.
        encoder: that tagged sentences and merged titles; None where none did.
        options: other settings that the result depends on.
        counts: nodes and edges by origin.
        drops: what was left out, by reason.
        schema_version: of the files.
    """

    taxonomy: str
    version: str
    language: str
    profile: Profile = "workbench"
    seed: int = 42
    sources: tuple[Source, ...] = ()
    generator: str | None = None
    encoder: str | None = None
    options: dict[str, Any] = {}
    counts: dict[str, Count] = {}
    drops: dict[str, Count] = {}
    enrichment: dict[str, Any] | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def release(self) -> str:
        """Taxonomy, version and language, such as ``esco 1.1.1 (en)``."""
        return f"{self.taxonomy} {self.version} ({self.language})"


def parse_manifest(text: str, name: str) -> GraphManifest:
    """Read a manifest; `name` is the file's, for messages.

    Raises:
        TrainingError: it is not JSON, of another schema version, or a value is missing or wrong.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise TrainingError(f"{name} is not JSON: {error}; build the data set again") from error
    if not isinstance(values, dict) or "schema_version" not in values:
        raise TrainingError(f"{name} is not the manifest of a data set: it has no schema_version")
    if values["schema_version"] != SCHEMA_VERSION:
        raise TrainingError(
            f"{name}: schema version {values['schema_version']!r}, this program reads {SCHEMA_VERSION}: "
            "build the data set again with `skillsearch data build`"
        )
    try:
        return GraphManifest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise TrainingError(f"{name}: {where}: {first['msg']}, found {first['input']!r}") from error
