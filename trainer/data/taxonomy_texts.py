"""Texts of the taxonomy: descriptions as sentences, and in the product profile names and relations."""

from typing import Final

from skillsearch.taxonomy.records import Skill, Taxonomy
from skillsearch.taxonomy.texts import label_variants, titles_in
from trainer.data.generators.base import Kind
from trainer.data.sentences import split_sentences
from trainer.unified.manifest import Profile
from trainer.unified.nodes import GraphBuilder, normal_text, unusable

__all__ = ["TAXONOMY_ORIGIN", "Guard", "add_taxonomy", "description_sentences", "occupation_titles"]

TAXONOMY_ORIGIN: Final = "taxonomy"
"""Origin of the edges that the taxonomy itself gives."""


def add_taxonomy(builder: GraphBuilder, taxonomy: Taxonomy, profile: Profile) -> None:
    """Add descriptions as sentences; in the profile ``product`` also alternative labels as variants."""
    for uri, skill in taxonomy.skills.items():
        for sentence in description_sentences(skill):
            builder.add("sentences", sentence, (uri,), TAXONOMY_ORIGIN)
        for label in skill.alt_labels if profile == "product" else ():
            if _key(label) != _key(skill.label):
                builder.add("variants", label, (uri,), TAXONOMY_ORIGIN)


def description_sentences(skill: Skill) -> list[str]:
    """The whole description and, where it has several sentences, the first of them by itself.

    The first sentence says what the skill is, and is as long as a vacancy's; later ones often lean
    on what stands before them, so they are not taken alone.
    """
    whole = normal_text(skill.description)
    return list(dict.fromkeys(text for text in (whole, *split_sentences(whole)[:1]) if text))


def occupation_titles(taxonomy: Taxonomy) -> dict[str, set[str]]:
    """The skills that the taxonomy relates to each label and alias of an occupation; product profile only."""
    titles: dict[str, set[str]] = {}
    spelled: dict[str, str] = {}
    for uri, relations in taxonomy.relations_by_occupation.items():
        occupation = taxonomy.occupations[uri]
        for name in (*titles_in(occupation.label), *occupation.alt_labels):
            title = spelled.setdefault(_key(name), normal_text(name))
            titles.setdefault(title, set()).update(relation.skill for relation in relations)
    return titles


class Guard:
    """Keeps out of a workbench data set what a task of the benchmark tests.

    A generated text that is by chance another name of a skill, or a name of an occupation, is refused,
    whichever skill it was made for: refusing only the right pairs would teach that they are wrong.

    Attributes:
        name: the profile and the taxonomy, on which the refusals depend.
    """

    def __init__(self, taxonomy: Taxonomy, profile: Profile) -> None:
        skills, occupations = taxonomy.skills.values(), taxonomy.occupations.values()
        self.name = f"{profile}:{taxonomy.name}-{taxonomy.version}-{taxonomy.language}"
        self._labels = {_key(skill.label) for skill in skills}
        self._aliases: set[str] = set()
        self._occupations: set[str] = set()
        if profile == "workbench":
            self._aliases = {_key(name) for one in skills for name in (*one.alt_labels, *one.hidden_labels)}
            self._occupations = {
                _key(name)
                for one in occupations
                for name in (*label_variants(one.label), *one.alt_labels, *one.hidden_labels)
                if normal_text(name)
            }

    def refusal(self, kind: Kind, text: str) -> str | None:
        """Why a generated text is left out, or None."""
        key = _key(text)
        if reason := unusable(kind, normal_text(text)):
            return reason
        if kind == "titles" and key in self._occupations:
            return "title is the name of an occupation"
        if kind == "variants" and key in self._labels:
            return "variant is the label of a skill"
        if kind == "variants" and key in self._aliases:
            return "variant is an alternative label of a skill"
        return None

    def is_occupation(self, title: str) -> bool:
        """Whether a title is the name of an occupation whose relations are tested."""
        return _key(title) in self._occupations


def _key(text: str) -> str:
    return normal_text(text).casefold()
