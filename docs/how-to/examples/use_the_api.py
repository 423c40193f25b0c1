"""Pull every pain score of a trial into rows, then record one: what a researcher's script needs of the registry's API.

Run it as: RTMS_URL=http://127.0.0.1:8000 RTMS_TOKEN=... python use_the_api.py SLUG PATIENT
"""

import json
import os
import sys
import urllib.request
import uuid

URL = os.environ["RTMS_URL"].rstrip("/")
HEADERS = {"Authorization": "Bearer " + os.environ["RTMS_TOKEN"], "Content-Type": "application/json"}


def ask(method, address, body=None, **headers):
    """Return the answer's JSON and headers; raise urllib's error with the problem for any status from 400 on."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {**HEADERS, **headers}, method=method)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer), answer.headers


def every_row(collection, query=""):
    """Yield all rows of a list, page by page."""
    address = f"{URL}/api/v1/{collection}/?page_size=1000&{query}"
    while address:
        page, _ = ask("GET", address)
        yield from page["results"]
        address = page["next"]


def main(trial, patient):
    """Read, add, correct."""
    rows = list(every_row("scores", f"trial={trial}"))
    print(len(rows), "scores of", len({row["patient"] for row in rows}), "patients")

    # A key of one's own makes the request safe to send again.
    score = {
        "trial": trial, "patient": patient, "value": 4, "for_date": "2026-01-15", "scale": "NRS", "recall": "now",
        "context": "unscheduled", "source": "clinic", "pain": "overall",
    }  # fmt: skip
    made, headers = ask("POST", f"{URL}/api/v1/scores/", score, **{"Idempotency-Key": str(uuid.uuid4())})
    print("recorded", made["value"], "as version", made["version"])

    # A correction names the version it was made from, and why.
    correction = {"value": 5, "change_reason": "typing_error"}
    corrected, _ = ask("PATCH", f"{URL}/api/v1/scores/{made['id']}/", correction, **{"If-Match": headers["ETag"]})
    print("corrected to", corrected["value"], "as version", corrected["version"])


if __name__ == "__main__":
    main(*sys.argv[1:])
