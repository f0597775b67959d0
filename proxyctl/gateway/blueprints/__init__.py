"""The management API: `/providers/*`, `/daemon/*` and `/healthz` on Quart, described at `/openapi.json`.

Handlers read a state and answer with values of `admin.schema`; they decide nothing about routing and call no provider.
"""
