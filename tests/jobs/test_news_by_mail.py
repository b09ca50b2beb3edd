"""What staff read of uploads: the names, the links to the very documents, in their own language, and nothing of others."""

from __future__ import annotations

import pytest

from models import config, notices
from models.accounts import User
from models.outbox import Errand, Kind
from models.settings import Firm
from tests.cast import Cast
from tests.handing_in import MORNING, all_was_told, hand_in, responsible_only, wants
from tests.jobs.posting import post_all, time_passes
from tests.smtp import Sink


@pytest.fixture
async def quiet(cast: Cast) -> Cast:
    """The cast, when everything that the sample holds was told before."""
    await all_was_told()
    return cast


async def test_a_notice_names_the_documents_and_links_to_them(quiet, smtp_sink: Sink):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await responsible_only(quiet.garage, quiet.anna)
    await wants(quiet.ed, "at_once")
    bon, foto = await hand_in(quiet.bakkerij, "bon <1> & 2.pdf", "foto.jpg")
    await hand_in(quiet.garage, "van sam.pdf")
    await post_all()
    assert not smtp_sink.taken, "a notice waits a minute for more of the same"

    await time_passes(seconds=1)
    await post_all()

    [taken] = smtp_sink.taken
    base = config.settings().base_url
    assert taken.address == "ed@kantoor.example"
    assert taken.message["Subject"] == "Bakkerij Jansen B.V. heeft 2 stukken aangeleverd"
    assert f"bon <1> & 2.pdf\n{base}/documents/{bon}" in taken.text
    assert f"foto.jpg\n{base}/documents/{foto}" in taken.text
    assert "bon &lt;1&gt; &amp; 2.pdf" in taken.html
    assert "van sam.pdf" not in taken.text


async def test_a_heap_is_counted_and_not_listed_to_the_end(quiet, smtp_sink: Sink):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await wants(quiet.ed, "at_once")
    await hand_in(quiet.bakkerij, *(f"bon {n}.pdf" for n in range(50)))
    await time_passes(seconds=1)

    await post_all()

    [taken] = smtp_sink.taken
    assert "Er zijn 50 stukken aangeleverd" in taken.text
    assert "en nog 30" in taken.text
    assert "bon 19.pdf" in taken.text
    assert "bon 20.pdf" not in taken.text


async def test_the_digest_is_mailed_once(quiet, smtp_sink: Sink):
    await User.update({User.language: "en"}).where(User.id == quiet.ed.user.id)
    await responsible_only(quiet.bakkerij, quiet.ed)
    await Firm.update({Firm.digest_hour: 7}, force=True)
    await hand_in(quiet.bakkerij, "bon.pdf", at=MORNING.replace(hour=1))
    await notices.plan_digests(MORNING)
    await post_all("w1")
    await notices.plan_digests(MORNING)
    await post_all("w2")

    [taken] = smtp_sink.taken
    assert taken.address == "ed@kantoor.example"
    assert '<html lang="en">' in taken.html
    assert "bon.pdf" in taken.text
    assert await Errand.count().where(Errand.kind == Kind.DIGEST.value) == 1


async def test_what_was_thrown_away_is_not_mailed(quiet, smtp_sink: Sink):
    from models.dossiers import Document
    from models.settings import utcnow

    await responsible_only(quiet.bakkerij, quiet.ed)
    await wants(quiet.ed, "at_once")
    await hand_in(quiet.bakkerij, "bon.pdf")
    await Document.update({Document.trashed_at: utcnow()}).where(Document.name == "bon.pdf")
    await time_passes(seconds=1)

    await post_all()

    assert not smtp_sink.taken
    [notice] = await Errand.objects().where(Errand.kind == Kind.UPLOAD_NOTICE.value)
    assert notice.state == "cancelled"
