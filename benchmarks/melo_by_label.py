"""Which occupation's preferred label is nearest to a title, by the encoder alone, on sets of MELO's.

    python benchmarks/melo_by_label.py --models models --esco EN.zip --esco DE.zip --esco RELATIONS.zip \
        --every 4 melo/deu_q_de_c_en melo/deu_q_de_c_de

prints a line of JSON for each set: the mean reciprocal rank of the first right occupation, and how often it
is the first. The occupations are in the language that the set's name ends with. Rules and names of the client
have no part in it; `skillsearch evaluate normalize` measures with them.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from indexer.read.languages import read_languages
from skillsearch.models.pair import ENCODER
from skillsearch.models.runtime import load_encoder
from skillsearch.taxonomy.texts import occupation_text, query_text
from trainer.evaluate.served.title_sets import read_titles


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--esco", type=Path, action="append", required=True)
    parser.add_argument("--every", type=int, default=1, help="take each n-th title")
    parser.add_argument("sets", type=Path, nargs="+")
    given = parser.parse_args()

    taxonomies = {one.taxonomy.language: one.taxonomy for one in read_languages(given.esco)}
    encoder = load_encoder(str(given.models / ENCODER), device="cpu")
    for path in given.sets:
        language = path.name.rpartition("_")[2]
        jobs = taxonomies[language].occupations
        titles = read_titles(path, jobs, given.every)
        labels = encoder.encode([occupation_text(job) for job in jobs.values()])
        texts = encoder.encode([query_text(title) for title in titles.queries.values()])
        order = np.argsort(-texts @ labels.T, axis=1, kind="stable")  # (titles, occupations)
        uris = list(jobs)
        ranks = [
            next(rank for rank, column in enumerate(row, start=1) if uris[column] in right)
            for row, right in zip(order, titles.qrels.values(), strict=True)
        ]
        line = {
            "set": path.name,
            "titles": len(ranks),
            "mrr": round(float(np.mean([1 / rank for rank in ranks])), 4),
            "accuracy@1": round(float(np.mean([rank == 1 for rank in ranks])), 4),
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - a script's output


if __name__ == "__main__":
    main()
