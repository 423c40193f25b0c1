"""Ask a running registry whether it is ready."""

import http.client
import json
import ssl
import urllib.error
import urllib.request

TIMEOUT_S = 5


def what_is_missing(address: str, host_name: str) -> str:
    """Return what is not ready yet, or an empty string; `host_name` is one the registry answers to."""
    request = urllib.request.Request(f"{address}readyz", headers={"Host": host_name})  # noqa: S310  (our own http address)
    try:
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=any_certificate())
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as error:
        return "the " + " and the ".join(_failing(error.read()))
    except (OSError, http.client.HTTPException):
        return "the web server"


def any_certificate() -> ssl.SSLContext:
    """Accept whatever certificate our own program on this machine shows: it is asked by an address the certificate may not name."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _failing(body: bytes) -> list[str]:
    """Return the names of the checks that failed."""
    try:
        checks = json.loads(body)["checks"]
        return [name for name, check in checks.items() if not check["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["web server"]
