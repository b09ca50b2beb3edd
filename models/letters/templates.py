"""Templates: making, changing and trying them. A text that names an unknown field, or fills more than its page, is refused."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from models.core import Refused, RefusedFields, Say, Scope, fold, operation, save, was_and_is
from models.letters import wording
from models.letters.records import KINDS, LetterTemplate
from models.letters.saying import Activation, Head, Letter, TooLong
from models.letters.windows import MOST, WINDOWS, offset
from models.letters_ddl import STARTERS
from models.live import touch
from models.settings import this_day, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

TEXTS = ("subject_nl", "text_nl", "portal_nl", "subject_en", "text_en", "portal_en")
CONTENT = ("kind", *TEXTS, "announces", "activates", "envelope", "offset_x", "offset_y")
SAMPLE_PIN, SAMPLE_CODE = "000000", "ABCD-EFGH-JKLM"


def content_of(template: LetterTemplate) -> dict[str, Any]:
    """What a batch keeps of it."""
    return {name: getattr(template, name) for name in CONTENT}


@operation(Permission.PRINT_PINS, trail=False)
async def add_template(templates: Scope[LetterTemplate], /, *, by: Viewer, **values: Any) -> LetterTemplate:
    """Any of CONTENT and a name; offsets in millimetres as typed. Raises RefusedFields with all that is wrong."""
    template = LetterTemplate(**await _checked(values, 0), changed_at=utcnow())
    await template.save()
    await by.note("LetterTemplate.add", template, {"name": template.name})
    await touch("letters")
    return template


@operation(Permission.PRINT_PINS, trail=False)
async def change_template(template: LetterTemplate, /, *, seen: int, by: Viewer, **values: Any) -> None:
    """`seen` is the version that the writer had before him."""
    if seen != template.version:
        raise Refused("", Say("Iemand anders wijzigde dit sjabloon terwijl u bezig was. Wat u typte staat er nog; vergelijk het en bewaar opnieuw."))  # fmt: skip
    checked = await _checked(values, template.id)
    moved = was_and_is({name: getattr(template, name) for name in checked}, checked)
    if moved["after"]:
        short = {"names": [name for name in moved["after"] if name != "name_key"]}
        await save(template, **checked, version=template.version + 1, changed_at=utcnow())
        await by.note("LetterTemplate.change", template, {"name": template.name, **short})
        await touch("letters")


@operation(Permission.PRINT_PINS, trail=False)
async def remove_template(template: LetterTemplate, *, by: Viewer) -> None:
    """Batches keep the text that they were made with."""
    if await LetterTemplate.count() < 2:
        raise Refused("", Say("Dit is het laatste sjabloon. Maak eerst een ander."))
    await by.note("LetterTemplate.remove", template, {"name": template.name})
    await LetterTemplate.delete().where(LetterTemplate.id == template.id)
    await touch("letters")


async def _checked(values: dict[str, Any], but: int) -> dict[str, Any]:
    wrong: list[Refused] = []
    kept: dict[str, Any] = {}

    def keep(name: str, value: Any) -> None:
        try:
            kept[name] = value()
        except Refused as refused:
            wrong.append(refused)

    for name in TEXTS:
        most = wording.SUBJECT_MOST if name.startswith("subject") else wording.TEXT_MOST
        keep(name, lambda name=name, most=most: wording.checked(name, str(values.get(name) or ""), most))
    if not wrong:
        kept |= await _of_its_kind(str(values.get("kind") or ""), kept, but)
        wrong += _of_another_kind(str(values.get("kind") or ""), kept)
    keep("name", lambda: _name(str(values.get("name") or "")))
    for name in ("offset_x", "offset_y"):
        keep(name, lambda name=name: _tenths(name, str(values.get(name) or "")))
    for name, known in (("kind", KINDS), ("envelope", tuple(WINDOWS))):
        keep(name, lambda name=name, known=known: _one_of(name, str(values.get(name) or ""), known))
    kept |= {name: bool(values.get(name)) for name in ("announces", "activates")}
    for name, label in (("subject_nl", Say("Vul een onderwerp in.")), ("text_nl", Say("Vul een tekst in."))):
        if name in kept and not kept[name]:
            wrong.append(Refused(name, label))
    if not wrong:
        kept["name_key"] = fold(kept["name"])
        if await LetterTemplate.exists().where(
            (LetterTemplate.name_key == kept["name_key"]) & (LetterTemplate.id != but)
        ):
            wrong.append(Refused("name", Say("Er is al een sjabloon “{name}”.", name=kept["name"])))
        wrong += _too_long(kept)
    if wrong:
        raise RefusedFields(wrong)
    return kept


async def _of_its_kind(kind: str, texts: dict[str, Any], but: int) -> dict[str, str]:
    """What is to be said instead where these are, unchanged, the texts that a letter of another kind began with: those of its own."""
    held = await LetterTemplate.objects().order_by(LetterTemplate.id)
    starts = [
        (one.kind, {name: getattr(one, name) for name in TEXTS}) for one in held if one.kind != kind or one.id != but
    ]
    starts += [(row[1], dict(zip(TEXTS, row[2:], strict=True))) for row in STARTERS]
    others = [start for of, start in starts if of != kind]
    return next((start for of, start in starts if of == kind), {}) if texts in others else {}


_OF_PIN, _OF_CODES = (
    re.compile(r"pincode|\bpin\b", re.IGNORECASE),
    re.compile(r"\bcodes\b|codelijst|code list", re.IGNORECASE),
)


def _of_another_kind(kind: str, texts: dict[str, Any]) -> list[Refused]:
    """A letter with a list that speaks of a PIN alone, or the other way round, says what is not so."""
    ours, theirs = (_OF_CODES, _OF_PIN) if kind == "codes" else (_OF_PIN, _OF_CODES)
    why = (
        Say("Dit gaat over een pincode, en in de brief staat een lijst met codes.")
        if kind == "codes"
        else Say("Dit gaat over een lijst met codes, en in de brief staat een pincode.")
    )
    names = ("subject_nl", "text_nl", "subject_en", "text_en")
    return [Refused(name, why) for name in names if theirs.search(texts[name]) and not ours.search(texts[name])]


def _too_long(kept: dict[str, Any]) -> list[Refused]:
    """Tried with somebody who has a long name and many clients."""
    from models.letters.drawing import drawn

    wrong = []
    for language in wording.LANGUAGES:
        try:
            drawn([sample(kept, language=language, long=True)], [Head("Kantoor")], kept["envelope"])
        except TooLong:
            wrong.append(Refused(f"text_{language}", Say("Deze tekst past niet op één bladzijde. Maak hem korter.")))
    return wrong


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise Refused("name", Say("Vul een naam in."))
    if len(name) > 120:
        raise Refused("name", Say("Dit is {n} tekens; er passen er {most}.", n=len(name), most=120))
    return name


def _tenths(field: str, text: str) -> int:
    try:
        return round(offset(text) * 10)
    except ValueError as error:
        raise Refused(field, Say("Vul een getal in van {least} tot {most} millimeter.", least=-int(MOST), most=int(MOST))) from error  # fmt: skip


def _one_of(field: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise Refused(field, Say("Kies een van de mogelijkheden."))
    return value


# the words of one letter


def words_of(content: dict[str, Any], language: str) -> tuple[str, str]:
    """Subject and text with their fields: English where there is English, with the paragraph on the portal where it is wanted."""
    use = language if content.get(f"text_{language}") else "nl"
    subject = content.get(f"subject_{use}") or content["subject_nl"]
    text, portal = content[f"text_{use}"], content.get(f"portal_{use}") or ""
    if content.get("announces") and portal:
        text = _before_closing(text, portal)
    return subject, text


def _before_closing(text: str, paragraph: str) -> str:
    """Before the last paragraphs that close a letter, else at the end."""
    parts = text.split("\n\n")
    closing = next(
        (n for n, part in enumerate(parts) if part.lower().startswith(("met vriendelijke groet", "hoogachtend", "kind regards", "yours"))),
        len(parts),
    )  # fmt: skip
    return "\n\n".join([*parts[:closing], paragraph, *parts[closing:]])


def sample(content: dict[str, Any], *, language: str = "nl", long: bool = False, firm: Any = None, portal: str = "https://portaal.kantoor.example", head: int = 0, day: dt.date | None = None) -> Letter:  # fmt: skip
    """A letter to nobody, marked as such."""
    day = day or this_day()
    clients = (
        [f"Handelsonderneming Van der Heijden-{n} Beheer B.V." for n in range(8)] if long else ["Bakkerij Jansen B.V."]
    )
    english = language == "en" and bool(content.get("text_en"))
    dear = "Dear Mr De Vries," if english else "Geachte heer De Vries,"
    values = wording.values_of(
        language=language, formal=True, greeting=dear, name="J. de Vries", firm=firm or _Nobody, client=clients[0],
        clients=clients, portal=portal, day=day,
    )  # fmt: skip
    subject, text = words_of(content, language)
    activation = None
    if content.get("activates"):
        activation = Activation(SAMPLE_CODE, f"{portal}/activate", wording.shown(f"{portal}/activate"), wording.written(day, language))  # fmt: skip
    return Letter(
        address=(clients[0], "T.a.v. de heer J. de Vries", "Dorpsstraat 1", "1234 AB  AMSTERDAM"),
        dated=wording.dated(firm or _Nobody, day, language), subject=wording.filled(subject, values), body=wording.filled(text, values),
        secrets=(SAMPLE_PIN,) * (24 if content["kind"] == "codes" else 1), kind=content["kind"], language=language, head=head,
        activation=activation, sample=True,
    )  # fmt: skip


class _Nobody:
    name, phone, place = "Kantoor", "030 123 45 67", "Utrecht"
