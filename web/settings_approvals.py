"""Beheer > Instellingen > Accordering: the kinds, and the office's plans."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request

from models.approvals import kinds as kinds_of
from models.approvals import plans
from models.approvals.kinds import LEVEL_WORDS, RULES, KindFields
from models.approvals.records import ROLES, ApprovalKind, ApprovalPlan
from models.core import Missing, Refused, Say
from models.viewer import Viewer
from web.forms import BooleanField, Form, SelectField, Text, TextAreaField, TypedText
from web.plan_form import acted, blank, kind_asked, steps_in, wrong_in
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes
from web.settings import about, allow

settings = Routes("settings_approvals", Access.STAFF)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Refused("", Say("Vul een heel getal in."))
    return int(text)


class KindForm(Form):
    name = Text(most=120, asked=True)
    name_en = Text(most=120)
    rule = SelectField(list(RULES.items()))
    addressee = Text(most=120)
    addressee_en = Text(most=120)
    statement = TextAreaField()
    statement_en = TextAreaField()
    least_level = SelectField(list(LEVEL_WORDS.items()))
    needs_sign_off = BooleanField()
    internal_days = TypedText(_whole, most=4)
    remind_before = Text(most=40)
    remind_after = TypedText(_whole, most=4)
    remind_every = TypedText(_whole, most=4)
    phone_days = TypedText(_whole, most=4)
    folder = Text(most=400)

    @property
    def fields(self) -> KindFields:
        numbers = ("internal_days", "remind_after", "remind_every", "phone_days")
        typed: dict[str, Any] = {
            name: (value if isinstance(value, int) else 0) if name in numbers else value
            for name, value in self.data.items()
        }
        return KindFields(**{**typed, "statement": (self.statement.data or "").strip(), "statement_en": (self.statement_en.data or "").strip()})  # fmt: skip


@settings.get("/settings/approvals")
async def page(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    rows = await kinds_of.kinds_used()
    return show(
        "settings_approvals/page.html",
        **about("approvals", kinds=rows, rules=RULES, levels=LEVEL_WORDS, office=await plans.steps_of(None, None)),
    )


@settings.get("/settings/approvals/kinds/new")
async def new_kind(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = KindForm.blank(**vars(KindFields(name="", folder="Boekjaar {boekjaar} › Accordering")))
    return show("settings_approvals/kind.html", **_kind(form))


def _kind(form: KindForm, one: ApprovalKind | None = None, **more: Any) -> dict[str, Any]:
    return about("approvals", form=form, one=one, example=_example(form), **more)


def _example(form: KindForm) -> dict[str, str]:
    """The sentences as they stand in the form, of an invented client."""
    return {language: kinds_of.example(form.fields, language) for language in ("nl", "en")}


@settings.post("/settings/approvals/kinds/new")
async def add_kind(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = await KindForm.read(request)
    made: list[ApprovalKind] = []

    async def adding(**_: Any) -> None:
        made.append(await kinds_of.add_kind(viewer.scope(ApprovalKind), form.fields, by=viewer))

    if "look" not in await request.form() and await form.submit(adding, rules=partial(kinds_of.checked, form.fields)):
        return go(page.url(), toast=Say("De soort “{name}” is toegevoegd.", name=made[0].name))
    return invalid("settings_approvals/kind.html", **_kind(form))


@settings.get("/settings/approvals/kinds/{kind_id:int}")
async def kind(request: Request, viewer: Viewer, kind_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(ApprovalKind).get(kind_id)
    form = KindForm.blank(**{name: getattr(one, name) for name in KindForm.blank().data})
    return show("settings_approvals/kind.html", **_kind(form, one))


@settings.post("/settings/approvals/kinds/{kind_id:int}")
async def change_kind(request: Request, viewer: Viewer, kind_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(ApprovalKind).get(kind_id)
    form = await KindForm.read(request)

    async def changing(**_: Any) -> None:
        await kinds_of.change_kind(one, form.fields, by=viewer)

    if "look" not in await request.form() and await form.submit(
        changing, rules=partial(kinds_of.checked, form.fields, one.id)
    ):
        return go(page.url(), toast=Say("“{name}” is bewaard. Wat al is aangeboden, houdt zijn eigen woorden.", name=one.name))  # fmt: skip
    return invalid("settings_approvals/kind.html", **_kind(form, one))


@settings.post("/settings/approvals/kinds/{kind_id:int}/{verb}")
async def act(request: Request, viewer: Viewer, kind_id: int, verb: str) -> Reply:
    """Up, down, away (put aside), back, or removal."""
    allow(viewer)
    one = await viewer.scope(ApprovalKind).get(kind_id)
    try:
        match verb:
            case "up" | "down":
                await kinds_of.move_kind(one, verb == "up", by=viewer)
                return go(page.url())
            case "away" | "back":
                await kinds_of.use_kind(one, verb == "back", by=viewer)
                return go(page.url())
            case "removal":
                await kinds_of.remove_kind(one, by=viewer)
                return go(page.url(), toast=Say("De soort “{name}” is verwijderd.", name=one.name))
    except Refused as refused:
        return go(kind.url(kind_id=kind_id), toast=Toast(refused.why, "attention"))
    raise Missing(verb)


@settings.get("/settings/approvals/plan")
async def plan(request: Request, viewer: Viewer) -> Reply:
    """Of all kinds, or with ?kind= of one."""
    allow(viewer)
    one = await kind_asked(request, viewer)
    steps = await plans.steps_of(None, one.id if one else None)
    return show("settings_approvals/plan.html", **_plan(one, steps or [blank()], is_set=bool(steps)))


def _plan(one: ApprovalKind | None, steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return about("approvals", one=one, steps=steps, roles=ROLES, people=[], **more)


@settings.post("/settings/approvals/plan")
async def set_plan(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    one, form = await kind_asked(request, viewer), await request.form()
    steps = steps_in(form)
    if (changed := acted(form, steps)) is not None:
        return invalid("settings_approvals/plan.html", **_plan(one, changed, is_set=True))
    if form.get("do") == "clear":
        steps = []
    if wrong := wrong_in(steps):
        return invalid("settings_approvals/plan.html", **_plan(one, steps, is_set=True, wrong_n=wrong))
    try:
        await plans.set_office_plan(viewer.scope(ApprovalPlan), one.id if one else None, steps, by=viewer)
    except Refused as refused:
        return invalid("settings_approvals/plan.html", **_plan(one, steps, is_set=True, problem=refused.why))
    return go(page.url(), toast=Say("Het plan is bewaard. Het geldt voor wat u vanaf nu aanbiedt."))
