"""Which ranker a search uses: what is loaded, what the settings say, and what the search asks for."""

from dataclasses import dataclass, field, replace

from skillsearch.errors import ConfigurationError, QueryError
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.models.token_scorer import TokenScorer
from skillsearch.rank.blender import Blender
from skillsearch.rank.cross_encoder import CrossEncoderRanker
from skillsearch.rank.distilled import DistilledRanker
from skillsearch.rank.late_interaction import LateInteractionRanker
from skillsearch.rank.learned import LearnedRanker
from skillsearch.rank.ranker import NoReranking, Ranker
from skillsearch.rank.token_cache import TOKENS, TokenCache
from skillsearch.settings import RERANKERS, RerankerName, Settings

__all__ = ["Rankers", "require_one_ranker"]


def require_one_ranker(settings: Settings) -> None:
    """Check that the settings do not ask for a learned blend and for a reranker that it does not take.

    Raises:
        ConfigurationError: they do.
    """
    if settings.rerank not in (None, "cross-encoder") and settings.blender:
        raise ConfigurationError(
            f"the learned blend {settings.blender} was fitted for the cross-encoder, not for the reranker "
            f"{settings.rerank}: set SKILLSEARCH_RERANK to cross-encoder, or unset SKILLSEARCH_BLENDER"
        )


@dataclass(frozen=True)
class Rankers:
    """The rankers that a client has, with the options of the settings.

    Attributes:
        default: what a search uses that names none.
        plain: what a search uses that wants no reranking.
        named: by name, those that a search can ask for.
        pairs: what scores pairs of a title and a skill where no learned blend can; the order of the
            vector search where neither cross-encoder is loaded.
    """

    default: Ranker
    plain: Ranker
    named: dict[RerankerName, Ranker]
    pairs: Ranker = field(default_factory=NoReranking)

    @classmethod
    def load(
        cls,
        settings: Settings,
        encoder: Encoder,
        scorer: PairScorer | None,
        blender: Blender | None,
        temperature: float,
        distilled: TokenScorer | None = None,
    ) -> "Rankers":
        """Make the rankers of what is loaded.

        Args:
            settings: the options, and which ranker is the default.
            encoder: of the index.
            scorer: the cross-encoder, if it is loaded.
            blender: a learned blend in place of the fixed one.
            temperature: divides the cross-encoder's logits before they become probabilities.
            distilled: the distilled cross-encoder, if it is loaded.

        Raises:
            ModelMismatchError: the blender was fitted with other models.
            ModelError: the manifest of the encoder is damaged.
        """
        alpha, depth, least = settings.alpha, settings.depth, settings.min_probability
        weight = settings.demand_weight
        pairs: Ranker = NoReranking()
        if scorer is not None:
            pairs = CrossEncoderRanker(scorer, alpha, depth, weight, temperature=temperature)
        if blender is not None:
            blender.require_match(encoder.folder, scorer.folder if scorer else None)
            plain = LearnedRanker(blender, None, depth, weight)
            learned = replace(plain, scorer=scorer, min_probability=least, temperature=temperature)
            return cls(learned, plain, {"cross-encoder": learned} if scorer else {}, pairs)
        _ = encoder.folder.manifest  # a damaged one is better told now than in a search
        cache = TokenCache(encoder, settings.home.expanduser() / TOKENS)
        late = LateInteractionRanker(encoder, cache, alpha=alpha, depth=depth, demand_weight=weight)
        named: dict[RerankerName, Ranker] = {"late-interaction": late}
        if scorer is not None:
            named["cross-encoder"] = CrossEncoderRanker(scorer, alpha, depth, weight, least, temperature)
        if distilled is not None:
            quick = DistilledRanker(
                encoder=encoder,
                cache=cache,
                alpha=alpha,
                depth=depth,
                demand_weight=weight,
                scorer=distilled,
                min_probability=least,
            )
            named["distilled"] = quick
            pairs = pairs if scorer else replace(quick, min_probability=None)
        wanted = settings.rerank or ("cross-encoder" if scorer else "distilled")
        return cls(named.get(wanted, NoReranking()), NoReranking(), named, pairs)

    def choose(self, rerank: bool | RerankerName) -> Ranker:
        """The ranker that a search asks for: by name, True for the default, False for no reranking.

        Raises:
            QueryError: there is no such reranker, or it does not go with the learned blend.
        """
        if isinstance(rerank, bool):
            return self.default if rerank else self.plain
        if rerank not in RERANKERS:
            raise QueryError(f"rerank is True, False or one of {', '.join(RERANKERS)}, found {rerank!r}")
        if rerank in self.named:
            return self.named[rerank]
        if self.default.blend and rerank != "cross-encoder":
            raise QueryError(
                f"the learned blend {self.default.blend} was fitted for the cross-encoder, not for the "
                f"reranker {rerank}: rerank with cross-encoder, or unset SKILLSEARCH_BLENDER"
            )
        name = "cross-encoder" if rerank == "cross-encoder" else f"{rerank} reranker"
        raise QueryError(
            f"there is no {name} in this client: open one with rerank={rerank!r} (SKILLSEARCH_RERANK), which "
            "loads it"
        )
