"""A load client in a process of its own: keep-alive connections over raw sockets, one request at a time on each.

    python -m bench.load < plan.json

The plan names host, port, connections, seconds and requests. With `once` no request is sent twice, and the run ends when all are
sent. Prints rate, percentiles of the waiting times in ms, how many answers were errors and what the first of these said.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from typing import Any


@dataclass(frozen=True)
class Load:
    """What a load came to; times in ms."""

    rate: float
    p50: float
    p95: float
    answers: int
    errors: int
    statuses: dict[str, int]
    bytes_each: float
    said: str


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def encoded(self, host: str) -> bytes:
        """Return it as it is sent."""
        body = self.body.encode()
        length = {"Content-Length": str(len(body)), "Content-Type": "application/json"} if self.method == "POST" else {}
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in {**self.headers, **length}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def put_load(port: int, requests: list[Request], *, connections: int, seconds: float, once: bool = False) -> Load:
    """Let a process of its own put load on a server of this machine."""
    plan = {
        "host": "127.0.0.1", "port": port, "connections": connections, "seconds": seconds, "once": once,
        "requests": [vars(one) for one in requests],
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "bench.load"], input=json.dumps(plan), capture_output=True, text=True, check=True)
    return Load(**json.loads(done.stdout))


@dataclass
class Tally:
    """What is counted while the load runs."""

    requests: Iterator[bytes]
    ends_at: float
    waits: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    said: str = ""

    def next(self) -> bytes | None:
        """Return the next request, None when it is over."""
        return None if time.perf_counter() >= self.ends_at else next(self.requests, None)


class Connection(asyncio.Protocol):
    """One keep-alive connection; opened again where the server closes it between two requests."""

    def __init__(self, tally: Tally, over: asyncio.Future[None]) -> None:
        self.tally, self.over = tally, over
        self.read, self.length, self.started = b"", -1, 0.0
        self.waits_for_answer, self.sent = False, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.send()

    def send(self) -> None:
        """Send the next request, or end."""
        request = self.tally.next()
        if request is None:
            self.transport.close()
            return
        self.read, self.length, self.started, self.waits_for_answer = b"", -1, time.perf_counter(), True
        self.sent += 1
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.read += data
        if self.length < 0 and (end := self.read.find(b"\r\n\r\n")) >= 0:
            head = self.read[:end].decode("latin-1").lower()
            self.status = head.split(" ", 2)[1]
            lengths = [row.split(":")[1] for row in head.split("\r\n") if row.startswith("content-length:")]
            self.closes = "\r\nconnection: close" in head
            self.length = end + 4 + (int(lengths[0]) if lengths else 0)
        if 0 <= self.length <= len(self.read):
            self.answered()

    def answered(self) -> None:
        """Count an answer and go on."""
        self.waits_for_answer = False
        self.tally.waits.append(time.perf_counter() - self.started)
        self.tally.statuses[self.status] += 1
        self.tally.bytes += self.length
        if self.status[0] not in "23":
            self.tally.said = self.tally.said or self.read[-600:].decode(errors="replace")
        if self.closes:
            self.transport.close()
        else:
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if self.waits_for_answer:
            self.tally.statuses["broken off"] += 1
        if not self.over.done():
            self.over.set_result(None)


async def hold(plan: dict[str, Any], tally: Tally) -> None:
    """Keep one connection busy until the load is over."""
    loop = asyncio.get_running_loop()
    while time.perf_counter() < tally.ends_at:
        connection = Connection(tally, loop.create_future())
        try:
            await loop.create_connection(partial(itself, connection), plan["host"], plan["port"])
        except OSError:
            tally.statuses["refused"] += 1
            await asyncio.sleep(0.05)
            continue
        await connection.over
        if not connection.sent:
            return


def itself(connection: Connection) -> Connection:
    """Return the connection, as asyncio wants it made."""
    return connection


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Put the load and return what came of it."""
    sent = [Request(**one).encoded(plan["host"]) for one in plan["requests"]]
    began = time.perf_counter()
    tally = Tally(iter(sent) if plan["once"] else cycle(sent), began + plan["seconds"])
    await asyncio.gather(*(hold(plan, tally) for _ in range(plan["connections"])))
    took = time.perf_counter() - began
    waits = sorted(1000 * one for one in tally.waits) or [0.0]
    good = sum(number for status, number in tally.statuses.items() if status[0] in "23")
    return {
        "rate": good / took,
        "p50": waits[len(waits) // 2],
        "p95": waits[min(len(waits) - 1, round(0.95 * len(waits)))],
        "answers": len(tally.waits),
        "errors": tally.statuses.total() - good,
        "statuses": dict(tally.statuses),
        "bytes_each": tally.bytes / max(1, len(tally.waits)),
        "said": tally.said,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
