"""The operator's own lists in `<data folder>/lists`: allow.txt, deny.txt, opt_out.txt,
harvest_lifted.txt, and a refreshed disposable_domains.txt.

Law: a list is replaced as a whole or not at all, and a refresh only adds to what is shipped: a source that lost most of
its names, or cannot be read, changes nothing.
"""

import os
import re
import tempfile
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from msgspec import Struct
from publicsuffixlist import PublicSuffixList

from verifier.adapters.data_files import (
    ALLOW,
    DENY,
    DISPOSABLE,
    LIFTED,
    LISTS_FOLDER,
    OPT_OUT,
    ReferenceData,
    disposable_file,
    read_header,
    shipped_folder,
    shipped_rows,
)
from verifier.adapters.list_packages import CURATED_PACKAGES, PackageList
from verifier.core.faults import ConfigError, ServiceUnavailable
from verifier.core.harvest import Lifts
from verifier.core.lists import DomainList
from verifier.core.sifting import brands_of, looks_established, sift

_LEAST_SHARE = 0.5  # of the names that a source had before
_SOURCE = re.compile(r"(?P<package>\S+) \S+ \(PyPI\), \S+, (?P<names>\d+) names")


class Refreshed(Struct, frozen=True):
    """What a refresh did: rows before and after, and one `package version` text for each source."""

    before: int
    after: int
    sources: tuple[str, ...]


def allow_domain(data_dir: Path, text: str, *, remove: bool = False) -> str:
    """Puts a domain on the list of what is never disposable (or takes it off), and gives its A-label form."""
    return _override(data_dir, text, ALLOW, DENY, remove)


def deny_domain(data_dir: Path, text: str, *, remove: bool = False) -> str:
    """Puts a domain on the list of what is always disposable (or takes it off), and gives its A-label form."""
    return _override(data_dir, text, DENY, ALLOW, remove)


def opt_out_domain(data_dir: Path, text: str, *, remove: bool = False) -> str:
    """Puts a domain or exchange on the list of those that are never probed (or takes it off), and gives its A-label."""
    return _edit(data_dir, text, OPT_OUT, remove)


def lift_harvest_guard(data_dir: Path, text: str, list_name: str, now: datetime, *, remove: bool = False) -> str:
    """Lets the list of that name pass the harvest guard at a domain (or no longer); gives the domain's A-label form.

    Who reads the file sees since when: what somebody wrote there stays, but for the line that is taken back.
    """
    domain, name = _a_label(text), " ".join(list_name.split())
    if not name or "#" in name:
        raise ConfigError(f"{list_name!r} cannot be the name of a list.")
    path = data_dir / LISTS_FOLDER / LIFTED
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    others = [line for line in lines if not Lifts.parse([line]).cover(domain, name)]
    if remove and others == lines:
        raise ConfigError(f"{domain} is not lifted for {name}.")
    _replace(path, others if remove else [*others, f"{domain} {name}  # lifted {now:%Y-%m-%dT%H:%M:%SZ}"])
    return domain


def refresh_disposable(
    data_dir: Path, fetched: Iterable[PackageList], known: ReferenceData, today: date, shipped: Path | None = None
) -> Refreshed:
    """Adds what the packages list now to the disposable list in use, dated `today`.

    Raises ServiceUnavailable, with nothing changed, where a package has lost more than half of its names.
    """
    folder = shipped or shipped_folder()
    own = data_dir / LISTS_FOLDER
    base = disposable_file(folder, own)
    header = read_header(base)
    lists = tuple(fetched)
    _require_whole(lists, header.sources)
    brands = brands_of(known.never_disposable)
    names = {
        name
        for listing in lists
        for name in listing.names
        if listing.package in CURATED_PACKAGES or not looks_established(name, brands)
    }
    shared = frozenset(shipped_rows(folder / "shared_suffixes.txt"))
    new = sift(names, known.never_disposable, shared, PublicSuffixList().privatesuffix)
    before = frozenset(shipped_rows(base))
    rows = sorted(before | {name for name in new if name not in DomainList(before)})
    sources = _restated(header.sources, lists)
    top = [f"# What: {header.what}", *(f"# Source: {source}" for source in sources), f"# Licence: {header.licence}"]
    _replace(own / DISPOSABLE, [*top, f"# Date: {today}", f"# Rows: {len(rows)}", *rows])
    return Refreshed(len(before), len(rows), tuple(f"{listing.package} {listing.version}" for listing in lists))


def _override(data_dir: Path, text: str, name: str, opposite: str, remove: bool) -> str:
    domain = _edit(data_dir, text, name, remove)
    folder = data_dir / LISTS_FOLDER
    if not remove and domain in (others := _listed(folder / opposite)):
        _write(folder / opposite, others - {domain})
    return domain


def _edit(data_dir: Path, text: str, name: str, remove: bool) -> str:
    domain = _a_label(text)
    folder = data_dir / LISTS_FOLDER
    listed = _listed(folder / name)
    if remove and domain not in listed:
        raise ConfigError(f"{domain} is not on that list.")
    _write(folder / name, listed - {domain} if remove else listed | {domain})
    return domain


def _a_label(text: str) -> str:
    domain = next(iter(DomainList.parse([text.strip().rpartition("@")[2]]).domains), None)
    if domain is None:
        raise ConfigError(f"{text!r} is not a domain name.")
    return domain


def _listed(path: Path) -> frozenset[str]:
    return DomainList.parse(path.read_text(encoding="utf-8").splitlines() if path.is_file() else ()).domains


def _write(path: Path, domains: Iterable[str]) -> None:
    _replace(path, sorted(domains))


def _require_whole(lists: Iterable[PackageList], sources: Iterable[str]) -> None:
    known = {found["package"]: int(found["names"]) for source in sources if (found := _SOURCE.fullmatch(source))}
    for listing in lists:
        expected = known.get(listing.package, 0)
        if len(listing.names) < max(1, _LEAST_SHARE * expected):
            raise ServiceUnavailable(
                f"{listing.package} {listing.version} lists {len(listing.names)} domains where {expected} were known; "
                "that cannot be right, and nothing was changed."
            )


def _restated(sources: Iterable[str], lists: Iterable[PackageList]) -> list[str]:
    """The header's sources, those of the fetched packages with their new version and number."""
    fetched = {listing.package: listing for listing in lists}
    restated = []
    for source in sources:
        found = _SOURCE.fullmatch(source)
        listing = fetched.get(found["package"]) if found else None
        if listing is not None:
            licence = source.split(", ")[1]
            source = f"{listing.package} {listing.version} (PyPI), {licence}, {len(listing.names)} names"
        restated.append(source)
    return restated


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Writes a new file beside the old one and puts it in its place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
