"""The shipped data: headers tell the truth, and nobody well known is called disposable."""

import re
from pathlib import Path

import msgspec
import pytest
from publicsuffixlist import PublicSuffixList

from verifier.adapters.data_files import (
    DESCRIBED_FILES,
    ReferenceData,
    assemble_names,
    load_reference_data,
    read_header,
    shipped_folder,
    shipped_rows,
)
from verifier.core.lists import is_no_reply, is_role
from verifier.core.names import Names
from verifier.core.providers import ControlPolicy, ProbePolicy, ProviderKind
from verifier.core.reasons import Reason, Verdict, verdict_of

DATA = shipped_folder()
LISTS = [name for name in DESCRIBED_FILES if name.endswith((".txt", ".csv"))]
DOMAIN_LISTS = [name for name in LISTS if name not in ("roles.txt", "no_reply.txt", "lookalikes.csv", "tlds.txt")]

words = str.split

WELL_KNOWN = words("""
gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk live.com msn.com yahoo.com yahoo.co.jp ymail.com
aol.com icloud.com me.com mac.com proton.me protonmail.com pm.me tutanota.com fastmail.com fastmail.fm hey.com
zoho.com gmx.com gmx.de gmx.net web.de mail.com email.com usa.com dr.com consultant.com europe.com asia.com
writeme.com techie.com post.com mail.ru bk.ru yandex.ru ya.ru rambler.ru ukr.net qq.com 163.com 126.com 139.com
189.cn 21cn.com sina.com sohu.com yeah.net tom.com naver.com daum.net hanmail.net nate.com kakao.com docomo.ne.jp
ezweb.ne.jp softbank.ne.jp orange.fr wanadoo.fr free.fr sfr.fr neuf.fr laposte.net bbox.fr t-online.de freenet.de
arcor.de libero.it virgilio.it alice.it tiscali.it telefonica.net terra.es sapo.pt uol.com.br bol.com.br
terra.com.br ig.com.br comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net
juno.com btinternet.com sky.com virginmedia.com talktalk.net bigpond.com optusnet.com.au xtra.co.nz shaw.ca
rogers.com bell.net sympatico.ca telus.net videotron.ca seznam.cz wp.pl onet.pl o2.pl interia.pl freemail.hu
citromail.hu abv.bg inbox.lv mail.ee telenet.be skynet.be ziggo.nl bluewin.ch rediffmail.com sify.com walla.com
mynet.com riseup.net disroot.org posteo.de mailbox.org mailfence.com hushmail.com hush.com runbox.com startmail.com
kolabnow.com countermail.com soverin.net privateemail.com lavabit.com duck.com mozmail.com privaterelay.appleid.com
simplelogin.com simplelogin.co slmail.me aleeas.com 8alias.com addy.io anonaddy.com anonaddy.me passmail.net
forwardemail.net improvmx.com 33mail.com opayq.com spamgourmet.com sneakemail.com harvard.edu mit.edu ox.ac.uk
cam.ac.uk ethz.ch tum.de ens.fr cern.ch nus.edu.sg utoronto.ca unimi.it kth.se usp.br google.com microsoft.com
apple.com amazon.com facebook.com facebookmail.com ibm.com siemens.com airbus.com asics.com swatch.com
craigslist.org paypal.com github.com mozilla.org wikipedia.org test.com example.com com.com compaq.com europa.eu
un.org nasa.gov whitehouse.gov co.uk com.br blogspot.com github.io ddns.net duckdns.org eu.org
""")

THROW_AWAY = words("""
mailinator.com guerrillamail.com guerrillamail.org sharklasers.com grr.la yopmail.com yopmail.fr 10minutemail.com
temp-mail.org tempmail.com maildrop.cc mailnesia.com trashmail.com wegwerfmail.de jetable.org dispostable.com
mohmal.com throwawaymail.com getnada.com fakeinbox.com mailcatch.com emailondeck.com tempr.email discard.email
moakt.com 1secmail.com spam4.me mytrashmail.com minuteinbox.com burnermail.io inboxkitten.com mintemail.com
spambox.us
""")


@pytest.fixture(scope="module")
def data() -> ReferenceData:
    return load_reference_data()


@pytest.fixture(scope="module")
def names(data: ReferenceData) -> Names:
    """The lists together, as the pipeline asks them."""
    return assemble_names(data)


@pytest.mark.parametrize("name", DESCRIBED_FILES)
def test_headers_tell_the_truth(name: str) -> None:
    """Every file says what it is, from where, under which licence, of which day, and how many rows it has."""
    path = DATA / name
    header = read_header(path)
    assert header.what
    assert header.sources
    assert header.licence
    assert header.rows == _count(path)


def _count(path: Path) -> int:
    if path.suffix != ".toml":
        return len(shipped_rows(path))
    content = msgspec.toml.decode(path.read_bytes())
    return len(content["provider"]) + len(content.get("reason", ()))


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_in_normal_form(name: str) -> None:
    """One lower-case entry a line, none twice, sorted but where the order means something."""
    rows = shipped_rows(DATA / name)
    assert [row.strip().lower() for row in rows] == rows
    assert len(set(rows)) == len(rows)
    if name != "typo_targets.txt":
        assert sorted(rows) == rows


@pytest.mark.parametrize("name", DOMAIN_LISTS)
def test_domain_lists_hold_a_labels(name: str) -> None:
    """Every row of a domain list is a host name of at least two labels."""
    label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    wrong = [row for row in shipped_rows(DATA / name) if not re.fullmatch(rf"{label}(?:\.{label})+", row)]
    assert wrong == []


@pytest.mark.parametrize("domain", WELL_KNOWN)
def test_nobody_well_known_is_disposable(names: Names, domain: str) -> None:
    """Mail providers, relays, institutions, companies, suffixes, and what lies under them, are never disposable."""
    assert not names.is_disposable(domain, None)
    assert not names.is_disposable(f"mx-1.{domain}", None)


@pytest.mark.parametrize("domain", THROW_AWAY)
def test_throw_away_services_are_disposable(names: Names, domain: str) -> None:
    """The services that everybody knows are found, and so are their sub-domains."""
    assert names.is_disposable(domain, None)
    assert names.is_disposable(f"box.{domain}", None)


def test_no_suffix_and_nobody_free_is_disposable(data: ReferenceData) -> None:
    """No public suffix, free provider, relay or own domain of a provider is on the disposable list."""
    suffixes = PublicSuffixList()
    own = {domain for provider in data.providers.providers for domain in provider.domains}
    known = own | data.free.domains | data.privacy_relays.domains | set(data.typo_targets)
    assert sorted(domain for domain in known if domain in data.disposable) == []
    assert [domain for domain in data.disposable.domains if suffixes.privatesuffix(domain) is None] == []


def test_consumer_domains_of_providers_are_free(data: ReferenceData) -> None:
    """What the provider table calls a consumer's or an access provider's domain is flagged free."""
    consumer = (ProviderKind.CONSUMER, ProviderKind.ISP)
    domains = {d for p in data.providers.providers if p.kind in consumer for d in p.domains}
    assert set() == domains - data.free.domains


def test_fingerprints_spare_providers(data: ReferenceData) -> None:
    """No exchange of a provider is taken for a throw-away service's or a parking service's."""
    suffixes = [suffix for provider in data.providers.providers for suffix in provider.mx_suffixes]
    assert [s for s in suffixes if s in data.disposable_exchanges or s in data.parking_exchanges] == []
    for exchanges in (data.disposable_exchanges, data.parking_exchanges):
        assert [name for name in exchanges if data.providers.of_exchange(name)] == []


def test_lookalikes_are_plainly_wrong(data: ReferenceData) -> None:
    """A look-alike is nobody's real mail domain, and what it imitates is one."""
    targets = set(data.typo_targets)
    own = {domain for provider in data.providers.providers for domain in provider.domains}
    curated = targets | own | data.privacy_relays.domains
    assert set() == set(data.lookalikes) & curated
    assert set() == set(data.lookalikes.values()) - targets
    assert set() == {domain.rpartition(".")[2] for domain in data.lookalikes} - data.tlds


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmal.com", "hotmail.com"),
        ("yaho.com", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("iclod.com", "icloud.com"),
    ],
)
def test_known_squatters_are_listed(data: ReferenceData, typed: str, meant: str) -> None:
    """The look-alikes that squatters are known for lead to what was meant."""
    assert data.lookalikes[typed] == meant


@pytest.mark.parametrize(
    "domain", ["ymail.com", "gmx.com", "mail.com", "hotmail.co.uk", "email.com", "live.fr", "ya.ru"]
)
def test_real_providers_are_no_lookalikes(data: ReferenceData, domain: str) -> None:
    """A short or similar name of a real provider is not a misspelling."""
    assert domain not in data.lookalikes


@pytest.mark.parametrize(
    ("exchange", "name"),
    [
        ("gmail-smtp-in.l.google.com", "google"),
        ("aspmx.l.google.com", "google"),
        ("smtp.google.com", "google"),
        ("outlook-com.olc.protection.outlook.com", "outlook-consumer"),
        ("contoso-com.mail.protection.outlook.com", "microsoft365"),
        ("contoso-com.a-v1.mx.microsoft", "microsoft365"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "icloud"),
        ("mx00.gmx.net", "gmx"),
        ("mx-ha02.web.de", "gmx"),
        ("smtp-in.orange.fr", "orange"),
        ("smtp4.laposte.net", "laposte"),
        ("mx1.free.fr", "free-fr"),
        ("mxs.mail.ru", "mailru"),
        ("mx.yandex.ru", "yandex"),
        ("mx3.qq.com", "qq"),
        ("163mx01.mxmail.netease.com", "netease"),
        ("mxa-00001.gslb.pphosted.com", "proofpoint"),
        ("eu-smtp-inbound-1.mimecast.com", "mimecast"),
        ("d1.ess.barracudanetworks.com", "barracuda"),
        ("mx1.hc1-1.eu.iphmx.com", "cisco"),
        ("cluster1.eu.messagelabs.com", "messagelabs"),
        ("in1-smtp.messagingengine.com", "fastmail"),
        ("mail.protonmail.ch", "protonmail"),
        ("mx.zoho.eu", "zoho"),
        ("mx1.mail.ovh.net", "ovh"),
        ("mx00.ionos.fr", "ionos"),
        ("mx1.emailsrvr.com", "rackspace"),
        ("mailstore1.secureserver.net", "godaddy"),
        ("mx1.antispamcloud.com", "spamexperts"),
    ],
)
def test_exchanges_are_known(data: ReferenceData, exchange: str, name: str) -> None:
    """Real exchange names lead to their provider."""
    provider = data.providers.of_exchange(exchange)
    assert provider is not None
    assert name == provider.name


def test_quirks_that_lists_depend_on(data: ReferenceData) -> None:
    """The quirks that would cost right answers: one RCPT at Outlook, one domain at Google, nothing learnt at Yahoo."""
    table = {provider.name: provider for provider in data.providers.providers}
    outlook, google, yahoo = table["outlook-consumer"], table["google"], table["yahoo"]
    assert (outlook.recipients_per_transaction, outlook.probe) == (1, ProbePolicy.OPT_IN)
    assert (google.one_domain_per_transaction, google.starttls) == (True, True)
    assert (yahoo.accepts_all, table["att"].accepts_all) == (True, True)
    assert (table["orange"].sessions, table["orange"].starttls) == (1, True)
    assert ControlPolicy.NEVER is google.control
    assert google.needs_control("customer.example")


def test_limits_are_sensible(data: ReferenceData) -> None:
    """Limits are positive and modest: at most five sessions, ten transactions, a hundred recipients each."""
    for row in data.providers.providers:
        assert 1 <= row.sessions <= 5, row.name
        assert 1 <= row.transactions_per_connection <= 10, row.name
        assert 1 <= row.recipients_per_transaction <= 100, row.name
        assert row.recipients_per_minute >= 0, row.name
        assert row.connections_per_minute >= 1, row.name
        assert row.mx_suffixes, row.name


def test_canaries_are_big_and_different(data: ReferenceData) -> None:
    """Four canaries of four operators that have resolved for decades."""
    canaries = data.providers.canaries()
    assert canaries == ("gmail.com", "outlook.com", "yahoo.com", "icloud.com")


def test_every_reason_has_a_risk(data: ReferenceData) -> None:
    """Risks are probabilities for exactly the closed list of reasons, and follow the verdicts."""
    assert {str(reason) for reason in Reason} == set(data.risks.by_reason)
    assert all(0 <= risk <= 1 for risk in [*data.risks.by_reason.values(), *data.risks.by_provider.values()])
    assert all(data.risks.risk(r, None) >= 0.9 for r in Reason if verdict_of(r) is Verdict.UNDELIVERABLE)
    assert data.risks.risk(Reason.ACCEPTED, None) <= 0.05
    assert data.risks.risk(Reason.MAILBOX_NOT_FOUND, "cisco") == 0.85
    known = {provider.name for provider in data.providers.providers}
    assert set() == {name for _, name in data.risks.by_provider} - known
    assert set() == {reason for reason, _ in data.risks.by_provider} - set(data.risks.by_reason)


@pytest.mark.parametrize("local", words("info sales support abuse postmaster contact rh vertrieb ventas buchhaltung"))
def test_roles_of_many_languages(data: ReferenceData, local: str) -> None:
    """Names of functions are roles in every language that is covered."""
    assert is_role(local, data.roles)


@pytest.mark.parametrize("local", words("jane.doe marie jan peter luca mohammed joao an.nguyen m.info-smith"))
def test_people_are_no_roles(data: ReferenceData, local: str) -> None:
    """A person's name is not a role."""
    assert not is_role(local, data.roles)


@pytest.mark.parametrize("local", ["noreply", "no-reply", "do_not_reply", "ne-pas-repondre", "nicht-antworten"])
def test_no_reply_names(data: ReferenceData, local: str) -> None:
    """Addresses that nobody reads are known in several languages."""
    assert is_no_reply(local, data.no_reply)


def test_tlds_are_those_that_exist(data: ReferenceData) -> None:
    """Old, new and internationalised top-level domains exist; reserved and made-up ones do not."""
    assert {"com", "fr", "uk", "museum", "xn--p1ai", "app"} <= data.tlds
    assert not {"example", "test", "invalid", "con", "local"} & data.tlds
