"""Settings: sources and their order, secrets, and what is told of wrong ones."""

import os
import re
from pathlib import Path

import pytest

from skillsearch.errors import ConfigurationError
from skillsearch.settings import Settings, load_settings


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


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://vectors.example.com:443", "https://vectors.example.com:443"),
        ("http://vectors.example.com:80", "http://vectors.example.com:80"),
        ("https://vectors.example.com:443/qdrant/", "https://vectors.example.com:443/qdrant"),
        ("https://vectors.example.com/qdrant", "https://vectors.example.com:6333/qdrant"),
        ("https://vectors.example.com", "https://vectors.example.com:6333"),
        ("https://vectors.example.com:6334", "https://vectors.example.com:6334"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_the_address_of_a_server(url: str, address: str) -> None:
    assert load_settings(qdrant_url=url).qdrant_url == address


@pytest.mark.parametrize(
    "url", ["localhost:6333", "example.com", "ftp://example.com", "http://", "http://a:99999", "http://a?b=c"]
)
def test_a_wrong_address_is_told(url: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"qdrant_url.*{re.escape(url)}"):
        load_settings(qdrant_url=url)


@pytest.mark.parametrize("scheme", ["https://", "htp://", ""])
def test_a_password_in_an_address_is_not_shown(scheme: str) -> None:
    with pytest.raises(ConfigurationError, match="SKILLSEARCH_QDRANT_API_KEY") as told:
        load_settings(qdrant_url=f"{scheme}user:hush@example.com")
    assert "hush" not in str(told.value)
    with pytest.raises(ValueError, match="qdrant_url") as raw:
        Settings(qdrant_url=f"{scheme}user:hush@example.com")
    assert "hush" not in str(raw.value)


def test_the_value_of_an_unknown_name_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SKILLSEARCH_QDRANT_TOKEN=hush\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"(?i)qdrant_token") as told:
        load_settings()
    assert "hush" not in str(told.value)


def test_a_file_without_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "skillsearch.toml").write_text("x = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners here")
@pytest.mark.parametrize("name", [".env", "skillsearch.toml"])
def test_a_file_of_a_stranger_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text('SKILLSEARCH_HOME="x"\n' if name == ".env" else 'home = "x"\n')
    load_settings()
    stranger, real = os.getuid() + 1, Path.stat

    def stat(self: Path, **options: bool) -> os.stat_result:
        found = real(self, **options)
        return os.stat_result((*found[:4], stranger, *found[5:])) if self.name == name else found

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(ConfigurationError, match=rf"{re.escape(name)} belongs to user {stranger}"):
        load_settings()
