"""What cannot be read as a request is answered like everything else: with problem details, and our own headers.

aiohttp answers such a thing by itself, in plain text, before any handler or middleware: too long a line, a method that
is no word, an encoding that nobody undoes.
"""

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError, LineTooLong

from verifier.edges.http.bodies import unread_encoding
from verifier.edges.http.middlewares.answer_headers import headers_of_json
from verifier.edges.http.middlewares.observing import HEADER, new_number
from verifier.edges.http.problems import Problem, response_of
from verifier.edges.http.site import SITE, Site


class ServiceRunner(web.AppRunner):
    """aiohttp's runner of an application, over connections that say what is wrong."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _Server.over(server, self.app[SITE])


class _Server(web.Server):
    site: Site

    @classmethod
    def over(cls, server: web.Server, site: Site) -> "_Server":
        server.__class__ = cls
        assert isinstance(server, cls)
        server.site = site
        return server

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that no handler has seen; the connection ends with it."""
        answer = super().handle_error(request, status, exc, message)  # it logs, and raises where an answer has begun
        if not isinstance(self._manager, _Server):
            return answer  # the connection is gone: nobody hears it
        site = self._manager.site
        number = new_number(site.clock)
        response = response_of(self._problem(exc), number)
        response.headers.update({**headers_of_json(site), HEADER: number})
        response.force_close()
        return response

    def _problem(self, exc: BaseException | None) -> Problem:
        match exc:
            case LineTooLong():
                most = f"{self.max_line_size:,}"
                return Problem(
                    "malformed_request", f"The request's line and each of its headers have at most {most} bytes."
                )
            case ContentEncodingError():
                return unread_encoding()
            case HttpProcessingError():
                return Problem("malformed_request", "What was sent is no HTTP request that is known here.")
            case _:
                return Problem("internal_error", "The log of the service has the details.")
