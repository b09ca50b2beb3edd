"""The paper itself, by geometry: on every envelope the address stands in the window and what is secret nowhere near it."""

from __future__ import annotations

import pypdfium2
import pytest

from models.letters.drawing import drawn, offset_page, unprintable
from models.letters.saying import Activation, Head, Letter, TooLong
from models.letters.windows import BODY, HEAD, MOST, SECRET, WINDOWS, Box, offset, secret_is_safe
from tests.lettering import text_of, words_on

HEADS = [Head("Kantoor Van der Veen, Łukaszewski & Zonen Accountants en Belastingadviseurs B.V.", ("Dorpsstraat 1", "3511 AB Utrecht", "030 123 45 67", "info@kantoor.example"))]  # fmt: skip
LONGEST = {
    "long": ("Handelsonderneming Van der Heijden-Łukaszewski en Zonen Beheermaatschappij Internationaal B.V. i.o.",
             "T.a.v. mevrouw A.B.C.D.E. van Schimmelpenninck van der Oye-in het Veld tot Nijenhuis",
             "Burgemeester Jonkheer Quarles van Uffordlaan 1234b-hoog achter", "1234 AB  SINT NICOLAASGA-WESTERMEER"),
    "abroad": ("Şirket Ltd.", "T.a.v. de heer Ş. Müller", "c/o Dzień Dobry Sp. z o.o., ul. Żółkiewskiego 12/34 m. 5",
               "Dzielnica Śródmieście-Północ", "PL-00-123 Łódź", "POLEN"),
    "unbroken": ("W" * 120, "T.a.v. " + "Ĳ" * 90, "Straat 1", "9999 ZZ  AMSTERDAM", "KONINKRIJK BELGIË"),
    "short": ("De heer J. de Vries", "Plein 1", "1011 AA  AMSTERDAM"),
}  # fmt: skip
CODES = tuple(f"{n:02d}KLMN" for n in range(1, 25))
SECRETS = {"pin": ("987654",), "codes": CODES}
BODY_TEXT = (
    "Geachte heer De Vries,\n\n"
    + "Met deze pincode worden aangiften goedgekeurd. " * 30
    + "\n\nMet vriendelijke groet,"
)


def a_letter(address: str = "long", kind: str = "pin", activation: bool = True) -> Letter:
    return Letter(
        LONGEST[address], "Utrecht, 1 december 2026", "Uw pincode om te accorderen", BODY_TEXT, SECRETS[kind], kind,
        reference="12-345", activation=Activation("ABCD-EFGH-JKLM", "https://portaal.kantoor.example/activate#ABCDEFGHJKLM", "portaal.kantoor.example/activate", "31 december 2026") if activation else None,
    )  # fmt: skip


def places(pdf: bytes, wanted: list[str]) -> list[Box]:
    found = [Box(w.left, w.top, w.right - w.left, w.bottom - w.top) for w in words_on(pdf) if w.text in wanted]
    assert len(found) >= len(wanted), wanted
    return found


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("moved", [(0.0, 0.0), (MOST, MOST), (-MOST, -MOST), (MOST, -MOST)])
def test_the_secret_is_outside_the_window_and_not_behind_it(window: str, kind: str, moved: tuple[float, float]) -> None:
    """Wherever the offset puts the window; and behind it is what the first fold lays there."""
    shown = WINDOWS[window].moved(*moved)
    for address in LONGEST:
        pdf = drawn([a_letter(address, kind)], HEADS, window, *moved)

        for place in places(pdf, [*SECRETS[kind], "ABCD-EFGH-JKLM"]):
            assert not place.meets(shown.pane), (place, shown.pane)
            assert not place.meets(shown.behind), (place, shown.behind)
            assert place.top > max(shown.folds[-1], 198)  # below the last fold, of the sheet in two and in three
            assert SECRET.left <= place.left and place.right <= SECRET.right and SECRET.top <= place.top and place.bottom <= SECRET.bottom  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("address", LONGEST)
def test_the_whole_address_can_be_read_in_the_window(window: str, address: str) -> None:
    shown = WINDOWS[window].moved(1.5, -2)
    pdf = drawn([a_letter(address)], HEADS, window, 1.5, -2)

    inside = [w for w in words_on(pdf) if w.top < shown.pane.bottom and w.bottom > shown.pane.top]
    assert all(shown.text.left - 0.2 <= w.left and w.right <= shown.text.right + 0.3 for w in inside)
    assert all(shown.text.top - 0.2 <= w.top and w.bottom <= shown.text.bottom + 0.2 for w in inside)
    words = " ".join(w.text for w in inside)
    for line in LONGEST[address][-2:]:  # where it goes is never cut
        assert " ".join(line.split()) in words
    if address != "unbroken":
        assert words.split() == " ".join(LONGEST[address]).split()


@pytest.mark.parametrize("window", WINDOWS)
def test_nothing_but_the_address_shows_in_the_window(window: str) -> None:
    """However the sheet slides: letterhead and text keep away from it."""
    pane = WINDOWS[window].pane
    assert HEAD.bottom <= pane.top - MOST and pane.bottom + MOST <= BODY.top
    pdf = drawn([a_letter("short")], HEADS, window)

    around = pane.grown(2)
    seen = {w.text for w in words_on(pdf) if Box(w.left, w.top, w.right - w.left, w.bottom - w.top).meets(around)}
    assert seen == set(" ".join(LONGEST["short"]).split())


@pytest.mark.parametrize("activation", [False, True])
@pytest.mark.parametrize("sign", ["W", "M", "Q", "J"])
def test_a_number_never_stands_against_the_code_before_it(sign: str, activation: bool) -> None:
    """However wide the letters are: else a reader takes the next number for a sign of the code."""
    codes = tuple(f"{sign * 5}{'ABCDEFGHJKLMNPQRSTUVWXYZ'[n]}" for n in range(24))
    letter = Letter(("a",), "", "x", "y", codes, "codes", activation=a_letter().activation if activation else None)
    words = words_on(drawn([letter], HEADS, "dl"))
    signs = [w for w in words if SECRET.top < w.top and w.bottom < SECRET.bottom]
    numbers = {f"{n}." for n in range(1, 25)}
    cells = [w for w in signs if w.text in numbers or w.text in codes]
    assert len(cells) == 48, [w.text for w in signs]
    for one in cells:
        row = [w for w in cells if w is not one and w.left >= one.left and abs(w.bottom - one.bottom) < 1.2]
        gap = min((w.left - one.right for w in row), default=99)
        assert gap >= (0.5 if one.text in numbers else 2.5), (one, gap)
    height = min(w.bottom - w.top for w in cells if w.text in codes)
    assert height >= 1.7  # that can be read: capitals of some 7 points


@pytest.mark.parametrize(
    "address",
    [
        "portaal.kantoor.example/activate",
        "portaal.administratiekantoordevriesenzonen.example/activate",
        "klanten.portaal.administratiekantoor-de-vries-en-zonen-belastingadviseurs.example/activate",
        f"{'w' * 120}.example/activate",
    ],
)
def test_the_address_of_the_portal_is_never_cut(address: str) -> None:
    letter = Letter(("a",), "", "x", "y", ("123456",), activation=Activation("ABCD-EFGH-JKLM", "https://x.example/activate#A", address, "31 december 2026"))  # fmt: skip
    words = words_on(drawn([letter], HEADS, "dl"))
    inside = [w for w in words if SECRET.left + 60 < w.left and SECRET.top + 6 < w.top and w.bottom < SECRET.top + 13]
    assert "".join(w.text for w in inside) == address
    right = SECRET.right - 1.5 - (SECRET.height - 3)
    assert all(w.right <= right and w.bottom < min(c.top for c in words if c.text == "ABCD-EFGH-JKLM") for w in inside)


@pytest.mark.parametrize("kind", SECRETS)
def test_the_fixed_words_are_for_who_is_addressed_either_way(kind: str) -> None:
    letter = Letter(("a",), "", "Pincode", "Beste Jan,", SECRETS[kind], kind)
    assert "Uw" not in text_of(drawn([letter], HEADS, "dl")).split()


def test_the_rules_hold_for_the_places_themselves() -> None:
    assert secret_is_safe()
    assert not secret_is_safe(Box(20, 210, 60, 10)) and not secret_is_safe(Box(120, 60, 20, 10))
    assert not secret_is_safe(Box(20, 150, 60, 10))  # behind the first fold of a sheet in three


@pytest.mark.parametrize("sign", "éëïöüáñçğşłąęńžčřőűțșøåæßþðĳĲŁŐŽŞİđ€–’“”ΩЖ")
def test_european_letters_are_drawn(sign: str) -> None:
    assert not unprintable(sign)
    letter = a_letter("short")
    assert sign in text_of(drawn([Letter((f"a{sign}b",), "", "x", "y", ("123456",))], HEADS, "dl")) and letter


def test_the_font_is_ours_and_in_the_file() -> None:
    pdf = drawn([a_letter()], HEADS, "c5_left")
    assert b"LiberationSans" in pdf and b"/FontFile2" in pdf
    assert unprintable("日本 é") == "日本"


def test_the_qr_code_reads_as_the_address() -> None:
    """By another program, as the phone's camera would."""
    import segno

    url = "https://portaal.kantoor.example/activate#ABCDEFGHJKLM"
    page = pypdfium2.PdfDocument(drawn([a_letter("short")], HEADS, "dl"))[0].render(scale=6).to_pil().convert("L")
    side, mm = SECRET.height - 3, 6 * 72 / 25.4
    left, top = SECRET.right - 1.5 - side, SECRET.top + 1.5
    rows = [bytes(row) for row in segno.make(url, error="m", micro=False, boost_error=False, mask=3).matrix]
    dot = side / (len(rows) + 8)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            at = (round((left + (x + 4.5) * dot) * mm), round((top + (y + 4.5) * dot) * mm))
            assert (page.getpixel(at) < 128) == bool(dark), (x, y)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(TooLong):
        drawn([Letter(("a",), "", "x", "y\n" * 70, ("123456",))], HEADS, "dl")
    assert drawn([Letter(("a",), "", "x", "y\n" * 36, ("123456",))], HEADS, "dl")


@pytest.mark.parametrize("window", WINDOWS)
def test_the_test_page_has_a_ruler_and_the_window(window: str) -> None:
    pdf = offset_page(window, 2, -1.5, "C5 links", ["Leg deze bladzijde in de envelop."])
    numbers = {w.text for w in words_on(pdf)}
    assert {"10", "100", "200"} <= numbers and {"280"} <= numbers
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=4).to_pil().convert("L")
    pane, mm = WINDOWS[window].moved(2, -1.5).pane, 4 * 72 / 25.4
    middle = round((pane.top + pane.height / 2) * mm)
    for edge in (pane.left, pane.right):
        assert min(page.getpixel((round(edge * mm) + step, middle)) for step in (-2, -1, 0, 1, 2)) < 160


@pytest.mark.parametrize("text, value", [("", 0), ("2", 2), ("-1,5", -1.5), ("1.5 mm", 1.5), ("10", 10)])
def test_an_offset_as_it_is_typed(text: str, value: float) -> None:
    assert offset(text) == value


@pytest.mark.parametrize("text", ["11", "-10,1", "links", "1,2,3", "nan", "inf"])
def test_an_offset_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError):
        offset(text)
