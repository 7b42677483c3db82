"""The experiments with a tiny model: what is compared with what, what is kept, what is drawn."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from command import run

from skillsearch.errors import TrainingError
from skillsearch.progress import Advance
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.workbench.build import build_workbench
from trainer.evaluate.workbench.tasks import WorkBench
from trainer.experiments import runs
from trainer.experiments.designs import COSINE, DESIGNS, SOFT, Design, Variant
from trainer.experiments.report import write_report
from trainer.experiments.runs import Cell, Figures, Results, run_design
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
    return configure_unified(
        values={"base": str(bert_base), "batch_size": 8, "max_steps": 2, "mini_batch_size": None}
    )


DESIGN = Design(
    (
        Variant("what", "untrained", None, (SOFT, COSINE)),
        Variant("what", "trained", {}, (SOFT, COSINE)),
        Variant("what", "pairwise", {"kind": "pairwise"}, (SOFT,)),
    ),
    {"what": "trained"},
)


def figures(average: float) -> Figures:
    return Figures(average=average, maps={"job2skill": average}, seconds=1.0)


RESULTS: Results = {
    Cell("what", "untrained", "soft τ=1"): {None: figures(0.1)},
    Cell("what", "untrained", "cosine"): {None: figures(0.2)},
    Cell("what", "trained", "soft τ=1"): {1: figures(0.3), 2: figures(0.4)},
    Cell("what", "trained", "cosine"): {1: figures(0.5), 2: figures(0.6)},
    Cell("what", "pairwise", "soft τ=1"): {1: figures(0.25), 2: figures(0.35)},
}


def test_a_run_trains_each_variant_with_each_seed_and_keeps_what_is_done(
    graph: WorkGraph,
    bench: WorkBench,
    config: UnifiedConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[int] = []

    def begin(_stage: str, _total: int | None = None, /) -> Advance:
        return lambda more, _note="": done.append(more)

    def run() -> Results:
        options = {"seeds": (1, 2), "folder": tmp_path, "device": "cpu", "progress": begin}
        return run_design(DESIGN, graph, config, bench, **options)  # type: ignore[arg-type]

    results = run()
    assert done == [1] * 5  # the base once, two variants with two seeds
    assert {cell: list(found) for cell, found in results.items()} == {
        cell: list(found) for cell, found in RESULTS.items()
    }
    for found in (one for by_seed in results.values() for one in by_seed.values()):
        assert set(found.maps) == {"job2skill", "skill2job"}
        assert found.average == pytest.approx(np.mean(list(found.maps.values())))
        assert 0 < found.average <= 1
    trained = results[Cell("what", "trained", "soft τ=1")]
    assert trained[1].average != trained[2].average
    monkeypatch.setattr(runs, "train_on_graph", _must_not_run)
    assert run() == results


def _must_not_run(*_: object, **__: object) -> None:
    raise AssertionError("it was trained again")


def test_other_tasks_or_updates_are_measured_anew(
    graph: WorkGraph, bench: WorkBench, config: UnifiedConfig, tmp_path: Path
) -> None:
    small = Design((Variant("what", "trained", {}, (COSINE,)),), {"what": "trained"})

    def run(bench: WorkBench, config: UnifiedConfig) -> None:
        run_design(small, graph, config, bench, seeds=(1,), folder=tmp_path, device="cpu")

    run(bench, config)
    run(bench.sample(queries=2), config)
    run(bench, config.model_copy(update={"max_steps": 1}))
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_figures_that_cannot_be_read_are_an_error(
    graph: WorkGraph, bench: WorkBench, config: UnifiedConfig, tmp_path: Path
) -> None:
    small = Design((Variant("what", "untrained", None, (COSINE,)),), {"what": "untrained"})

    def run() -> Results:
        return run_design(small, graph, config, bench, seeds=(1,), folder=tmp_path, device="cpu")

    run()
    next(tmp_path.glob("*.json")).write_text('{"cosine": {"average": 1.0')
    with pytest.raises(TrainingError, match="delete it to measure again"):
        run()


def test_interval_of_three_seeds_by_hand() -> None:
    found = spread([1.0, 2.0, 3.0])  # standard error 1 / sqrt(3), t of 2 degrees of freedom 4.303
    assert found.mean == 2.0
    assert found.half_width == pytest.approx(4.30265 / 3**0.5, rel=1e-4)
    assert spread([0.5]) == Spread(0.5, None)


def test_differences_are_of_the_same_seed_and_reading() -> None:
    rows = summarise(DESIGN, RESULTS)
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
        for table in {variant.table for variant in design.variants}:
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


def test_a_report_is_written_and_read_back(tmp_path: Path) -> None:
    rows = [row for row in summarise(DESIGN, RESULTS) if row.reading == "soft τ=1"]
    write_report(tmp_path / "new" / "ablation.csv", rows)
    with (tmp_path / "new" / "ablation.csv").open() as file:
        lines = list(csv.reader(file))
    assert lines[1][:4] == ["untrained", "soft τ=1", "-", "10.00"]
    # a standard error of 0.05, t of 1 degree of freedom 12.706
    assert ["trained", "soft τ=1", "2", "35.00 ± 63.53", "reference", "35.0", "1"] in lines


@pytest.fixture
def release() -> list[str]:
    """Options that name the sample, as a folder in ESCO's form."""
    from importlib.resources import files

    return ["--esco", str(files("indexer") / "sample"), "--set", "version=sample"]


def test_the_command(
    graph: WorkGraph, bert_base: Path, release: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DESIGNS, "ablation", DESIGN)
    write_graph(graph, tmp_path / "graph")
    common = [*release, "--set", f"base={bert_base}", "--output", str(tmp_path / "out")]
    training = ["--data", str(tmp_path / "graph"), "--updates", "1", "--set", "batch_size=4", "--seeds", "2"]
    done = run("experiment", "ablation", *common, *training, "--queries", "3", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [row["variant"] for row in rows] == ["untrained", "untrained", "trained", "trained", "pairwise"]
    assert (tmp_path / "out" / "ablation.csv").exists()
