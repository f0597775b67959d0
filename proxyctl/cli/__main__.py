"""The entry point of the `proxyctl` script and of `python -m proxyctl.cli`."""

from __future__ import annotations

from proxyctl.cli.app import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()
