"""Training of the bi-encoder with Multiple Negatives Ranking.

The loss is the one of Henderson et al., "Efficient Natural Language Response Suggestion for Smart
Reply" (2017), arXiv:1705.00652: for each title, cross entropy over the skills of the batch, the
other pairs' skills being the negatives.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin
from torch import Tensor, nn

from skillsearch.arrays import BoolArray
from skillsearch.models.pair import ENCODER
from trainer.fit import FitOptions, common_arguments, fit, moved_back
from trainer.pair.config import EncoderConfig
from trainer.pair.pairs import Pair
from trainer.run import TrainReport

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from trainer.evaluate.evaluator import BenchmarkEvaluator

__all__ = ["RelationAwareRankingLoss", "TrimmedEmbedding", "train_encoder", "trimmed_embeddings"]


def train_encoder(
    model: "SentenceTransformer",
    pairs: Sequence[Pair],
    config: EncoderConfig,
    related: BoolArray,
    options: FitOptions,
    *,
    validation: "BenchmarkEvaluator | None" = None,
) -> TrainReport:
    """Train in place; no text is its own negative.

    Args:
        model: from `new_encoder`, on the device to train on.
        pairs: positive pairs of title and skill text.
        config: the recipe.
        related: shape (occupations, skills): what the taxonomy relates.
        options: checkpoints, seed, precision and progress.
        validation: chooses the best checkpoint by nDCG@10, where the recipe wants that.

    Raises:
        TrainingError: see `fit`.
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    titles, skills, rows, columns = zip(*pairs, strict=True)
    # an example of our own spares the trainer's search for one, and its progress bar
    model.model_card_data.widget = [{"source_sentence": titles[0]}]
    data: dict[str, Any] = {"anchor": titles, "positive": skills}
    if config.loss == "relations":
        data["label"] = list(zip(rows, columns, strict=True))
    arguments = SentenceTransformerTrainingArguments(
        batch_sampler="no_duplicates" if config.loss == "ranking" else "batch_sampler",
        **common_arguments(
            config, options, examples=len(pairs), device=model.device.type, measure="cosine_ndcg@10"
        ),
    )
    if config.gradient_checkpointing:
        cast("Any", model[0]).auto_model.activation_checkpointing_enable()
    seen = {*titles, *skills}
    if validation:
        seen.update(map(str, (*validation.queries, *validation.corpus)))
    trimmed = trimmed_embeddings(model, sorted(seen)) if config.trim_embeddings else nullcontext()
    with moved_back(model, config.base_weight), trimmed:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict(data),
            evaluator=validation if config.eval_steps else None,
            loss=_loss(model, config, related),
        )
        return fit(trainer, ENCODER, options)


def _loss(model: "SentenceTransformer", config: EncoderConfig, related: BoolArray) -> nn.Module:
    from sentence_transformers.sentence_transformer import losses

    if config.loss == "relations":
        return RelationAwareRankingLoss(
            model,
            torch.from_numpy(related).to(model.device),
            scale=config.scale,
            both_directions=config.both_directions,
            mini_batch_size=config.mini_batch_size,
        )
    options: dict[str, Any] = {"scale": config.scale}
    if config.both_directions:
        options |= {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    if config.mini_batch_size is None:
        return losses.MultipleNegativesRankingLoss(model, **options)
    return losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=config.mini_batch_size, **options)


class RelationAwareRankingLoss(CachedLossMixin, nn.Module):
    """Multiple Negatives Ranking that never takes a known positive for a negative.

    A batch of n pairs gives n x n cosines. Cross entropy runs over each row (title to skill) and,
    with `both_directions`, over each column (skill to title), as in CLIP (Radford et al., 2021,
    arXiv:2103.00020). Entries off the diagonal whose title and skill the taxonomy relates are left
    out of both. With gradient caching (Gao et al., 2021, arXiv:2101.06983) the batch can be larger
    than the memory for activations.

    Args:
        model: the encoder.
        related: shape (occupations, skills), bool: what the taxonomy relates.
        scale: multiplies the cosines.
        both_directions: whether columns count too.
        mini_batch_size: pairs embedded at a time with gradient caching; None embeds all at once.
    """

    def __init__(
        self,
        model: "SentenceTransformer",
        related: Tensor,
        *,
        scale: float = 20.0,
        both_directions: bool = True,
        mini_batch_size: int | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.scale = scale
        self.both_directions = both_directions
        self.mini_batch_size = mini_batch_size or 0
        self.mini_batch_num_tokens = None
        self.show_progress_bar = False
        self.uses_gradient_cache = mini_batch_size is not None
        self.related: Tensor
        self.register_buffer("related", related, persistent=False)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Loss of a batch; `labels` has shape (n, 2), the row and column of each pair in `related`."""
        features = list(sentence_features)
        if self.uses_gradient_cache:
            return self.forward_cached(features, labels)
        return self.loss([self.model(feature)["sentence_embedding"] for feature in features], labels)

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """Loss of a batch that was embedded in mini-batches; for the gradient cache."""
        if labels is None:
            raise ValueError("the pairs' rows and columns are needed as labels")
        loss = self.loss([torch.cat(column) for column in reps], labels)
        if with_backward:
            loss.backward()  # type: ignore[no-untyped-call]
            loss = loss.detach()
        return loss

    def loss(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """Loss of embedded titles and skills, each of shape (n, d)."""
        titles, skills = (nn.functional.normalize(column.float(), dim=1) for column in embeddings)
        logits = self.scale * titles @ skills.T  # (n, d) @ (d, n) -> (n, n)
        known = self.related[labels[:, 0, None], labels[None, :, 1]]
        known.fill_diagonal_(False)
        logits = logits.masked_fill(known, -torch.inf)
        target = torch.arange(len(logits), device=logits.device)
        loss = nn.functional.cross_entropy(logits, target)
        if self.both_directions:
            loss = (loss + nn.functional.cross_entropy(logits.T, target)) / 2
        return loss


class TrimmedEmbedding(nn.Module):
    """An embedding of a large vocabulary that keeps and trains only some of its rows.

    Rows that no text has get no gradient, so leaving them out changes nothing as long as there is
    no weight decay. The state is saved, and loaded, as that of the whole table.

    Args:
        whole: the table to trim.
        used: token ids, distinct and sorted.
    """

    def __init__(self, whole: nn.Embedding, used: Sequence[int]) -> None:
        super().__init__()
        ids = torch.tensor(used, dtype=torch.long, device=whole.weight.device)
        rows = torch.zeros(whole.num_embeddings, dtype=torch.long, device=whole.weight.device)
        rows[ids] = torch.arange(len(ids), device=ids.device)
        self.weight = nn.Parameter(whole.weight.detach()[ids].clone())  # (used, d)
        self.rows: Tensor
        self.ids: Tensor
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("ids", ids, persistent=False)
        # kept off the device, and out of the module's own tensors
        self._whole = [whole.weight.detach().cpu().clone()]
        self._padding = whole.padding_idx

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids of shape (n, length) to vectors of shape (n, length, d)."""
        padding = None if self._padding is None else int(self.rows[self._padding])
        return nn.functional.embedding(self.rows[tokens], self.weight, padding)

    def whole_weight(self) -> Tensor:
        """The table with the trained rows in it: shape (vocabulary, d)."""
        weight = self._whole[0].to(self.weight.dtype, copy=True)
        weight[self.ids.cpu()] = self.weight.detach().cpu()
        return weight.to(self.weight.device)

    def whole(self) -> nn.Embedding:
        """An ordinary embedding with the trained rows in it."""
        weight = self.whole_weight()
        rows, width = weight.shape
        return nn.Embedding(rows, width, padding_idx=self._padding, _weight=weight)

    def _save_to_state_dict(self, destination: Any, prefix: str, _keep_vars: bool) -> None:  # noqa: ANN401
        destination[prefix + "weight"] = self.whole_weight()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *arguments: Any) -> None:  # noqa: ANN401
        name = prefix + "weight"
        if name in state_dict and len(state_dict[name]) != len(self.weight):
            whole = state_dict[name].detach().cpu()
            self._whole = [whole.clone()]
            state_dict = {**state_dict, name: whole[self.ids.cpu()]}
        super()._load_from_state_dict(state_dict, prefix, *arguments)


@contextmanager
def trimmed_embeddings(model: "SentenceTransformer", texts: Sequence[str]) -> Iterator[int]:
    """Keep only the token rows that some texts use while the context lasts; gives their number.

    Texts with other tokens must not be embedded meanwhile.
    """
    transformer: Any = model[0].auto_model
    tokenizer = model.tokenizer
    used = set(tokenizer.all_special_ids)
    for start in range(0, len(texts), 10_000):
        used.update(*tokenizer(list(texts[start : start + 10_000]), add_special_tokens=False)["input_ids"])
    trimmed = TrimmedEmbedding(transformer.get_input_embeddings(), sorted(used))
    transformer.set_input_embeddings(trimmed)
    try:
        yield len(used)
    finally:
        transformer.set_input_embeddings(trimmed.whole())
