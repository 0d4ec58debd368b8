"""The fixed list of the benchmarks: `python bench/lists.py FILE [--rows N] [--columns 1|6]`.

The same arguments give the same bytes: 1,000,000 rows unless said otherwise, of which exactly 1 % repeat an earlier
row's address, on 50,000 domains, with seed 20,260,101. One column is the addresses alone, without a heading line.
"""

import argparse
import csv
import random
from collections.abc import Iterator
from pathlib import Path

ROWS = 1_000_000
DOMAINS = 50_000
DUPLICATES_PER_ROW = 0.01
SEED = 20_260_101
HEADER = ("id", "email", "first_name", "last_name", "city", "signed_up")
_FIRST = ("Anna", "Ben", "Chloé", "David", "Elena", "Farid", "Grace", "Hugo", "Inès", "Jonas", "Karin", "Luca")
_LAST = ("Andersen", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "García", "Horvat", "Ito", "Jansen", "Keller")
_CITIES = ("Antwerp", "Berlin", "Cardiff", "Dijon", "Espoo", "Firenze", "Gdańsk", "Hamburg", "Izmir", "Jena")
_WORDS = ("acme", "blue", "cloud", "delta", "east", "forge", "green", "hill", "iron", "jade", "kite", "lake")
_ENDINGS = ("com.example", "net.example", "example", "org.example")


def rows(count: int = ROWS, domains: int = DOMAINS) -> Iterator[tuple[str, ...]]:
    """The rows, each of six cells."""
    chance = random.Random(SEED)
    names = [f"{chance.choice(_WORDS)}-{number}.{chance.choice(_ENDINGS)}" for number in range(domains)]
    repeated = set(chance.sample(range(1, count), round(count * DUPLICATES_PER_ROW)))
    fresh: list[str] = []
    for number in range(count):
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        if number in repeated:
            address = fresh[chance.randrange(len(fresh))]
        else:
            local = f"{first}.{last}{number}".lower().translate(_PLAIN)
            address = f"{local}@{names[number % domains if number < domains else chance.randrange(domains)]}"
            fresh.append(address)
        day = f"20{chance.randrange(15, 26)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        yield str(number + 1), address, first, last, chance.choice(_CITIES), day


def write_list(path: Path, count: int = ROWS, columns: int = len(HEADER), domains: int = DOMAINS) -> None:
    """Writes the list as UTF-8 CSV; `columns` is 6 or 1."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if columns == 1:
            writer.writerows([row[1]] for row in rows(count, domains))
        else:
            writer.writerow(HEADER)
            writer.writerows(rows(count, domains))


_PLAIN = str.maketrans("éèíóá", "eeioa")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--columns", type=int, choices=(1, len(HEADER)), default=len(HEADER))
    chosen = parser.parse_args()
    write_list(chosen.file, chosen.rows, chosen.columns)
