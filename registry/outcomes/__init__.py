"""From records to figures: analysis plan, endpoints (one SQL statement), counts, estimates, snapshots. Runs in the worker."""
