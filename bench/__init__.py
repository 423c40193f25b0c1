"""Measurements of the product beside yardsticks and naive peers, in one run: python -m bench. Not part of what is installed."""
