"""What a paid run will cost, before it starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillsearch.errors import ConfigurationError
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Generator, Kind
from trainer.data.generators.prompts import SYSTEM, prompt
from trainer.data.generators.synthesize import missing

__all__ = ["CostEstimate", "estimate_cost"]

_CHARACTERS_A_TOKEN = 4.0
_TOKENS_A_MESSAGE = 4
_TOKENS_A_TEXT: Mapping[Kind, int] = {"titles": 10, "sentences": 36, "variants": 11}
"""Words of such a text at 4/3 tokens a word, with the quotes and the comma around it."""
_TOKENS_AN_ANSWER = 10
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """An estimate for a run of a language model; repeated requests are not in it.

    Attributes:
        requests: pairs of skill and kind that are not cached.
        texts: texts that are missing.
        input_tokens: of the prompts, at four characters a token.
        output_tokens: of the answers.
        cost: in the currency of the prices, or None where no prices are known.
    """

    requests: int
    texts: int
    input_tokens: int
    output_tokens: int
    cost: float | None

    def __str__(self) -> str:
        """In one line, for a person who confirms it."""
        amount = "unknown, no prices were given" if self.cost is None else f"about {self.cost:,.2f}"
        return (
            f"{self.requests:,} requests for {self.texts:,} texts: about {self.input_tokens:,} tokens in, "
            f"{self.output_tokens:,} out, cost {amount} (repeated requests not counted)"
        )


def estimate_cost(
    skills: Sequence[Skill],
    generator: Generator,
    *,
    wanted: Mapping[Kind, int],
    cache: Path | None,
    price_input: float | None = None,
    price_output: float | None = None,
) -> CostEstimate:
    """Estimate what `synthesize` would cost with the same arguments; cached texts cost nothing.

    Args:
        skills: as for `synthesize`.
        generator: as for `synthesize`.
        wanted: as for `synthesize`.
        cache: as for `synthesize`; it is only read.
        price_input: of a million tokens of prompts.
        price_output: of a million tokens of answers.

    Raises:
        ConfigurationError: a price is below 0, or only one of the two is given.
        TrainingError: the cache is corrupt.
    """
    if (price_input is None) != (price_output is None):
        raise ConfigurationError("only one price is given: give those of input and of output tokens")
    if min(price_input or 0.0, price_output or 0.0) < 0:
        raise ConfigurationError(f"a price is negative: {price_input} for input, {price_output} for output")
    left = missing(skills, generator, wanted=wanted, cache=cache)
    tokens_in = sum(_prompt_tokens(skill, kind, count) for skill, kind, count in left)
    tokens_out = sum(count * _TOKENS_A_TEXT[kind] + _TOKENS_AN_ANSWER for _, kind, count in left)
    cost = None
    if price_input is not None and price_output is not None:
        cost = (tokens_in * price_input + tokens_out * price_output) / _MILLION
    return CostEstimate(len(left), sum(count for *_, count in left), tokens_in, tokens_out, cost)


def _prompt_tokens(skill: Skill, kind: Kind, count: int) -> int:
    characters = len(SYSTEM) + len(prompt(skill, kind, count))
    return round(characters / _CHARACTERS_A_TOKEN) + 2 * _TOKENS_A_MESSAGE
