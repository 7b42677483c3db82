"""The manifest of a data set: taxonomy, profile, sources, counts."""

from typing import Any, Final, Literal, get_args

from pydantic import Field

from trainer.config import CountOrNone, Frozen

__all__ = ["PROFILES", "GraphManifest", "Profile", "Source"]

Profile = Literal["workbench", "product"]

PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)
"""``workbench`` leaves out all that a task of the benchmark tests; ``product`` takes everything."""


class Source(Frozen):
    """A file that went in, and the SHA-256 of its bytes; of a folder, of its files."""

    name: str
    digest: str


class GraphManifest(Frozen):
    """The origin of a data set.

    Attributes:
        schema_version: of the files; data sets of another version are refused.
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
        drops: texts that were left out, by reason.
        enrichment: what vacancies added; None without them.
    """

    schema_version: Literal[1] = 1
    taxonomy: str
    version: str
    language: str
    profile: Profile = "workbench"
    seed: int = 42
    sources: tuple[Source, ...] = ()
    generator: str | None = None
    encoder: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    counts: dict[str, CountOrNone] = Field(default_factory=dict)
    drops: dict[str, CountOrNone] = Field(default_factory=dict)
    enrichment: dict[str, Any] | None = None

    @property
    def release(self) -> str:
        """Taxonomy, version and language, such as ``esco 1.1.1 (en)``."""
        return f"{self.taxonomy} {self.version} ({self.language})"
