"""The operator's own policies: `gate-policies/NAME.toml` in the data folder, read when the program starts."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from verifier.core.faults import ConfigError
from verifier.core.gate_context import TAKEN
from verifier.core.gate_policies import BUILT_IN, Policy, policy_of

FOLDER = "gate-policies"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def load_policies(data_dir: Path) -> Mapping[str, Policy]:
    """What is built in, and the operator's own. Raises ConfigError, naming the file, for one that is not whole."""
    policies = dict(BUILT_IN)
    for path in sorted((data_dir / FOLDER).glob("*.toml")):
        name = path.stem
        if _NAME.fullmatch(name) is None or name in BUILT_IN or name in TAKEN:
            raise ConfigError(
                f"{path}: a policy's file is called by a name of lower-case letters, digits, - and _, which is not"
                f" one of {', '.join([*BUILT_IN, *sorted(TAKEN)])}."
            )
        try:
            table = tomllib.loads(path.read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}.") from None
        policies[name] = policy_of(name, table)
    return policies
