#!/bin/sh
# Makes the four login roles and the database, once: the PostgreSQL image runs it on an empty volume. What the roles may do is
# granted by the migrations. psql reads each password out of its file itself: an argument would show in the list of processes.
set -eu
export SECRETS="${SECRETS:-/run/secrets}"
for role in owner web worker unmasked; do
    if [ ! -s "$SECRETS/database_$role" ]; then
        echo "The secret database_$role is missing or empty: make the secrets with deploy/make_secrets.py." >&2
        exit 1
    fi
done
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set owner `cat "$SECRETS/database_owner"`
\set web `cat "$SECRETS/database_web"`
\set worker `cat "$SECRETS/database_worker"`
\set unmasked `cat "$SECRETS/database_unmasked"`
CREATE ROLE rtms_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner';
CREATE ROLE rtms_web LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'web';
CREATE ROLE rtms_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'worker';
CREATE ROLE rtms_unmasked LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'unmasked';
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
CREATE DATABASE rtms OWNER rtms_owner TEMPLATE template0;
REVOKE ALL ON DATABASE rtms FROM PUBLIC;
GRANT CONNECT ON DATABASE rtms TO rtms_owner, rtms_web, rtms_worker, rtms_unmasked;
\connect rtms
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SQL
