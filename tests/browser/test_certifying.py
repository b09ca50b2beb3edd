"""Is this the file that was approved? By anybody, on a phone, with and without a script; and the proof, as the office and the
approver see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests import certifying as papers
from tests.browser.looking import Tabs
from tests.cast import PASSWORD
from tests.house import House, house


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    var: Path = tmp_path_factory.mktemp("certifying")
    with house("small", var, worker=False, clients=12, lively=True) as made:
        yield made


@pytest.fixture(scope="module")
def approval(office: House) -> str:
    """The id of one that is sealed and filed."""
    return office.run("tests.certifying").strip()


def sign_in(tab: Page, office: House, email: str) -> None:
    tab.goto(f"{office.url}/sign-in")
    tab.locator("[name=email]").fill(email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda address: "sign-in" not in address)


def test_anybody_checks_a_file_which_stays_where_it_is(chromium: Browser, office: House, approval: str) -> None:
    content = papers.pdf("Aangifte omzetbelasting")
    with Tabs(chromium) as tabs:
        tab = tabs.open(390)
        sent: list[Request] = []
        tab.on("request", lambda request: sent.append(request))
        tab.goto(f"{office.url}/check")
        Tabs.look(tab)

        tab.get_by_label("Kies het bestand").set_input_files(
            {"name": "aangifte.pdf", "mimeType": "application/pdf", "buffer": content}
        )

        expect(tab.get_by_text("Er is akkoord gegeven op precies dit bestand.")).to_be_visible()
        assert papers.sha(content) in tab.url
        assert all(one.method == "GET" and not one.post_data for one in sent)
        assert {urlsplit(one.url).netloc for one in sent} == {urlsplit(office.url).netloc}
        tab.get_by_text("Wat voor handtekening is dit?").click()
        Tabs.look(tab)

        tab.get_by_label("Kies het bestand").set_input_files(
            {"name": "aangifte.pdf", "mimeType": "application/pdf", "buffer": content + b" "}
        )
        expect(tab.get_by_text("Van precies dit bestand is hier geen akkoord bekend.")).to_be_visible()
        Tabs.look(tab)


def test_without_a_script_the_hash_is_pasted(chromium: Browser, office: House, approval: str) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(1440, java_script_enabled=False)
        tab.goto(f"{office.url}/check")
        expect(tab.get_by_label("Kies het bestand")).to_be_hidden()

        field = tab.get_by_label("Of plak de SHA-256 van het bestand")
        field.fill(papers.sha(papers.pdf("Aangifte omzetbelasting")))
        field.press("Enter")

        expect(tab.get_by_text("Er is akkoord gegeven op precies dit bestand.")).to_be_visible()
        expect(tab.get_by_text("certutil")).to_be_visible()


def test_the_proof_is_read_checked_and_taken_along(chromium: Browser, office: House, approval: str) -> None:
    with Tabs(chromium) as tabs:
        for email, width in (("anna@kantoor.example", 1440), ("rik@bakkerij-jansen.example", 390)):
            tab = tabs.open(width)
            sign_in(tab, office, email)
            tab.goto(f"{office.url}/approvals/{approval}/proof")
            Tabs.look(tab)
            tab.get_by_role("link", name="Nu controleren").focus()
            tab.keyboard.press("Enter")
            expect(tab.get_by_text("Alles is heel")).to_be_visible()
            with tab.expect_download() as coming:
                tab.get_by_role("link", name="Bewijsbestand").click()
            assert re.fullmatch(
                r"Bewijs Aangifte omzetbelasting 1e kwartaal 2026 \w+\.zip", coming.value.suggested_filename
            )


def test_the_certificate_of_the_office(chromium: Browser, office: House, approval: str) -> None:
    with Tabs(chromium) as tabs:
        anna = tabs.open(1440)
        sign_in(anna, office, "anna@kantoor.example")
        anna.goto(f"{office.url}/settings/certificate")
        Tabs.look(anna)
        anna.get_by_label("Bestand (.p12 of .pfx)").set_input_files(
            {"name": "zegel.p12", "mimeType": "application/x-pkcs12", "buffer": b"geen certificaat"}
        )
        anna.get_by_role("button", name="Certificaat plaatsen").press("Enter")
        expect(anna.get_by_text("Dit is geen PKCS#12-bestand").first).to_be_visible()
        Tabs.look(anna)
        anna.set_viewport_size({"width": 390, "height": 900})
        Tabs.look(anna)
        anna.goto(f"{office.url}/approvals/verification")
        Tabs.look(anna)
