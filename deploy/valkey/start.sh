#!/bin/sh
# Starts the broker with its password out of a file: an argument would show in the list of processes.
set -eu
secrets="${SECRETS:-/run/secrets}"
settings="${SETTINGS:-/tmp/valkey.conf}"
if [ ! -s "$secrets/broker" ]; then
    echo "The secret broker is missing or empty: make the secrets with deploy/make_secrets.py." >&2
    exit 1
fi
umask 077
# A full memory must show as an error: evicting would lose messages in silence.
cat > "$settings" <<END
port ${PORT:-6379}
dir ${DIRECTORY:-/data}
appendonly yes
save ""
maxmemory-policy noeviction
requirepass $(cat "$secrets/broker")
END
exec "${VALKEY_SERVER:-valkey-server}" "$settings"
