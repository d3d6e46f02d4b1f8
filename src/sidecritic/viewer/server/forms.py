"""Forms of our own pages: small, and of one kind."""

from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.requests import Request

from sidecritic.errors import ConfigError

_MOST = 64_000
"""Bytes of a form."""


class Form(NamedTuple):
    fields: dict[str, str]

    def get(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def number(self, name: str) -> int:
        """Raise a `ConfigError` if the field is no number from 0."""
        text = self.get(name)
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ConfigError(f"{name} is {text[:40]!r}, which is no number")
        return int(text)


async def form_of(request: Request) -> Form:
    """Read a form.

    Raises:
        ConfigError: it is too long.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST:
            raise ConfigError(f"a form of more than {_MOST} bytes; say it in fewer words")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50)
    return Form({name: values[-1] for name, values in fields.items()})
