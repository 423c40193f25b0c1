"""Nested serializers that write a session with what belongs to it, as the framework's documentation shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework import serializers, viewsets

from bench.peer_nested.models import Block, Pain, Patient, PlannedBlock, Session, SideEffect, Stimulator, Threshold, Trial

PATTERN = ("position", "target", "hemisphere", "frequency_hz", "bursts_per_train", "trains", "gap_s", "intensity_percent")


class BlockSerializer(serializers.ModelSerializer):
    """A block."""

    class Meta:
        model = Block
        fields = PATTERN


class PainSerializer(serializers.ModelSerializer):
    """A pain."""

    class Meta:
        model = Pain
        fields = ("context", "value", "observed_at")


class SideEffectSerializer(serializers.ModelSerializer):
    """A side effect."""

    class Meta:
        model = SideEffect
        fields = ("term", "severity", "relation")


class SessionSerializer(serializers.ModelSerializer):
    """A session with all that belongs to it."""

    trial = serializers.SlugRelatedField(slug_field="slug", queryset=Trial.objects.all())
    patient = serializers.SlugRelatedField(slug_field="code", queryset=Patient.objects.all())
    threshold = serializers.SlugRelatedField(slug_field="record", queryset=Threshold.objects.all())
    stimulator = serializers.SlugRelatedField(slug_field="code", queryset=Stimulator.objects.all())
    pain_before = serializers.DecimalField(max_digits=12, decimal_places=6, write_only=True)
    pain_after = serializers.DecimalField(max_digits=12, decimal_places=6, write_only=True)
    side_effects = SideEffectSerializer(many=True)
    blocks = BlockSerializer(many=True, read_only=True)
    pains = PainSerializer(many=True, read_only=True)

    class Meta:
        model = Session
        fields = (
            *("id", "trial", "patient", "number", "status", "as_planned", "started_at", "ended_at", "threshold", "stimulator"),
            *("hearing_protection", "coil_matches_threshold", "pulse_counter", "new_since_last", "pain_before", "pain_after"),
            *("side_effects", "blocks", "pains"),
        )

    def create(self, validated_data: dict[str, Any]) -> Session:
        """Write the session, then what belongs to it."""
        effects = validated_data.pop("side_effects")
        before, after = validated_data.pop("pain_before"), validated_data.pop("pain_after")
        session = Session.objects.create(**validated_data)
        for planned in PlannedBlock.objects.filter(trial=session.trial):
            Block.objects.create(session=session, **{name: getattr(planned, name) for name in PATTERN})
        for context, value, at in (("pre_session", before, session.started_at), ("post_session", after, session.ended_at)):
            Pain.objects.create(session=session, patient=session.patient, context=context, value=value, observed_at=at)
        for effect in effects:
            SideEffect.objects.create(session=session, patient=session.patient, **effect)
        return session


class Sessions(viewsets.ModelViewSet):
    """The sessions."""

    queryset = Session.objects.all()
    serializer_class = SessionSerializer


def hello(request: HttpRequest) -> HttpResponse:
    """Say that the server is there."""
    return HttpResponse(b"hello")
