"""A settings file in TOML, read into the texts of its values."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verifier.core.faults import ConfigError


def read_toml(path: Path) -> list[tuple[tuple[str, ...], str]]:
    """Each key as its steps, `("smtp", "helo")` for `helo` under `[smtp]`, with its value as text.

    Raises ConfigError where the file cannot be read, or holds what no setting can be.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text: save it as such.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    return [(key, _text(value, f"{'.'.join(key)} in {path}")) for key, value in _leaves(document)]


def _leaves(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in table.items():
        found.extend(_leaves(value, (*above, key)) if isinstance(value, dict) else [((*above, key), value)])
    return found


def _text(value: object, source: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case list():
            return ",".join(_text(part, source) for part in value)
        case _:
            raise ConfigError(f"{source} must be text, a number, true or false, or a list of texts.")
