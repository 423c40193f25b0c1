"""Stratified permuted blocks and kit codes, the same from the same seed on every machine and Python.

Chance comes from SHA-256 in counter mode, not from `random`, whose shuffling may change between versions. Whoever knows
the seed knows the list: it is kept in the closed room with it. Sites see the kit codes, so a seed short enough to be
tried out would give the parts away.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

# Of each pair that is mixed up on a label (0 O, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V) at most one sign is left.
KIT_ALPHABET = "34679ACDEFHJKMNPQRTWXY"
KIT_PREFIX = "K-"
SHORTEST_KIT_CODE = 4
# So many possible codes for each one given that a slip of one sign rarely names another kit.
CODES_PER_KIT = 100
SHORTEST_SEED = 16

_DIGEST_BITS = 256


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of the list: number within its stratum, block it lies in, concealed part, kit code."""

    stratum: str
    number: int
    block: int
    block_size: int
    part: str
    kit_code: str


class Draws:
    """An endless row of unbiased draws fixed by a seed and a purpose; different purposes are independent rows."""

    def __init__(self, seed: str, purpose: str) -> None:
        # Length first, so that no other split of seed and purpose gives the same row.
        self._key = f"{len(seed)}:{seed}:{purpose}".encode()
        self._counter = 0

    def below(self, limit: int) -> int:
        """Return a draw from 0 to limit - 1, each equally likely; raise ValueError for a limit below 1."""
        if limit < 1:
            raise ValueError(f"a draw needs a limit of at least 1, not {limit}")
        # Draws above the last whole multiple are thrown away; a bare remainder would favour small numbers.
        fair = 2**_DIGEST_BITS - 2**_DIGEST_BITS % limit
        return next(number for number in self._numbers() if number < fair) % limit

    def shuffled(self, items: Sequence[str]) -> list[str]:
        """Return the items in an order drawn by Fisher and Yates, every order equally likely."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def _numbers(self) -> Iterator[int]:
        while True:
            digest = sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
            yield int.from_bytes(digest, "big")


def permuted_blocks(
    *, strata: Sequence[str], parts: Sequence[tuple[str, int]], block_sizes: Sequence[int], length_per_stratum: int, seed: str
) -> list[Slot]:
    """Return the allocation list: for each stratum whole blocks of drawn sizes until `length_per_stratum` is reached.

    The last block is never cut, so a stratum may hold up to one block less one slot more. Each stratum has draws of its
    own: adding one later leaves the others as they were. Kit codes are drawn apart from the parts and in list order.

    `parts` are the concealed parts with their share in the ratio, in a fixed order: ``[("active", 2), ("sham", 1)]``.

    Raises
    ------
    ValueError
        If a list is empty or repeats itself, a share or length is below 1, a block size does not hold the ratio, or the
        seed has fewer than 16 characters.
    """
    _check(strata, parts, block_sizes, length_per_stratum)
    if len(seed) < SHORTEST_SEED:
        raise ValueError(f"the seed has fewer than {SHORTEST_SEED} characters and could be guessed from kit codes: draw a longer one")
    places = [place for stratum in strata for place in _places(stratum, parts, block_sizes, length_per_stratum, seed)]
    codes = kit_codes(len(places), seed)
    return [Slot(*place, kit_code=code) for place, code in zip(places, codes, strict=True)]


def kit_codes(count: int, seed: str, taken: Collection[str] = (), purpose: str = "kits") -> list[str]:
    """Return so many different random codes such as K-7Q4X, none of them taken; give spare kits a purpose of their own."""
    draws = Draws(seed, purpose)
    length = _code_length(count + len(taken))
    known, codes = set(taken), list[str]()
    while len(codes) < count:
        code = KIT_PREFIX + "".join(KIT_ALPHABET[draws.below(len(KIT_ALPHABET))] for _ in range(length))
        if code not in known:
            known.add(code)
            codes.append(code)
    return codes


def _places(
    stratum: str, parts: Sequence[tuple[str, int]], block_sizes: Sequence[int], length: int, seed: str
) -> list[tuple[str, int, int, int, str]]:
    draws = Draws(seed, f"stratum {stratum}")
    ratio = [part for part, share in parts for _ in range(share)]
    places: list[tuple[str, int, int, int, str]] = []
    block = 0
    while len(places) < length:
        block += 1
        size = block_sizes[draws.below(len(block_sizes))]
        for part in draws.shuffled(ratio * (size // len(ratio))):
            places.append((stratum, len(places) + 1, block, size, part))
    return places


def _code_length(count: int) -> int:
    length = SHORTEST_KIT_CODE
    while len(KIT_ALPHABET) ** length < CODES_PER_KIT * count:
        length += 1
    return length


def _check(strata: Sequence[str], parts: Sequence[tuple[str, int]], block_sizes: Sequence[int], length: int) -> None:
    _check_distinct("strata", strata)
    _check_distinct("parts", [part for part, _ in parts])
    _check_distinct("block_sizes", block_sizes)
    total = sum(share for _, share in parts)
    if min(share for _, share in parts) < 1 or length < 1:
        raise ValueError("shares of the ratio and length_per_stratum must be at least 1")
    unfit = [size for size in block_sizes if size < 1 or size % total]
    if unfit:
        raise ValueError(f"block sizes {unfit} cannot hold the ratio: give multiples of {total}")


def _check_distinct(name: str, items: Sequence[str] | Sequence[int]) -> None:
    if not items or len(set(items)) < len(items):
        raise ValueError(f"{name} must name at least one and each only once, not {list(items)}")
