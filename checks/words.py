"""Words of numbers: what people read is a sentence."""


def counted(number: int, one: str, many: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number} {one if number == 1 else many}"
