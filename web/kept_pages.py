"""Pages that are sent again while nothing has changed that decides them (docs/decisions/0013).

A view marked `kept_as` is drawn by the ordinary way. Its answer stays in this process, with a digest of every row that decided it:
account, memberships, trial, snapshot and its state. At each later request one statement asks whether the sign-in holds and those rows
are as they were, and notes the reading; only then the same bytes are sent. Everything else goes the ordinary way again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import ResolverMatch
from django.utils import timezone
from django.utils.cache import get_conditional_response, set_response_etag

from registry.models import User
from registry.services.auditing import current_request_id
from registry.services.rereading import Asked, Standing, note_reading_again
from registry.vocabulary import Act

# Of a process: pages (36 KB each), addresses and sign-ins.
KEPT_PAGES, KEPT_MATCHES, KEPT_SIGN_INS = 200, 1_000, 5_000
LONGEST_QUERY = 20
Value = TypeVar("Value")
View = Callable[..., HttpResponse]
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def kept_as(act: Act) -> Callable[[View], View]:
    """Mark a view of a trial's open outcomes whose page may be sent again, and say as which act its reading is noted.

    The page may be decided by nothing but address, language, account, memberships, trial, latest snapshot and its state, and the day.
    """

    def mark(view: View) -> View:
        view.kept_as = act  # type: ignore[attr-defined]
        return view

    return mark


class Recent(Generic[Value]):
    """What was used last, up to so many."""

    def __init__(self, limit: int) -> None:
        self.limit, self.lock = limit, Lock()
        self.rows: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """Return what is kept under a key."""
        with self.lock:
            if key in self.rows:
                self.rows.move_to_end(key)
            return self.rows.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, and let go what was not used for longest."""
        with self.lock:
            self.rows[key] = value
            self.rows.move_to_end(key)
            if len(self.rows) > self.limit:
                self.rows.popitem(last=False)

    def forget(self) -> None:
        """Let go everything."""
        with self.lock:
            self.rows.clear()


@dataclass(frozen=True)
class SignIn:
    """What a stored sign-in says: whose it is and how it was proved."""

    user: int
    backend: str
    proof: str


@dataclass(frozen=True)
class Page:
    """An answer as it left the view, and the facts that decided it."""

    facts: str
    body: bytes
    headers: dict[str, str]
    user: User


@dataclass(frozen=True)
class Question:
    """A request for a page that may be kept."""

    match: ResolverMatch
    session_key: str
    name: tuple[str, str, str]
    now: datetime

    def under(self, sign_in: SignIn) -> tuple[Any, date, SignIn]:
        """Return the name of the page for a sign-in: memberships hold from day to day."""
        return self.name, self.now.date(), sign_in


class KeptPages:
    """Send a kept page where it still stands, else let it be drawn and keep it. Behind the language, before the account is looked at."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.matches: Recent[ResolverMatch] = Recent(KEPT_MATCHES)
        self.sign_ins: Recent[str] = Recent(KEPT_SIGN_INS)
        self.pages: Recent[Page] = Recent(KEPT_PAGES)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        question = self.question(request)
        if question is None:
            return self.drawn(request)
        asked, standing, page = self.ask(request, question)
        if standing is None or sign_in_of(asked.seen) is None:
            return self.drawn(request)
        if page is not None and standing.was_noted:
            return conditional(request, self.again(request, question, asked, page))
        response = self.get_response(request)
        self.keep(request, response, question, asked, standing)
        return conditional(request, response)

    def drawn(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer of the ordinary way, and remember an address whose page may be kept."""
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or not hasattr(match.func, "kept_as"):
            return response
        if response.status_code == 200:
            self.matches.put(request.path_info, match)
        return conditional(request, response)

    def question(self, request: HttpRequest) -> Question | None:
        """Return what is asked, None where the answer is not to be kept."""
        match = self.matches.get(request.path_info)
        query, session_key = request.META.get("QUERY_STRING", ""), request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if (
            match is None
            or request.method != "GET"
            or not session_key
            or CookieStorage.cookie_name in request.COOKIES
            or len(query) > LONGEST_QUERY
        ):
            return None
        return Question(match, session_key, (request.path_info, query, request.LANGUAGE_CODE), timezone.now())

    def ask(self, request: HttpRequest, question: Question) -> tuple[Asked, Standing | None, Page | None]:
        """Ask how things stand, once more where the sign-in is not as last seen: another process may have moved its end on."""
        asked = Asked(question.session_key, self.sign_ins.get(question.session_key) or "", None, question.match.kwargs["trial"])
        for _ in range(2):
            sign_in = sign_in_of(asked.seen)
            page = self.pages.get(question.under(sign_in)) if sign_in else None
            asked = replace(asked, user=sign_in.user if sign_in else None)
            standing = standing_of(request, question, asked, page.facts if page else "")
            if standing is None or standing.newer_sign_in is None:
                break
            asked = replace(asked, seen=standing.newer_sign_in)
            self.sign_ins.put(asked.session_key, asked.seen)
        return asked, standing, page

    def again(self, request: HttpRequest, question: Question, asked: Asked, page: Page) -> HttpResponse:
        """Return the kept page, and leave on the request what the outer layers look for."""
        request.resolver_match = question.match
        request._cached_user = page.user  # type: ignore[attr-defined]  # where Django's own sign-in keeps it
        session: Any = request.session
        session.accessed, session._session_cache = True, dict(content_of(asked.seen))
        return HttpResponse(page.body, headers=page.headers)

    def keep(self, request: HttpRequest, response: HttpResponseBase, question: Question, asked: Asked, before: Standing) -> None:
        """Keep a page that was drawn for this sign-in, where the facts are the same after it was drawn as before."""
        sign_in, user = sign_in_of(asked.seen), request.user
        if not isinstance(response, HttpResponse) or response.status_code != 200 or response.cookies or not isinstance(user, User):
            return
        if sign_in is None or sign_in != said_by(cast(Any, request.session)) or user.pk != sign_in.user or user.is_demonstration:
            return
        after = standing_of(request, question, asked, "")
        if after is None or after.newer_sign_in is not None or after.facts is None or after.facts != before.facts:
            return
        set_response_etag(response)
        self.pages.put(question.under(sign_in), Page(after.facts, response.content, dict(response.headers), user))


def standing_of(request: HttpRequest, question: Question, asked: Asked, expected: str) -> Standing | None:
    """Ask the database, under the number of this request."""
    token = current_request_id.set(getattr(request, "request_id", ""))
    try:
        return note_reading_again(asked, question.match.func.kept_as, expected=expected, now=question.now)  # type: ignore[attr-defined]
    finally:
        current_request_id.reset(token)


@lru_cache(maxsize=KEPT_SIGN_INS)
def sign_in_of(stored: str) -> SignIn | None:
    """Return what a stored sign-in says; None where it is nobody's."""
    return said_by(content_of(stored)) if stored else None


def said_by(content: Any) -> SignIn | None:
    """Return who is signed in by a session's content, None for nobody."""
    if SESSION_KEY not in content:
        return None
    return SignIn(int(content[SESSION_KEY]), content.get(BACKEND_SESSION_KEY, ""), content.get(HASH_SESSION_KEY, ""))


@lru_cache(maxsize=KEPT_SIGN_INS)
def content_of(stored: str) -> dict[str, Any]:
    """Return a session's content, its signature checked; empty where it was not signed here."""
    return SessionStore().decode(stored)


def conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the answer to what the browser has already: nothing new (304) where its page has the same tag."""
    if request.method != "GET" or not isinstance(response, HttpResponse) or response.status_code != 200:
        return response
    if "ETag" not in response:
        set_response_etag(response)
    return cast(HttpResponseBase, get_conditional_response(request, etag=response["ETag"], response=response))
