"""Texts from a causal language model on this machine."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from skillsearch.errors import ConfigurationError, ModelError
from skillsearch.models.hub import quiet, resolve_model
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.answers import parse_answer
from trainer.data.generators.base import Kind
from trainer.data.generators.prompts import PROMPT_VERSION, SYSTEM, prompt

__all__ = ["LocalGenerator"]

_START = "\n\nTexts:\n1. "
_TOKENS_A_TEXT: dict[Kind, int] = {"titles": 16, "sentences": 60, "variants": 18}


class LocalGenerator:
    """A text-generation model of transformers; safetensors only, and no code of the model's own is run.

    A model with a chat template is asked for JSON as an endpoint is; another continues a numbered
    list. The same skill, kind and number of texts at hand give the same answer.

    Args:
        model: a folder, or a hub id with an optional ``@revision``.
        device: such as ``cpu`` or ``cuda``; by default the best there is.
        temperature: higher is more varied.
        max_new_tokens: of one answer; by default from the number of texts.

    Attributes:
        unusable: answers that held no texts.

    Raises:
        ModelError: the model cannot be found, or has no safetensors.
        ConfigurationError: the temperature or the number of tokens is not positive.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str | None = None,
        temperature: float = 0.8,
        max_new_tokens: int | None = None,
    ) -> None:
        if temperature <= 0 or (max_new_tokens is not None and max_new_tokens < 1):
            raise ConfigurationError(
                f"temperature is {temperature} and max_new_tokens {max_new_tokens}: both are above 0"
            )
        self._folder = resolve_model(model)
        self._device = device
        self._temperature = temperature
        self._max_new_tokens = max_new_tokens
        self.workers = 1
        self.unusable = 0

    @property
    def name(self) -> str:
        """Model, fingerprint of its files, settings and version of the prompts."""
        length = self._max_new_tokens or "auto"
        return f"local:{self._folder}:t{self._temperature:g}:n{length}:p{PROMPT_VERSION}"

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        """One answer of the model; one that holds no texts gives none.

        Raises:
            ModelError: the model cannot be loaded.
        """
        length = self._max_new_tokens or count * _TOKENS_A_TEXT[kind]
        answer = self._complete(prompt(skill, kind, count, have), length, _seed(skill, kind, len(have)))
        texts = parse_answer(answer, lists=True)
        if texts is None:
            self.unusable += 1
            return []
        return texts[:count]

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Tokenizer and model."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        device: Any = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        path = str(self._folder.path)
        try:
            with quiet():
                tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
                model = AutoModelForCausalLM.from_pretrained(
                    path, trust_remote_code=False, use_safetensors=True
                )
                return tokenizer, model.to(device).eval()
        except Exception as error:  # transformers raises many kinds for a folder that is not a model
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f"{self._folder.name} is not a causal language model: {reason}") from error

    def _complete(self, question: str, length: int, seed: int) -> str:
        """What the model writes after a question, at most `length` tokens."""
        import torch

        tokenizer, model = self._loaded
        if tokenizer.chat_template:
            messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            start = ""
        else:
            text, start = question + _START, "1. "
        room = getattr(model.config, "max_position_embeddings", None)
        longest = max(1, room - length) if room else None
        tokens = tokenizer(
            text, return_tensors="pt", truncation=longest is not None, max_length=longest,
            add_special_tokens=not tokenizer.chat_template, return_token_type_ids=False,
        ).to(model.device)  # fmt: skip
        with torch.random.fork_rng(), torch.inference_mode(), quiet():
            torch.manual_seed(seed)
            written = model.generate(
                **tokens,
                do_sample=True,
                temperature=self._temperature,
                max_new_tokens=length,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
            )
        new = written[0, tokens["input_ids"].shape[1] :]  # (tokens,)
        return start + str(tokenizer.decode(new, skip_special_tokens=True))


def _seed(skill: Skill, kind: Kind, have: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{skill.uri}\0{kind}\0{have}".encode()).digest()[:4])
