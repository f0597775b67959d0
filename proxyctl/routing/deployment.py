"""A deployment: one callable target, as it stands in a plan.

What is judged, remembered or put out of use is named by these three: provider, upstream model, credential.
"""

from __future__ import annotations

from msgspec import Struct

from proxyctl.config.kinds import Mode


class Deployment(Struct, frozen=True, kw_only=True):
    """Provider, upstream model and credential: what one attempt is made on.

    `credential` is the index among the provider's credentials, `credential_label` its name for people (`""` when the
    provider needs no key). `reason` says why it stands in the plan, `mode` is the provider's mode at that time.
    """

    provider: str
    model: str
    credential: int
    credential_label: str
    reason: str
    mode: Mode
    substitute: bool = False
