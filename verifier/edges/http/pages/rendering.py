"""Pages from templates: escaped by themselves, in the reader's language, with the names that every page knows."""

import re
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from verifier.core.signup import Language, preferred_language
from verifier.edges.http.pages.static import link
from verifier.edges.http.site import BY_SESSION, CALLER

_CODE = re.compile(r"`([^`]*)`")


def _with_code(text: str) -> Markup:
    """What stands between backticks, as code; everything escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


_TEMPLATES = Environment(
    loader=PackageLoader("verifier.edges.http"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["with_code"] = _with_code


def language_of(request: web.Request) -> Language:
    """`?lang=` where it names one of ours, else what the browser prefers."""
    asked = request.query.get("lang", "")
    if asked in tuple(Language):
        return Language(asked)
    return preferred_language(request.headers.get("Accept-Language", ""))


def render(request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
    """The page; every template knows `lang`, `french`, `person` (who is logged in, or None) and `static`."""
    language = language_of(request)
    text = _TEMPLATES.get_template(template).render(
        lang=language.value,
        french=language is Language.FRENCH,
        person=request.get(CALLER) if request.get(BY_SESSION) else None,
        static=link,
        **values,
    )
    headers = {"Content-Language": language.value, "Vary": "Accept-Language, Cookie"}
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)
