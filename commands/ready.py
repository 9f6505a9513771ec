"""`python -m commands.ready`: exit code 0 where this machine's platform is ready. A container's health check."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

_TIMEOUT_S = 4.0


def ready(port: int) -> bool:
    """Whether /readyz answers that all is well."""
    try:
        # Straight to it: a proxy of the environment has no business on the way.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/readyz", timeout=_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


if __name__ == "__main__":
    sys.exit(0 if ready(int(os.environ.get("URBAN_HTTP_PORT", "8000"))) else 1)
