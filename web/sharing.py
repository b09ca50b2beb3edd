"""Forms where an address is typed that others may have already: whether they share it, and which of them is meant."""

from __future__ import annotations

from typing import Any

from models.accounts import User, mailbox
from models.viewer import Viewer
from web.forms import BooleanField, Form, StringField

Others = list[tuple[int, str]]  # id and name of who has the address; without a name for whom the viewer does not see


class Address(Form):
    email = StringField()
    shares = BooleanField()

    async def others(self, viewer: Viewer, person: User) -> Others:
        """Who has the address that was typed, where that was in the way."""
        asked = self.shares.errors or self.shares.data or self.email.errors
        return await mailbox.told((self.email.data or "").strip(), viewer, person.id) if asked else []


async def holders(form: Any, viewer: Viewer) -> Others:
    """Who has the address of a new user already, where it has to be said whether it is he: `form.whose`."""
    if not (form.whose.errors or form.whose.data):
        return []
    return await mailbox.told((form.email.data or "").strip(), viewer)
