"""Generated texts kept in one JSON Lines file, so that a second run costs nothing."""

import hashlib
import json
from pathlib import Path

from skillsearch.errors import TrainingError
from skillsearch.tables import TextFile, json_lines
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import KINDS, Kind

__all__ = ["CachedTexts", "TextCache"]

CachedTexts = tuple[int, list[str]]
"""How many texts were asked for, and those that came."""

_FILE_LIMIT = 4 * 2**30  # bytes


class TextCache:
    """Answers of one generator by skill and kind, appended to the file as they come.

    Several runs and generators may use one file. A line that a killed run left unfinished is skipped.
    """

    def __init__(self, path: Path | None, generator: str) -> None:
        """Read the answers in a file, which the first answer makes; None keeps everything in memory.

        Raises:
            TrainingError: the file cannot be read, or holds something else.
        """
        self._path = path
        self._generator = generator
        self._answers = _read(path, generator) if path is not None and path.exists() else {}

    def get(self, skill: Skill, kind: Kind) -> CachedTexts | None:
        """The answer that is kept for a skill, or None."""
        return self._answers.get((_skill_key(skill), kind))

    def put(self, skill: Skill, kind: Kind, asked: int, texts: list[str]) -> None:
        """Keep an answer; it replaces one that was kept before.

        Raises:
            TrainingError: the file cannot be written.
        """
        key = _skill_key(skill)
        self._answers[key, kind] = asked, texts
        if self._path is None:
            return
        values = {"generator": self._generator, "skill": key, "kind": kind, "asked": asked, "texts": texts}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:  # one write for each line
                file.write(f"\n{json.dumps(values, ensure_ascii=False)}".encode())
        except OSError as error:
            raise TrainingError(f"the cache {self._path} cannot be written: {error.strerror}") from error


def _read(path: Path, generator: str) -> dict[tuple[str, Kind], CachedTexts]:
    answers: dict[tuple[str, Kind], CachedTexts] = {}
    broken: list[str] = []
    usable = 0
    try:
        file = TextFile.at(path, limit=_FILE_LIMIT, error_type=TrainingError)
        for record in json_lines(file, skip=lambda place, _problem: broken.append(place)):
            match record.values:
                case {
                    "generator": name,
                    "skill": key,
                    "kind": kind,
                    "asked": int(asked),
                    "texts": list(texts),
                }:
                    usable += 1
                    if name == generator and kind in KINDS and all(isinstance(text, str) for text in texts):
                        answers[str(key), kind] = asked, texts
                case _:
                    broken.append(record.place)
        if broken and not usable:
            raise file.error(f", {broken[0]}: not an answer of a generator")
    except TrainingError as error:
        raise TrainingError(
            f"{error}; {path} cannot be used as a cache of generated texts: delete it, or name another file"
        ) from error
    return answers


def _skill_key(skill: Skill) -> str:
    """A fingerprint of what a generator reads of a skill: a changed text is generated again."""
    text = "\0".join((skill.uri, skill.label, skill.description, skill.skill_type))
    return hashlib.sha256(text.encode()).hexdigest()
