"""Every page there is, opened in a real browser: axe finds nothing, nothing sticks out, the console and the CSP stay silent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import Tabs
from tests.cast import PASSWORD
from tests.house import House, house
from tests.test_strangers import OWNED, PARAMETER
from web.routing import ACTIONS, Access

# What is no page: files, streams, and pages that lead on at once.
NO_PAGES = {
    "account.new_options", "account.pin_options", "account.proof_options", "audit.export_csv", "audit.export_xlsx", "clients.export", "sessions.code_options", "sessions.link", "sessions.passkey_options", "providers.callback", "settings.style_css", "users.export", "documents.download", "drafts.again", "first.second_factor_first", "health.live", "health.ready", "health.metrics",
    "imports.report", "imports.sample", "live.stream", "photos.photo", "rights.export", "rollout.mail", "setup.office", "sessions.welcome",
    "shell.brand", "shell.logo", "shell.manifest", "shell.service_worker", "static.file", "styleguide.page", "viewing.page", "zips.chosen",
    "zips.folder", "zips.own", "moves.file", "moves.report", "runs.drift_report", "runs.report", "requests.export",
    "api.approvals", "api.kinds", "api.openapi", "approvals.export", "approvals.phone_export", "letter_templates.envelope", "letter_templates.picture", "letter_templates.sample", "own_approvals.passkey_options",
}  # fmt: skip
# Parts of a page, which nobody opens by themselves.
FRAGMENTS = {
    "copies.tree", "documents.readers", "dossiers.tree", "groups.count_rule", "folders.children", "folders.contents", "folders.row",
    "overview.progress", "overview.running", "overview.uploads", "portal.contents", "rollout.steps", "runs.of_client", "unread.told",
    "dossiers.count_audience", "dossiers.tops", "portal.branches", "portal.tops", "scanning.banner", "placing.clients", "offering.clients", "certifying.banner",
}  # fmt: skip
# Of which dossier a page is there, where not of a client's own.
DOSSIERS = {
    "copies.choose": "standard", "copies.preview": "standard", "dossiers.name": "standard", "dossiers.removal": "standard",
    "dossiers.audience": "general", "copies.new_clients": "standard", "runs.drift": "standard",
}  # fmt: skip
WIDTHS = (390, 1440)


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("pages"), worker=False, clients=60, lively=True) as made:
        yield made


def addresses(poort: House, *accesses: Access) -> list[str]:
    with sqlite3.connect(poort.var / "poort.db") as database:
        ids = {name: database.execute(sql).fetchone()[0] for name, sql in OWNED.items()}
        colleague = database.execute("SELECT min(id) FROM users WHERE kind = 'staff'").fetchone()[0]
        kinds = dict(database.execute("SELECT kind, min(id) FROM dossier GROUP BY kind"))
    found = []
    for action in ACTIONS:
        if action.method != "GET" or action.access not in accesses or action.name in NO_PAGES | FRAGMENTS:
            continue
        if set(PARAMETER.findall(action.path)) <= set(ids):
            mine = ids | ({"dossier_id": kinds[DOSSIERS[action.name]]} if action.name in DOSSIERS else {})
            mine |= (
                {"user_id": colleague}
                if action.name.startswith("staff.") or action.name == "rights.of_colleague"
                else {}
            )
            found.append(PARAMETER.sub(lambda match, mine=mine: str(mine[match[1]]), action.path))
    return found


def sign_in(tab: Page, poort: House, email: str) -> None:
    tab.goto(f"{poort.url}/sign-in")
    tab.locator("[name=email]").fill(email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda address: "sign-in" not in address)


@pytest.mark.timeout(900)  # of the office's pages there are some two hundred, each looked at in two colour schemes
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("email", "accesses"),
    [
        ("anna@kantoor.example", (Access.STAFF, Access.SIGNED_IN)),
        ("rik@bakkerij-jansen.example", (Access.CLIENT, Access.SIGNED_IN)),
        ("", (Access.PUBLIC,)),
    ],
)
def test_nobody_is_hindered(
    poort: House, chromium: Browser, email: str, accesses: tuple[Access, ...], width: int
) -> None:
    wrong = []
    with Tabs(chromium) as tabs:
        tab = tabs.open(width=width)
        if email:
            sign_in(tab, poort, email)
        for address in addresses(poort, *accesses):
            answer = tab.goto(poort.url + address)
            try:
                assert answer and answer.status < 400, f"{address}: {answer and answer.status}"
                Tabs.look(tab)
            except AssertionError as error:
                wrong.append(str(error).replace("\n", " ")[:400])

    assert not wrong, "\n".join(wrong)
