"""How mailboxes are asked for: by whom, how far, how urgently, and who has to know what comes of it."""

from msgspec import Struct

from verifier.core.reasons import ALL_STAGES, StageName
from verifier.service.harvest_guard import Client
from verifier.service.probing import Ahead
from verifier.service.recording import Record

COMMAND_LINE = Client("cli")


class Asking(Struct, frozen=True):
    """How a chunk is asked: for which list or check (`source`) of whom (`client`), how urgently, and who has to know
    each group's results before the next group is sent (`record`). `again` are keys whose inconclusive findings don't
    count: they are asked once more. `anew`: whoever can be asked is, whatever is known of him.
    """

    stages: tuple[StageName, ...] = ALL_STAGES
    source: str = ""
    client: Client = COMMAND_LINE
    interactive: bool = False
    keep_transcript: bool = False
    again: frozenset[str] = frozenset()
    anew: bool = False
    greylist_round: int = 0
    """How often greylisted mailboxes were asked again before."""
    record: Record | None = None
    ahead: Ahead | None = None
    """What of the list is on its way to mail hosts; the chunk counts in it until the first of its mailboxes is."""
