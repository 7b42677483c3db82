"""How far a unified encoder is best moved back towards its base, on WorkBench.

A trained model folder is on the line between the base and the weights that its training ended with, so
every other point of that line can be had from it, without another training.

    python benchmarks/base_weight.py --models unified --esco ZIP --esco ZIP --data DIR 0 0.3 0.5 0.7

prints a line of JSON for each weight; 1 is the untrained base. It measures the validation parts, or with
--sample what weights are chosen on: 250 queries of each task, for Job2Skill, Skill2Job and SkillNorm of their
test parts, for JobNorm of the 15,192 validation queries. SkillExtract has no other part, so all of it.
"""

import argparse
import json
from pathlib import Path

from indexer.read.esco import read_esco
from skillsearch.models.hub import resolve_model
from skillsearch.models.pair import ENCODER, RECORD
from skillsearch.models.torch import load_sentence_transformer
from trainer.bases import new_encoder
from trainer.evaluate.workbench.build import build_workbench
from trainer.evaluate.workbench.runner import evaluate_workbench
from trainer.evaluate.workbench.tasks import WorkBench
from trainer.experiments.designs import Reading
from trainer.experiments.interactions import INTERACTIONS
from trainer.fit import move_towards

QUERIES, SEED = 250, 7


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="folder of a unified training")
    parser.add_argument("--esco", type=Path, action="append", required=True)
    parser.add_argument("--version", help="of the release, where its name does not tell")
    parser.add_argument("--data", type=Path, required=True, help="folder of the tasks' files")
    parser.add_argument("--sample", action="store_true", help="measure on what weights are chosen on")
    parser.add_argument("--interaction", choices=INTERACTIONS, default="cosine")
    parser.add_argument("--temperature", type=float, default=1.0, help="of soft late interaction")
    parser.add_argument("weights", type=float, nargs="+", help="1 is the base, 0 the trained weights")
    given = parser.parse_args()

    taxonomy = read_esco(given.esco, version=given.version).taxonomy
    bench = build_workbench(taxonomy, given.data, split="validation")
    if given.sample:
        ours = build_workbench(taxonomy, None, split="test").sample(queries=QUERIES, seed=SEED)
        files = build_workbench(taxonomy, given.data, split="validation", kinds=("jobnorm", "skillextract"))
        bench = WorkBench((*ours.tasks, *files.sample(queries=QUERIES, seed=SEED).tasks))
    config = json.loads((given.models / RECORD).read_text(encoding="utf-8"))["config"]
    base = new_encoder(config["base"], device="cpu", max_length=config["max_length"]).state_dict()
    for weight in given.weights:
        model = load_sentence_transformer(resolve_model(str(given.models / ENCODER)), device="cpu")
        # the folder is at base_weight; below it the step is away from the base. The head was not trained
        other = {
            name: base[name] if name.startswith("0.") else own for name, own in model.state_dict().items()
        }
        move_towards(model, other, 1 - (1 - weight) / (1 - config["base_weight"]))
        result = evaluate_workbench(Reading(given.interaction, given.temperature).scorer(model), bench)
        figures = {"average": result.average_map} | result.by_kind("map")
        rounded = {name: round(value, 4) for name, value in figures.items()}
        line = {"base weight": weight, "interaction": given.interaction} | rounded
        print(json.dumps(line), flush=True)  # noqa: T201 - a script's output


if __name__ == "__main__":
    main()
