"""In the portal: a director looks after what his colleagues may, and gives nobody more than he has."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest

from models import engine
from models.accounts import User, mailbox
from models.audit import Trail
from models.clients import Access
from models.settings import Firm
from models.viewer import Right
from tests.cast import Cast, as_viewer
from web import colleagues

Browsers = Callable[..., Any]
NEW = {"email": "nieuw@bakkerij-jansen.example", "first_name": "Noor", "surname": "Bakker", "role": "lezer"}


def said(reply: Any) -> str:
    return html.unescape(reply.text)


async def test_a_director_sees_who_reaches_his_company_and_changes_what_a_colleague_may(
    cast: Cast, browser: Browsers
) -> None:
    fem = cast.fem.user.id
    async with browser(cast.rik) as rik:
        page = await rik.get(colleagues.list_.url(client_id=cast.bakkerij))
        home = await rik.get("/portal")
        reply = await rik.post(colleagues.change.url(client_id=cast.bakkerij, user_id=fem), data={"role": "lezer"})
        empty = await rik.post(colleagues.change.url(client_id=cast.bakkerij, user_id=fem), data={"role": ""})

    assert "Fem" in said(page) and "Rik Jansen (u)" in said(page).replace("</bdi>", "")
    assert colleagues.list_.url(client_id=cast.bakkerij) in home.text
    assert reply.status_code == 303 and (await as_viewer("fem@bakkerij-jansen.example")).may("view_dossier")
    assert empty.status_code == 422 and "Kies wat deze persoon mag." in said(empty)
    line = await Trail.objects().where(Trail.operation == "Access.change").first()
    assert line is not None and line.person == cast.rik.user.id and line.client == cast.bakkerij


async def test_nobody_gives_more_than_he_has_nor_touches_who_may_more(cast: Cast, browser: Browsers) -> None:
    held = int(Right.VIEW_DOSSIER | Right.MANAGE_COLLEAGUES)
    await Access.update({Access.role: "", Access.own: held, Access.rights: held}).where(
        Access.person == cast.fem.user.id
    )
    rik = colleagues.change.url(client_id=cast.bakkerij, user_id=cast.rik.user.id)
    self = colleagues.change.url(client_id=cast.bakkerij, user_id=cast.fem.user.id)
    async with browser(cast.fem) as fem:
        higher = await fem.post(rik, data={"role": "lezer"})
        own = await fem.post(self, data={"role": "beheerder"})
        template = await fem.post(colleagues.add.url(client_id=cast.bakkerij), data=NEW | {"role": "beheerder"})
        bits = await fem.post(colleagues.add.url(client_id=cast.bakkerij), data=NEW | {"role": "", "rights": ["8"]})
        offered = await fem.get(colleagues.new.url(client_id=cast.bakkerij))
        away = await fem.post(colleagues.remove.url(client_id=cast.bakkerij, user_id=cast.rik.user.id))

    assert [one.status_code for one in (higher, own, away)] == [422, 422, 422]
    assert "mag meer dan u" in said(higher) and "eigen toegang" in said(own)
    assert "U kunt niet meer geven dan u zelf mag." in said(template) + said(bits) and bits.status_code == 422
    assert "Beheerder: alles" not in said(offered) and "Lezer: alleen bekijken" in said(offered)
    assert (await as_viewer("rik@bakkerij-jansen.example")).may("approve")


@pytest.mark.parametrize("prepares", [True, False])
async def test_a_new_colleague_is_mailed_only_when_that_was_shown(
    cast: Cast, browser: Browsers, prepares: bool
) -> None:
    await Firm.update({Firm.users_without_login: prepares}, force=True)
    async with browser(cast.rik) as rik:
        first = await rik.post(colleagues.add.url(client_id=cast.bakkerij), data=NEW)
        again = await rik.post(colleagues.add.url(client_id=cast.bakkerij), data=NEW | {"announced": "1"})
    found = await User.objects().where(User.email == NEW["email"]).first()
    mails = await engine.raw("SELECT count(*) AS n FROM errand WHERE kind = 'invitation' AND person = $1", found.id)

    if prepares:
        assert (first.status_code, found.state, mails[0]["n"]) == (303, "prepared", 0)
    else:
        assert first.status_code == 200 and "Er gaat 1 mail" in said(first)
        assert (again.status_code, found.state, mails[0]["n"]) == (303, "invited", 1)


async def test_whose_address_it_is_is_not_told(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.rik) as rik:
        staff = await rik.post(colleagues.add.url(client_id=cast.bakkerij), data=NEW | {"email": "ed@kantoor.example"})
        other = await rik.post(
            colleagues.add.url(client_id=cast.bakkerij), data=NEW | {"email": "sam@garage-smit.example"}
        )
        after = await rik.get(other.headers["location"])

    assert staff.status_code == 422 and "medewerker" not in said(staff)
    assert "Garage Smit" not in said(after) and "Sam" not in said(after)
    async with engine.reading():
        sam, new = await mailbox.holders_of("sam@garage-smit.example")
    assert sam.id == cast.sam.user.id and new.surname == NEW["surname"]


async def test_access_is_taken_away_after_a_question(cast: Cast, browser: Browsers) -> None:
    about = {"client_id": cast.bakkerij, "user_id": cast.fem.user.id}
    async with browser(cast.rik) as rik:
        asked = await rik.get(colleagues.removal.url(**about))
        done = await rik.post(colleagues.remove.url(**about))
        gone = await rik.get(colleagues.page.url(**about))

    assert "ziet dan niets meer van Bakkerij Jansen B.V." in said(asked)
    assert done.status_code == 303 and gone.status_code == 404
    assert cast.bakkerij not in (await as_viewer("fem@bakkerij-jansen.example")).grants


async def test_who_may_not_gets_nothing(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.fem) as fem:
        page = await fem.get(colleagues.list_.url(client_id=cast.bakkerij))
        change = await fem.post(
            colleagues.change.url(client_id=cast.bakkerij, user_id=cast.rik.user.id), data={"role": "lezer"}
        )
    async with browser(cast.sam) as sam:
        strange = await sam.get(colleagues.list_.url(client_id=cast.bakkerij))

    assert (page.status_code, change.status_code, strange.status_code) == (403, 403, 404)
