"""The concepts that a release brings, as payloads."""

from collections.abc import Sequence

from skillsearch.store.base import Payload, Space
from skillsearch.store.schema import occupation_payload, skill_payload
from skillsearch.taxonomy.records import Taxonomy

__all__ = ["Target"]


class Target:
    """Payloads of a taxonomy by space and URI, made when they are asked for, since all are large."""

    def __init__(self, taxonomy: Taxonomy, *, alias_weight: float) -> None:
        """Wrap a taxonomy; `alias_weight` is that of the encoder."""
        self.taxonomy = taxonomy
        self._alias_weight = alias_weight

    def uris(self, space: Space) -> Sequence[str]:
        """In the release's order."""
        return list(self.taxonomy.skills if space == "skills" else self.taxonomy.occupations)

    def has(self, space: Space, uri: str) -> bool:
        """Whether the release has a concept."""
        return uri in (self.taxonomy.skills if space == "skills" else self.taxonomy.occupations)

    def payload(self, space: Space, uri: str) -> Payload:
        """The payload of a concept, with both hashes."""
        if space == "skills":
            skill = self.taxonomy.skills[uri]
            return skill_payload(self.taxonomy, skill, alias_weight=self._alias_weight)
        return occupation_payload(self.taxonomy, self.taxonomy.occupations[uri])
