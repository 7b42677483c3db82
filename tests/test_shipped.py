"""Models that come in a package of their own."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from skillsearch.errors import ModelError
from skillsearch.models.pair import locate_models
from skillsearch.settings import load_settings
from skillsearch.shipped import MODELS, shipped_folder, shipped_models


@pytest.fixture
def packaged(models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of models that a package has registered as ``compact``."""
    (tmp_path / "carrier.py").write_text(f"FOLDER = {str(models_folder)!r}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    known = [EntryPoint("compact", "carrier:FOLDER", MODELS)]

    def found(*, group: str, name: str | None = None) -> list[EntryPoint]:
        return [one for one in known if one.group == group and name in (None, one.name)]

    monkeypatch.setattr("skillsearch.shipped.entry_points", found)
    return models_folder


def test_they_are_the_default_where_none_were_trained(packaged: Path, tmp_path: Path) -> None:
    assert shipped_models() == ("compact",)
    assert shipped_folder("compact") == packaged
    settings = load_settings(home=tmp_path / "home")
    assert settings.model_location == "compact"
    assert locate_models("compact").find_encoder().path == packaged / "encoder"
    (tmp_path / "home" / "models").mkdir(parents=True)
    assert settings.model_location == str(tmp_path / "home" / "models")
    assert load_settings(home=tmp_path / "home", models="elsewhere").model_location == "elsewhere"


def test_a_training_that_was_being_replaced_comes_before_them(packaged: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / ".models.replaced").mkdir(parents=True)
    assert load_settings(home=tmp_path / "home").model_location == str(tmp_path / "home" / "models")


def test_without_any_the_message_says_how_to_get_some(tmp_path: Path) -> None:
    assert shipped_models() == ()
    assert shipped_folder("compact") is None
    location = load_settings(home=tmp_path / "home").model_location
    with pytest.raises(ModelError, match=r"no models at .*: install those that are trained"):
        locate_models(location)
