"""Names of folders that look the same are the same, and what cannot be seen is in none of them."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from models.core import Refused
from models.dossiers import Folder, dossier_of
from models.dossiers.acts import Items, move_items
from models.dossiers.dossier import tidy_name
from models.dossiers.zipping import entries

COMPOSED, APART = unicodedata.normalize("NFC", "Café één"), unicodedata.normalize("NFD", "Café één")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (APART, COMPOSED),
        ("  Loon \t\n staten  ", "Loon staten"),
        ("a\u200bb\u200dc\ufeffd\u2060e\u00adf", "abcdef"),
        ("fac\u202egnp.exe", "facgnp.exe"),
        ("Map\ufe0f", "Map"),
        ("Jansen B.V.", "Jansen B.V."),
        ("Belasting\u2028en", "Belasting en"),
        ("A › B", "A > B"),
        ("👨‍👩‍👧 gezin ❤️", "👨‍👩‍👧 gezin ❤️"),
        ("משכורות 2026", "משכורות 2026"),
        ("é" * 120, "é" * 120),
        (unicodedata.normalize("NFD", "é" * 120), "é" * 120),
    ],
)
def test_what_is_typed_and_what_is_kept(typed: str, kept: str) -> None:
    assert tidy_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", "\u200b\u200d", "\u202e", "...", ". .", "x" * 121, "\ufdfa" * 100])
def test_what_is_no_name(typed: str) -> None:
    with pytest.raises(Refused):
        tidy_name(typed)


@pytest.mark.parametrize("twin", [APART, "CAFÉ ÉÉN", "Cafe\u200b een", "café  één ", "Cafe\u0301 e\u0301e\u0301n"])
async def test_twins_do_not_stand_beside_each_other(cast: Any, twin: str) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    first = await dossier.add_folder(COMPOSED, by=cast.anna)
    other = await dossier.add_folder("Anders", by=cast.anna)

    with pytest.raises(Refused) as refused:
        await dossier.add_folder(twin, by=cast.anna)
    assert refused.value.field == "name"
    with pytest.raises(Refused):
        await other.rename(twin, by=cast.anna)
    inner = await other.add_folder(twin, by=cast.anna)
    await move_items(dossier, None, Items(folders=(inner.id,)), by=cast.anna)

    moved = await cast.anna.folders.get(inner.id)
    assert moved.name.endswith(" (2)") and moved.name_key != first.name_key


async def test_a_folder_may_be_given_its_own_name_in_other_letters(cast: Any) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    folder = await dossier.add_folder("cafe een", by=cast.anna)

    await folder.rename(APART, by=cast.anna)

    assert (await cast.anna.folders.get(folder.id)).name == COMPOSED


async def test_names_that_end_in_dots_come_out_of_a_zip_on_windows(cast: Any) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    holder = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.kind == "office")).first()
    for name in ("Jansen B.V.", "Jansen B.V", "con", "a/b: c?"):
        folder = await dossier.add_folder(name, by=cast.anna)
        await folder.move(holder.id, by=cast.anna)
        from models.dossiers import NewDocument

        await folder.add_documents([NewDocument("Stuk.pdf", "0" * 64, 1, "application/pdf")], by=cast.anna)

    paths = [one.path for one in await entries(cast.anna, [holder.id]) if one.path.endswith("/Stuk.pdf")]
    steps = [path.split("/")[-2] for path in paths if path.count("/") == 1]

    assert len({step.casefold() for step in steps}) == len(steps) >= 4
    assert not [step for step in steps if step.endswith((".", " ")) or set(step) & set('<>:"|?*\\')]
