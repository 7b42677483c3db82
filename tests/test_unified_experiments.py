"""The experiments with a tiny model: what is compared with what, what is kept, what is drawn."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from skillsearch.cli.app import build_app
from skillsearch.errors import TrainingError
from skillsearch.models.encoder import new_encoder
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.workbench.build import build_workbench
from trainer.evaluate.workbench.tasks import WorkBench
from trainer.experiments import runs
from trainer.experiments.designs import COSINE, DESIGNS, SOFT, Design, Reading, Variant
from trainer.experiments.latency import measure_latency
from trainer.experiments.report import rich_tables, write_report
from trainer.experiments.runs import Record, run_design
from trainer.experiments.summary import Spread, spread, summarise
from trainer.unified.config import UnifiedConfig, configure_unified
from trainer.unified.graph import GraphManifest, WorkGraph, tidy_edges, write_graph


@pytest.fixture(scope="module")
def graph(taxonomy: Taxonomy) -> WorkGraph:
    skills = list(taxonomy.skills.values())
    count = len(skills)
    return WorkGraph(
        GraphManifest(taxonomy="sample", version="1", language="en"),
        tuple(skill.uri for skill in skills),
        {
            "skills": tuple(skill.label for skill in skills),
            "titles": tuple(f"title {place}" for place in range(count)),
            "sentences": tuple(f"{skill.description} {place}" for place, skill in enumerate(skills)),
            "variants": tuple(f"variant {place}" for place in range(count)),
        },
        {side: tidy_edges([(i, i) for i in range(count)]) for side in ("titles", "sentences", "variants")},
    )


@pytest.fixture(scope="module")
def bench(taxonomy: Taxonomy) -> WorkBench:
    return build_workbench(taxonomy, kinds=("job2skill", "skill2job")).sample(queries=5)


@pytest.fixture
def config(bert_base: Path) -> UnifiedConfig:
    return configure_unified(base=str(bert_base), batch_size=8, max_steps=2, mini_batch_size=None)


DESIGN = Design(
    (
        Variant("what", "untrained", None, (SOFT, COSINE)),
        Variant("what", "trained", {}, (SOFT, COSINE)),
        Variant("what", "pairwise", {"kind": "pairwise"}, (SOFT,)),
    ),
    {"what": "trained"},
    "a small one",
)


def test_a_run_trains_each_variant_with_each_seed_and_keeps_what_is_done(
    graph: WorkGraph,
    bench: WorkBench,
    config: UnifiedConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[int] = []

    def run() -> list[Record]:
        return run_design(
            DESIGN, graph, config, bench, seeds=(1, 2), folder=tmp_path, device="cpu", advance=done.append
        )

    records = run()
    assert len(done) == 5  # the base once, two variants with two seeds
    assert [(one.variant, one.reading, one.seed) for one in records] == [
        ("untrained", "soft τ=1", None),
        ("untrained", "cosine", None),
        ("trained", "soft τ=1", 1),
        ("trained", "cosine", 1),
        ("trained", "soft τ=1", 2),
        ("trained", "cosine", 2),
        ("pairwise", "soft τ=1", 1),
        ("pairwise", "soft τ=1", 2),
    ]
    for record in records:
        assert set(record.maps) == {"job2skill", "skill2job"}
        assert record.average == pytest.approx(np.mean(list(record.maps.values())))
        assert 0 < record.average <= 1
    assert len({one.average for one in records if one.variant == "trained"}) > 1
    monkeypatch.setattr(runs, "train_unified", _must_not_run)
    assert run() == records


def _must_not_run(*_: object, **__: object) -> None:
    raise AssertionError("it was trained again")


def test_other_tasks_or_updates_are_measured_anew(
    graph: WorkGraph, bench: WorkBench, config: UnifiedConfig, tmp_path: Path
) -> None:
    small = Design((Variant("what", "trained", {}, (COSINE,)),), {"what": "trained"}, "")

    def run(bench: WorkBench, config: UnifiedConfig) -> None:
        run_design(small, graph, config, bench, seeds=(1,), folder=tmp_path, device="cpu")

    run(bench, config)
    run(bench.sample(queries=2), config)
    run(bench, config.model_copy(update={"max_steps": 1}))
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_figures_that_cannot_be_read_are_an_error(
    graph: WorkGraph, bench: WorkBench, config: UnifiedConfig, tmp_path: Path
) -> None:
    small = Design((Variant("what", "untrained", None, (COSINE,)),), {"what": "untrained"}, "")

    def run() -> list[Record]:
        return run_design(small, graph, config, bench, seeds=(1,), folder=tmp_path, device="cpu")

    run()
    next(tmp_path.glob("*.json")).write_text('{"seconds": 1.0')
    with pytest.raises(TrainingError, match="delete it to measure again"):
        run()


def test_interval_of_three_seeds_by_hand() -> None:
    found = spread([1.0, 2.0, 3.0])  # standard error 1 / sqrt(3), t of 2 degrees of freedom 4.303
    assert found.mean == 2.0
    assert found.half_width == pytest.approx(4.30265 / 3**0.5, rel=1e-4)
    assert spread([0.5]) == Spread(0.5, None)


def record(variant: str, reading: str, seed: int | None, average: float) -> Record:
    return Record("what", variant, reading, seed, {"job2skill": average}, average, 1.0)


def test_differences_are_of_the_same_seed_and_reading() -> None:
    rows = summarise(
        DESIGN,
        [
            record("untrained", "soft τ=1", None, 0.1),
            record("untrained", "cosine", None, 0.2),
            record("trained", "soft τ=1", 1, 0.3),
            record("trained", "cosine", 1, 0.5),
            record("trained", "soft τ=1", 2, 0.4),
            record("trained", "cosine", 2, 0.6),
            record("pairwise", "soft τ=1", 1, 0.25),
            record("pairwise", "soft τ=1", 2, 0.35),
        ],
    )
    found = {(row.variant, row.reading): row for row in rows}
    assert found["trained", "cosine"].difference is None
    pairwise = found["pairwise", "soft τ=1"]
    assert pairwise.seeds == 2
    assert pairwise.difference is not None
    assert pairwise.difference.mean == pytest.approx(-0.05)
    assert pairwise.difference.half_width == pytest.approx(0.0, abs=1e-9)  # -0.05 with both seeds
    untrained = found["untrained", "cosine"]
    assert untrained.seeds == 0
    assert untrained.difference is not None
    assert untrained.difference.mean == pytest.approx(0.2 - 0.55)


def test_designs_are_sound() -> None:
    for design in DESIGNS.values():
        for table in design.tables:
            names = [variant.name for variant in design.variants if variant.table == table]
            assert len(names) == len(set(names))
            assert design.reference[table] in names
    config = configure_unified()
    transfer = [variant for variant in DESIGNS["transfer"].variants if variant.changes]
    assert len(transfer) == 3
    for variant in transfer:  # the graph that the row is named after is the only one left
        assert variant.changes is not None
        assert variant.name not in variant.changes
        left = {"titles", "sentences", "variants"} - set(variant.changes)
        assert left == {variant.name}
        assert getattr(config, variant.name).weight > 0


@pytest.mark.parametrize(("name", "plots"), [("ablation", 1), ("transfer", 1)])
def test_a_report_is_written_and_read_back(name: str, plots: int, tmp_path: Path) -> None:
    rows = summarise(
        DESIGN,
        [
            record("untrained", "soft τ=1", None, 0.1),
            record("trained", "soft τ=1", 1, 0.3),
            record("trained", "soft τ=1", 2, 0.32),
        ],
    )
    written = write_report(tmp_path, name, "what was done", rows)
    assert [path.suffix for path in written] == [".md", ".csv", ".png"][: 2 + plots]
    assert all(path.stat().st_size > 50 for path in written)
    text = written[0].read_text()
    assert text.startswith("what was done\n")
    assert "| trained | soft τ=1 | 2 | 31.00 ± 12.71 | reference | 31.0 | 1 |" in text
    with written[1].open() as file:
        lines = list(csv.reader(file))
    assert lines[1][:4] == ["untrained", "soft τ=1", "-", "10.00"]
    assert len(rich_tables(rows)) == 1


def test_latency_counts_operations(bench: WorkBench, bert_base: Path) -> None:
    model = new_encoder(str(bert_base), device="cpu")
    found = measure_latency(model, bench.tasks[:1], (COSINE, Reading("soft")), warm_up=1, measured=3)
    cosine, soft = found
    assert cosine.targets == soft.targets == len(bench.tasks[0].targets)
    assert 0 < cosine.p50 <= cosine.p95
    assert cosine.flops > 2 * cosine.targets * 1024  # the products with the targets, and the encoder
    assert soft.flops > 0


def run_command(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(build_app(), ["experiment", *arguments])
    message = str(result.exception) if result.exception else ""
    return result.exit_code, result.stdout, message


@pytest.fixture
def small_designs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DESIGNS, "ablation", DESIGN)


@pytest.fixture
def esco_options(request: pytest.FixtureRequest) -> list[str]:
    """The sample, as a folder in ESCO's form."""
    from importlib.resources import files

    return ["--esco", str(files("indexer") / "sample"), "--taxonomy-version", "sample"]


@pytest.mark.usefixtures("small_designs")
def test_the_command(graph: WorkGraph, bert_base: Path, esco_options: list[str], tmp_path: Path) -> None:
    write_graph(graph, tmp_path / "graph")
    common = [*esco_options, "--base", str(bert_base), "--output", str(tmp_path / "out")]
    training = ["--data", str(tmp_path / "graph"), "--updates", "1", "--batch-size", "4", "--seeds", "2"]
    code, output, message = run_command("ablation", *common, *training, "--queries", "3", "--json")
    assert code == 0, message
    rows = json.loads(output)["rows"]
    assert [row["variant"] for row in rows] == ["untrained", "untrained", "trained", "trained", "pairwise"]
    assert (tmp_path / "out" / "ablation.md").exists()
    code, output, message = run_command("latency", *common)
    assert code == 0, message
    assert "p50 ms" in output


def test_the_command_needs_data_to_train_on(esco_options: list[str]) -> None:
    code, _, message = run_command("transfer", *esco_options)
    assert code == 1
    assert "transfer trains: give --data" in message
