"""A generator by its name."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from skillsearch.errors import ConfigurationError
from trainer.data.generators.base import Generator

__all__ = ["GENERATORS", "open_generator"]

GENERATORS: Final = ("rules", "chat", "local")
"""Rules (the default, needs nothing), an OpenAI-compatible endpoint, a local language model."""


def open_generator(name: str = "rules", **options: Any) -> Generator:  # noqa: ANN401 - each generator's own
    """Make a generator; an option of None counts as not given.

    Args:
        name: one of `GENERATORS`.
        options: of ``rules``: ``seed``. Of ``chat``: the fields of `GeneratorSettings`, ``url``,
            ``model``, ``key``, ``timeout``, ``attempts``, ``workers``, ``temperature``; what is not
            given comes from ``SKILLSEARCH_GENERATOR_*``. Of ``local``: ``model`` (a folder or a hub
            id), ``device``, ``temperature``, ``max_new_tokens``.

    Raises:
        ConfigurationError: the name or an option is unknown, or a setting is wrong or missing.
        ModelError: a local model cannot be found.
    """
    makers: dict[str, Callable[..., Generator]] = {"rules": _rules, "chat": _chat, "local": _local}
    if name not in makers:
        raise ConfigurationError(f"unknown generator {name!r}: expected one of {', '.join(GENERATORS)}")
    given = {option: value for option, value in options.items() if value is not None}
    try:
        inspect.signature(makers[name]).bind(**given)
    except TypeError as error:
        raise ConfigurationError(f"generator {name}: {error}") from error
    return makers[name](**given)


def _rules(*, seed: int = 0) -> Generator:
    from trainer.data.generators.rules import RuleGenerator

    return RuleGenerator(seed)


def _chat(**settings: Any) -> Generator:  # noqa: ANN401 - any setting's type
    from trainer.data.generators.chat import ChatGenerator
    from trainer.data.generators.settings import generator_settings

    return ChatGenerator(generator_settings(**settings))


def _local(
    *, model: str, device: str | None = None, temperature: float = 0.8, max_new_tokens: int | None = None
) -> Generator:
    from trainer.data.generators.local import LocalGenerator

    return LocalGenerator(model, device=device, temperature=temperature, max_new_tokens=max_new_tokens)
