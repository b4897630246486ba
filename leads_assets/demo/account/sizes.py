"""How long the lists of the demo account may be: never as long as a list that a server has cut."""

_SMALLEST_LIMIT = 20


def unsuspicious(count: int) -> int:
    """The number, or the next lower one that no reader takes for a limit of the server."""
    while count >= _SMALLEST_LIMIT and (count % 5 == 0 or count & (count - 1) == 0):
        count -= 1
    return count
