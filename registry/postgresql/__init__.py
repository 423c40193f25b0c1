"""Django's PostgreSQL backend with a pool that does not ask a connection whether it lives when that can be seen."""
