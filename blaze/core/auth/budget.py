"""A limit on work that does not change a verdict and only helps a person to understand it."""


class Budget:
    """Octets that may still be hashed. A try counts as `OCTETS_OF_A_TRY` at least."""

    __slots__ = ("_left",)

    def __init__(self, octets: int) -> None:
        self._left = octets

    @property
    def spent(self) -> bool:
        """True when there is nothing left."""
        return self._left <= 0

    def spend(self, octets: int) -> bool:
        """Take the cost of one try; False when there is not enough left, and then there is nothing left."""
        self._left -= max(octets, OCTETS_OF_A_TRY)
        return not self.spent


OCTETS_OF_A_TRY = 1 << 11  # what a try costs in Python, however few octets it hashes
