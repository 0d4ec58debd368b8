"""The whole examination of this host: what `verifier doctor` prints and the page of the service's health shows."""

import asyncio
from ipaddress import ip_address

from verifier.adapters.data_files import LISTS_FOLDER, disposable_file, read_header, shipped_folder
from verifier.adapters.host_addresses import own_addresses
from verifier.adapters.host_probes import folder_fault, redis_fault
from verifier.config import Settings, shown_value
from verifier.core.diagnosis import Check, judge_data, judge_folder, judge_redis
from verifier.core.setting_values import IpAddress
from verifier.service.doctor import Patient, examine
from verifier.wiring import Verifier


async def examine_host(verifier: Verifier, settings: Settings) -> tuple[Check, ...]:
    """Network, Redis, folder, data, in the order in which they should be put right. What could hold the event loop is
    done in a thread.
    """
    public = () if settings.smtp_proxy else await asyncio.to_thread(_public_addresses, settings)
    patient = Patient(
        helo=settings.helo,
        mail_from=settings.mail_from,
        canaries=settings.dns_canaries or verifier.reference.providers.canaries(),
        foreign=verifier.reference.free,
        own_addresses=public,
        smtp_enabled=settings.smtp_enabled,
    )
    network = await examine(patient, verifier.resolver, verifier.dialer, verifier.clock)
    redis = await redis_fault(settings.redis_url) if settings.redis_url else None
    folder = await asyncio.to_thread(folder_fault, settings.data_dir)
    lists_file = disposable_file(shipped_folder(), settings.data_dir / LISTS_FOLDER)
    lists = await asyncio.to_thread(read_header, lists_file)
    return (
        *network,
        judge_redis(shown_value(settings, "redis_url") if settings.redis_url else "", redis),
        judge_folder(str(settings.data_dir), folder),
        judge_data({"list of disposable domains": lists.date}, verifier.clock.now().date()),
    )


def _public_addresses(settings: Settings) -> tuple[IpAddress, ...]:
    known = settings.smtp_source_addresses or tuple(ip_address(text) for text in sorted(own_addresses()))
    return tuple(address for address in known if address.is_global)
