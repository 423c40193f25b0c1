"""A mail server that speaks enough SMTP to be sent to: it keeps what it took, refuses whom it is told to, and can be held up."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a port of this machine."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.taken: list[tuple[str, Message]] = []
        self.refused: set[str] = set()
        self.is_away = False
        # Nobody's mail is taken while this is not set; `began` tells whose was sent so far.
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.began: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def to(self, address: str) -> list[Message]:
        """Return what was taken for an address."""
        return [message for recipient, message in self.taken if recipient == address]


class Conversation(socketserver.StreamRequestHandler):
    """One connection."""

    server: Any

    def handle(self) -> None:
        self.say("421 away" if self.server.is_away else "220 here")
        recipient = ""
        for line in self.rfile:
            word = line.decode().strip().upper()
            if word.startswith("RCPT TO:"):
                recipient = line.decode().strip()[8:].strip(" <>").split(">")[0]
                self.say("550 nobody of that name" if recipient in self.server.refused else "250 ok")
            elif word == "DATA":
                self.say("354 go on")
                self.take(recipient)
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def take(self, recipient: str) -> None:
        """Read a mail, and take it unless the sender was cut off meanwhile."""
        lines = list(iter(self.rfile.readline, b".\r\n"))
        self.server.began.append(recipient)
        if not self.server.goes_on.wait(60) or not self.is_there():
            return
        self.server.taken.append((recipient, message_from_bytes(b"".join(lines))))
        self.say("250 taken")

    def is_there(self) -> bool:
        """Tell whether the sender waits for our word still."""
        self.connection.settimeout(1)
        try:
            return self.connection.recv(1) != b""
        except TimeoutError:
            return True
        finally:
            self.connection.settimeout(None)

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Serve until the end of the block."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.goes_on.set()
        server.shutdown()
