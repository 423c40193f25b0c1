"""Keeping a registry alive: backups of everything that cannot be made again, and restoring them to an empty one."""
