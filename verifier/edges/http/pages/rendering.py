"""Pages from templates: escaped by themselves, in the reader's language, with the names that every page knows."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from verifier.core.reasons import Reason, verdict_of
from verifier.core.signup import Language, preferred_language
from verifier.edges.http.pages.static import link
from verifier.edges.http.site import BY_SESSION, CALLER
from verifier.writers import sentences
from verifier.writers.sentences import Phrases, typeset
from verifier.writers.told_fr import in_french

_CHOSEN = "verifier_lang"
_YEAR = 365 * 86400
_JOINT = re.compile(r"([@.])(?=\w)")
_CODE = re.compile(r"`([^`]*)`")


def _with_code(text: str) -> Markup:
    """What stands between backticks, as code; everything escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def _breakable(text: str) -> Markup:
    """An address or a file's name, which a line may break behind @ and its points."""
    return Markup(_JOINT.sub(r"\1<wbr>", str(escape(text))))


def _truths(flags: Mapping[str, bool | None]) -> list[str]:
    """The names of those that hold."""
    return [name for name, value in flags.items() if value]


def _query(chosen: Mapping[str, str]) -> str:
    """As a link has it, with its question mark; "" where nothing is asked."""
    asked = {name: value for name, value in chosen.items() if value}
    return f"?{urlencode(asked)}" if asked else ""


_TEMPLATES = Environment(
    loader=PackageLoader("verifier.edges.http"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["with_code"] = _with_code
_TEMPLATES.filters["verdict"] = verdict_of
_TEMPLATES.filters["reason"] = Reason
_TEMPLATES.filters["moment"] = datetime.fromisoformat
_TEMPLATES.filters["breakable"] = _breakable
_TEMPLATES.filters["truths"] = _truths
_TEMPLATES.filters["query"] = _query


def language_of(request: web.Request) -> Language:
    """`?lang=` where it names one of ours, else what was chosen so before, else what the browser prefers."""
    for asked in (request.query.get("lang", ""), request.cookies.get(_CHOSEN, "")):
        if asked in tuple(Language):
            return Language(asked)
    return preferred_language(request.headers.get("Accept-Language", ""))


def _other_language(request: web.Request, language: Language) -> str:
    """This page in the other language, as it is; the beginning where it is the answer of a button."""
    other = Language.ENGLISH if language is Language.FRENCH else Language.FRENCH
    if request.method not in ("GET", "HEAD"):
        return f"/?lang={other}"
    return f"?{urlencode({**request.query, 'lang': other.value})}"


def render(request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
    """The page. Every template knows `lang`, `french`, `person` (who is logged in, or None), `may` (the scopes of who
    asks, as a test), `here` (the path), `other_language` (a link) and `static`; `t(english, french)` is a text,
    `told(sentence)` what the program says when something is wrong, `say` writes numbers, reasons and times
    (writers/sentences.py).
    """
    language = language_of(request)
    caller = request.get(CALLER)
    french = language is Language.FRENCH

    def t(in_english: str, in_french: str) -> str:
        return typeset(in_french) if french else in_english

    def told(sentence: str) -> Markup:
        in_ours = in_french(sentence) if french else sentence
        if in_ours is None:
            return Markup('<span lang="en">%s</span>') % _with_code(sentence)
        return _with_code(typeset(in_ours) if french else in_ours)

    text = _TEMPLATES.get_template(template).render(
        lang=language.value,
        french=french,
        t=t,
        told=told,
        say=Phrases(sentences.Language(language)),
        person=caller if request.get(BY_SESSION) else None,
        may=lambda scope: caller is not None and caller.may(scope),
        here=request.path,
        other_language=_other_language(request, language),
        static=link,
        **values,
    )
    headers = {"Content-Language": language.value, "Vary": "Accept-Language, Cookie"}
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)
    if request.query.get("lang", "") == language:
        response.set_cookie(_CHOSEN, language, max_age=_YEAR, path="/", httponly=True, samesite="Lax")
    return response
