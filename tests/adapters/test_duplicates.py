"""Duplicates: the first row of every key, as a dictionary would find it, in a fraction of its room."""

import os
import subprocess
import sys
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from verifier.adapters.duplicates import DuplicateIndex


def by_dictionary(chunks: list[list[str]]) -> list[int]:
    first: dict[str, int] = {}
    keys = [key for chunk in chunks for key in chunk]
    return [
        0 if not key or first.setdefault(key, number) == number else first[key] for number, key in enumerate(keys, 1)
    ]


@given(st.lists(st.lists(st.sampled_from("abcdefgh") | st.just("") | st.text(max_size=3), max_size=30), max_size=8))
def test_it_agrees_with_a_dictionary(chunks: list[list[str]]) -> None:
    """For any keys in any chunks; the empty key repeats nothing."""
    index = DuplicateIndex()
    assert by_dictionary(chunks) == [number for chunk in chunks for number in index.first_rows(chunk)]


def test_it_grows() -> None:
    """300,000 rows with repetitions near and far, in chunks of changing size."""
    keys = [f"user{number * 7919 % 200_003 if number % 3 else number // 1000}@x.test" for number in range(300_000)]
    chunks, at, size = [], 0, 1
    while at < len(keys):
        chunks.append(keys[at : at + size])
        at, size = at + size, size * 3 % 50_021 + 1
    index = DuplicateIndex()
    assert by_dictionary(chunks) == [number for chunk in chunks for number in index.first_rows(chunk)]


def test_a_row_takes_less_than_25_bytes() -> None:
    """Peak memory, growing included, of a million rows (ten million: under 250 MB)."""
    index = DuplicateIndex()
    tracemalloc.start()
    for begin in range(0, 1_000_000, 10_000):
        index.first_rows([f"{number}@x.test" for number in range(begin, begin + 10_000)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert True is (peak < 25_000_000)


_RESULT = """
from verifier.adapters.duplicates import DuplicateIndex
print(DuplicateIndex().first_rows([f"{n * n % 1009}@x.test" for n in range(5000)]))
"""


def test_the_result_does_not_depend_on_the_hash_key() -> None:
    """Processes with different keys say the same."""
    said = {
        subprocess.run(
            [sys.executable, "-c", _RESULT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "random")
    }
    assert {f"{by_dictionary([[f'{n * n % 1009}' for n in range(5000)]])}\n"} == said
