"""Whether a cell holds an address that is to be forgotten: as it stands, in another spelling, or within other text."""

from verifier.core.address import LONGEST_TEXT, Address, parse_address


def holds(cell: str, address: Address) -> bool:
    """True where the cell is the address in any spelling, or names it somewhere."""
    if "@" not in cell:
        return False
    if address.normalized in cell.casefold() or address.raw.strip().casefold() in cell.casefold():
        return True
    parsed = parse_address(cell) if len(cell) <= LONGEST_TEXT else None
    return isinstance(parsed, Address) and parsed.comparison == address.comparison
