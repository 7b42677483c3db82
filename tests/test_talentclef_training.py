"""TalentCLEF training files as a taxonomy, whole and broken."""

import json
import zipfile
from pathlib import Path

import pytest

from skillsearch.errors import TaxonomyError
from trainer.data.talentclef import read_training_files

ROWS = "job/1\tskill/1\tessential\njob/1\tskill/2\toptional\njob/2\tskill/1\tessential\n"
JOBS = {"job/1": ["baker", "bread  maker", "baker"], "job/2": ["cook"], "job/3": ["idle job"]}
SKILLS = {"skill/1": ["use ovens", "operate ovens"], "skill/2": ["knead dough"]}


def folder(tmp_path: Path, **contents: str) -> Path:
    files = {
        "job2skill.tsv": ROWS,
        "jobid2terms.json": json.dumps(JOBS),
        "skillid2terms.json": json.dumps(SKILLS),
    }
    for name, text in contents.items():
        files[name.replace("__", ".")] = text
    path = tmp_path / "training"
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_files_become_a_taxonomy(tmp_path: Path) -> None:
    taxonomy, skipped = read_training_files(folder(tmp_path))
    assert skipped == {}
    assert (taxonomy.name, taxonomy.version) == ("talentclef", "training")
    baker = taxonomy.occupations["job/1"]
    assert (baker.label, baker.alt_labels) == ("baker", ("bread maker",))
    assert taxonomy.skills["skill/1"].alt_labels == ("operate ovens",)
    assert [(r.occupation, r.skill, r.kind) for r in taxonomy.relations] == [
        ("job/1", "skill/1", "essential"),
        ("job/1", "skill/2", "optional"),
        ("job/2", "skill/1", "essential"),
    ]
    assert set(taxonomy.relations_by_occupation) == {"job/1", "job/2"}


def test_a_zip_a_header_and_rows_to_drop(tmp_path: Path) -> None:
    unknown = "job/9\tskill/1\toptional\njob/1\tskill/9\toptional\njob/1\tskill/1\toptional\n"
    rows = f"job_id\tskill_id\trel_type\n{ROWS}{unknown}"
    plain = folder(tmp_path, job2skill__tsv=rows)
    path = tmp_path / "TaskB.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in plain.iterdir():
            archive.write(file, f"TaskB/training/{file.name}")
    taxonomy, skipped = read_training_files(path)
    assert len(taxonomy.relations) == 3
    assert skipped == {"job without terms": 1, "skill without terms": 1, "relation given before": 1}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("job2skill__tsv", "job/1\tskill/1\n", r"job2skill\.tsv, line 1: found 2 columns"),
        ("job2skill__tsv", ROWS + "job/1\tskill/1\tmaybe\n", "line 4: unknown relation 'maybe'"),
        ("job2skill__tsv", "", "no relation of a job and a skill"),
        ("jobid2terms__json", "{", r"jobid2terms\.json cannot be read as JSON"),
        ("jobid2terms__json", "[" * 100_000, r"jobid2terms\.json cannot be read as JSON"),
        ("jobid2terms__json", r'{"job/1": ["baker \ud83d"]}', r"jobid2terms\.json cannot be read as JSON"),
        ("jobid2terms__json", "[]", "expected lists of names by id"),
        (
            "skillid2terms__json",
            '{"skill/1": "use ovens"}',
            "skill/1: input should be a valid list, found 'use ovens'",
        ),
        ("skillid2terms__json", '{"skill/1": [" "]}', "skill/1 has no name"),
    ],
)
def test_a_broken_file_is_told(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=message):
        read_training_files(folder(tmp_path, **{name: text}))


def test_a_missing_or_doubled_file_is_told(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "again").mkdir()
    (path / "again" / "job2skill.tsv").write_text(ROWS)
    with pytest.raises(TaxonomyError, match=r"job2skill\.tsv is there 2 times"):
        read_training_files(path)
    (path / "again" / "job2skill.tsv").unlink()
    (path / "jobid2terms.json").unlink()
    with pytest.raises(TaxonomyError, match=r"jobid2terms\.json is missing"):
        read_training_files(path)
    (tmp_path / "not.zip").write_bytes(b"PK no zip")
    with pytest.raises(TaxonomyError, match=r"not\.zip cannot be read"):
        read_training_files(tmp_path / "not.zip")
    (path / "jobid2terms.json").write_bytes(b"{\xff\xfe}")
    with pytest.raises(TaxonomyError, match=r"jobid2terms\.json.* is not UTF-8"):
        read_training_files(path)
