"""Origins of pages, as browsers write them."""

import pytest

from verifier.core.origins import parse_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        (" HTTPS://Shop.Example.com/ ", "https://shop.example.com"),
        ("https://shop.example.com:443", "https://shop.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://xn--caf-dma.example", "https://xn--caf-dma.example"),
    ],
)
def test_an_origin_is_written_as_browsers_do(text: str, origin: str) -> None:
    """Lower case, no final slash, no port that is the scheme's own; writing it again changes nothing."""
    assert (parse_origin(text), parse_origin(origin)) == (origin, origin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "shop.example.com",
        "ftp://shop.example.com",
        "https://*.example.com",
        "https://shop.example.com/form",
        "https://shop.example.com?x",
        "https://shop.example.com#x",
        "https://a@shop.example.com",
        "https://shop.example.com:",
        "https://shop.example.com:70000",
        "https://café.example",
        "https://[::1",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """With a sentence that shows how one is written."""
    with pytest.raises(ValueError, match=r"is no origin: it is written https://shop\.example\.com"):
        parse_origin(text)
