"""Settings: sources and their order, secrets, and what is told of wrong ones."""

from pathlib import Path

import pytest

from skillsearch.errors import ConfigurationError
from skillsearch.settings import load_settings


def test_the_defaults() -> None:
    settings = load_settings(home=Path("/somewhere"))
    assert (settings.alpha, settings.depth, settings.precision) == (0.7, 200, None)
    assert settings.model_location == "/somewhere/models"
    assert settings.qdrant_url is None


def test_earlier_sources_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "skillsearch.toml").write_text('alpha = 0.1\ndepth = 10\nmodels = "toml"\n', encoding="utf-8")
    (tmp_path / ".env").write_text("SKILLSEARCH_ALPHA=0.2\nSKILLSEARCH_DEPTH=20\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("SKILLSEARCH_ALPHA", "0.3")
    assert load_settings(alpha=0.4).alpha == 0.4
    settings = load_settings(alpha=None)
    assert (settings.alpha, settings.depth, settings.models) == (0.3, 20, "toml")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSEARCH_QDRANT_URL", "")
    assert load_settings().qdrant_url is None


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSEARCH_QDRANT_API_KEY", "hush")
    settings = load_settings()
    assert "hush" not in repr(settings)
    assert settings.qdrant_api_key is not None
    assert settings.qdrant_api_key.get_secret_value() == "hush"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALPHA", "1.5"),
        ("ALPHA", "much"),
        ("DEPTH", "0"),
        ("PRECISION", "int4"),
        ("QDRANT_URL", "not a url"),
        ("BATCH_SIZE", "-1"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SKILLSEARCH_{name}", value)
    with pytest.raises(ConfigurationError, match=f"(?i){name}.*{value}"):
        load_settings()


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "skillsearch.toml").write_text("alpha = \n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings()


def test_an_unknown_name_in_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "skillsearch.toml").write_text("alhpa = 0.5\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="alhpa"):
        load_settings()
