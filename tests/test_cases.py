"""Small inputs of kinds that users have reported, kept beside the project, with what is right for each."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from indexer.golden import read_golden
from indexer.read.esco import read_esco
from indexer.read.overlays import read_overlay
from indexer.read.plain import read_plain
from indexer.read.release import Release
from skillsearch.errors import SkillSearchError
from trainer.blend.judgements import read_judgements

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
READERS = ("esco", "plain", "judgements", "overlay", "golden")

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the collected cases are not beside the project")


def cases() -> list[dict[str, Any]]:
    if not CASES.exists():
        return []
    lines = (CASES / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["reader"] in READERS]


def facts(release: Release) -> dict[str, Any]:
    taxonomy = release.taxonomy
    skills, occupations = taxonomy.skills.values(), taxonomy.occupations.values()
    dropped = Counter[str]()
    for rows in release.skipped:
        if rows.unit == "row":
            dropped[Path(rows.file).name.partition("_")[0]] += rows.count
    return {
        "name": taxonomy.name,
        "skills": len(skills),
        "occupations": len(occupations),
        "relations": len(taxonomy.relations),
        "labels": [one.label for one in skills],
        "aliases": {one.label: sorted(one.alt_labels) for one in skills},
        "types": {one.label: one.skill_type for one in skills},
        "isco": {one.label: one.isco_group for one in occupations},
        "isco_codes": {uri: group.code for uri, group in taxonomy.isco_groups.items()},
        "dropped": dict(dropped),
        "dropped_like": " ".join([*map(str, release.skipped), *release.notes]),
    }


def read(reader: str, path: Path) -> dict[str, Any]:
    match reader:
        case "esco":
            return facts(read_esco([path]))
        case "plain":
            return facts(read_plain(path))
        case "judgements":
            benchmark = read_judgements(path)
            return {"titles": len(benchmark.queries), "pairs": sum(map(len, benchmark.qrels.values()))}
        case "overlay":
            overlay = read_overlay(path)
            return {"pins": len(overlay.pins), "hidden": len(overlay.hidden)}
        case _:
            return {"titles": len(read_golden(path).expected)}


def fits(found: Mapping[str, Any], name: str, expected: Any) -> bool:  # noqa: ANN401 - any JSON value
    match name:
        case "dropped_like":
            return re.search(expected, found[name]) is not None
        case "not_labels":
            return not set(expected) & set(found["labels"])
        case "labels":
            return set(expected) <= set(found["labels"])
        case "aliases":
            return all(found[name].get(label) == sorted(aliases) for label, aliases in expected.items())
        case "types" | "isco" | "isco_codes" | "dropped":
            return all(found[name].get(key) == value for key, value in expected.items())
        case _:
            return bool(found[name] == expected)


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case['id']} {case['kind']}")
def test_a_case_gives_what_is_right(case: dict[str, Any]) -> None:
    found, message = None, ""
    try:
        found = read(case["reader"], CASES / case["paths"][0])
    except SkillSearchError as error:
        message = str(error)
    if found is None:
        patterns = [pattern for option in case["ok"] for pattern in option.get("refuse", ())]
        assert any(re.search(pattern, message, re.IGNORECASE) for pattern in patterns), message
    else:
        options = [option["read"] for option in case["ok"] if "read" in option]
        assert any(all(fits(found, *item) for item in option.items()) for option in options), found
