"""A configured provider made ready to be called: its facts, settings, credentials and where to connect.

Built once per configuration; the request path only looks things up here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxyctl import __version__
from proxyctl.config.model import ProviderSettings
from proxyctl.config.secrets import Credential
from proxyctl.core.chat import DialectName
from proxyctl.gateway.transport import Origin
from proxyctl.gateway.upstream import Headers, split_url
from proxyctl.providers._base import ChatOptions, Header, Provider
from proxyctl.providers._registry import KINDS

USER_AGENT = f"proxyctl/{__version__}".encode()


@dataclass(frozen=True, slots=True)
class Target:
    """One provider, callable. `headers` go with every request; `missing` says why there is no usable credential."""

    provider: Provider
    settings: ProviderSettings
    credentials: tuple[Credential, ...]
    missing: str
    origin: Origin
    path: str
    headers: Headers

    @property
    def name(self) -> str:
        return self.settings.name

    def maker(self, index: int) -> str:
        """What stands for a provider that keeps what it answers, called with credential `index`; `""` for others."""
        if not self.provider.keeps_responses:
            return ""
        return f"{self.name} {self.label(index)}"

    def label(self, index: int) -> str:
        """The name of credential `index`, `""` for a server that needs no key."""
        return self.credentials[index].label if self.credentials else ""

    def credential_headers(self, index: int) -> Headers:
        """The headers of credential `index`; none for a server that needs no key."""
        if not self.credentials:
            return []
        return self.provider.credential_headers(self.credentials[index].secret.reveal())

    def call_headers(
        self,
        *form: Header,
        dialect: DialectName,
        model: str,
        credential: int,
        client: Mapping[bytes, bytes],
    ) -> Headers:
        """The headers of a call: ours, those of its `form`, the key's, and what the dialect wants of the `client`'s."""
        return [
            *self.headers,
            *form,
            *self.credential_headers(credential),
            *self.provider.dialect_headers(dialect, model, client),
        ]


def make_target(
    settings: ProviderSettings,
    *,
    credentials: tuple[Credential, ...],
    missing: str,
    extra_headers: Mapping[str, str],
) -> Target:
    """`extra_headers` are the settings' own, with their references resolved. Raises `ValueError` on a bad base URL."""
    chat = settings.chat
    provider = KINDS[settings.kind](
        name=settings.name,
        base_url=settings.base_url,
        options=ChatOptions(
            server=settings.server,
            max_tokens_field=chat.max_tokens_field,
            stream_options=chat.stream_options,
            drop=tuple(chat.drop),
            rename=dict(chat.rename),
        ),
    )
    origin, path = split_url(provider.url)
    return Target(
        provider=provider,
        settings=settings,
        credentials=credentials,
        missing=missing,
        origin=origin,
        path=path,
        headers=[
            (b"user-agent", USER_AGENT),
            (b"accept-encoding", b"identity"),
            *((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in extra_headers.items()),
        ],
    )
