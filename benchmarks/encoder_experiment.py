"""One experiment with the encoder: train it, measure it on validation occupations and on judged titles.

The occupations that a run reports on are not looked at. Base and alias weights act after training, so
several of them are measured with one training.

    python benchmarks/encoder_experiment.py --esco ZIP --esco ZIP --talentclef TaskB/validation \
        --set encoder.loss=relations --set encoder.batch_size=128 --base-weights 0,0.2 --alias-weights 0,0.5

prints a line of JSON for each pair of weights.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from indexer.read.esco import read_esco
from skillsearch.models.encoder import Encoder, new_encoder, write_alias_weight
from trainer.evaluate.benchmark import Benchmark
from trainer.evaluate.esco import esco_benchmark
from trainer.evaluate.measures import measure
from trainer.evaluate.pipeline import score_benchmark, stage_one
from trainer.evaluate.significance import estimates
from trainer.evaluate.talentclef import read_talentclef
from trainer.pair.config import configure
from trainer.pair.encoder import move_towards, train_encoder
from trainer.pair.pairs import encoder_pairs, relation_matrix, split_occupations

MEASURES = ("map", "ndcg@10", "ndcg")


def figures(benchmark: Benchmark, encoder: Encoder) -> dict[str, list[float]]:
    """Mean and bounds of the 95% interval of each measure."""
    row = measure("stage one", benchmark, stage_one(score_benchmark(benchmark, encoder, None, depth=0)))
    found = estimates({name: row.values[name] for name in MEASURES})
    return {name: [round(x, 4) for x in (one.mean, one.low, one.high)] for name, one in found.items()}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--esco", type=Path, action="append", required=True)
    parser.add_argument("--version", help="of the release, where its name does not tell")
    parser.add_argument("--talentclef", type=Path, required=True, help="folder or zip with judged titles")
    parser.add_argument("--preset", default="compact-card")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="assignments")
    parser.add_argument("--base-weights", default="0")
    parser.add_argument("--alias-weights", default="0")
    parser.add_argument("--untrained", action="store_true", help="measure the base as it is")
    given = parser.parse_args()
    config = configure(given.preset, assignments=["encoder.eval_steps=none", *given.assignments])
    taxonomy = read_esco(given.esco, version=given.version).taxonomy
    split = split_occupations(taxonomy, config.holdout, config.seed, validation=config.validation)
    benchmarks = {
        "talentclef": read_talentclef(given.talentclef, taxonomy=taxonomy),
        "esco_validation": esco_benchmark(taxonomy, split.validation),
    }
    recipe = config.encoder
    from transformers import set_seed

    set_seed(config.seed)
    model = new_encoder(recipe.base, device="cpu", max_length=recipe.max_length)
    base = {name: value.clone() for name, value in model.state_dict().items()}
    seconds = 0.0
    if not given.untrained:
        pairs = encoder_pairs(
            taxonomy,
            split,
            optional_ratio=recipe.optional_ratio,
            seed=config.seed,
            alias_pairs=recipe.alias_pairs,
            description_ratio=recipe.description_ratio,
        )
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            train_encoder(
                model,
                pairs,
                recipe.model_copy(update={"base_weight": 0.0}),
                relation_matrix(taxonomy),
                folder=Path(folder),
                seed=config.seed,
            )
            seconds = time.perf_counter() - start
    trained = {name: value.clone() for name, value in model.state_dict().items()}
    for base_weight in map(float, given.base_weights.split(",")):
        model.load_state_dict(trained)
        move_towards(model, base, base_weight)
        for alias_weight in map(float, given.alias_weights.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                model.save_pretrained(folder, create_model_card=False)
                write_alias_weight(Path(folder), alias_weight)
                encoder = Encoder.load(folder, device="cpu")
            result = {name: figures(benchmark, encoder) for name, benchmark in benchmarks.items()}
            settings = {"base_weight": base_weight, "alias_weight": alias_weight}
            line = {"set": given.assignments, **settings, "seconds": round(seconds), **result}
            print(json.dumps(line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
