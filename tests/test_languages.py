"""Several languages: releases read together, what models learn of them, and titles over one index."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import run
from hash_encoder import HashEncoder
from indexing import index_taxonomy

from indexer.read.esco import read_sample, sample_path
from indexer.read.languages import read_languages
from skillsearch.arrays import Float32Array
from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, TaxonomyError
from skillsearch.models.manifest import MANIFEST_FILE, ModelManifest, read_manifest, write_manifest
from skillsearch.models.pair import DISTILLED, ENCODER, RECORD
from skillsearch.settings import Settings
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.tasks.confidence import Confidence
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.words.languages import scripts_of
from skillsearch.words.titles import Vocabulary, clean_title, words_of
from trainer import fit
from trainer.pair.config import PRESETS, EncoderConfig, RerankerConfig, configure_pair
from trainer.pair.distil import make_lessons
from trainer.pair.pairs import encoder_pairs, relation_matrix, reranker_triples, split_occupations
from trainer.pair.run import train_pair
from trainer.run import Target


def in_language(folder: Path, language: str, version: str = "1.0.0") -> Path:
    """The sample's classification as one in another language, each label with the language before it."""
    target = folder / f"sample dataset - v{version} - {language}"
    target.mkdir(parents=True)
    for path in sample_path().glob("*_en.csv"):
        text = path.read_text(encoding="utf-8")
        (target / path.name.replace("_en.csv", f"_{language}.csv")).write_text(text, encoding="utf-8")
    return target


def relations(folder: Path) -> Path:
    """The sample's files that are in no language."""
    target = folder / "relations"
    target.mkdir(parents=True)
    for path in sample_path().glob("*.csv"):
        if not path.stem.endswith("_en"):
            shutil.copy(path, target)
    return target


def translated(taxonomy: Taxonomy, language: str) -> Taxonomy:
    """The same taxonomy with other names, such as ``de baker``."""
    parts: dict[str, Any] = {
        part: {
            uri: replace(
                one,
                label=f"{language} {one.label}",
                alt_labels=tuple(f"{language} {name}" for name in one.alt_labels),
            )
            for uri, one in getattr(taxonomy, part).items()
        }
        for part in ("skills", "occupations")
    }
    return replace(taxonomy, language=language, **parts)


def language_of(text: str) -> str:
    return text[:2] if text.startswith(("de ", "fr ")) else "en"


def test_each_language_is_read_with_the_files_that_have_none(tmp_path: Path) -> None:
    de, en = (in_language(tmp_path / language, language) for language in ("de", "en"))
    paths = [de, relations(tmp_path), en]
    german, english = (release.taxonomy for release in read_languages(paths))
    assert (german.language, english.language) == ("de", "en")
    sample = read_sample().taxonomy
    assert dict(english.skills) == dict(german.skills) == dict(sample.skills)
    assert english.relations == german.relations == sample.relations
    for path in de.iterdir():
        shutil.copy(path, en)  # unpacked into one folder
    assert [one.taxonomy.language for one in read_languages([en, paths[1]])] in (["de", "en"], ["en", "de"])


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (("en", "1.0.0"), "_en.csv is in both"),
        (("de", "1.0.1"), "two versions mixed: v1.0.0"),
    ],
)
def test_a_language_twice_or_of_another_version_is_told(
    tmp_path: Path, second: tuple[str, str], message: str
) -> None:
    paths = [in_language(tmp_path / "one", "en"), in_language(tmp_path / "two", *second), relations(tmp_path)]
    with pytest.raises(TaxonomyError, match=message):
        read_languages(paths)


def test_a_language_in_part_is_told(tmp_path: Path) -> None:
    part = in_language(tmp_path / "de", "de")
    (part / "skills_de.csv").unlink()
    paths = [in_language(tmp_path / "en", "en"), part, relations(tmp_path)]
    with pytest.raises(TaxonomyError, match=r"skills_de\.csv is not in"):
        read_languages(paths)
    folder = in_language(tmp_path / "none", "en")
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("_en.csv", ".csv"))
    with pytest.raises(TaxonomyError, match="no language in the file name"):
        read_languages([folder, paths[2]])


def test_names_of_one_concept_in_two_languages_are_pairs(taxonomy: Taxonomy) -> None:
    split = split_occupations(taxonomy, 0.2, 1, validation=0.1)
    config = EncoderConfig(base="none", translation_pairs=2)
    others = [translated(taxonomy, "de"), translated(taxonomy, "fr")]
    pairs = encoder_pairs(taxonomy, split, config, 1, others)
    related = relation_matrix(taxonomy, names=True)
    occupations, skills = len(taxonomy.occupations), len(taxonomy.skills)
    assert related.shape == (occupations + skills, skills + occupations)
    assert (related[:occupations, :skills] == relation_matrix(taxonomy)).all()
    assert related.sum() == 2 * len(taxonomy.relations) + occupations + skills
    assert all(related[pair.row, pair.column] for pair in pairs)
    names = [pair for pair in pairs if pair.row >= occupations or pair.column >= skills]
    assert len(names) == 2 * (skills + len(split.train))
    assert all(language_of(one) != language_of(other) for one, other, _, _ in names)
    mixed = Counter(language_of(pair.title) == language_of(pair.skill) for pair in pairs)
    assert mixed[True] > len(taxonomy.relations) / 2
    outside = {taxonomy.occupations[uri].label for uri in split.held_out + split.validation}
    assert not outside & {text.removeprefix("de ").removeprefix("fr ") for pair in pairs for text in pair[:2]}
    assert pairs == encoder_pairs(taxonomy, split, config, 1, others)


def test_a_held_out_title_of_any_language_is_forbidden_in_all(taxonomy: Taxonomy) -> None:
    split = split_occupations(taxonomy, 0.2, 1)
    german = translated(taxonomy, "de")
    first, kept = taxonomy.occupations[split.train[0]], german.occupations[split.held_out[0]].label
    occupations = dict(taxonomy.occupations)
    occupations[first.uri] = replace(first, alt_labels=(*first.alt_labels, kept.upper()))
    pairs = encoder_pairs(
        replace(taxonomy, occupations=occupations),
        split,
        EncoderConfig(base="none", alias_pairs=9),
        1,
        [german],
    )
    assert kept.casefold() not in {pair.title.casefold() for pair in pairs}


def test_what_a_language_lacks_is_taken_from_the_others(taxonomy: Taxonomy) -> None:
    german = translated(taxonomy, "de")
    split = split_occupations(taxonomy, 0.2, 1)
    job, skill = split.train[0], next(iter(taxonomy.skills))
    german = replace(
        german,
        occupations={
            uri: one for uri, one in german.occupations.items() if uri not in (job, split.held_out[0])
        },
        skills={uri: one for uri, one in german.skills.items() if uri != skill},
    )
    config = EncoderConfig(base="none", translation_pairs=1, optional_ratio=9)
    pairs = encoder_pairs(taxonomy, split, config, 1, [german])
    texts = {text for pair in pairs for text in pair[:2]}
    assert taxonomy.occupations[job].label in texts
    assert not {f"de {taxonomy.occupations[job].label}", f"de {taxonomy.skills[skill].label}"} & texts
    triples = reranker_triples(taxonomy, split, split.train, {}, RerankerConfig(base="none"), 1, [german])
    assert {(language_of(one), language_of(other)) for one, other, _ in triples} == {
        ("en", "en"),
        ("en", "de"),
        ("de", "en"),
        ("de", "de"),
    }


def test_a_preset_of_one_language_refuses_two(taxonomy: Taxonomy, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the preset compact reads one language, found en, de"):
        train_pair(
            taxonomy, PRESETS["compact"], Target(tmp_path / "m", "cpu"), others=[translated(taxonomy, "de")]
        )
    assert not (tmp_path / "m").exists()
    paths = [in_language(tmp_path / one, one) for one in ("en", "de")]
    named = [text for path in (*paths, relations(tmp_path)) for text in ("--esco", str(path))]
    done = run("train", *named, "--output", str(tmp_path / "m"), home=tmp_path)
    assert done.returncode == 1
    assert "reads one language, found " in done.stderr
    assert "--preset multilingual" in done.stderr


def test_a_multilingual_training_ends_with_models_that_know_their_languages(
    xlm_roberta_base: Path, tmp_path: Path
) -> None:
    """By the command, from the encoder to the calibration."""
    paths = [in_language(tmp_path / one, one) for one in ("en", "de")]
    models = tmp_path / "models"
    done = run(
        "train",
        *(text for path in (*paths, relations(tmp_path)) for text in ("--esco", str(path))),
        *("--preset", "multilingual", "--output", str(models)),
        *(
            text
            for name in ("encoder", "reranker")
            for text in ("--set", f"{name}.base={xlm_roberta_base}", "--set", f"{name}.batch_size=8")
        ),
        *("--set", "max_steps=2", "--set", "distilled.epochs=1", "--set", "distilled.candidates=2"),
        *("--set", "precision=float32", "--set", "device=cpu"),
        home=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert {"de", "en"} == set(json.loads((models / RECORD).read_text(encoding="utf-8"))["languages"])
    manifest = read_manifest(models / ENCODER)
    assert set(manifest.languages) == {"de", "en"}
    assert manifest.export is not None
    assert "float32" in manifest.export.files
    assert (models / DISTILLED).is_dir()
    assert "Names in 2 languages" in (models / "README.md").read_text(encoding="utf-8")


def test_titles_of_the_distilled_reranker_are_in_all_languages(taxonomy: Taxonomy, tmp_path: Path) -> None:
    class Scorer:
        folder = None

        def logits(self, pairs: list[tuple[str, str]]) -> Float32Array:
            return np.zeros((len(pairs), 3), dtype=np.float32)

    encoder: Any = HashEncoder()
    split = split_occupations(taxonomy, 0.2, 1)
    config = PRESETS["multilingual"].distilled
    assert config is not None
    scorer: Any = Scorer()
    vectors = encoder.encode([skill.label for skill in taxonomy.skills.values()])
    lessons = make_lessons(
        taxonomy, split, encoder, scorer, vectors, config, 1, others=[translated(taxonomy, "de")]
    )
    assert {language_of(title) for title in lessons.titles} == {"en", "de"}
    assert {language_of(label) for label in lessons.labels} == {"en"}


def test_languages_that_no_file_tells_leave_a_manifest_as_it_was(tmp_path: Path) -> None:
    write_manifest(tmp_path, ModelManifest(dimension=4))
    assert "languages" not in (tmp_path / MANIFEST_FILE).read_text(encoding="utf-8")
    write_manifest(tmp_path, ModelManifest(dimension=4, languages=("en", "de")))
    assert read_manifest(tmp_path).languages == ("en", "de")


def open_client(taxonomy: Taxonomy, folder: Path, languages: tuple[str, ...]) -> SkillSearch:
    """A client whose encoder says that it was trained on these languages, and finds all texts as near."""
    store, encoder = EmbeddedStore(folder / "index"), HashEncoder(seed=" ".join(languages))
    vars(encoder.folder)["manifest"] = ModelManifest(dimension=1024, languages=languages)
    index_taxonomy(taxonomy, encoder, store)
    build = store.published().info.name
    for space in ("skills", "occupations"):
        Confidence.kept_in(
            folder / "confidence" / f"{space}.json", build, lambda: Confidence((-9, 9, 0), 0.9, -1.0, 0.9)
        )
    return SkillSearch(store, encoder, None, Settings(home=folder))


def test_titles_in_the_encoders_languages_are_recognised(taxonomy: Taxonomy, tmp_path: Path) -> None:
    with open_client(taxonomy, tmp_path / "en", ("en",)) as client:
        found = client.search("Krankenpfleger", limit=1)
        assert not found.recognised
        assert found.versions.languages == ("en",)
        assert not client.normalize_title("νοσοκόμα").recognised
    with open_client(taxonomy, tmp_path / "more", ("de", "el")) as client:
        found = client.search("Krankenpfleger", limit=1)
        assert found.recognised
        assert found.versions.languages == ("en", "de", "el")
        assert client.normalize_title("νοσοκόμα").recognised
        assert not client.normalize_title("медсестра").recognised  # in a script of no language that is read
        assert not client.normalize_title("12345").recognised


def test_the_note_names_the_languages_that_are_read(taxonomy: Taxonomy, tmp_path: Path) -> None:
    from rich.console import Console

    from skillsearch.cli.tables import result_table

    with open_client(taxonomy, tmp_path, ("de", "el")) as client:
        table = result_table(client.search("медсестра", limit=1))
    console = Console(width=120)
    with console.capture() as told:
        console.print(table)
    assert "not recognised as a job title in en, de, el" in told.get()


def test_scripts_of_languages() -> None:
    assert scripts_of(()) == frozenset()
    assert scripts_of(("en", "pt-br", "de")) == {"LATIN"}
    assert scripts_of(("bg", "el", "ar", "uk")) == {"CYRILLIC", "GREEK", "ARABIC"}


@pytest.mark.parametrize(
    ("title", "alone", "together"),
    [
        ("Kellnerr", "kellner", "Kellnerr"),  # near to a word of the index, and none that it has
        ("R&D Kraft", "research and development Kraft", "R&D Kraft"),
        ("Kellner und Weinkellnerr", "Kellner und Weinkellnerr", "Kellner und Weinkellnerr"),
        ("Krankenpfleger/Krankenpflegerin (m/w/d)", "Krankenpfleger", "Krankenpfleger"),
        ("Ärztin/Arzt", "Ärztin", "Ärztin"),
        ("Ingenieur/Ingenieurin für Maschinenbau", "Ingenieur", "Ingenieur für Maschinenbau"),
        ("Techniker - Vliesstoff", "Techniker", "Techniker, Vliesstoff"),
        ("Night auditor - Vliesstoff", "Night auditor", "Night auditor"),
        ("Buchhalter*in (w/m/d) in Teilzeit", "Buchhalter", "Buchhalter"),
    ],
)
def test_what_is_mechanical_is_taken_from_titles_in_any_language(
    title: str, alone: str, together: str
) -> None:
    names = {name: frozenset({name}) for name in ("kellner", "night auditor")}
    vocabulary = Vocabulary(
        Counter(word for name in names for word in words_of(name)), names, {"R&D": "research and development"}
    )
    assert clean_title(title, vocabulary).texts == (alone,)
    assert clean_title(title, replace(vocabulary, is_alone=False)).texts == (together,)


@pytest.mark.parametrize(
    ("has", "precision"),
    [({"amx_bf16": True}, "bfloat16"), ({"avx512_bf16": True}, "bfloat16"), ({"avx2": True}, "float32")],
)
def test_a_cpu_that_multiplies_in_bfloat16_trains_in_it(
    has: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: has)
    config = configure_pair("multilingual").encoder
    options = fit.FitOptions(Path("checkpoints"), 1)
    arguments = fit.common_arguments(config, options, examples=1, device="cpu", measure="loss")
    assert arguments["bf16"] is (precision == "bfloat16")
