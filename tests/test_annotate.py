"""Many at once: files in and out, rows that fail, kills, full disks, Ray and Spark."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import SKILLSEARCH, Done, run, run_process
from indexing import index_taxonomy

from skillsearch import SkillSearch
from skillsearch.batch import AnnotateReport, AnnotateRequest, Annotator, annotate
from skillsearch.batch.arrow import added_columns
from skillsearch.batch.local import run_local
from skillsearch.errors import AnnotationError, ConfigurationError, QueryError, SkillSearchError, StoreError
from skillsearch.models.pair import locate_models
from skillsearch.settings import Settings, load_settings
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.tasks import NORMALIZE_TITLE, TASKS, TEXT_TO_SKILLS, TITLE_TO_SKILLS, Task
from skillsearch.taxonomy.records import Taxonomy

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def titles(taxonomy: Taxonomy) -> list[str]:
    return [occupation.label for occupation in taxonomy.occupations.values()]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy, exported_models: Path) -> Path:
    """A home with a published index of the sample, for models that need no torch."""
    folder = tmp_path_factory.mktemp("annotate")
    store = EmbeddedStore(folder / "index")
    index_taxonomy(taxonomy, locate_models(str(exported_models)).load_encoder(device="cpu"), store)
    store.close()
    return folder


@pytest.fixture
def settings(home: Path, exported_models: Path) -> Settings:
    return load_settings(home=home, models=str(exported_models), device="cpu")


def write_csv(path: Path, titles: Sequence[str]) -> Path:
    lines = [f'{number},"{title}"' for number, title in enumerate(titles)]
    path.write_text("id,job title\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def do(
    source: Path, output: Path, settings: Settings, task: Task[..., object] = NORMALIZE_TITLE, **more: object
) -> AnnotateReport:
    column = str(more.pop("column", "job title"))
    workers = more.pop("workers", 1)
    return annotate(AnnotateRequest(source, column, task, output, settings, workers=workers, **more))  # type: ignore[arg-type]


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rows_of_a_table_get_the_columns_of_their_results(
    tmp_path: Path, settings: Settings, titles: list[str]
) -> None:
    source = write_csv(tmp_path / "jobs.csv", titles[:20])
    report = do(source, tmp_path / "out.parquet", settings, options={"limit": 2})
    assert (report.rows, report.failures, report.resumed, report.failed) == (20, 0, 0, None)
    rows = pq.read_table(report.output).to_pylist()
    assert [row["job title"] for row in rows] == titles[:20]
    assert [row["id"] for row in rows] == [str(number) for number in range(20)]
    with SkillSearch.open(settings) as client:
        for row, title in zip(rows, titles, strict=False):
            found = client.normalize_title(title, limit=2)
            assert row["recognised"] is found.recognised
            assert [hit["uri"] for hit in row["hits"]] == [hit.uri for hit in found]
            assert row["hits"][0]["isco"] == found[0].isco
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == [
        "jobs.csv",
        "out.parquet",
    ]
    about = json.loads(pq.read_schema(report.output).metadata[b"skillsearch"])
    assert (about["task"], about["build"]) == ("normalize-title", report.build)


def test_rows_that_fail_stand_beside_the_others_with_the_reason(tmp_path: Path, settings: Settings) -> None:
    source = tmp_path / "jobs.jsonl"
    source.write_text(
        "\n".join(
            (
                '{"title": "baker", "n": 1}',
                '{"title": 7, "n": 2}',
                '{"title": "", "n": 3}',
                "not JSON",
                '{"n": 5}',
                '{"title": "half \\ud83d", "n": 6}',
                '{"title": "#REF!", "n": 7}',
                '{"title": "' + "x" * 400 + '", "n": 8}',
                '{"title": "painter", "n": 9.5, "more": [1, {"a": "é"}]}',
            )
        ),
        encoding="utf-8",
    )
    report = do(
        source, tmp_path / "out.jsonl", settings, TITLE_TO_SKILLS, column="title", options={"limit": 1}
    )
    assert (report.rows, report.failures) == (9, 7)
    assert report.failed == tmp_path / "out.failed.jsonl"
    kept = lines_of(report.output)
    assert [row["n"] for row in kept] == [1, 9.5]
    assert kept[1]["more"] == [1, {"a": "é"}]
    assert isinstance(kept[0]["hits"], list)
    failed = lines_of(report.failed)
    assert [row["place"] for row in failed] == [f"line {number}" for number in range(2, 9)]
    reasons = [
        "is text, found 7",
        "is empty",
        "not valid JSON",
        "is empty",
        "surrogate",
        "is empty",
        "at most 300",
    ]
    for row, reason in zip(failed, reasons, strict=True):
        assert reason in str(row["error"])
    assert failed[0]["row"] == {"title": 7, "n": 2}
    table = pq.read_table(
        do(source, tmp_path / "out.parquet", settings, column="title").output, columns=["title", "n", "more"]
    )
    assert (table.schema.field("title").type, table.schema.field("n").type) == (pa.string(), pa.float64())
    assert json.loads(table["more"].to_pylist()[-1]) == [1, {"a": "é"}]


def test_columns_of_parquet_keep_their_types_and_names(
    tmp_path: Path, settings: Settings, titles: list[str]
) -> None:
    given = pa.table(
        {
            "job title": pa.array(titles[:5]).dictionary_encode(),
            "when": pa.array([datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 6)]),
            "hits": pa.array([[1], [2, 3], None, [], [4]]),
        }
    )
    (tmp_path / "jobs").mkdir()
    pq.write_table(given.slice(0, 2), tmp_path / "jobs" / "part-0.parquet")
    pq.write_table(given.slice(2), tmp_path / "jobs" / "part-1.parquet")
    table = pq.read_table(do(tmp_path / "jobs", tmp_path / "out.parquet", settings).output)
    assert table.select(given.column_names).equals(given)
    assert table["skillsearch_hits"].to_pylist()[0][0]["rank"] == 1
    rows = lines_of(do(tmp_path / "jobs", tmp_path / "out.jsonl", settings).output)
    assert rows[0]["when"] == "2026-01-01T00:00:00+00:00"


def test_adverts_keep_their_places(tmp_path: Path, settings: Settings, taxonomy: Taxonomy) -> None:
    skill = next(skill for skill in taxonomy.skills.values() if len(skill.label.split()) > 2)
    advert = f"\r\n  Baker wanted.\n\nYou will need to {skill.label} every day.\n"
    source = tmp_path / "adverts.jsonl"
    source.write_text(json.dumps({"text": advert}), encoding="utf-8")
    (row,) = lines_of(do(source, tmp_path / "out.jsonl", settings, TEXT_TO_SKILLS, column="text").output)
    spans = {one["uri"]: one["spans"] for one in row["skills"]}  # type: ignore[attr-defined, index]
    place = spans[skill.uri][0]
    assert advert[place["start"] : place["end"]] == place["text"] == skill.label


@pytest.mark.parametrize("name", sorted({*TASKS} - {"suggest", "compare", "concept"}))
def test_every_task_of_one_input_has_columns(name: str) -> None:
    fields = added_columns(TASKS[name], ["hits"])
    names = [field.name for field in fields]
    assert "hits" not in names
    hits = next(field.type.value_type for field in fields if field.name in ("skillsearch_hits", "skills"))
    assert {"uri", "label"} <= {field.name for field in hits}
    assert not {"timings", "versions", "links", "description"} & {*names, *(field.name for field in hits)}


def test_a_run_that_is_killed_goes_on_where_it_stopped(
    tmp_path: Path, home: Path, exported_models: Path, titles: list[str]
) -> None:
    source = write_csv(tmp_path / "jobs.csv", [f"{title} {n}" for n in range(20) for title in titles])
    output = tmp_path / "out.jsonl"
    command = [
        *("annotate", str(source), "--column", "job title", "--task", "normalize-title"),
        *("--output", str(output), "--workers", "2", "--json"),
    ]
    environment = {"SKILLSEARCH_MODELS": str(exported_models), "SKILLSEARCH_DEVICE": "cpu"}
    process = subprocess.Popen(
        [SKILLSEARCH, *command],
        env={**os.environ, **environment, "SKILLSEARCH_HOME": str(home)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    partial = tmp_path / "out.jsonl.partial"
    wait_until(lambda: partial.exists() and partial.read_bytes().count(b"\n") > 100, process)
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    wait_until(lambda: not children_of(process.pid))
    assert not output.exists()
    with partial.open("ab") as file:
        file.write(b'{"result": {"hits": [')  # as a kill in the middle of a write leaves it
    done = run_process(*command, home=home, **environment)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert 100 <= report["resumed"] < report["rows"] == 20 * len(titles)
    assert [row["id"] for row in lines_of(output)] == [str(number) for number in range(report["rows"])]
    assert not partial.exists()
    for row in lines_of(output):
        assert row["searched"], row


def wait_until(condition: object, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 120
    while not condition():  # type: ignore[operator]
        assert process is None or process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(session: int) -> list[str]:
    """The processes of a session that are left."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc")
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if of == str(session) and state != "Z":
            found.append(stat.parent.name)
    return found


def test_what_was_begun_otherwise_is_not_gone_on_with(
    tmp_path: Path, settings: Settings, titles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = write_csv(tmp_path / "jobs.csv", titles[:40]), tmp_path / "out.jsonl"
    stop_after(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        do(source, output, settings)
    monkeypatch.undo()
    write_csv(source, titles[1:41])
    with pytest.raises(
        AnnotationError, match=r"out.jsonl.partial was begun with another content: .*--overwrite"
    ):
        do(source, output, settings)
    with pytest.raises(AnnotationError, match="begun with another"):
        do(source, output, settings.model_copy(update={"clean_titles": False}))
    assert do(source, output, settings, overwrite=True).resumed == 0
    assert [row["job title"] for row in lines_of(output)] == titles[1:41]
    with pytest.raises(AnnotationError, match="is there already: --overwrite replaces it"):
        do(source, output, settings)


def stop_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    calls = iter(range(batches))
    work = Annotator.__call__

    def answer(self: Annotator, texts: Sequence[object]) -> object:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return work(self, texts)

    monkeypatch.setattr(Annotator, "__call__", answer)


def test_rows_done_are_not_done_again(
    tmp_path: Path, settings: Settings, titles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = write_csv(tmp_path / "jobs.csv", titles[:40]), tmp_path / "out.jsonl"
    stop_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        do(source, output, settings)
    monkeypatch.undo()
    seen: list[object] = []
    work = Annotator._answer

    def answer(self: Annotator, text: object) -> object:
        seen.append(text)
        return work(self, text)

    monkeypatch.setattr(Annotator, "_answer", answer)
    assert do(source, output, settings).resumed == 32
    assert seen == titles[32:40]
    assert [row["job title"] for row in lines_of(output)] == titles[:40]


@pytest.mark.parametrize(
    ("name", "content", "column", "problem"),
    [
        ("jobs.csv", b"", "title", "no header at all"),
        ("jobs.csv", b"title\n", "title", "no rows"),
        ("jobs.csv", b"title;pay\nbaker;1\n", "job", "name the column with --column"),
        ("jobs.csv", b"title\nb\xe4cker\n", "title", "is not UTF-8"),
        ("jobs.csv", b"PK\x03\x04 xl/", "title", "a spreadsheet"),
        ("jobs.jsonl", b"", "title", "no rows"),
        ("jobs.jsonl", b'{"name": "baker"}\n', "title", "no row has a 'title'; found name"),
        ("jobs.parquet", b"", "title", "not a Parquet file, or damaged"),
        ("jobs.parquet", b"PAR1 and no more", "title", "not a Parquet file, or damaged"),
        ("jobs.xlsx", b"PK", "title", "expected a .csv"),
    ],
)
def test_a_source_that_cannot_be_used(
    name: str, content: bytes, column: str, problem: str, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SkillSearchError, match=problem):
        do(tmp_path / name, tmp_path / "out.jsonl", settings, column=column)
    assert not (tmp_path / "out.jsonl").exists()
    assert not (tmp_path / "out.jsonl.partial").exists()


def test_parquet_that_cannot_be_used(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "jobs.parquet"
    with pytest.raises(AnnotationError, match="no such file"):
        do(path, tmp_path / "out.jsonl", settings)
    pq.write_table(pa.table({"n": [1]}), path)
    with pytest.raises(AnnotationError, match="no column 'job title'; found n"):
        do(path, tmp_path / "out.jsonl", settings)
    with pytest.raises(AnnotationError, match="column n: int64, expected text"):
        do(path, tmp_path / "out.jsonl", settings, column="n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match=r"a folder without \.parquet files"):
        do(tmp_path / "empty", tmp_path / "out.jsonl", settings)
    pq.write_table(pa.table({"job title": ["baker"] * 5000}), path)
    data = path.read_bytes()
    path.write_bytes(data[:20] + bytes(20) + data[40:])
    with pytest.raises(AnnotationError, match="cannot be read"):
        do(path, tmp_path / "out.jsonl", settings)


def test_wrong_options_are_told_before_work_begins(
    tmp_path: Path, settings: Settings, titles: list[str]
) -> None:
    source = write_csv(tmp_path / "jobs.csv", titles[:3])
    with pytest.raises(ConfigurationError, match=r"expected a name that ends in \.parquet"):
        do(source, tmp_path / "out.csv", settings)
    (tmp_path / "out.parquet").mkdir()
    with pytest.raises(AnnotationError, match="is a folder"):
        do(source, tmp_path / "out.parquet", settings)
    with pytest.raises(QueryError, match="limit"):
        do(source, tmp_path / "out.jsonl", settings, options={"limit": 0})
    with pytest.raises(ConfigurationError, match="workers is at least 1"):
        do(source, tmp_path / "out.jsonl", settings, workers=0)
    with pytest.raises(ConfigurationError, match="engine is one of local, ray"):
        do(source, tmp_path / "out.jsonl", settings, engine="spark")
    assert not (tmp_path / "out.jsonl.partial").exists()


def test_a_full_disk_loses_nothing(
    tmp_path: Path, home: Path, exported_models: Path, settings: Settings, titles: list[str]
) -> None:
    source, output = write_csv(tmp_path / "jobs.csv", titles[:60]), tmp_path / "out.jsonl"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        f"sys.argv = ['skillsearch', 'annotate', {str(source)!r}, '--column', 'job title', '--task', "
        f"'normalize-title', '--output', {str(output)!r}, '--workers', '1']\n"
        "from skillsearch.cli.app import main; main()"
    )
    environment = {
        "SKILLSEARCH_HOME": str(home),
        "SKILLSEARCH_MODELS": str(exported_models),
        "SKILLSEARCH_DEVICE": "cpu",
        "COLUMNS": "300",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "out.jsonl.partial cannot be written: File too large; the answers to" in done.stderr
    report = do(source, output, settings)
    assert 0 < report.resumed < 60
    assert [row["job title"] for row in lines_of(output)] == titles[:60]


def test_an_output_that_cannot_be_written(tmp_path: Path, settings: Settings, titles: list[str]) -> None:
    source = write_csv(tmp_path / "jobs.csv", titles[:3])
    with pytest.raises(AnnotationError, match=r"cannot be written: (Not a directory|File exists)"):
        do(source, source / "out.jsonl", settings)


def test_another_index_in_the_middle_stops_the_work(settings: Settings) -> None:
    with (
        Annotator(NORMALIZE_TITLE, settings, build="another") as annotator,
        pytest.raises(
            StoreError, match=r"the index was another when this began, and .* was published meanwhile"
        ),
    ):
        annotator(["baker"])


def test_a_fault_with_one_text_does_not_stop_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = SkillSearch.each

    def each(
        self: SkillSearch, task: Task[..., object], inputs: list[str], **options: object
    ) -> Iterator[object]:
        if inputs == ["cook"]:
            raise IndexError("out of range")
        return work(self, task, inputs, **options)

    monkeypatch.setattr(SkillSearch, "each", each)
    with Annotator(NORMALIZE_TITLE, settings) as annotator:
        first, second = annotator(["cook", "baker"])
    assert first == {"error": "IndexError: out of range", "kind": "IndexError"}
    assert second["result"]["hits"]


def dies(batch: Sequence[object]) -> list[dict[str, object]]:
    if "last" in batch:
        os.kill(os.getpid(), signal.SIGKILL)
    return [{"result": text} for text in batch]


def test_a_worker_that_the_system_ends_is_told() -> None:
    found = run_local(dies, [["a"], ["b"], ["last"], ["c"]], 2)
    with pytest.raises(AnnotationError, match="a worker ended by itself"):
        list(found)


def test_the_command_takes_options_of_the_task(
    tmp_path: Path, home: Path, exported_models: Path, titles: list[str]
) -> None:
    source = write_csv(tmp_path / "jobs.csv", titles[:3])

    def call(*more: str) -> Done:
        return run(
            *("annotate", str(source), "--column", "Job Title", "--output", str(tmp_path / "o.jsonl"), *more),
            home=home,
            SKILLSEARCH_MODELS=str(exported_models),
            SKILLSEARCH_DEVICE="cpu",
        )

    done = call("--task", "search", "--set", "rerank=maybe")
    assert done.returncode == 1
    assert "--set rerank=maybe" in done.stderr
    assert call("--task", "extract", "--limit", "3").returncode == 2
    done = call(
        "--task",
        "search",
        "--set",
        "rerank=false",
        "--set",
        "clean_titles=false",
        "--limit",
        "3",
        "--workers",
        "1",
    )
    assert done.returncode == 0, done.stderr
    assert "3 rows in" in done.stderr
    rows = lines_of(tmp_path / "o.jsonl")
    assert [len(row["hits"]) for row in rows] == [3, 3, 3]  # type: ignore[arg-type]
    assert rows[0]["hits"][0]["relevance"] is None  # type: ignore[index]
    assert rows[0]["Job Title"] == titles[0]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_ray_gives_the_same(tmp_path: Path, home: Path, exported_models: Path, titles: list[str]) -> None:
    source = write_csv(tmp_path / "jobs.csv", [*titles[:40], ""])
    for engine in ("local", "ray"):
        done = run_process(
            *("annotate", str(source), "--column", "job title", "--task", "search", "--limit", "2"),
            *("--output", str(tmp_path / f"{engine}.jsonl"), "--engine", engine, "--workers", "1", "--json"),
            home=home,
            SKILLSEARCH_MODELS=str(exported_models),
            SKILLSEARCH_DEVICE="cpu",
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["failures"] == 1
    assert (tmp_path / "ray.jsonl").read_text() == (tmp_path / "local.jsonl").read_text()
    assert (tmp_path / "ray.failed.jsonl").read_text() == (tmp_path / "local.failed.jsonl").read_text()


SPARK = """
import sys
from functools import partial
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from skillsearch.batch import Annotator
from skillsearch.settings import load_settings
from skillsearch.tasks import NORMALIZE_TITLE

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
jobs = spark.read.csv(sys.argv[1], header=True)
annotator = Annotator(NORMALIZE_TITLE, load_settings(), options={"limit": 2})
schema = from_arrow_schema(annotator.schema(to_arrow_schema(jobs.schema)))
found = jobs.mapInPandas(partial(annotator.frames, column="job title"), schema)
found.write.json(sys.argv[2])
"""


@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or not shutil.which("java"), reason="needs pyspark and Java"
)
def test_spark_calls_the_same_function(
    tmp_path: Path, home: Path, exported_models: Path, settings: Settings, titles: list[str]
) -> None:
    source = write_csv(tmp_path / "jobs.csv", [*titles[:5], "x" * 400])
    environment = {
        "SKILLSEARCH_HOME": str(home),
        "SKILLSEARCH_MODELS": str(exported_models),
        "SKILLSEARCH_DEVICE": "cpu",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SPARK, str(source), str(tmp_path / "found")],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [row for path in sorted((tmp_path / "found").glob("*.json")) for row in lines_of(path)]
    assert [row["job title"] for row in rows[:5]] == titles[:5]
    assert "at most 300" in str(rows[5]["error"])
    with SkillSearch.open(settings) as client:
        for row in rows[:5]:
            found = client.normalize_title(str(row["job title"]), limit=2)
            assert [hit["uri"] for hit in row["hits"]] == [hit.uri for hit in found]  # type: ignore[attr-defined, index]
