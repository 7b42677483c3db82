"""The page: as plain HTML, with a hostile taxonomy, and in a real browser, up to a better ranking."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import chromium, running
from command import run
from fastapi.testclient import TestClient
from hash_encoder import HashEncoder
from indexing import index_taxonomy

from skillsearch.client import SkillSearch
from skillsearch.http.app import create_app
from skillsearch.http.keys import Keys, new_key
from skillsearch.http.marks import marked
from skillsearch.http.settings import ServiceSettings
from skillsearch.http.why import reasons
from skillsearch.settings import Settings
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.tasks.extraction import FoundSkill, Span
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = "<script>alert(1)</script>"
ADVERT = "We are a bank.\nYou administer databases and write reports. Knowledge of Python is a plus."
TITLES = 20


@pytest.fixture(scope="module")
def own_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "home"
    shutil.copytree(home, folder)
    return folder


@pytest.fixture(scope="module")
def address(own_home: Path, models_folder: Path) -> Iterator[str]:
    with running(SkillSearch.open(home=own_home, models=str(models_folder), device="cpu")) as found:
        yield found


@pytest.fixture
def page(address: str) -> Iterator["Page"]:
    """A page of a browser; whatever its scripts complain about fails the test."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.set_default_timeout(60_000)
        faults: list[str] = []
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        yield opened
        browser.close()
    assert faults == []


def test_a_title_is_judged_with_keys_and_with_the_mouse(page: "Page", address: str) -> None:
    page.goto(f"{address}/")
    page.fill("#q", "regis")
    page.wait_for_selector("#suggestions option", state="attached")
    assert page.locator("#suggestions option").first.get_attribute("value") == "registered nurse"
    page.fill("#q", "Registered Nurse")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    assert "Registered+Nurse" in page.url
    assert page.locator(".hit").count() == 20
    assert "Recognised as registered nurse, ISCO-08 2221." in page.locator("main").inner_text()
    first = page.locator(".hit").first
    page.keyboard.press("j")
    page.keyboard.press("r")
    first.locator("[value=relevant][aria-pressed=true]").wait_for()
    first.locator("[value=not]").click()
    first.locator("[value=not][aria-pressed=true]").wait_for()
    page.reload()
    assert first.locator("[value=not]").get_attribute("aria-pressed") == "true"
    first.locator(".undo").click()  # what was said before counts again
    first.locator("[value=relevant][aria-pressed=true]").wait_for()
    first.locator(".undo").click()
    first.locator(".undo").wait_for(state="hidden")


def test_an_advert_that_is_pasted_is_read_with_its_places_marked(page: "Page", address: str) -> None:
    page.goto(f"{address}/advert")
    page.fill("#text", ADVERT)
    page.click("text=Read")
    page.wait_for_selector(".advert")
    assert page.locator(".advert").inner_text() == ADVERT
    marks = page.locator("mark").all_inner_texts()
    assert {"administer databases", "write reports", "Python"} <= set(marks)
    page.click("ol.hits a")
    page.wait_for_selector("text=Similar skills")


def test_it_can_be_used_by_everybody(page: "Page", address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for path in (
        "/",
        "/?q=Nurse",
        f"/advert?text={ADVERT}",
        "/compare?a=Nurse&b=Cook",
        "/published",
        "/teach",
    ):
        page.goto(f"{address}{path}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe.run(page).response["violations"] == [], path
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        page.set_viewport_size({"width": 1280, "height": 720})


def test_judgements_make_a_better_ranking(
    page: "Page", address: str, own_home: Path, models_folder: Path, taxonomy: Taxonomy
) -> None:
    """From a service that was just started over twenty judged titles to another order, and back."""
    titles = sorted(one.label for one in taxonomy.occupations.values())[:TITLES]
    for title in titles:
        page.goto(f"{address}/?q={title}")
        for number, key in enumerate("rcnn"):
            page.keyboard.press("j")
            page.keyboard.press(key)
            grade = {"r": "relevant", "c": "contextual", "n": "not"}[key]
            page.locator(".hit").nth(number).locator(f"[value={grade}][aria-pressed=true]").wait_for()
    page.goto(f"{address}/teach")
    assert f"{4 * TITLES} judgements of {TITLES} titles" in page.locator("main").inner_text()
    assert titles[0] not in page.locator("main ol").inner_text().splitlines()
    before = labels(page, address)
    models = {"SKILLSEARCH_MODELS": str(models_folder), "SKILLSEARCH_DEVICE": "cpu"}
    fit = ("fit", "--judgements", str(own_home), "--activate", "--folds", "2", "--json")
    done = run(*fit, home=own_home, **models)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["titles"] == TITLES
    assert report["learning_curve"]
    after = labels(page, address)
    assert after != before
    assert "blend-" in page.locator("footer").inner_text()
    done = run("fit", "--undo", home=own_home, **models)
    assert done.returncode == 0, done.stderr
    assert labels(page, address) == before
    done = run("fit", "--undo", home=own_home, **models)
    assert (done.returncode, "there is nothing to undo" in done.stderr) == (1, True)


def labels(page: "Page", address: str) -> list[str]:
    page.goto(f"{address}/?q=Nurse")
    return page.locator(".hit h2").all_inner_texts()


def test_it_works_without_scripts(own_home: Path, models_folder: Path) -> None:
    client = SkillSearch.open(home=own_home, models=str(models_folder), device="cpu")
    app = create_app(client, ServiceSettings(), Keys({}))
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as api:
        html = api.get("/", params={"q": "Plumber", "type": "knowledge"}).text
        hit = client.search("Plumber", limit=1).hits[0]
        form = {"title": "Plumber", "uri": hit.uri, "grade": "relevant", "back": "/?q=Plumber"}
        given = api.post("/judge", data=form)
        assert (given.status_code, given.headers["location"]) == (303, "/?q=Plumber")
        html = api.get("/?q=Plumber").text
        assert 'value="relevant" aria-pressed="true"' in html
        number = api.get("/v1/judgements", params={"title": "plumber"}).json()["judgements"][0]["id"]
        api.post("/judge", data=form | {"undo": str(number)})
        assert 'aria-pressed="true"' not in api.get("/?q=Plumber").text
        for back in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x=1"):
            turned = api.post("/judge", data=form | {"back": back})
            assert turned.headers["location"] == "/"
            assert "set-cookie" not in turned.headers
        assert api.post("/judge", data=form | {"grade": "best"}).status_code == 422
        assert api.post("/judge", data=form | {"uri": "http://nowhere"}).status_code == 404
        assert api.post("/judge", data={"undo": "x" * 50}).status_code == 303
        advert = api.get("/", params={"q": ADVERT})
        assert advert.headers["location"].startswith("/advert?text=")
        for path in ("/?q=%00a", "/?q=Nurse&type=none", "/?q=Nurse&cursor=x", "/concept?uri=x", "/concept"):
            answer = api.get(path)
            assert answer.status_code in (404, 422), path
            assert 'role="alert"' in answer.text
        headers = api.get("/").headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


def test_judgements_are_kept_exported_and_taken_back(own_home: Path, models_folder: Path) -> None:
    client = SkillSearch.open(home=own_home, models=str(models_folder), device="cpu")
    with TestClient(create_app(client, ServiceSettings(), Keys({})), base_url="http://127.0.0.1") as api:
        hits = client.search("Welder", limit=3).hits
        for hit, grade in zip(hits, ("relevant", "contextual", "not"), strict=True):
            body = {"title": "  Welder ", "uri": hit.uri, "grade": grade}
            kept = api.post("/v1/judgements", json=body)
            assert (kept.status_code, kept.json()["who"]) == (201, "local")
            assert kept.json()["versions"]["build"].startswith("sample")
        query = {"title": "WELDER"}
        csv = api.get("/v1/judgements", params=query | {"format": "csv"}).text.splitlines()
        assert csv[0] == "title,skill,grade,label,who,at"
        assert [line.split(",")[:3] for line in csv[1:]] == [
            ["Welder", hit.uri, str(grade)] for hit, grade in zip(hits, (2, 1, 0), strict=True)
        ]
        qrels = api.get("/v1/judgements", params=query | {"format": "qrels"}).text
        assert qrels.splitlines()[0] == f"title-1 0 {hits[0].uri} 2"
        assert "title-1,Welder" in api.get("/v1/judgements", params=query | {"format": "titles"}).text
        number = api.get("/v1/judgements", params=query).json()["judgements"][0]["id"]
        assert api.delete(f"/v1/judgements/{number}").json()["undone"]
        assert len(api.get("/v1/judgements", params=query).json()["judgements"]) == 2
        for wrong in (10**30, 0, -1, number + 1000):
            assert api.delete(f"/v1/judgements/{wrong}").status_code == 404
        for broken in (
            {"grade": "best"},
            {"title": ""},
            {"title": "x" * 3000},
            {"uri": "none"},
            {"who": "me"},
        ):
            answer = api.post(
                "/v1/judgements", json={"title": "A", "uri": hits[0].uri, "grade": "not"} | broken
            )
            assert answer.status_code in (404, 422)
        titles = api.get("/v1/judgements/next").json()["titles"]
        shares = [one["unsureness"] for one in titles]
        assert shares == sorted(shares, reverse=True)


def test_a_damaged_file_of_judgements_is_told_and_kept(
    own_home: Path, models_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(own_home, folder)
    (folder / "judgements.sqlite").write_bytes(b"no database" * 100)
    client = SkillSearch.open(home=folder, models=str(models_folder), device="cpu")
    uri = client.search("Nurse", limit=1)[0].uri
    with TestClient(create_app(client, ServiceSettings(), Keys({})), base_url="http://127.0.0.1") as api:
        answer = api.post("/v1/judgements", json={"title": "Nurse", "uri": uri, "grade": "not"})
        assert answer.status_code == 503
        assert "cannot be used" in answer.json()["detail"]
        assert api.get("/v1/status").status_code == 200
    assert (folder / "judgements.sqlite").read_bytes() == b"no database" * 100


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[TestClient]:
    """A service over a taxonomy whose every text is made to break the page."""
    skills = [
        Skill(
            f"http://evil.example/{number}?\"'<b>",
            f'administer {SCRIPT} " onmouseover=alert(1) {number}',
            alt_labels=(f"{SCRIPT} Databases {number}", "{{ 7 * 7 }}"),
            description=f"</p>{SCRIPT}",
            skill_type="knowledge",
        )
        for number in range(12)
    ]
    job = Occupation("javascript:alert(1)", f"Nurse {SCRIPT}", description=SCRIPT)
    relations = tuple(Relation(job.uri, skill.uri, "essential") for skill in skills)
    taxonomy = Taxonomy(
        name="evil",
        version="1",
        language="en",
        skills={skill.uri: skill for skill in skills},
        occupations={job.uri: job},
        relations=relations,
        groups={},
        isco_groups={},
    )
    store = EmbeddedStore(tmp_path / "index")
    encoder = HashEncoder()
    index_taxonomy(taxonomy, encoder, store)
    client = SkillSearch(store, encoder, None, Settings(home=tmp_path))
    with TestClient(create_app(client, ServiceSettings(), Keys({})), base_url="http://127.0.0.1") as api:
        yield api


def test_nothing_of_a_hostile_taxonomy_runs(hostile: TestClient) -> None:
    from urllib.parse import quote

    uri = quote("http://evil.example/0?\"'<b>", safe="")
    text = quote(f"You administer {SCRIPT} things. Databases {SCRIPT}.")
    for path in (
        f"/?q={quote(SCRIPT)}",
        f"/?q={quote(chr(34) + '><img src=x onerror=alert(1)>')}",
        f"/advert?text={text}",
        f"/concept?uri={uri}",
        f"/concept?uri={quote('javascript:alert(1)', safe='')}",
        f"/compare?a={quote(SCRIPT)}&b=Nurse",
        "/published",
        "/teach",
    ):
        html = hostile.get(path).text
        assert "<script>alert" not in html, path
        assert "<img" not in html, path
        assert 'href="javascript' not in html, path
        assert '" onmouseover' not in html, path


def test_a_reader_sees_nothing_to_judge_with(client: SkillSearch) -> None:
    key, line = new_key("anna", "read")
    app = create_app(client, ServiceSettings(), Keys.load(None, line))
    with TestClient(app, base_url="http://hr.example") as api:
        refused = api.get("/")
        assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        html = api.get("/?q=Nurse", auth=("anna", key)).text
        assert "Skills for" in html
        assert "/judge" not in html
        assert api.get("/teach", auth=("anna", key)).status_code == 403
        assert api.get("/static/page.css").status_code == 200


def test_overlapping_places_are_marked_once() -> None:
    def skill(name: str, start: int, end: int) -> FoundSkill:
        return FoundSkill(name, name, None, "required", "label", (Span(start, end, ""),), ())

    skills = (skill("b", 2, 4), skill("a", 0, 4), skill("c", 6, 8))
    parts = marked("abcdefgh!", skills)
    assert [(part.text, part.skill and part.skill.uri) for part in parts] == [
        ("abcd", "a"),
        ("ef", None),
        ("gh", "c"),
        ("!", None),
    ]
    assert marked("", ()) == []


def test_it_is_told_why_a_skill_was_found(client: SkillSearch, taxonomy: Taxonomy) -> None:
    job = client.normalize_title("Registered Nurse", limit=1).hits[0]
    hits = {hit.uri: hit for hit in client.search("Registered Nurse", limit=500)}
    links = {one.skill: one.kind for one in taxonomy.relations if one.occupation == job.uri}
    for uri, kind in links.items():
        assert f"sample: {kind} for registered nurse" in reasons(hits[uri], "Registered Nurse", job)
    other = next(hit for uri, hit in hits.items() if uri not in links)
    near, *shares = reasons(other, "xyz", job)
    assert near == f"near the title (cosine {other.retrieval_score:.2f})"
    assert [share.split()[0] for share in shares] == ["demand"]
    assert f"label “{other.label}” shares words with the title" in reasons(other, other.label, None)
    alias = next(hit for hit in hits.values() if hit.aliases and hit.aliases[0].split()[0] not in hit.label)
    found = reasons(alias, alias.aliases[0], None)[0]
    assert found.startswith(("label “", "another name “"))
    learned = replace(other, contributions={"cosine": 0.2, "title_ridge": -0.3, "demand": 0.0})
    assert reasons(learned, "xyz", None)[1:] == ["title ridge -0.30", "cosine +0.20"]
