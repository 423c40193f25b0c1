"""The one-command default: a private PostgreSQL and Valkey out of packages, all programs in one process tree.

Off, each for itself, as soon as DATABASE_URL and BROKER_URL are set. Nothing here imports the settings: these depend on what is made here.
"""

from registry.embedded.refusals import Refused
from registry.embedded.services import hold_services
from registry.embedded.throwaway import throwaway_services

__all__ = ["Refused", "hold_services", "throwaway_services"]
