"""What a taxonomy itself gives: descriptions as sentences, and in the product profile names and relations."""

from collections.abc import Iterator
from typing import Final

from skillsearch.taxonomy.records import Occupation, Skill, Taxonomy
from trainer.data.sentences import split_sentences
from trainer.unified.manifest import Profile
from trainer.unified.nodes import GraphBuilder, normal_text

__all__ = [
    "TAXONOMY_ORIGIN",
    "Guard",
    "add_taxonomy",
    "description_sentences",
    "occupation_names",
    "occupation_titles",
]

TAXONOMY_ORIGIN: Final = "taxonomy"
"""Of the edges that the taxonomy itself gives."""


def add_taxonomy(builder: GraphBuilder, taxonomy: Taxonomy, profile: Profile) -> None:
    """Add descriptions as sentences; in the profile ``product`` also alternative labels as variants."""
    for uri, skill in taxonomy.skills.items():
        for sentence in description_sentences(skill):
            builder.add("sentences", sentence, (uri,), TAXONOMY_ORIGIN)
        if profile == "product":
            for label in skill.alt_labels:
                if _key(label) != _key(skill.label):
                    builder.add("variants", label, (uri,), TAXONOMY_ORIGIN)


def description_sentences(skill: Skill) -> list[str]:
    """The whole description and, where it has several sentences, the first of them by itself.

    The first sentence says what the skill is, and is as long as a vacancy's; later ones often lean
    on what stands before them, so they are not taken alone.
    """
    whole = normal_text(skill.description)
    return list(dict.fromkeys(text for text in (whole, *split_sentences(whole)[:1]) if text))


def occupation_names(occupation: Occupation) -> Iterator[str]:
    """Everything that an occupation is called, white space folded."""
    for name in (occupation.label, *occupation.alt_labels, *occupation.hidden_labels):
        if folded := normal_text(name):
            yield folded


def occupation_titles(taxonomy: Taxonomy) -> dict[str, set[str]]:
    """The skills that the taxonomy relates to each label and alias of an occupation; product profile only."""
    titles: dict[str, set[str]] = {}
    spelled: dict[str, str] = {}
    for uri, relations in taxonomy.relations_by_occupation.items():
        occupation = taxonomy.occupations[uri]
        for name in (occupation.label, *occupation.alt_labels):
            title = spelled.setdefault(_key(name), normal_text(name))
            titles.setdefault(title, set()).update(relation.skill for relation in relations)
    return titles


class Guard:
    """Keeps out of a workbench data set what a task of the benchmark tests.

    A generated text that is by chance an alternative or hidden label of a skill, or a name of an
    occupation, is left out, whichever skill it was made for: leaving out only the right pairs would
    teach that they are wrong.
    """

    def __init__(self, taxonomy: Taxonomy, profile: Profile) -> None:
        self._profile = profile
        self._labels = {_key(skill.label) for skill in taxonomy.skills.values()}
        self._aliases: dict[str, set[str]] = {}
        self._needed_by: dict[str, set[str]] = {}
        if profile != "workbench":
            return
        for uri, skill in taxonomy.skills.items():
            for label in (*skill.alt_labels, *skill.hidden_labels):
                self._aliases.setdefault(_key(label), set()).add(uri)
        for uri, occupation in taxonomy.occupations.items():
            skills = {relation.skill for relation in taxonomy.relations_by_occupation.get(uri, ())}
            for name in occupation_names(occupation):
                self._needed_by.setdefault(_key(name), set()).update(skills)

    def against_variant(self, skill: Skill, text: str) -> str | None:
        """Why a generated variant of a skill is left out, or None."""
        key = _key(text)
        if key == _key(skill.label):
            return "variant is the skill's own label"
        if key in self._labels:
            return "variant is the label of another skill"
        if key in self._aliases:
            own = skill.uri in self._aliases[key]
            return f"variant is an alternative label of {'the same' if own else 'another'} skill"
        return None

    def against_title(self, skill: Skill, text: str) -> str | None:
        """Why a generated title for a skill is left out, or None."""
        needed = self._needed_by.get(_key(text))
        if needed is None:
            return None
        return (
            f"title is an occupation {'that needs the skill' if skill.uri in needed else 'of the taxonomy'}"
        )

    def is_occupation(self, title: str) -> bool:
        """Whether a title is the name of an occupation whose relations are tested."""
        return _key(title) in self._needed_by


def _key(text: str) -> str:
    return normal_text(text).casefold()
