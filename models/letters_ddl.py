"""What letters ask of the databases beside their tables: one letter of a kind under way for each person, only legal moves,
the order in which they are printed, and the templates with which an office begins."""

from __future__ import annotations

MOVES = {
    "making": ("ready", "cancelled"),
    "ready": ("printed", "cancelled"),
    "printed": ("posted",),
}
_GUARD = "deze stap van een partij brieven bestaat niet"
_LEGAL = " OR ".join(
    f"(OLD.state = '{one}' AND NEW.state IN ({', '.join(repr(to) for to in many)}))" for one, many in MOVES.items()
)
_STRAYS = (
    f"(NEW.state <> OLD.state AND NOT ({_LEGAL})) OR (OLD.sha256 <> '' AND NEW.sha256 <> OLD.sha256) "
    "OR (OLD.stored = '' AND NEW.stored <> '' AND OLD.state <> 'making')"
)

ON_BOTH = (
    "CREATE UNIQUE INDEX letter_under_way ON letter (person, kind) WHERE state IN ('making', 'ready')",
    "CREATE INDEX letter_in_order ON letter (batch, page, id)",
)
ON_SQLITE = (
    f"CREATE TRIGGER letter_batch_moves BEFORE UPDATE ON letter_batch WHEN {_STRAYS} BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
)
ON_POSTGRES = (
    f"CREATE FUNCTION letter_batch_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_GUARD}'; END $$",
    f"CREATE TRIGGER letter_batch_moves BEFORE UPDATE ON letter_batch FOR EACH ROW WHEN ({_STRAYS}) EXECUTE FUNCTION letter_batch_moves()",
)


def letters_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return ON_BOTH + (ON_SQLITE if engine_type == "sqlite" else ON_POSTGRES)


# Without verbs beside {u}: "keurt u" is "keur je".
_PORTAL_NL = "{Uw} stukken staan voortaan in ons portaal: {portaal}. Daar is te lezen wat wij klaarzetten, en daar komt binnen wat wij vragen."
_PORTAL_EN = (
    "From now on your papers are in our portal: {portaal}. There you read what we prepare and hand in what we ask for."
)
# name, kind, subject_nl, text_nl, portal_nl, subject_en, text_en, portal_en
STARTERS = (
    (
        "Pincode", "pin", "{Uw} pincode om te accorderen",
        "{aanhef}\n\nAangiften en andere stukken van {cliënten} worden goedgekeurd in ons portaal. Daar is een pincode voor nodig; "
        "die staat onderaan deze brief.\n\n"
        "Bewaar deze brief op een veilige plaats en geef de pincode aan niemand: wij vragen er nooit om, ook niet per telefoon. "
        "Na vijf verkeerde pogingen werkt de pincode niet meer; bel ons dan voor een nieuwe brief. "
        "Een pincode uit een eerdere brief werkt niet meer.\n\n"
        "Vragen? Bel ons gerust.\n\nMet vriendelijke groet,\n\n{kantoor}",
        _PORTAL_NL, "Your PIN for approvals",
        "{aanhef}\n\nTax returns and other papers of {cliënten} are approved in our portal. For that you need a PIN; "
        "you find it at the foot of this letter.\n\n"
        "Keep this letter in a safe place and give the PIN to nobody: we never ask for it, not by telephone either. "
        "After five wrong tries it stops working; call us for a new letter. "
        "A PIN from an earlier letter no longer works.\n\n"
        "Any questions? Please call us.\n\nKind regards,\n\n{kantoor}",
        _PORTAL_EN,
    ),
    (
        "Lijst met eenmalige codes", "codes", "{Uw} lijst met codes om te accorderen",
        "{aanhef}\n\nAangiften en andere stukken van {cliënten} worden goedgekeurd in ons portaal. Daarvoor zijn de codes "
        "onderaan deze brief. Het portaal vraagt telkens om één nummer van de lijst; elke code werkt één keer.\n\n"
        "Bewaar deze brief op een veilige plaats en geef de codes aan niemand: wij vragen er nooit om. "
        "Is de lijst bijna op, bel ons dan voor een nieuwe. Een lijst uit een eerdere brief werkt niet meer.\n\n"
        "Vragen? Bel ons gerust.\n\nMet vriendelijke groet,\n\n{kantoor}",
        _PORTAL_NL, "Your list of codes for approvals",
        "{aanhef}\n\nTax returns and other papers of {cliënten} are approved in our portal. For that you use the codes at the foot "
        "of this letter. The portal asks for one number of the list each time; every code works once.\n\n"
        "Keep this letter in a safe place and give the codes to nobody: we never ask for them. "
        "If the list is nearly used up, call us for a new one. A list from an earlier letter no longer works.\n\n"
        "Any questions? Please call us.\n\nKind regards,\n\n{kantoor}",
        _PORTAL_EN,
    ),
)  # fmt: skip
