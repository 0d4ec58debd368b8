"""`World`: everything that is true, from a seed and a few sizes, and the door to running it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from verifier.core.reasons import Reason
from verifier.world import geography
from verifier.world.geography import Host, Site
from verifier.world.host_kind import HostKind
from verifier.world.host_kinds import HOST_KINDS, INTERCEPTOR
from verifier.world.truth import INVALID, Egress, Honesty, Mailbox, Truth, mailbox, of_mailbox, through_the_network

if TYPE_CHECKING:
    from verifier.world.running import RunningWorld
    from verifier.world.sample import Row

_REMEMBERED = 100_000


class World:
    """A mail world: the same for ever for the same seed and sizes, and of any size without memory.

    `hosts`: machines of each kind (1-1200); the domains share them. `domains`: how many a list spreads over.
    `unknown_rate`: the part of plausible names that nobody has. Delays in seconds: `rtt` is the round trip,
    `grey_delay` how long a greylisting host lets a stranger wait, `hang` how long a silent host holds a connection;
    `slowness` scales the tarpit's five seconds a reject and the slow banner's six. `egress` and `honesty` say what
    the network between does to us. Raises ValueError for a size that cannot be.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        hosts: int = 12,
        domains: int = 400,
        unknown_rate: float = 0.1,
        rtt: float = 0.0,
        grey_delay: float = 3.0,
        slowness: float = 0.2,
        hang: float = 5.0,
        egress: Egress = Egress.OPEN,
        honesty: Honesty = Honesty.HONEST,
    ) -> None:
        if not 1 <= hosts <= geography.HOSTS_MAX:
            raise ValueError(f"hosts: between 1 and {geography.HOSTS_MAX}")
        if domains < 1:
            raise ValueError("domains: at least 1")
        if not 0 <= unknown_rate <= 1:
            raise ValueError("unknown_rate: between 0 and 1")
        self.seed = seed
        self.hosts = hosts
        self.domains = domains
        self.unknown_rate = unknown_rate
        self.rtt = rtt
        self.grey_delay = grey_delay
        self.slowness = slowness
        self.hang = hang
        self.egress = Egress(egress)
        self.honesty = Honesty(honesty)
        self._sites: dict[str, Site | None] = {}

    @property
    def options(self) -> dict[str, object]:
        """What `World(**options)` makes the same world from; plain values."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def domain(self, personality: str, number: int = 0) -> str:
        """The `number`-th domain (A-label) of a personality of `personalities.PERSONALITIES`."""
        return geography.a_label(geography.domain_name(personality, number))

    def site(self, domain: str) -> Site | None:
        """What is known of a domain in any spelling, None where the world has none of that name."""
        try:
            return self._sites[domain]
        except KeyError:
            if len(self._sites) >= _REMEMBERED:
                self._sites.clear()
            found = geography.site(self.seed, self.hosts, geography.a_label(domain))
            self._sites[domain] = found
            return found

    def host_named(self, name: str) -> Host | None:
        """The host that an exchange's name leads to."""
        return geography.host_named(self.seed, self.hosts, name)

    def machines(self) -> Iterator[tuple[Host, HostKind]]:
        """Every host with what answers at its address, through the network as it is."""
        for kind in HOST_KINDS.values():
            for number in range(self.hosts):
                yield geography.host(kind.name, number), self._seen_kind(kind)

    def mailbox(self, kind: HostKind, local: str, domain: str) -> Mailbox:
        """How the mailbox is that a host of `kind` has under a name at a domain (A-label)."""
        domain = "gmail.com" if domain == "googlemail.com" else domain
        return mailbox(self.seed, self.unknown_rate, kind, local, domain)

    def truth(self, address: str, *, waited: bool = True) -> Truth:
        """The right verdicts for a syntactically valid address; `waited`: greylisted rows were asked again."""
        local, at, domain = address.rpartition("@")
        if not (local and at and domain):
            return INVALID
        place = self.site(domain)
        if place is None:
            absent = Truth((Reason.DOMAIN_NOT_FOUND,), False)
            return through_the_network(absent, False, self.egress, self.honesty)
        asked = place.kind is not None and Reason.DISPOSABLE not in place.personality.reasons
        return through_the_network(self._open_truth(place, local, waited), asked, self.egress, self.honesty)

    def rows(self, size: int) -> Iterator["Row"]:
        """The first `size` rows of a customer's list; row n is the same whatever the size."""
        from verifier.world.sample import row

        return (row(self, number) for number in range(1, size + 1))

    def serve(
        self,
        *,
        port: int = 0,
        dns_port: int = 0,
        log_file: str | None = None,
        shared_address: bool = False,
        kinds: Sequence[str] | None = None,
    ) -> "RunningWorld":
        """The world on loopback, to be entered with `async with`; port 0 takes a free one.

        `shared_address`: all hosts at 127.0.0.1, told apart by ports of their own (`RunningWorld.port_map`), for
        systems that have no other loopback address. `kinds`: the kinds of hosts that are switched on, all by default;
        where the others are, nothing listens. Each host that listens takes a file descriptor.
        """
        from verifier.world.running import RunningWorld

        return RunningWorld(
            self, port=port, dns_port=dns_port, log_file=log_file, shared_address=shared_address, kinds=kinds
        )

    def _open_truth(self, place: Site, local: str, waited: bool) -> Truth:
        personality = place.personality
        if place.kind is None:
            return Truth(personality.reasons, False)
        kind = HOST_KINDS[place.kind]
        state = self.mailbox(kind, local, place.domain)
        reasons = personality.reasons or (of_mailbox(state),)
        if not local.isascii() and not kind.takes_utf8 and Reason.DISPOSABLE not in reasons:
            mute = (Reason.SMTPUTF8_UNSUPPORTED,)
            reasons = (*mute, *personality.reasons) if personality.reasons != (Reason.CATCH_ALL,) else mute
        elif personality.greylisted and not waited:
            reasons = (*reasons, Reason.GREYLISTED)
        exists = None if kind.accepts_everything else state is not Mailbox.UNKNOWN
        return Truth(tuple(dict.fromkeys((*reasons, *personality.tolerated))), exists)

    def _seen_kind(self, kind: HostKind) -> HostKind:
        return INTERCEPTOR if self.egress is Egress.INTERCEPTED else kind
