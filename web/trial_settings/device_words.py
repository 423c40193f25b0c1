"""What the set-up asks of devices and prescriptions: label and hint of each field."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from web.trial_settings.words import Words

STIMULATORS: Words = {
    "code": (_("Code"), _("Short and unique in the trial, for example ST-1; sessions name it.")),
    "site": (_("Site"), ""),
    "maker": (_("Maker"), ""),
    "model": (_("Model"), ""),
    "serial_number": (_("Serial number"), ""),
    "software_version": (_("Version of its software"), ""),
    "waveform": (_("Waveform"), _("A threshold holds for the waveform it was measured with.")),
    "pulse_width_us": (_("Width of a pulse, in µs"), ""),
    "retired_on": (_("Retired on"), _("From this day it is no longer offered.")),
}
COILS: Words = {
    "code": (_("Code"), _("Short and unique in the trial, for example C-70; never the code of a kit.")),
    "site": (_("Site"), ""),
    "maker": (_("Maker"), ""),
    "model": (_("Model"), _("A threshold holds for the coil model it was measured with.")),
    "serial_number": (_("Serial number"), ""),
    "shape": (_("Shape"), ""),
    "cooled": (_("Is it cooled?"), ""),
    "retired_on": (_("Retired on"), _("From this day it is no longer offered.")),
}
CONVERSIONS: Words = {
    "from_model": (_("Measured with coil model"), ""),
    "to_model": (_("Carried over to coil model"), ""),
    "factor": (_("Factor"), _("The threshold is multiplied by it, for example 1.08.")),
    "source": (
        _("Where the factor is from"),
        _("A measurement of your own or a publication: without one, thresholds are not carried over."),
    ),
}
PRESCRIPTIONS: Words = {
    "treatment": (_("Treatment"), ""),
    "session_days": (_("Days of the sessions"), _("Counted from day 0, for example 0 1 2 3 4 7 8.")),
    "threshold_max_age_days": (_("Threshold holds for, in days"), _("0: a new one at every session.")),
    "received_percent": (_("Received from, in % of pulses"), _("From here a session counts as received.")),
    "source": (_("Source"), _("And how each value came to be known.")),
}
BLOCKS: Words = {
    "treatment": (_("Treatment"), ""),
    "target": (_("Target"), ""),
    "target_text": (_("In words, if other"), ""),
    "hemisphere": (_("Side of the head"), ""),
    "frequency_hz": (_("Rate, Hz"), _("Of bursts in theta burst.")),
    "pulses_per_train": (_("Pulses a train"), _("Or bursts, or seconds.")),
    "bursts_per_train": (_("Bursts a train"), ""),
    "train_s": (_("Train, s"), ""),
    "trains": (_("Trains"), ""),
    "gap_s": (_("Gap, s"), _("From the end of a train to the next.")),
    "pulses_per_burst": (_("Pulses a burst"), _("3 in theta burst.")),
    "intra_burst_hz": (_("Rate in a burst, Hz"), _("50 in theta burst.")),
    "intensity_percent": (_("Intensity, %"), ""),
    "intensity_reference": (_("Of what"), ""),
}
