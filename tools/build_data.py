"""Rebuilds the generated lists of data/ from packages of PyPI and npm; recounts the hand-written ones (`make data`).

    disposable_domains.txt   what the packages list, sifted (verifier/core/sifting.py)
    free_providers.txt       tools/curated/free_providers.txt, the provider table and a package, less what is disposable
    tlds.txt                 the top-level domains of the public suffix list

`--evaluate` writes nothing and prints how much of each source the others know. Packages are read, never executed.
"""

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct
from publicsuffixlist import PublicSuffixList

from verifier.adapters.data_files import load_providers
from verifier.adapters.list_packages import QUOTED_NAME, PackageList, fetch_lists
from verifier.core.lists import DomainList
from verifier.core.providers import ProviderKind
from verifier.core.sifting import brands_of, is_cheap, looks_established, sift, tells_throw_away

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
CURATED = ROOT / "tools" / "curated"
HAND_WRITTEN = ("privacy_relays.txt", "not_disposable.txt", "shared_suffixes.txt", "roles.txt", "no_reply.txt")
SUFFIX_LISTS = ("disposable_mx.txt", "parking_mx.txt")


class Source(Struct, frozen=True):
    """One package with a list. A `curated` one is believed by itself; the `volunteers`' lists copy each other."""

    package: str
    member: str
    licence: str
    curated: bool = False
    volunteers: bool = False


NPM_SOURCES = (
    Source("disposable-email-domains-js", "dist/dict/disposable_email_blocklist.json", "CC0-1.0", curated=True),
    Source("fakefilter", "json/data.json", "BSD-3-Clause", curated=True),
    Source("burner-email-providers", "emails.txt", "MIT", volunteers=True),
    Source("disposable-domains", "index.json", "MIT", volunteers=True),
    Source("disposable-email-domains", "index.json", "MIT", volunteers=True),
)
INDEX_SOURCES = {
    "disposable-email-domains": Source("disposable-email-domains", "", "MIT", curated=True),
    "MailChecker": Source("MailChecker", "", "MIT"),
}
AGGREGATE = Source("disposable-email-detector", "index.json", "MIT")
FREE = Source("free-email-domains", "domains.json", "MIT")
LICENCES = "MIT AND CC0-1.0 AND BSD-3-Clause (notices: data/NOTICES.md)"


class Gathered(Struct, frozen=True):
    """One source with what it lists."""

    source: Source
    registry: str
    listing: PackageList

    @property
    def line(self) -> str:
        found = self.listing
        return f"{found.package} {found.version} ({self.registry}), {self.source.licence}, {len(found.names)} names"


def main(arguments: list[str]) -> int:
    suffixes = PublicSuffixList()
    with tempfile.TemporaryDirectory(prefix="verifier-data-") as folder:
        sources = gather(Path(folder))
        aggregate = Gathered(AGGREGATE, "npm", npm_list(AGGREGATE, Path(folder)))
        free = Gathered(FREE, "npm", npm_list(FREE, Path(folder)))
    if arguments == ["--evaluate"]:
        evaluate(sources, suffixes)
        return 0
    recount()
    disposable = build_disposable(sources, aggregate, free, suffixes)
    build_free(free, disposable, suffixes)
    build_tlds(suffixes)
    return 0


def gather(folder: Path) -> list[Gathered]:
    """All sources, from both registries."""
    found = [Gathered(INDEX_SOURCES[listing.package], "PyPI", listing) for listing in fetch_lists()]
    return found + [Gathered(source, "npm", npm_list(source, folder)) for source in NPM_SOURCES]


def npm_list(source: Source, folder: Path) -> PackageList:
    """The newest package of npm, unpacked by us: no script of it runs."""
    command = ["npm", "pack", source.package, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    return read_tarball(source.package, folder / name, source.member)


def read_tarball(package: str, path: Path, member: str) -> PackageList:
    """Every domain name in one text or JSON file of an npm tarball. Raises KeyError where the file is missing."""
    with tarfile.open(path) as archive:
        version = _manifest_version(archive)
        stream = archive.extractfile(f"package/{member}")
        text = io.TextIOWrapper(stream, encoding="utf-8").read() if stream else ""
    names = frozenset(QUOTED_NAME.findall(text)) if member.endswith(".json") else frozenset(text.split())
    return PackageList(package, version, names)


def _manifest_version(archive: tarfile.TarFile) -> str:
    stream = archive.extractfile("package/package.json")
    found = re.search(rb'"version"\s*:\s*"([^"]+)"', stream.read() if stream else b"")
    if found is None:
        raise ValueError("package.json names no version")
    return found[1].decode()


def build_disposable(
    sources: list[Gathered], aggregate: Gathered, free: Gathered, suffixes: PublicSuffixList
) -> DomainList:
    never = never_disposable()
    curated = union(found for found in sources if found.source.curated)
    objected = {name for name in free.listing.names if not tells_throw_away(name)}
    believed = curated | (union(sources) - objected - doubtful(sources, never))
    believed |= {n for n in aggregate.listing.names if tells_throw_away(n) or is_cheap(n)} - free.listing.names
    believed |= set(rows("disposable_mx.txt"))
    names = sift(believed, never, shared_names(), suffixes.privatesuffix)
    lines = (*(found.line for found in [*sources, aggregate]), "data/disposable_mx.txt")
    write("disposable_domains.txt", "domains that serve throw-away addresses", names, lines, LICENCES)
    return DomainList(names)


def doubtful(sources: list[Gathered], never: DomainList) -> set[str]:
    """What only one family of open lists has and what looks like a company's name or another's brand."""
    families: dict[bool, set[str]] = {True: set(), False: set()}
    for found in sources:
        if not found.source.curated:
            families[found.source.volunteers] |= found.listing.names
    brands = brands_of(never)
    return {name for name in families[True] ^ families[False] if looks_established(name, brands)}


def build_free(free: Gathered, disposable: DomainList, suffixes: PublicSuffixList) -> None:
    own = curated_free()
    own |= {
        domain
        for provider in load_providers(DATA).providers
        if provider.kind in (ProviderKind.CONSUMER, ProviderKind.ISP)
        for domain in provider.domains
    }
    relays = DomainList(frozenset(rows("privacy_relays.txt")))
    listed = {name for name in free.listing.names if name not in disposable and not tells_throw_away(name)}
    listed = {name for name in listed if not is_cheap(name) and name not in relays}
    names = sift(listed, DomainList(frozenset()), shared_names(), suffixes.privatesuffix) | own
    sources = ("tools/curated/free_providers.txt", "data/providers.toml", free.line)
    write("free_providers.txt", "domains of consumer mailboxes: webmail and providers of access", names, sources, "MIT")


def build_tlds(suffixes: PublicSuffixList) -> None:
    """The public suffix list has every top-level domain of IANA as a rule of one label."""
    text = Path(str(sys.modules["publicsuffixlist"].PSLFILE)).read_text(encoding="utf-8")
    icann = text.partition("===END ICANN DOMAINS===")[0]
    rules = {line.strip().lstrip("*!.") for line in icann.splitlines() if line and not line.startswith("//")}
    labels = {rule.rpartition(".")[2] for rule in rules}
    names = {label if label.isascii() else label.encode("idna").decode() for label in labels if label}
    source = f"publicsuffixlist {version('publicsuffixlist')} (PyPI), MPL-2.0"
    write(
        "tlds.txt", "top-level domains that exist (A-labels)", names, (source,), "facts of IANA; derived from MPL-2.0"
    )


def never_disposable() -> DomainList:
    names = [*rows("privacy_relays.txt"), *rows("not_disposable.txt"), *curated_free()]
    names += [domain for provider in load_providers(DATA).providers for domain in provider.domains]
    return DomainList(frozenset(names))


def curated_free() -> set[str]:
    lines = (CURATED / "free_providers.txt").read_text(encoding="utf-8").splitlines()
    return set(DomainList.parse(name for line in lines if not line.startswith("#") for name in line.split()).domains)


def shared_names() -> frozenset[str]:
    return frozenset(rows("shared_suffixes.txt"))


def union(sources: Iterable[Gathered]) -> set[str]:
    return set().union(*(found.listing.names for found in sources))


def rows(name: str) -> list[str]:
    return [line for line in (DATA / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def recount() -> None:
    """Sorts the hand-written lists, drops duplicates, and puts the number of rows on top of every file."""
    for name in HAND_WRITTEN:
        restate(name, sorted(set(rows(name))))
    for name in SUFFIX_LISTS:
        names = DomainList(frozenset(rows(name)))
        restate(name, sorted(entry for entry in names.domains if entry.partition(".")[2] not in names))
    restate("typo_targets.txt", list(dict.fromkeys(rows("typo_targets.txt"))))
    restate("lookalikes.csv", sorted(set(rows("lookalikes.csv"))))
    for name, row in (("providers.toml", "[[provider]]"), ("bounce_risks.toml", "")):
        text = (DATA / name).read_text(encoding="utf-8")
        count = text.count(f"\n{row}\n") if row else len(re.findall(r"^(?:risk|[a-z0-9_]+) = [\d.]+$", text, re.M))
        (DATA / name).write_text(re.sub(r"(?m)^# Rows: \d+", f"# Rows: {count}", text, count=1), encoding="utf-8")


def restate(name: str, names: list[str]) -> None:
    path = DATA / name
    header = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    header = [f"# Rows: {len(names)}" if line.startswith("# Rows:") else line for line in header]
    path.write_text("\n".join([*header, *names]) + "\n", encoding="utf-8")


def write(name: str, what: str, names: Iterable[str], sources: tuple[str, ...], licence: str) -> None:
    ordered = sorted(set(names))
    header = [f"# What: {what}", *(f"# Source: {source}" for source in sources), f"# Licence: {licence}"]
    header += [f"# Date: {datetime.now(UTC).date()}", f"# Rows: {len(ordered)}"]
    (DATA / name).write_text("\n".join([*header, *ordered]) + "\n", encoding="utf-8")
    print(f"{name}: {len(ordered)} rows")


def evaluate(sources: list[Gathered], suffixes: PublicSuffixList) -> None:
    """How much of each source the others know, after sifting."""
    never, shared = never_disposable(), shared_names()
    report = {}
    for held in sources:
        others = DomainList(sift(union(f for f in sources if f is not held), never, shared, suffixes.privatesuffix))
        wanted = sift(held.listing.names, never, shared, suffixes.privatesuffix)
        known = sum(name in others for name in wanted)
        report[f"{held.listing.package} ({held.registry})"] = {
            "names": len(wanted),
            "known to the others": round(known / len(wanted), 3),
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
