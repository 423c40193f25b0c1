"""Permuted blocks: balanced, unpredictable in form, the same for ever from one seed; kit codes that tell nothing."""

import re
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from itertools import groupby, pairwise, permutations

import pytest

from registry.rules.randomisation import KIT_ALPHABET, Draws, Slot, kit_codes, permuted_blocks

SEED = "golden-seed-of-the-tests"
STRATA = [f"site {number}" for number in range(60)]
# Upper 0.1 % points of chi-square; the seed is fixed, so these tests cannot fail by chance.
CHI_SQUARE_LIMIT = {1: 10.83, 5: 20.52, 9: 27.88, 21: 46.80, 23: 49.73}


def list_of(**changes: object) -> list[Slot]:
    """Make a list of one stratum with equal parts in blocks of four and six."""
    given: dict[str, object] = {
        "strata": ["north"],
        "parts": [("active", 1), ("sham", 1)],
        "block_sizes": [4, 6],
        "length_per_stratum": 24,
        "seed": SEED,
    }
    return permuted_blocks(**(given | changes))  # type: ignore[arg-type]


def blocks_of(slots: Iterable[Slot]) -> list[list[Slot]]:
    """Return the slots block by block."""
    return [list(block) for _, block in groupby(slots, key=lambda slot: (slot.stratum, slot.block))]


def chi_square(counts: Iterable[int], cells: int) -> float:
    """Return Pearson's statistic against equal expectation."""
    seen = list(counts)
    expected = sum(seen) / cells
    return sum((count - expected) ** 2 for count in seen) / expected + (cells - len(seen)) * expected


def test_the_list_of_a_seed_never_changes() -> None:
    slots = list_of(strata=["north", "south"], parts=[("active", 2), ("sham", 1)], block_sizes=[3, 6], length_per_stratum=8)
    initials = ["".join(slot.part[0] for slot in block) for block in blocks_of(slots)]
    assert initials == ["saaasa", "saaasa", "saaaas", "asaaas"]
    assert [slot.kit_code for slot in slots[:4]] == ["K-ETQC", "K-6JQC", "K-KC6A", "K-9WE9"]
    assert slots[13] == Slot("south", 2, 1, 6, "active", "K-H39P")
    assert kit_codes(2, SEED, purpose="spare") == ["K-4YWF", "K-DACJ"]


def test_draws_are_sha256_in_counter_mode() -> None:
    draws = Draws(SEED, "golden")
    assert [draws.below(10) for _ in range(12)] == [9, 8, 6, 7, 9, 5, 3, 3, 5, 7, 7, 8]
    by_hand = [sha256(b"24:golden-seed-of-the-tests:golden" + number.to_bytes(8, "big")).digest() for number in range(3)]
    assert [int.from_bytes(digest, "big") % 10 for digest in by_hand] == [9, 8, 6]


def test_every_block_holds_the_ratio() -> None:
    slots = list_of(strata=STRATA, parts=[("active", 2), ("sham", 1)], block_sizes=[3, 6, 9], length_per_stratum=30)
    for block in blocks_of(slots):
        parts = Counter(slot.part for slot in block)
        assert len(block) == block[0].block_size
        assert parts["active"] == 2 * parts["sham"] == 2 * len(block) // 3


def test_three_parts_and_crossover_sequences_are_parts_like_any() -> None:
    slots = list_of(parts=[("AB", 1), ("BA", 1), ("AA", 1)], block_sizes=[6], length_per_stratum=6)
    assert Counter(slot.part for slot in slots) == {"AB": 2, "BA": 2, "AA": 2}


def test_a_stratum_ends_with_a_whole_block() -> None:
    slots = list_of(strata=STRATA, length_per_stratum=11)
    for _, stratum in groupby(slots, key=lambda slot: slot.stratum):
        numbers = [slot.number for slot in stratum]
        assert numbers == list(range(1, len(numbers) + 1))
        assert 11 <= len(numbers) < 11 + 6


def test_all_block_sizes_are_drawn_about_equally_often() -> None:
    blocks = blocks_of(list_of(strata=STRATA, length_per_stratum=60))
    sizes = Counter(len(block) for block in blocks)
    assert set(sizes) == {4, 6}
    # The last block of a stratum is more often a large one; the others are free.
    inner = Counter(block[0].block_size for block in blocks if block[0].block <= 10)
    assert chi_square(inner.values(), 2) < CHI_SQUARE_LIMIT[1]


def test_every_arrangement_of_a_block_is_about_equally_likely() -> None:
    slots = list_of(strata=STRATA, block_sizes=[4], length_per_stratum=80)
    seen = Counter("".join(slot.part[0] for slot in block) for block in blocks_of(slots))
    assert set(seen) == {"".join(order) for order in permutations("aass")}
    assert chi_square(seen.values(), 6) < CHI_SQUARE_LIMIT[5]


def test_shuffling_reaches_every_order_about_equally_often() -> None:
    draws = Draws(SEED, "orders")
    seen = Counter("".join(draws.shuffled("abcd")) for _ in range(2400))
    assert len(seen) == 24
    assert chi_square(seen.values(), 24) < CHI_SQUARE_LIMIT[23]


def test_draws_are_about_uniform() -> None:
    draws = Draws(SEED, "digits")
    assert chi_square(Counter(draws.below(10) for _ in range(3000)).values(), 10) < CHI_SQUARE_LIMIT[9]


def test_a_draw_above_the_last_whole_multiple_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = Draws(SEED, "rejected")
    # 2^256 = 3 k + 1: the topmost number alone would favour 0.
    monkeypatch.setattr(draws, "_numbers", lambda: iter([2**256 - 1, 5]))
    assert draws.below(3) == 2


def test_a_draw_needs_a_limit() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Draws(SEED, "none").below(0)


def test_another_seed_or_stratum_is_another_list() -> None:
    def parts(slots: list[Slot]) -> list[str]:
        return [slot.part for slot in slots]

    one, other = list_of(length_per_stratum=60), list_of(length_per_stratum=60, seed="another-seed-of-the-tests")
    both = list_of(length_per_stratum=60, strata=["south", "north"])
    assert parts(one) != parts(other)
    assert parts(both[: len(one)]) != parts(one)
    # A stratum keeps its list whatever stands beside it.
    assert parts([slot for slot in both if slot.stratum == "north"]) == parts(one)


def test_seed_and_purpose_cannot_run_into_each_other() -> None:
    assert Draws("seed:a", "b").below(2**60) != Draws("seed", "a:b").below(2**60)


def test_kit_codes_are_distinct_readable_and_without_look_alikes() -> None:
    codes = [slot.kit_code for slot in list_of(strata=STRATA)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(rf"K-[{KIT_ALPHABET}]{{4}}", code) for code in codes)
    for alike in ("0O", "1IL", "2Z", "5S", "6G", "8B", "UV"):
        assert len(set(alike) & set(KIT_ALPHABET)) <= 1


def test_kit_codes_are_the_same_whatever_the_parts() -> None:
    swapped = list_of(parts=[("sham", 1), ("active", 1)])
    for slot, other in zip(list_of(), swapped, strict=True):
        assert (slot.kit_code, slot.stratum, slot.number, slot.block_size) == (
            other.kit_code,
            other.stratum,
            other.number,
            other.block_size,
        )
        assert slot.part != other.part


def test_no_sign_of_a_kit_code_tells_the_part() -> None:
    slots = list_of(strata=STRATA, length_per_stratum=60)
    for place in range(2, 6):
        signs = Counter(slot.kit_code[place] for slot in slots)
        active = Counter(slot.kit_code[place] for slot in slots if slot.part == "active")
        # Half of each sign's kits are active, up to chance.
        statistic = sum((active[sign] - count / 2) ** 2 / (count / 4) for sign, count in signs.items())
        assert statistic < CHI_SQUARE_LIMIT[21]


def test_kit_codes_do_not_tell_their_order() -> None:
    codes = [slot.kit_code for slot in list_of(strata=STRATA, length_per_stratum=40)]
    rising = sum(one < other for one, other in pairwise(codes))
    assert chi_square([rising, len(codes) - 1 - rising], 2) < CHI_SQUARE_LIMIT[1]


def test_spare_kits_avoid_codes_in_use() -> None:
    first = kit_codes(50, SEED)
    assert kit_codes(1, SEED, taken=first[:1]) == [first[1]]
    assert not set(first) & set(kit_codes(50, SEED, taken=first))
    assert kit_codes(0, SEED) == []


def test_codes_grow_with_the_number_of_kits() -> None:
    assert len(kit_codes(1, SEED, taken={f"old {number}" for number in range(3000)})[0]) == len("K-7Q4XA")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"strata": []}, "strata must name"),
        ({"strata": ["north", "north"]}, "strata must name"),
        ({"parts": []}, "parts must name"),
        ({"parts": [("active", 1), ("active", 1)]}, "parts must name"),
        ({"parts": [("active", 1), ("sham", 0)]}, "at least 1"),
        ({"block_sizes": []}, "block_sizes must name"),
        ({"block_sizes": [4, 4]}, "block_sizes must name"),
        ({"block_sizes": [4, 5]}, r"\[5\] cannot hold the ratio: give multiples of 2"),
        ({"block_sizes": [0]}, "cannot hold the ratio"),
        ({"length_per_stratum": 0}, "at least 1"),
        ({"seed": "20260322"}, "fewer than 16 characters"),
    ],
)
def test_a_list_that_cannot_be_made_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        list_of(**changes)
