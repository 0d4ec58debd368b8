"""GET, POST and DELETE /v1/keys."""

from datetime import timedelta
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from verifier.core.api_keys import DEFAULT_WORKSPACE, ApiKey, Scope
from verifier.core.record import Timestamp, timestamp, word
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import Call, Route, json_response

Name = Annotated[str, Meta(min_length=1, max_length=100, description="For people: which program, or whose.")]
Workspace = Annotated[str, Meta(pattern="^[a-z0-9_-]{1,40}$", description="Whose lists it sees.")]


class CreateKeyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A key for a program."""

    name: Name
    scopes: Annotated[frozenset[Scope], Meta(min_length=1)]
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    rate_per_minute: Annotated[int, Meta(ge=0, le=1_000_000, description="Checks a minute; 0 is no limit.")] = 600
    daily_quota: Annotated[int, Meta(ge=0, le=1_000_000_000, description="Answers a day (UTC); 0 is no limit.")] = 0
    workspace: Workspace = DEFAULT_WORKSPACE
    origins: Annotated[
        list[Annotated[str, Meta(max_length=300)]],
        Meta(max_length=50, description="Whose pages may use a key with the scope `widget`: https://shop.example.com"),
    ] = []


class KeyRecord(Struct, frozen=True):
    """What can be shown of a key. `kind` is `program`, or `person` for somebody who logs in by links."""

    id: str
    name: str
    kind: Annotated[str, word("program", "person")]
    scopes: list[Annotated[str, word(*Scope)]]
    workspace: str
    rate_per_minute: int
    daily_quota: int
    origins: list[str]
    created_at: Timestamp | None
    expires_at: Timestamp | None
    revoked_at: Timestamp | None


class CreatedKey(Struct, frozen=True):
    """The key, and its token, which is shown here and never again."""

    key: KeyRecord
    token: str


class KeyList(Struct, frozen=True):
    """All keys, oldest first, revoked ones too."""

    keys: list[KeyRecord]


def key_record(key: ApiKey) -> KeyRecord:
    return KeyRecord(
        id=key.id,
        name=key.name,
        kind="person" if key.is_person else "program",
        scopes=sorted(key.scopes),
        workspace=key.workspace,
        rate_per_minute=key.rate,
        daily_quota=key.daily_quota,
        origins=sorted(key.origins),
        created_at=timestamp(key.created_at),
        expires_at=timestamp(key.expires_at),
        revoked_at=timestamp(key.revoked_at),
    )


async def list_keys(call: Call[None]) -> web.StreamResponse:
    return json_response(KeyList([key_record(key) for key in await call.site.desk.access.keys()]))


async def create_key(call: Call[CreateKeyRequest]) -> web.StreamResponse:
    body = call.body
    days = body.expires_in_days
    granted = await call.site.desk.access.create(
        body.name,
        body.scopes,
        expires_at=None if days is None else call.site.clock.now() + timedelta(days=days),
        rate=body.rate_per_minute,
        daily_quota=body.daily_quota,
        workspace=body.workspace,
        origins=body.origins,
    )
    return json_response(CreatedKey(key_record(granted.key), granted.token), status=201)


async def revoke_key(call: Call[None]) -> web.StreamResponse:
    if await call.site.desk.access.revoke(call.request.match_info["id"]) is None:
        raise Problem("not_found", "There is no key of this id that still holds.")
    return web.Response(status=204)


ROUTES = (
    Route("GET", "/v1/keys", list_keys, "List the keys", scope=Scope.ADMIN, responds=KeyList, tag="Keys"),
    Route(
        "POST",
        "/v1/keys",
        create_key,
        "Make a key",
        scope=Scope.ADMIN,
        request=CreateKeyRequest,
        responds=CreatedKey,
        status=201,
        problems=("conflict",),
        tag="Keys",
        example={"name": "sign-up form", "scopes": ["verify"]},
    ),
    Route(
        "DELETE",
        "/v1/keys/{id}",
        revoke_key,
        "Revoke a key",
        scope=Scope.ADMIN,
        status=204,
        problems=("not_found",),
        tag="Keys",
    ),
)
