"""Training only the rows of a token table that the texts use."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["TrimmedEmbedding", "trimmed_embeddings"]


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
        place = torch.zeros(whole.num_embeddings, dtype=torch.long, device=whole.weight.device)
        place[ids] = torch.arange(len(ids), device=ids.device)
        self.weight = nn.Parameter(whole.weight.detach()[ids].clone())  # (used, d)
        self.place: Tensor
        self.ids: Tensor
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("ids", ids, persistent=False)
        # kept off the device, and out of the module's own tensors
        self._whole = [whole.weight.detach().cpu().clone()]
        self._padding = whole.padding_idx

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids of shape (n, length) to vectors of shape (n, length, d)."""
        padding = None if self._padding is None else int(self.place[self._padding])
        return nn.functional.embedding(self.place[tokens], self.weight, padding)

    def whole_weight(self) -> Tensor:
        """The table with the trained rows in place: shape (vocabulary, d)."""
        weight = self._whole[0].to(self.weight.dtype, copy=True)
        weight[self.ids.cpu()] = self.weight.detach().cpu()
        return weight.to(self.weight.device)

    def whole(self) -> nn.Embedding:
        """An ordinary embedding with the trained rows in place."""
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
    whole = transformer.get_input_embeddings()
    tokenizer = model.tokenizer
    used = set(tokenizer.all_special_ids)
    for start in range(0, len(texts), 10_000):
        used.update(*tokenizer(list(texts[start : start + 10_000]), add_special_tokens=False)["input_ids"])
    trimmed = TrimmedEmbedding(whole, sorted(used))
    transformer.set_input_embeddings(trimmed)
    try:
        yield len(used)
    finally:
        transformer.set_input_embeddings(trimmed.whole())
