"""Estimators: plain numbers in, frozen dataclasses out; no Django, no input or output, no clock, no chance."""
