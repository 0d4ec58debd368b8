"""The OpenAPI document holds: requests made from it, right and wrong ones, are answered as it says, never with a 5xx.

Seeds are fixed (derandomize), so a finding is found again.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.roads.conftest import NOBODY
from tests.roads.test_serve import serving
from tests.support.command import Command
from verifier.edges.http.openapi import document_of
from verifier.edges.http.table import ROUTES

_CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_SCHEMA = schemathesis.openapi.from_dict(document_of(ROUTES, "http://localhost", keys_required=False).plain)
OPERATIONS = [result.ok() for result in _SCHEMA.get_all_operations()]
TRIED = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.body or operation.query
]
"""What takes nothing cannot be asked wrongly, and what takes a text in its path neither."""
_TAKE_WHAT_NOBODY_KNOWS = (
    "POST /v1/lists",
    "POST /v1/lists/{id}/start",
    "POST /v1/lists/{id}/look",
    "POST /v1/campaigns/{id}/release",
)
"""Any bytes may be a list, and no list or campaign has a made-up id."""
PROFILE = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of this machine alone, which reaches nobody."""
    with serving(Command(tmp_path_factory.mktemp("service"), NOBODY)) as (_, url):
        yield url


@pytest.fixture(scope="module")
def session(url: str) -> Iterator[requests.Session]:
    """Connections that stay open, and an own page's Origin."""
    with requests.Session() as session:
        session.headers["Origin"] = url
        yield session


def test_every_operation_is_tried() -> None:
    """All of the table that are for programs."""
    tried = {(operation.method.upper(), operation.path) for operation in OPERATIONS}
    assert tried == {(route.method, route.path) for route in ROUTES if not route.page}


@pytest.mark.parametrize(("operation", "mode"), TRIED)
def test_the_document_is_kept(
    url: str, session: requests.Session, operation: "APIOperation[object, object, object]", mode: GenerationMode
) -> None:
    """Whatever is sent: a status, a media type and a body that are in the document, and no fault of ours; right
    bodies are taken, wrong ones never.
    """
    answered: Counter[int] = Counter()

    @PROFILE
    @given(operation.as_strategy(mode))
    def hold(case: Case) -> None:
        response = case.call(base_url=url, session=session, timeout=20)
        answered[response.status_code] += 1
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=_CHECKS)

    hold()
    successes = sum(count for status, count in answered.items() if status < 300)
    assert answered
    if operation.body and operation.label not in _TAKE_WHAT_NOBODY_KNOWS:
        assert bool(successes) == (mode is GenerationMode.POSITIVE), answered
