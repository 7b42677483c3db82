"""Labels in pairs: the label itself, and each of its halves."""

import pytest

from skillsearch.taxonomy.texts import label_variants


@pytest.mark.parametrize(
    ("label", "halves"),
    [
        ("Buchbinder/Buchbinderin", ("Buchbinder", "Buchbinderin")),
        ("agent de sûreté/agente de sûreté", ("agent de sûreté", "agente de sûreté")),
        ("Wachmann / Wachfrau", ("Wachmann", "Wachfrau")),
        (
            "Import-/Exporthändler/Import-/Exporthändlerin",
            ("Import-/Exporthändler", "Import-/Exporthändlerin"),
        ),
        ("Handweber/in", ("Handweber", "Handweberin")),
        ("Maler/-in und Lackierer/-in", ("Maler und Lackierer", "Malerin und Lackiererin")),
        ("Schichtleiter/in Bergbau", ("Schichtleiter Bergbau", "Schichtleiterin Bergbau")),
        ("assistant/e", ("assistant", "assistante")),
    ],
)
def test_a_pair_gives_its_halves(label: str, halves: tuple[str, ...]) -> None:
    assert label_variants(label) == (label, *halves)


@pytest.mark.parametrize(
    "label",
    ["data scientist", "", "lift/escalator technician", "Wachmann/Wachfrau Alarmzentrale", "a/b/c", "/"],
)
def test_anything_else_gives_only_the_label(label: str) -> None:
    assert label_variants(label) == (label,)
