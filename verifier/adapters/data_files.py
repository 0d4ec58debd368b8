"""The reference data: lists, provider table and risks, from the files that are shipped and the operator's own.

Law: the operator's `deny` is above his `allow`, that above what is never disposable, that above the disposable lists.
Shipped files are normalised by `make data` (lower-case A-labels, one a line) and read as they are: loading all of them
has to cost less than the interpreter's own start.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct

from verifier.adapters.calibration_file import read_calibration
from verifier.core.faults import ConfigError
from verifier.core.harvest import Lifts
from verifier.core.lists import DomainList, local_names
from verifier.core.names import Names
from verifier.core.providers import Provider, ProviderTable
from verifier.core.spelling import Spelling
from verifier.core.verdict import BounceRisks

LISTS_FOLDER = "lists"
DISPOSABLE = "disposable_domains.txt"
ALLOW = "allow.txt"
DENY = "deny.txt"
OPT_OUT = "opt_out.txt"
LIFTED = "harvest_lifted.txt"
DESCRIBED_FILES = (
    "bounce_risks.toml",
    DISPOSABLE,
    "disposable_mx.txt",
    "free_providers.txt",
    "lookalikes.csv",
    "no_reply.txt",
    "not_disposable.txt",
    OPT_OUT,
    "parking_mx.txt",
    "privacy_relays.txt",
    "providers.toml",
    "roles.txt",
    "shared_suffixes.txt",
    "tlds.txt",
    "typo_targets.txt",
)
_HEADER_BYTES = 4096


class Header(Struct, frozen=True):
    """What a data file says of itself on top."""

    what: str
    sources: tuple[str, ...]
    licence: str
    date: date
    rows: int


class ReferenceData(Struct, frozen=True):
    """Everything that is known before anybody is asked. Domains are lower-case A-labels.

    `never_disposable` holds the operator's allowed domains, relays, well-known domains and mail providers; `denied`
    what the operator calls disposable; `opted_out` domains and exchanges that are never asked, `own_opt_outs` those of
    them that the operator put there; `lifts` the lists that he lets pass the harvest guard. `version` is a short hash
    that changes with any of the data but the lifts.
    """

    disposable: DomainList
    never_disposable: DomainList
    allowed: DomainList
    denied: DomainList
    disposable_exchanges: DomainList
    privacy_relays: DomainList
    free: DomainList
    parking_exchanges: DomainList
    opted_out: DomainList
    own_opt_outs: DomainList
    lifts: Lifts
    roles: frozenset[str]
    no_reply: frozenset[str]
    typo_targets: tuple[str, ...]
    lookalikes: Mapping[str, str]
    tlds: frozenset[str]
    providers: ProviderTable
    prior_risks: BounceRisks
    risks: BounceRisks
    """The prior ones, but for what feedback has taught."""
    version: str


def assemble_names(reference: ReferenceData) -> Names:
    """The lists together, as the pipeline asks them."""
    return Names(
        disposable=reference.disposable,
        never_disposable=reference.never_disposable,
        denied=reference.denied,
        disposable_exchanges=reference.disposable_exchanges,
        privacy_relays=reference.privacy_relays,
        free=reference.free,
        parking_exchanges=reference.parking_exchanges,
        opted_out=reference.opted_out,
        roles=reference.roles,
        no_reply=reference.no_reply,
        spelling=Spelling(reference.typo_targets, reference.lookalikes, reference.tlds),
        providers=reference.providers,
    )


def shipped_folder() -> Path:
    """Where the shipped data lies: inside the installed package, or beside it in a checkout."""
    package = Path(str(resources.files("verifier")))
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


def load_reference_data(data_dir: Path | None = None, shipped: Path | None = None) -> ReferenceData:
    """All reference data; `data_dir` is the operator's data folder, whose `lists/` overrules what is shipped."""
    folder = shipped or shipped_folder()
    own = data_dir / LISTS_FOLDER if data_dir is not None else None
    allowed, denied = _operator_list(own, ALLOW), _operator_list(own, DENY)
    relays, free = _domains(folder / "privacy_relays.txt"), _domains(folder / "free_providers.txt")
    known = _domains(folder / "not_disposable.txt")
    own_opt_outs = _operator_list(own, OPT_OUT)
    prior = load_risks(folder)
    return ReferenceData(
        disposable=_domains(disposable_file(folder, own)),
        never_disposable=DomainList(allowed.domains | relays.domains | known.domains | free.domains),
        allowed=allowed,
        denied=denied,
        disposable_exchanges=_domains(folder / "disposable_mx.txt"),
        privacy_relays=relays,
        free=free,
        parking_exchanges=_domains(folder / "parking_mx.txt"),
        opted_out=DomainList(_domains(folder / OPT_OUT).domains | own_opt_outs.domains),
        own_opt_outs=own_opt_outs,
        lifts=Lifts.parse(_own_lines(own, LIFTED)),
        roles=local_names(shipped_rows(folder / "roles.txt")),
        no_reply=local_names(shipped_rows(folder / "no_reply.txt")),
        typo_targets=tuple(shipped_rows(folder / "typo_targets.txt")),
        lookalikes=dict(_pair(row) for row in shipped_rows(folder / "lookalikes.csv")),
        tlds=frozenset(shipped_rows(folder / "tlds.txt")),
        providers=load_providers(folder),
        prior_risks=prior,
        risks=prior if data_dir is None else read_calibration(data_dir, prior),
        version=_version(folder, own),
    )


def operator_lists_state(data_dir: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when one of the operator's own lists does: name, time and size of each."""
    folder = data_dir / LISTS_FOLDER
    if not folder.is_dir():
        return ()
    states = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


def load_providers(folder: Path) -> ProviderTable:
    """The provider table. Raises msgspec.ValidationError or ValueError for a malformed one: it is our own file."""
    return ProviderTable(msgspec.toml.decode((folder / "providers.toml").read_bytes(), type=_ProviderFile).provider)


def load_risks(folder: Path) -> BounceRisks:
    """The bounce risks. Raises msgspec.ValidationError for a malformed file."""
    file = msgspec.toml.decode((folder / "bounce_risks.toml").read_bytes(), type=_RiskFile)
    return BounceRisks(file.reason, {(row.reason, row.name): row.risk for row in file.provider})


def data_headers(data_dir: Path | None = None, shipped: Path | None = None) -> Mapping[str, tuple[Path, Header]]:
    """Every list in use by its file's name, in order: where it lies and what it says of itself."""
    folder = shipped or shipped_folder()
    own = data_dir / LISTS_FOLDER if data_dir is not None else None
    paths = {name: folder / name for name in DESCRIBED_FILES} | {DISPOSABLE: disposable_file(folder, own)}
    return {name: (path, read_header(path)) for name, path in sorted(paths.items())}


def read_header(path: Path) -> Header:
    """The header of a data file. Raises ValueError where it is incomplete."""
    fields: dict[str, list[str]] = {}
    for line in _comments(path):
        name, colon, text = line.removeprefix("#").strip().partition(": ")
        if colon:
            fields.setdefault(name, []).append(text.strip())
    try:
        return Header(
            what=fields["What"][0],
            sources=tuple(fields["Source"]),
            licence=fields["Licence"][0],
            date=date.fromisoformat(fields["Date"][0]),
            rows=int(fields["Rows"][0]),
        )
    except KeyError as error:
        raise ValueError(f"{path.name} has no {error.args[0]!r} on top") from error


def shipped_rows(path: Path) -> list[str]:
    """What a normalised list holds below its header: one row a line, nothing else."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return lines[first:]


def disposable_file(shipped: Path, own: Path | None) -> Path:
    """The newer of the shipped disposable list and the operator's refreshed one; the refreshed one on a tie."""
    base = shipped / DISPOSABLE
    refreshed = own / DISPOSABLE if own is not None else None
    if refreshed is None or not refreshed.is_file():
        return base
    return refreshed if read_header(refreshed).date >= read_header(base).date else base


class _ProviderFile(Struct, frozen=True, forbid_unknown_fields=True):
    provider: tuple[Provider, ...]


class _RiskRow(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    reason: str
    risk: float


class _RiskFile(Struct, frozen=True, forbid_unknown_fields=True):
    reason: dict[str, float]
    provider: tuple[_RiskRow, ...] = ()


def _domains(path: Path) -> DomainList:
    return DomainList(frozenset(shipped_rows(path)))


def _operator_list(own: Path | None, name: str) -> DomainList:
    return DomainList.parse(_own_lines(own, name))


def _own_lines(own: Path | None, name: str) -> Iterable[str]:
    path = own / name if own is not None else None
    try:
        return path.read_text(encoding="utf-8").splitlines() if path is not None and path.is_file() else ()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text: save it as such.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from None


def _pair(row: str) -> tuple[str, str]:
    typed, _, meant = row.partition(",")
    return typed, meant


def _comments(path: Path) -> list[str]:
    with path.open("rb") as file:
        top = file.read(_HEADER_BYTES).decode("utf-8", errors="replace")
    comments: list[str] = []
    for line in top.splitlines():
        if not line.startswith("#"):
            break
        comments.append(line)
    return comments


def _version(folder: Path, own: Path | None) -> str:
    """A hash of the headers and sizes of the shipped files, and of the operator's lists."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + "\n".join(_comments(path)).encode())
    for path in [] if own is None else [own / DISPOSABLE, own / ALLOW, own / DENY, own / OPT_OUT]:
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
