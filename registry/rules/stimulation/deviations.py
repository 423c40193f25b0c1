"""Where a session differs from its prescription: block by block, in exact terms, one deviation for each difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from registry.exceptions import Problem
from registry.rules.stimulation.blocks import Block, is_too_short, total_length_s, total_pulses
from registry.rules.stimulation.numbers import count_text, decimal_text, length_text
from registry.rules.stimulation.sessions import NewSession
from registry.rules.stimulation.timing import ZERO
from registry.vocabulary import DeviationKind, DeviationReason, IntensityReference, SessionReason, StimulationTarget
from registry.wording import _


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference: in which block (counted from 1, None for the session), what was prescribed, what was delivered."""

    kind: DeviationKind
    block: int | None
    prescribed: str
    delivered: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A session's prescription beside what was delivered. Without planned blocks there is nothing to compare blocks with."""

    planned: tuple[Block, ...]
    given: tuple[Block, ...]
    stopped_early: bool = False
    kit_expected: str = ""
    kit_given: str = ""
    hearing_protection: bool | None = None
    coil_matches_threshold: bool | None = None
    pulse_counter: int | None = None
    threshold_age_days: int | None = None
    threshold_limit_days: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


# What each reason for stopping early says as the reason of a deviation, so that nobody is asked twice.
STOP_REASONS: dict[SessionReason, DeviationReason] = {
    SessionReason.ADVERSE_EVENT: DeviationReason.TOLERABILITY,
    SessionReason.PAIN_TOO_STRONG: DeviationReason.TOLERABILITY,
    SessionReason.PATIENT_WISH: DeviationReason.PATIENT_WISH,
    SessionReason.TECHNICAL: DeviationReason.TECHNICAL,
    SessionReason.COIL_OVERHEATED: DeviationReason.TECHNICAL,
    SessionReason.OTHER: DeviationReason.OTHER,
    SessionReason.NOT_RECORDED: DeviationReason.NOT_RECORDED,
}


def session_deviations(delivery: Delivery, *, of_blocks: Sequence[Deviation] | None = None) -> list[Deviation]:
    """Return every difference between prescription and delivery, blocks first, in the order of the blocks.

    `of_blocks` are those of the blocks, where they are known already.
    """
    return [*(block_deviations(delivery) if of_blocks is None else of_blocks), *_session_deviations(delivery)]


def block_deviations(delivery: Delivery) -> list[Deviation]:
    """Return where the blocks differ; nothing but the blocks and whether the session was stopped early counts."""
    return list(_block_deviations(delivery)) if delivery.planned and delivery.given else []


def needs_reason(deviations: Sequence[Deviation]) -> list[DeviationKind]:
    """Return in what a session differs so that somebody has to say why, each kind once."""
    return list(dict.fromkeys(one.kind for one in deviations if one.kind is not DeviationKind.NOT_COMPLETED))


def deviation_problems(deviations: Sequence[Deviation], row: NewSession, *, complete: bool) -> list[Problem]:
    """Return what is missing to explain the deviations. Being stopped early is explained by the reason for stopping.

    `complete` refuses 'not recorded', which is for data brought in from elsewhere.
    """
    unexplained = needs_reason(deviations)
    if not unexplained:
        return []
    if row.deviation_reason is None or (complete and row.deviation_reason is DeviationReason.NOT_RECORDED):
        listed = ", ".join(one.label for one in unexplained)
        return [
            Problem(
                "deviation_reason", _("Choose why the session differs from its prescription (%(listed)s).") % {"listed": listed}, "required"
            )
        ]
    if row.deviation_reason is DeviationReason.OTHER and not row.deviation_text.strip():
        return [Problem("deviation_text", _("Say what the other reason was."), "required")]
    return []


def explained_by(deviation: Deviation, row: NewSession) -> tuple[DeviationReason, str]:
    """Return the reason of a deviation and its words."""
    if deviation.kind is DeviationKind.NOT_COMPLETED and row.reason is not None:
        return STOP_REASONS.get(row.reason, DeviationReason.OTHER), row.reason_text
    return row.deviation_reason or DeviationReason.NOT_RECORDED, row.deviation_text


def _block_deviations(delivery: Delivery) -> Iterator[Deviation]:
    planned = delivery.planned
    given = _without_broken_train(delivery.given) if delivery.stopped_early else delivery.given
    for position, (plan, block) in enumerate(zip(planned, given, strict=False), start=1):
        yield from _compare(position, plan, block, cut_off=delivery.stopped_early)
    missing = len(given) < len(planned)
    if len(given) > len(planned) or (missing and not delivery.stopped_early):
        yield Deviation(DeviationKind.BLOCKS, None, str(len(planned)), str(len(given)))
    if delivery.stopped_early and total_pulses(delivery.given) < total_pulses(planned):
        yield _not_completed(delivery)


def _without_broken_train(given: tuple[Block, ...]) -> tuple[Block, ...]:
    """Leave out a last block that is the train in which the block before it was broken off."""
    if len(given) < 2:
        return given
    before, last = given[-2:]
    pieces = replace(before.pattern, trains=1, gap_s=ZERO, bursts_per_train=last.pattern.bursts_per_train)
    broken = last == replace(before, pattern=pieces) and last.pattern.bursts_per_train < before.pattern.bursts_per_train
    return given[:-1] if broken else given


def _not_completed(delivery: Delivery) -> Deviation:
    planned, given = (f"{count_text(total_pulses(blocks))} pulses" for blocks in (delivery.planned, delivery.given))
    return Deviation(DeviationKind.NOT_COMPLETED, None, planned, given)


def _compare(position: int, plan: Block, block: Block, *, cut_off: bool) -> Iterator[Deviation]:
    """Yield how one block differs from its prescription; fewer pulses of a session cut off are its stop, not its pattern."""
    for kind, value, words in _COMPARED:
        prescribed, delivered = value(plan), value(block)
        if prescribed == delivered or (cut_off and kind in _ENDS_SHORT and _is_less(delivered, prescribed)):
            continue
        if kind is DeviationKind.GAP and _has_one_train(plan, block):
            continue
        yield Deviation(kind, position, words(plan), words(block))


def _is_less(delivered: object, prescribed: object) -> bool:
    return isinstance(delivered, int) and isinstance(prescribed, int) and delivered < prescribed


def _has_one_train(plan: Block, block: Block) -> bool:
    """Tell whether one of two blocks has no pause to compare."""
    return plan.pattern.trains == 1 or block.pattern.trains == 1


def _target_words(block: Block) -> str:
    return f"{block.target.label}: {block.target_text}" if block.target_text else block.target.label


def delivered_without_text(kind: DeviationKind, delivered: str, target: StimulationTarget | None) -> str:
    """Return what was delivered for who may not read free text: of a target the word alone, as its block shows it."""
    return delivered if kind is not DeviationKind.TARGET else "" if target is None else target.label


def _burst(block: Block) -> tuple[int, object]:
    return block.pattern.pulses_per_burst, block.pattern.intra_burst_hz


def _burst_words(block: Block) -> str:
    rate = block.pattern.intra_burst_hz
    return "single pulses" if rate is None else f"{block.pattern.pulses_per_burst} pulses at {decimal_text(rate)} Hz"


def _intensity(block: Block) -> tuple[Fraction, IntensityReference]:
    return Fraction(block.intensity_percent), block.intensity_reference


def _intensity_words(block: Block) -> str:
    return f"{decimal_text(block.intensity_percent)} % {block.intensity_reference.upper()}"


# Kind, what is compared, and how it reads.
_COMPARED: tuple[tuple[DeviationKind, Callable[[Block], object], Callable[[Block], str]], ...] = (
    (DeviationKind.TARGET, lambda block: (block.target, block.target_text), _target_words),
    (DeviationKind.HEMISPHERE, lambda block: block.hemisphere, lambda block: block.hemisphere.label),
    (DeviationKind.FREQUENCY, lambda block: block.pattern.frequency_hz, lambda block: f"{decimal_text(block.pattern.frequency_hz)} Hz"),
    (DeviationKind.BURST, _burst, _burst_words),
    (
        DeviationKind.PULSES_PER_TRAIN,
        lambda block: block.pattern.pulses_per_train,
        lambda block: count_text(block.pattern.pulses_per_train),
    ),
    (DeviationKind.TRAINS, lambda block: block.pattern.trains, lambda block: count_text(block.pattern.trains)),
    (DeviationKind.GAP, lambda block: block.pattern.gap_s, lambda block: f"{decimal_text(block.pattern.gap_s)} s"),
    (DeviationKind.INTENSITY, _intensity, _intensity_words),
)
_ENDS_SHORT = frozenset({DeviationKind.PULSES_PER_TRAIN, DeviationKind.TRAINS})


def _session_deviations(delivery: Delivery) -> Iterator[Deviation]:
    if delivery.kit_expected and delivery.kit_given and delivery.kit_expected != delivery.kit_given:
        yield Deviation(DeviationKind.KIT, None, delivery.kit_expected, delivery.kit_given)
    if delivery.coil_matches_threshold is False:
        yield Deviation(DeviationKind.COIL_MODEL, None, "coil of the threshold", "another model")
    if delivery.hearing_protection is False:
        yield Deviation(DeviationKind.HEARING_PROTECTION, None, "on", "off")
    counted, pulses = delivery.pulse_counter, total_pulses(delivery.given)
    if counted is not None and delivery.given and counted != pulses:
        yield Deviation(DeviationKind.PULSE_COUNTER, None, f"{count_text(pulses)} pulses", f"{count_text(counted)} pulses")
    age, limit = delivery.threshold_age_days, delivery.threshold_limit_days
    if age is not None and limit is not None and age > limit:
        yield Deviation(DeviationKind.THRESHOLD, None, f"at most {limit} days", f"{age} days")
    yield from _too_short(delivery)


def _too_short(delivery: Delivery) -> Iterator[Deviation]:
    """Yield that a session ended before its own pulses could: a time is wrong, or what was given is."""
    started, ended = delivery.started_at, delivery.ended_at
    if started is not None and ended is not None and is_too_short(delivery.given, started, ended):
        lasted = length_text(int((ended - started).total_seconds()))
        yield Deviation(DeviationKind.DURATION, None, length_text(total_length_s(delivery.given)), lasted)
