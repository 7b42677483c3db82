"""Precision, recall and F1 of the concepts that `extract` gives for labelled sentences.

    python benchmarks/extraction.py --home HOME --skillskape dev.csv --every 4
    python benchmarks/extraction.py --home HOME --spans tech_validation_annotations.csv
    python benchmarks/extraction.py --home HOME --adverts FOLDER

SkillSkape has the columns sentence and skills, a list of labels, *UNK* where there is none. The other kind
has the columns sentence and label, a row for each span. Labels that the index does not have are never right.
A folder of adverts has expected.jsonl with the file, its skills (span, start, label, required) and texts that
must give no skill.
"""

import argparse
import ast
import csv
import json
import time
from collections import Counter, defaultdict
from pathlib import Path

from skillsearch import SkillSearch

NONE = {"UNK", "LABEL NOT PRESENT", "UNDERSPECIFIED"}


def read(skillskape: Path | None, spans: Path | None) -> dict[str, set[str]]:
    """The labels of each sentence."""
    found = defaultdict[str, set[str]](set)
    with (skillskape or spans or Path()).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            labels = set(ast.literal_eval(row["skills"])) if skillskape else {row["label"]}
            found[row["sentence"]] |= {label.strip() for label in labels - NONE}
    return found


def adverts(skills: SkillSearch, folder: Path) -> None:
    """Print how many of the expected skills are found at their places, and what else came of texts."""
    counts = Counter[str]()
    for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        given = (folder / case["file"]).read_bytes().decode()
        found = skills.extract(given)
        for wanted in case["skills"]:
            start, end = wanted["start"], wanted["start"] + len(wanted["span"])
            meets = [
                skill
                for skill in found.skills
                if any(one.start < end and start < one.end for one in skill.spans)
            ]
            if wanted["label"] is None:
                counts["unmatched wanted"] += 1
                counts["unmatched"] += any(one.start < end and start < one.end for one in found.unmatched)
                continue
            counts["wanted"] += 1
            right = [skill for skill in meets if skill.label == wanted["label"]]
            counts["found"] += bool(right)
            says = "required" if wanted["required"] else "optional"
            counts["requirement"] += any(skill.requirement == says for skill in right)
        for text in case["never"]:
            place = given.find(text)
            counts["never"] += place >= 0
            counts["broken"] += place >= 0 and any(
                one.start < place + len(text) and place < one.end
                for skill in found.skills
                if skill.requirement != "excluded"
                for one in skill.spans
            )
    print(  # noqa: T201 - a script's output
        f"skills {counts['found']} of {counts['wanted']}, their requirement {counts['requirement']}, "
        f"unmatched {counts['unmatched']} of {counts['unmatched wanted']}, "
        f"skills in texts that have none {counts['broken']} of {counts['never']}"
    )


def main() -> None:
    """Measure with the given thresholds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", required=True)
    parser.add_argument("--skillskape", type=Path)
    parser.add_argument("--spans", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every n-th sentence")
    parser.add_argument("--threshold", type=float, nargs="+", default=[0.5])
    parser.add_argument("--adverts", type=Path)
    given = parser.parse_args()
    if given.adverts:
        with SkillSearch.open(home=given.home, device="cpu") as skills:
            adverts(skills, given.adverts)
        return
    truth = read(given.skillskape, given.spans)
    sentences = list(truth)[:: given.every]
    with SkillSearch.open(home=given.home, device="cpu") as skills:
        skills.extract("You write reports about it.")
        for threshold in given.threshold:
            right = found = wanted = 0
            silent, start = [], time.perf_counter()
            for sentence in sentences:
                got = skills.extract(sentence, threshold=threshold).skills
                labels = {skill.label for skill in got if skill.requirement != "excluded"}
                right += len(labels & truth[sentence])
                found += len(labels)
                wanted += len(truth[sentence])
                if not truth[sentence]:
                    silent.append(not labels)
            seconds = time.perf_counter() - start
            precision, recall = right / max(found, 1), right / max(wanted, 1)
            f1 = 2 * precision * recall / max(precision + recall, 1e-9)
            share = f", silent without skills {sum(silent) / len(silent):.3f}" if silent else ""
            print(  # noqa: T201 - a script's output
                f"threshold {threshold}: P {precision:.3f}, R {recall:.3f}, F1 {f1:.3f}{share}, "
                f"{len(sentences)} sentences, {1000 * seconds / len(sentences):.0f} ms each"
            )


if __name__ == "__main__":
    main()
