"""Who sees how many of what: the whole matrix, so that no change of a visibility goes unnoticed."""

from __future__ import annotations

from tests.cast import Cast

SCOPES = ("clients", "groups", "accesses", "users", "dossiers", "folders", "documents")


# everything that ten of the twelve clients have; rik two of them, fem one without its dossier
SEEN = {
    "anna": (12, 5, 17, 18, 14, 248, 33),
    "ed": (5, 5, 8, 9, 7, 115, 19),
    "rik": (2, 0, 2, 1, 3, 35, 13),
    "fem": (1, 0, 1, 1, 0, 0, 0),
    "sam": (1, 0, 1, 1, 2, 18, 7),
}


async def test_the_matrix_of_cast_and_tables(cast: Cast) -> None:
    seen = {
        name: tuple([await getattr(viewer, scope).count() for scope in SCOPES])
        for name, viewer in cast.everybody.items()
        if name != "vic"
    }

    assert seen == SEEN


async def test_a_visitor_has_no_records_at_all(cast: Cast) -> None:
    assert not [
        name
        for name in dir(cast.vic)
        if not name.startswith("_") and name not in ("is_client", "is_signed_in", "is_staff", "may", "view_as")
    ]
