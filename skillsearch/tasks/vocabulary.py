"""Vocabulary of an index: what a normaliser of titles has to know of its occupations."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from skillsearch.characters import fold
from skillsearch.tasks.kept_files import kept_in
from skillsearch.tasks.names import Names
from skillsearch.words.titles import Vocabulary, read_acronyms, words_of

__all__ = ["kept_vocabulary", "vocabulary_of"]

_ACRONYM = re.compile(r"[A-Z]{2,5}")
_OFTEN: Final = 2  # concepts whose names say what an acronym stands for, at least


def kept_vocabulary(path: Path, build: str, names: Callable[[], Names], acronyms: Path | None) -> Vocabulary:
    """The vocabulary of a build, from a file where one keeps it: to read all names takes half a second.

    Args:
        path: of the file.
        build: the name of the build.
        names: reads those of occupations.
        acronyms: a file of more acronyms, which is read each time.

    Raises:
        ConfigurationError: the file of acronyms cannot be read.
    """
    kept = kept_in(path, build, lambda: _of_names(names()), read=_of_values, write=_values)
    return _with_acronyms(kept, acronyms)


def vocabulary_of(names: Names, acronyms: Path | None) -> Vocabulary:
    """The words and names of occupations, with the acronyms of their aliases, of the package and of a file.

    Raises:
        ConfigurationError: the file of acronyms cannot be read.
    """
    return _with_acronyms(_of_names(names), acronyms)


def _with_acronyms(vocabulary: Vocabulary, path: Path | None) -> Vocabulary:
    return replace(vocabulary, acronyms={**vocabulary.acronyms, **read_acronyms(path)})


def _of_names(names: Names) -> Vocabulary:
    words = Counter(word for key in names.by_spelling for word in words_of(key))
    concepts = {key: frozenset(name.uri for name in found) for key, found in names.by_spelling.items()}
    return Vocabulary(words, concepts, _acronyms(names))


def _values(vocabulary: Vocabulary) -> dict[str, Any]:
    """As JSON values, where a name has the places of its concepts' URIs."""
    uris = sorted(set[str]().union(*vocabulary.names.values()))
    places = {uri: place for place, uri in enumerate(uris)}
    names = {name: sorted(places[uri] for uri in found) for name, found in vocabulary.names.items()}
    return {
        "uris": uris,
        "names": names,
        "words": dict(vocabulary.words),
        "acronyms": dict(vocabulary.acronyms),
    }


def _of_values(values: Mapping[str, Any]) -> Vocabulary:
    uris = list(map(str, values["uris"]))
    names = {name: frozenset(uris[place] for place in found) for name, found in values["names"].items()}
    words = Counter({word: int(count) for word, count in values["words"].items()})
    return Vocabulary(words, names, {name: str(words) for name, words in values["acronyms"].items()})


def _acronyms(names: Names) -> dict[str, str]:
    """What acronyms in names stand for: words with these initials in another name of the same concept."""
    by_concept = defaultdict[str, list[str]](list)
    for name in names:
        by_concept[name.uri].append(name.text)
    votes = defaultdict[str, Counter[str]](Counter)
    for texts in by_concept.values():
        found = {word for text in texts for word in _ACRONYM.findall(text) if word in text.split()}
        if found:
            for acronym, words in _initials(texts):
                if acronym in found:
                    votes[acronym][words] += 1
    best = {acronym: counts.most_common(1)[0] for acronym, counts in votes.items()}
    return {acronym: words for acronym, (words, count) in best.items() if count >= _OFTEN}


def _initials(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Runs of two to five words in some texts, by their initials."""
    found = set()
    for text in texts:
        words = fold(text).split()
        for start in range(len(words)):
            for end in range(start + 2, min(start + 5, len(words)) + 1):
                run = words[start:end]
                found.add(("".join(word[0] for word in run).upper(), " ".join(run)))
    return found
