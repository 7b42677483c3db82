"""Generates the pages on commands, settings and recipes from the code: `python docs/generate.py`.

`tests/test_docs.py` fails where a page differs from what this writes.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from typer.cli import get_docs_for_click

from skillsearch.cli.app import build_app
from skillsearch.http.app import description
from skillsearch.http.settings import ServiceSettings
from skillsearch.settings import Settings
from trainer.data.generators.settings import GeneratorSettings
from trainer.data.options import DataOptions
from trainer.pair.config import PRESETS as PAIR
from trainer.unified.config import PRESETS as UNIFIED

__all__ = ["pages"]

FOLDER: Final = Path(__file__).parent / "reference"

_QDRANT = "qdrant_"
_NOTE = "<!-- Generated from the code by docs/generate.py; do not edit. -->\n\n"

_SETTINGS = """\
# Settings

Earlier sources win: arguments of a command or of `SkillSearch.open`, variables of the environment, `.env`,
`skillsearch.toml` in the working folder, the defaults. In `skillsearch.toml`, after `--set` and in
`SkillSearch.open` a name is in lower case and without its prefix: `alpha = 0.5`, `--set alpha=0.5`,
`SkillSearch.open(alpha=0.5)`. Both files are read only where they belong to you or to root.

{settings}
## A Qdrant server

What to set when is in [Run a Qdrant server](../how-to/qdrant-server.md).

{qdrant}
## The service

For `skillsearch serve`, whose `--set` takes them in lower case without the prefix. They are read from the
environment alone; what they protect is in [Operate the service](../how-to/operate.md).

{service}
## An endpoint that generates texts

For `skillsearch data build --generator openai`. These are read from the environment alone.

{generator}"""

_RECIPES = """\
# Recipes

Options of `train` and `data build` for `--set`, such as `--set encoder.epochs=1`, and their values in each
preset. `none` stands for no value. `train --config` takes a TOML file with several, or the `manifest.json` of
a training. For a pair, `max_steps` without a prefix is that of both models.

## `pair`: encoder and reranker

{pair}
## `unified`: one encoder for all work tasks

{unified}
## `data build`: what is in the data set

{data}"""


_API = """\
# HTTP API

Of `skillsearch serve`. `/openapi.json` of a running service describes it for programs; clients can be made
from it. Bodies are the arguments of the [Python client](python.md)'s methods, answers its results as JSON.

Every answer below `/v1` has `versions`: the build of the index, its taxonomies, the models. Errors are
problem details (RFC 9457, `application/problem+json`) with `type`, `title`, `status`, `detail`,
`request_id`, and for a body with faults `errors`, each with a JSON pointer. `limit` and `cursor` make
pages: `next` of an answer is the `cursor` of the next request, null at the end; a cursor ends with the
index or the models it was given for. `budget_ms` lets a search rerank less when it would be late, which
`degraded` then tells. A batch has a result or an error for each input, in order. Answers to GET have an
`ETag`, by build and query, for `If-None-Match`.

A key, where there are keys, is sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`.

```sh
curl http://127.0.0.1:8000/v1/skills/search --json '{{"title": "Nurse", "limit": 5}}'
```

{endpoints}"""


def pages() -> dict[Path, str]:
    """The generated pages, by path."""
    texts = {
        "api": _API.format(endpoints=_endpoints(description())),
        "commands": _commands(),
        "settings": _SETTINGS.format(
            settings=_settings(Settings, lambda name: not name.startswith(_QDRANT)),
            qdrant=_settings(Settings, lambda name: name.startswith(_QDRANT)),
            service=_settings(ServiceSettings),
            generator=_settings(GeneratorSettings),
        ),
        "recipes": _RECIPES.format(
            pair=_recipe(PAIR), unified=_recipe(UNIFIED), data=_recipe({"default": DataOptions()})
        ),
    }
    return {FOLDER / f"{name}.md": _NOTE + text for name, text in texts.items()}


def _commands() -> str:
    """Every command as typer documents it, with the examples of its help in blocks of their own."""
    command = typer.main.get_command(build_app())
    context = command.make_context("skillsearch", [], resilient_parsing=True)
    text = get_docs_for_click(obj=command, ctx=context, name="skillsearch", title="Commands")  # type: ignore[arg-type]
    text = re.sub(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n", "", text)  # shortened; the headings name them all
    text = re.sub(r"<list\[(\w+)\]>", lambda match: f"<{match[1].lower()}> …", text)
    text = re.sub(r"^Example: (.*)$", r"```console\n$ \1\n```", text, flags=re.MULTILINE)
    text = text.replace("```\n\n```console\n$ skillsearch", "$ skillsearch")  # examples share a block
    return text.strip() + "\n"


def _endpoints(schema: Mapping[str, Any]) -> str:
    """A table of all endpoints, then each body with its fields and its example."""
    forms, rows, parts, told = schema["components"]["schemas"], [], [], set[str]()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            rows.append((f"`{method.upper()} {path}`", operation["description"].partition("\n")[0]))
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name and name not in told:
                told.add(name)
                parts.append(f"### `{method.upper()} {path}`\n\n{_form(forms[name], forms)}")
    parts.append(f"### `filters`\n\n{_form(forms['FiltersBody'], forms)}")
    return _table(("endpoint", ""), rows) + "\n## Bodies\n\n" + "\n".join(parts)


def _form(form: Mapping[str, Any], forms: Mapping[str, Any]) -> str:
    """A row for each field of a body, and its example."""
    needed = form.get("required", ())
    rows = [
        (
            f"`{name}`",
            _type(field, forms),
            "needed" if name in needed else f"`{json.dumps(field.get('default'))}`",
            field.get("description", ""),
        )
        for name, field in form["properties"].items()
    ]
    examples = (
        f"\n```json\n{json.dumps(one, ensure_ascii=False)}\n```\n" for one in form.get("examples", ())
    )
    return _table(("field", "type", "default", ""), rows) + "".join(examples)


def _type(field: Mapping[str, Any], forms: Mapping[str, Any]) -> str:
    """A field's type in words."""
    if "anyOf" in field:
        kinds = [_type(one, forms) for one in field["anyOf"] if one.get("type") != "null"]
        return " or ".join(kinds)
    if "$ref" in field:
        return "object"
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(field['items'], forms) or 'anything'}"
    return str(field.get("type", ""))


def _settings(settings: type[BaseSettings], is_wanted: Callable[[str], bool] = bool) -> str:
    """A row for each wanted setting: its variable, its default, what it may be, and what it means."""
    prefix = settings.model_config.get("env_prefix", "")
    rows = [
        (f"`{prefix}{name.upper()}`", _default(field), _values(field), field["description"])
        for name, field in settings.model_json_schema()["properties"].items()
        if is_wanted(name)
    ]
    return _table(("variable", "default", "value", ""), rows)


def _recipe(presets: Mapping[str, BaseModel]) -> str:
    """A row for each option: its value in each preset, and what it means."""
    values = {
        name: {option: value for option, value, _ in _options(preset)} for name, preset in presets.items()
    }
    rows = [
        (
            f"`{option}`",
            *(_value(chosen[option]) if option in chosen else "-" for chosen in values.values()),
            meaning,
        )
        for option, _, meaning in _options(next(iter(presets.values())))
    ]
    return _table(("option", *(f"`{name}`" for name in presets), ""), rows)


def _options(config: BaseModel, prefix: str = "") -> Iterator[tuple[str, object, str]]:
    """Name, value and meaning of every option, those of nested models among them."""
    meanings = _meanings(type(config))
    for name in type(config).model_fields:
        value, meaning = getattr(config, name), meanings.get(name, "")
        if isinstance(value, BaseModel):
            for option, nested, own in _options(value, f"{prefix}{name}."):
                yield option, nested, own or meaning
        elif name != "preset":
            yield f"{prefix}{name}", value, meaning


def _meanings(config: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say of each attribute."""
    found: dict[str, str] = {}
    for base in reversed(config.__mro__):
        _, _, attributes = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")
        for name, text in re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", attributes, re.MULTILINE):
            found[name] = " ".join(text.split()).rstrip(".").replace("None", "`none`")
    return found


def _value(value: object) -> str:
    """As it is written on a command line."""
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{'none' if value is None else str(value).lower() if isinstance(value, bool) else value}`"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (header, ["---"] * len(header), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    return "" if value in (None, "") else _value(value)


def _values(field: Mapping[str, Any]) -> str:
    """What a setting may be, from its JSON schema."""
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    return " or ".join(map(_kind, kinds))


def _kind(kind: Mapping[str, Any]) -> str:
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind["type"] == "boolean":
        return "`true`, `false`"
    if kind["type"] == "string":
        return {"path": "path", "uri": "URL", "password": "secret"}.get(kind.get("format", ""), "text")
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    limits = [f"{words} {kind[name]:g}" for name, words in bounds.items() if name in kind]
    number = "whole number" if kind["type"] == "integer" else "number"
    return ", ".join([number, *limits])


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
