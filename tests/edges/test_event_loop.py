"""How commands run."""

import resource
import subprocess
import sys

_ASKED = """
import resource
from verifier.edges.cli.event_loop import run_async
async def limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(run_async(limit()))
"""


def test_a_command_may_have_more_open_files_than_its_shell_lets_it() -> None:
    """Else a thousand idle connections would keep everybody else out of a service that was begun by hand."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    command = ["sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", sys.executable, "-c", _ASKED]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(ran.stdout) == wanted
