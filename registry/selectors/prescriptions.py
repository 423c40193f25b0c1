"""What the protocol prescribes for one patient on one day: blocks with their hemisphere, and the days of the planned sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import F, Q

from registry.models import Allocation, Enrolment, EnrolmentPain, EnrolmentProtocol, PrescribedBlock, Prescription, ProtocolVersion
from registry.rules.stimulation import Block, Pattern
from registry.rules.stimulation.blocks import hemisphere_for
from registry.vocabulary import Hemisphere, HemisphereRule, IntensityReference, Side, StimulationTarget


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """One prescribed block for one patient; the hemisphere is None where the side of the primary pain does not decide it."""

    target: StimulationTarget
    target_text: str
    hemisphere: Hemisphere | None
    pattern: Pattern
    intensity_percent: Decimal
    intensity_reference: IntensityReference

    @property
    def block(self) -> Block | None:
        """Return the block as the rules of dose know it, None while the hemisphere is not known."""
        if self.hemisphere is None:
            return None
        return Block(self.target, self.hemisphere, self.pattern, self.intensity_percent, self.intensity_reference, self.target_text)


@dataclass(frozen=True)
class Prescribed:
    """A prescription as it reads for one patient. `anchor` is day 0 of the planned sessions."""

    prescription: Prescription
    version: ProtocolVersion
    blocks: tuple[PlannedBlock, ...]
    anchor: date | None

    @property
    def whole(self) -> tuple[Block, ...] | None:
        """Return the blocks, None where a hemisphere is unknown or nothing is prescribed."""
        blocks = tuple(block for planned in self.blocks if (block := planned.block) is not None)
        return blocks if blocks and len(blocks) == len(self.blocks) else None

    @property
    def pulses(self) -> int:
        """Return the pulses of one session."""
        return sum(planned.pattern.pulses for planned in self.blocks)

    @property
    def session_count(self) -> int:
        """Return how many sessions are planned."""
        return len(self.prescription.session_days)

    def day_of(self, number: int) -> date | None:
        """Return the planned day of a session; None without an anchor or for a session beyond the plan."""
        if self.anchor is None or not 1 <= number <= self.session_count:
            return None
        return self.anchor + timedelta(days=self.prescription.session_days[number - 1])


def anchor_of(enrolment: Enrolment, allocation: Allocation | None) -> date | None:
    """Return day 0 of the planned sessions: the day of allocation, else that of enrolment."""
    return (allocation.allocated_on if allocation is not None else None) or enrolment.enrolled_on


def allocation_of(enrolment: Enrolment) -> Allocation | None:
    """Return the visible half of the latest stage's allocation."""
    return Allocation.objects.filter(enrolment=enrolment).select_related("treatment").order_by("-stage").first()


def protocol_of(enrolment: Enrolment, on: date) -> ProtocolVersion | None:
    """Return the version a patient follows on a day: their own dated one, else that of enrolment, else the newest in effect."""
    own = EnrolmentProtocol.objects.filter(enrolment=enrolment, valid_from__lte=on).order_by("-valid_from").first()
    known = own.protocol_version_id if own is not None else enrolment.protocol_version_id
    if known is not None:
        return ProtocolVersion.objects.get(pk=known)
    in_effect = ProtocolVersion.objects.filter(Q(effective_from__isnull=True) | Q(effective_from__lte=on), trial=enrolment.trial)
    return in_effect.order_by(F("effective_from").desc(nulls_last=True), "-pk").first()


def prescribed_for(enrolment: Enrolment, on: date) -> Prescribed | None:
    """Return what is prescribed for a patient on a day; None where the protocol prescribes nothing for their treatment."""
    version, allocation = protocol_of(enrolment, on), allocation_of(enrolment)
    if version is None:
        return None
    treatment = None if allocation is None else allocation.treatment_id
    fitting = Prescription.objects.filter(protocol_version=version).filter(Q(treatment__isnull=True) | Q(treatment=treatment))
    # One that names the treatment goes before the one for all.
    prescription = fitting.prefetch_related("blocks").order_by("treatment_id").first()
    if prescription is None:
        return None
    side = primary_side(enrolment)
    blocks = tuple(_planned(row, side) for row in prescription.blocks.all())
    return Prescribed(prescription, version, blocks, anchor_of(enrolment, allocation))


def primary_side(enrolment: Enrolment) -> Side | None:
    """Return the side of the primary pain, None where it is not on record."""
    side = EnrolmentPain.objects.filter(enrolment=enrolment, rank=1).values_list("side", flat=True).first()
    return None if side is None else Side(side)


def _planned(row: PrescribedBlock, side: Side | None) -> PlannedBlock:
    return PlannedBlock(
        target=StimulationTarget(row.target),
        target_text=row.target_text,
        hemisphere=hemisphere_for(HemisphereRule(row.hemisphere), side),
        pattern=row.pattern,
        intensity_percent=row.intensity_percent,
        intensity_reference=IntensityReference(row.intensity_reference),
    )
