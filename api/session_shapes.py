"""The shapes of a stimulation session: what is sent, what is shown, and the way between both and the rules' own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from rest_framework import serializers

from api.fields import RowSerializer, StrictSerializer, WordField
from api.formats import number
from api.problems import NAME_IN_BODY
from api.records import ReasonSerializer, Row
from api.scores import VersionedSerializer
from api.versioned import typed
from registry.exceptions import InvalidInput, Problem
from registry.rules.stimulation import Block, NewBlock, NewSession, NewSideEffect, delivered_without_text
from registry.rules.stimulation.dose import delivered_percent
from registry.rules.stimulation.session_content import DeviationContent, EffectContent, SessionContent
from registry.rules.tables import stimulation_tables as tables
from registry.rules.tables.patterns import read_block
from registry.vocabulary import SEVERITY_GRADES, AdverseEventTerm, DeviationKind, IntensityReference, Relatedness, Severity

THRESHOLD_HELP = "Id of the motor threshold used."
DERIVED = "Derived."
SEVERITIES = {grade: severity for severity, grade in SEVERITY_GRADES.items()}
# The service's names of columns that have another one there.
RENAMED = {body: domain for domain, body in NAME_IN_BODY.items() if domain != "pain_rank"}
NONE_IF_EMPTY = ("visit", "protocol", "stimulator", "coil")
BESIDE = ("side_effects_asked",)
# What a version says under the same name wherever it is said; only when sent; only when shown.
PLAIN: tuple[str, ...] = (
    *("number", "period", "status", "reason", "for_date", "started_at", "ended_at", "as_planned", "threshold", "kit_code"),
    *("hearing_protection", "coil_matches_threshold", "pulse_counter", "pain_before_no_answer", "pain_after_no_answer"),
    *("pain_before_at", "pain_after_at"),
)
AS_SENT: tuple[str, ...] = ("reason_text", "pain_before", "pain_after", "anything_new", "anything_new_text", "note")
AS_SHOWN: tuple[str, ...] = ("visit", "threshold_percent_mso", "stimulator", "coil")
PLACES = Decimal("0.000001")


class BlockSerializer(RowSerializer):
    """One block of pulses at one target; totals and lengths are derived, never sent."""

    table = tables.SESSION_BLOCKS
    without = ("patient", "session", "position")
    position = serializers.IntegerField(read_only=True, help_text="Place in the session.")
    pulses = serializers.IntegerField(read_only=True, help_text=f"{DERIVED} Pulses of the block.")
    train_length_s = serializers.FloatField(read_only=True, help_text=f"{DERIVED} Length of one train in seconds.")
    nominal_s = serializers.FloatField(read_only=True, help_text=f"{DERIVED} Seconds to the end of the last train's last interval.")
    last_pulse_s = serializers.FloatField(read_only=True, help_text=f"{DERIVED} Seconds to the last pulse.")
    duty_cycle = serializers.FloatField(read_only=True, help_text=f"{DERIVED} Share of a cycle that is train, 0 to 1.")
    mean_hz = serializers.FloatField(read_only=True, help_text=f"{DERIVED} Mean rate in Hz.")
    setting_percent_mso = serializers.IntegerField(
        read_only=True, allow_null=True, help_text=f"{DERIVED} Setting of the stimulator in % of its maximum, rounded half up."
    )
    delivered_percent = serializers.FloatField(read_only=True, allow_null=True, help_text=f"{DERIVED} That setting in % of the threshold.")


class SideEffectSerializer(StrictSerializer):
    """A side effect the patient was asked about and had."""

    term = WordField(AdverseEventTerm, help_text="What happened.")
    severity = WordField(Severity, help_text="How bad.")
    relation = WordField(Relatedness, required=False, allow_null=True, default=None, help_text="Relation to stimulation.")
    text = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, default="", max_length=200, help_text="The same in words, where it is `other`."
    )


class DeviationSerializer(serializers.Serializer[Any]):
    """In what the session differs from its prescription."""

    kind = WordField(DeviationKind, help_text="In what.")
    block = serializers.IntegerField(allow_null=True, help_text="Place of the block.")
    prescribed = serializers.CharField(help_text="What was prescribed.")
    delivered = serializers.CharField(help_text="What was delivered.")
    reason = serializers.CharField(help_text="Why.")
    reason_text = serializers.CharField(allow_null=True, help_text="The same in words.")


class SessionParts(RowSerializer):
    """The parts of a session that are no columns of its table."""

    table = tables.SESSIONS
    without: ClassVar[tuple[str, ...]] = BESIDE
    threshold = serializers.UUIDField(required=False, allow_null=True, default=None, help_text=THRESHOLD_HELP)
    blocks = BlockSerializer(
        many=True, required=False, default=(), help_text="What was delivered, in order; none where it was given as planned."
    )
    side_effects = SideEffectSerializer(
        many=True,
        required=False,
        allow_null=True,
        default=None,
        help_text="Those there were after it: null where nobody asked, an empty list where there were none.",
    )


class SessionSerializer(VersionedSerializer, SessionParts):
    """A stimulation session."""

    table = tables.SESSIONS
    without = BESIDE
    writing = ("guess", "guess_certainty")
    pulses_planned = serializers.IntegerField(read_only=True, allow_null=True, help_text=f"{DERIVED} Pulses prescribed.")
    pulses_delivered = serializers.IntegerField(read_only=True, help_text=f"{DERIVED} Pulses delivered.")
    nominal_s = serializers.FloatField(read_only=True, help_text=f"{DERIVED} Seconds of all blocks, without the pauses between them.")
    deviations = DeviationSerializer(many=True, read_only=True, help_text=f"{DERIVED} In what it differs from its prescription.")


class SessionRow(SessionSerializer):
    """A stimulation session in a list of one trial's."""

    trial: Any = None


class SessionCorrection(SessionParts, ReasonSerializer):
    """What of a session is corrected, and why; what is not named stays."""

    without = ("patient", *BESIDE)
    optional = True
    threshold = serializers.UUIDField(required=False, allow_null=True, help_text=THRESHOLD_HELP)
    blocks = BlockSerializer(many=True, required=False, help_text="All blocks anew, in order.")
    side_effects = SideEffectSerializer(
        many=True, required=False, allow_null=True, help_text="All side effects anew; null where nobody asked."
    )


def sent_values(data: Row) -> dict[str, Any]:
    """Return what a body says under the service's names; raise InvalidInput for a pattern that is none."""
    plain = typed(tables.SESSIONS, {name: value for name, value in data.items() if name in tables.SESSIONS.names and name != "threshold"})
    found = {RENAMED.get(name, name): (value or None) if name in NONE_IF_EMPTY else value for name, value in plain.items()}
    if "new_since_last" in data:
        found["anything_new"] = None if data["new_since_last"] is None else frozenset(found["anything_new"] or ())
    if "threshold" in data:
        found["threshold"] = data["threshold"]
    if "blocks" in data:
        found["blocks"] = new_blocks(data["blocks"])
    if "side_effects" in data:
        effects = data["side_effects"]
        found["side_effects"] = None if effects is None else tuple(new_effect(effect) for effect in effects)
    return found


def new_blocks(rows: Sequence[Row]) -> tuple[NewBlock, ...]:
    """Return blocks as the service takes them; raise InvalidInput naming each field that makes no pattern."""
    blocks, problems = [], []
    for place, row in enumerate(rows):
        values = typed(tables.SESSION_BLOCKS, row)
        pattern, complaints = read_block(values)
        problems += [
            Problem(f"blocks[{place}].{one.column}", f"{one.value} {one.wrong}. {one.right}.".strip().capitalize()) for one in complaints
        ]
        if pattern is not None:
            reference = IntensityReference(values["intensity_reference"])
            where = {name: values[name] for name in ("target", "hemisphere", "target_text")}
            blocks.append(NewBlock(pattern, values["intensity_percent"], reference, **where))
    if problems:
        raise InvalidInput(problems)
    return tuple(blocks)


def new_effect(effect: Row) -> NewSideEffect:
    """Return a side effect as the service takes it."""
    return NewSideEffect(effect["term"], effect["severity"], effect["relation"], effect["text"] or "")


def as_new(content: SessionContent, patient: str, **more: Any) -> NewSession:
    """Return what a version says as a row that would write it again."""
    effects = content.side_effects
    why = next((one for one in content.deviations if one.kind is not DeviationKind.NOT_COMPLETED), None)
    return NewSession(
        patient=patient,
        visit=content.visit or None,
        stimulator=content.stimulator or None,
        coil=content.coil or None,
        blocks=() if content.as_planned else tuple(_new_block(block) for block in content.blocks),
        side_effects=None if effects is None else tuple(_new_effect(effect) for effect in effects),
        deviation_reason=why.reason if why else None,
        deviation_text=why.reason_text if why else "",
        **{name: getattr(content, name) for name in (*PLAIN, *AS_SENT)},
        **more,
    )


def _new_block(block: Block) -> NewBlock:
    return NewBlock(block.pattern, block.intensity_percent, block.intensity_reference, block.target, block.hemisphere, block.target_text)


def _new_effect(effect: EffectContent) -> NewSideEffect:
    return NewSideEffect(effect.term, SEVERITIES[min(effect.grade, max(SEVERITIES))], effect.relation, effect.text)


def shown_content(content: SessionContent, *, with_text: bool) -> Row:
    """Return what a version says as it is sent; text that the person may not read is null."""
    why = next((one for one in content.deviations if one.kind is not DeviationKind.NOT_COMPLETED), None)
    texts = {
        "reason_text": content.reason_text,
        "new_since_last_text": content.anything_new_text,
        "deviation_text": why.reason_text if why else "",
        "note": content.note,
    }
    new, effects = content.anything_new, content.side_effects
    return {
        **{name: getattr(content, name) for name in (*PLAIN, *AS_SHOWN)},
        **{name: value if with_text else None for name, value in texts.items()},
        "pain_before": number(content.pain_before),
        "pain_after": number(content.pain_after),
        "new_since_last": None if new is None else sorted(new),
        "side_effects": None if effects is None else [shown_effect(effect, with_text=with_text) for effect in effects],
        "deviation_reason": why.reason if why else None,
        "deviations": [shown_deviation(one, content, with_text=with_text) for one in content.deviations],
        "blocks": [shown_block(place, content, with_text=with_text) for place in range(len(content.blocks))],
        "nominal_s": exact(sum((block.pattern.nominal_s for block in content.blocks), Fraction(0))),
    }


def shown_effect(effect: EffectContent, *, with_text: bool) -> Row:
    """Return a side effect as it is sent."""
    severity = SEVERITIES[min(effect.grade, max(SEVERITIES))]
    return {"term": effect.term, "severity": severity, "relation": effect.relation, "text": effect.text if with_text else None}


def shown_deviation(one: DeviationContent, content: SessionContent, *, with_text: bool) -> Row:
    """Return a deviation as it is sent."""
    text, delivered = (one.reason_text, one.delivered) if with_text else (None, without_words(one, content))
    plain = {"kind": one.kind, "block": one.block, "prescribed": one.prescribed, "delivered": delivered}
    return {**plain, "reason": one.reason, "reason_text": text}


def without_words(one: DeviationContent, content: SessionContent) -> str:
    """Return what was delivered where a deviation was found, without what somebody typed."""
    place = (one.block or 0) - 1
    return delivered_without_text(one.kind, one.delivered, content.blocks[place].target if 0 <= place < len(content.blocks) else None)


def shown_block(place: int, content: SessionContent, *, with_text: bool) -> Row:
    """Return a block with what is derived from it."""
    block, setting, pattern = content.blocks[place], content.settings[place], content.blocks[place].pattern
    threshold, factor = content.threshold_percent_mso, content.threshold_factor
    known = None if threshold is None else threshold if factor is None else Decimal(threshold) * factor
    return {
        "position": place + 1,
        "target": block.target,
        "target_text": block.target_text if with_text else None,
        "hemisphere": block.hemisphere,
        "frequency_hz": number(pattern.frequency_hz),
        "pulses_per_train": None if pattern.is_bursts else pattern.bursts_per_train,
        "bursts_per_train": pattern.bursts_per_train if pattern.is_bursts else None,
        "train_s": None,
        "trains": pattern.trains,
        "gap_s": number(pattern.gap_s),
        "pulses_per_burst": pattern.pulses_per_burst,
        "intra_burst_hz": number(pattern.intra_burst_hz),
        "intensity_percent": number(block.intensity_percent),
        "intensity_reference": block.intensity_reference,
        "pulses": pattern.pulses,
        "train_length_s": exact(pattern.train_s),
        "nominal_s": exact(pattern.nominal_s),
        "last_pulse_s": exact(pattern.last_pulse_s),
        "duty_cycle": exact(pattern.duty_cycle),
        "mean_hz": exact(pattern.mean_hz),
        "setting_percent_mso": setting,
        "delivered_percent": None if setting is None or not known else exact(delivered_percent(setting, known)),
    }


def exact(value: Fraction) -> int | float | None:
    """Return a derived number with six decimals, which most have none of."""
    return number((Decimal(value.numerator) / Decimal(value.denominator)).quantize(PLACES))
