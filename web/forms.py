"""Typed values out of what was typed; the rules live with the records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self

import wtforms
from starlette.requests import Request
from wtforms import BooleanField, PasswordField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, StopValidation

import partials
from models.core import Refused, RefusedFields, Say
from web import routing

__all__ = [
    "BooleanField",
    "Email",
    "Form",
    "Length",
    "Optional",
    "PasswordField",
    "Required",
    "SelectField",
    "SelectMultipleField",
    "StringField",
    "Text",
    "TextAreaField",
    "TypedText",
    "an_id",
]


def an_id(value: Any) -> int:
    """The number of a record, as a choice sends it. Raises ValueError for what no record can have, which a database would refuse."""
    found = int(value)
    if not 0 <= found < 2**31:
        raise ValueError("no id")
    return found


class Form(wtforms.Form):
    """A form whose errors are Say's, so that they are spoken in the reader's language."""

    class Meta:
        locales = False

    general: list[Any]

    @classmethod
    async def read(cls, request: Request, **kwargs: Any) -> Self:
        """What was typed, parsed and checked for form."""
        form = cls(await request.form(), **kwargs)
        form.general = []
        form.validate()
        return form

    @classmethod
    def blank(cls, **values: Any) -> Self:
        form = cls(data=values)
        form.general = []
        return form

    @property
    def all_errors(self) -> list[tuple[str, Any]]:
        """(field name, words) of every error, those of the whole form first; for the summary on top."""
        return [("", words) for words in self.general] + [
            (name, words) for name, field in self._fields.items() for words in field.errors
        ]

    async def submit(
        self, operation: Callable[..., Awaitable[object]], *, rules: Callable[[], Awaitable[object]] | None = None, **more: object
    ) -> bool:  # fmt: skip
        """Carry out the operation with these values; say whether it was done. A refusal lands beside its field.

        `rules` says what the operation would refuse: asked where a field could not be read, so that all mistakes are told at once.
        """
        if routing.rehearsing.get():
            return False
        if self.errors:
            await self._refuse_the_rest(rules)
            return False
        try:
            await operation(**self.data, **more)
        except Refused as refused:
            self.refuse(refused)
            return False
        return True

    async def _refuse_the_rest(self, rules: Callable[[], Awaitable[object]] | None) -> None:
        """Beside the fields about which nothing was said yet."""
        unread = set(self.errors)
        try:
            if rules:
                await rules()
        except Refused as refused:
            for one in refused.refusals if isinstance(refused, RefusedFields) else [refused]:
                if one.field not in unread:
                    self.refuse(one)

    def refuse(self, refused: Refused) -> None:
        if isinstance(refused, RefusedFields):
            for one in refused.refusals:
                self.refuse(one)
            return
        if refused.field in self._fields:
            field = self._fields[refused.field]
            field.errors = [*field.errors, refused.why]
        else:
            self.general.append(refused.why)


class Required(InputRequired):
    def __call__(self, form: Any, field: Any) -> None:
        if not field.raw_data or not str(field.raw_data[0]).strip():
            field.errors[:] = []
            raise StopValidation(Say("Vul dit in."))


class Asked:
    """Shown as required; whether it is there is for the rules to say, in their own words."""

    field_flags: ClassVar = {"required": True}

    def __call__(self, form: Any, field: Any) -> None: ...


class Text(StringField):
    """A line of text: trimmed, without control characters, and not longer than the database takes."""

    def __init__(self, *, most: int = 200, required: bool = False, asked: bool = False, **kwargs: Any) -> None:
        """`asked`: shown as required, though the rules decide whether it may stay empty this time."""
        checks: list[Any] = [Required()] if required else [Optional()]
        super().__init__(validators=[*checks, *kwargs.pop("validators", [])], **kwargs)
        self.most = most
        if asked:
            self.flags.required = True

    def process_formdata(self, valuelist: list[Any]) -> None:
        raw = str(valuelist[0]) if valuelist else ""
        self.data = " ".join("".join(ch if ch >= " " and ch != "\x7f" else " " for ch in raw).split())

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if not validation_stopped and self.data and len(self.data) > self.most:
            raise wtforms.ValidationError(
                Say("Dit is {n} tekens; er passen er {most}.", n=len(self.data), most=self.most)
            )


class TypedText(Text):
    """Text that a function of the records turns into a value, or refuses in words."""

    def __init__(self, parse: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parse = parse

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        super().post_validate(form, validation_stopped)
        if self.data and not self.errors:
            try:
                self.data = self.parse(self.data)
            except Refused as refused:
                raise wtforms.ValidationError(refused.why) from refused


class SelectField(wtforms.SelectField):
    """A choice whose labels may be Say's: they are spoken in the reader's language when it is shown."""

    def __init__(self, choices: Any = None, **kwargs: Any) -> None:
        if isinstance(choices, list | tuple):
            choices = [SelectChoice(*choice) if isinstance(choice, tuple) else choice for choice in choices]
        kwargs.setdefault("invalid_choice_message", Say("Kies een van de mogelijkheden."))  # the library's is English
        super().__init__(choices=choices, **kwargs)

    def iter_choices(self) -> Any:
        for choice in super().iter_choices():
            yield choice._replace(label=partials.speak(choice.label)) if isinstance(choice.label, Say) else choice


class Email(TypedText):
    def __init__(self, **kwargs: Any) -> None:
        from models.dutch import email

        super().__init__(email, most=254, **kwargs)
