"""Beginning a change, the guards of append-only tables, the seals, the first system actors."""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION registry_begin_change(p_id uuid, p_actor bigint, p_reason text, p_request text, p_job bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO registry_change (id, actor_id, reason, request_id, job_id, outside, database_role, transaction_id)
    VALUES (p_id, p_actor, p_reason, p_request, p_job, false, session_user, pg_current_xact_id()::text::bigint);
    PERFORM set_config('rtms.change_id', p_id::text, true);
END $$;

CREATE FUNCTION registry_refuse()
RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was written stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'RT002';
END $$;

-- Refuse UPDATE, DELETE and TRUNCATE on a table for everybody, its owner included.
CREATE FUNCTION registry_protect(p_table regclass)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS append_only ON %s', p_table);
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse()',
        p_table
    );
END $$;

-- Refuse what the history triggers of a table cannot see, for everybody, its owner included: TRUNCATE, and a new primary
-- key (the update trigger pairs old and new rows by it, so a moved row would leave no trace).
CREATE FUNCTION registry_guard(p_table regclass)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key_columns text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ') INTO key_columns
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = p_table AND i.indisprimary;
    EXECUTE format('DROP TRIGGER IF EXISTS whole_rows ON %s', p_table);
    EXECUTE format(
        'CREATE TRIGGER whole_rows BEFORE TRUNCATE OR UPDATE OF %s ON %s FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse()',
        key_columns, p_table
    );
END $$;

-- Digest of all rows of one event table that belong to one seal, in chunks so that no string grows without bound.
-- Nulls are stripped, so a column added later (empty in old rows) leaves old digests as they were.
CREATE FUNCTION registry_event_digest(p_table regclass, p_members regclass, p_seal bigint, OUT events bigint, OUT digest bytea)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    EXECUTE format($q$
        SELECT coalesce(sum(n), 0)::bigint, sha256(coalesce(string_agg(d, ''::bytea ORDER BY chunk), ''::bytea))
        FROM (
            SELECT e.pgh_id / 4096 AS chunk, count(*) AS n,
                   sha256(convert_to(string_agg(jsonb_strip_nulls(to_jsonb(e))::text, E'\\n' ORDER BY e.pgh_id), 'UTF8')) AS d
            FROM %s e JOIN %s m USING (change_id) WHERE m.seal_id = $1 GROUP BY 1
        ) chunks $q$, p_table, p_members)
    INTO events, digest USING p_seal;
END $$;

CREATE FUNCTION registry_event_tables()
RETURNS SETOF regclass LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT c.oid::regclass FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'registry\\_%changeevent'
    ORDER BY c.relname
$$;

-- Hash of a seal from what the tables hold now: the changes themselves, then every event table with rows in it.
CREATE FUNCTION registry_seal_hash(p_seal bigint, p_previous bytea, OUT changes bigint, OUT events bigint, OUT hash bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    event_table regclass;
    part record;
    line bytea;
BEGIN
    SELECT count(*), sha256(coalesce(string_agg(convert_to(jsonb_strip_nulls(to_jsonb(c))::text, 'UTF8'), E'\\n'::bytea ORDER BY c.id), ''::bytea))
    INTO changes, line
    FROM registry_change c JOIN registry_sealedchange m ON m.change_id = c.id WHERE m.seal_id = p_seal;
    hash := sha256(p_previous || convert_to(p_seal::text, 'UTF8') || line);
    events := 0;
    FOR event_table IN SELECT registry_event_tables() LOOP
        SELECT * INTO part FROM registry_event_digest(event_table, 'registry_sealedchange', p_seal);
        IF part.events > 0 THEN
            events := events + part.events;
            hash := sha256(hash || convert_to(event_table::text, 'UTF8') || part.digest);
        END IF;
    END LOOP;
END $$;

-- Put every change visible now into the next seal; return its number, or the last one's when there is nothing new.
CREATE FUNCTION registry_seal()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last_seal registry_seal%ROWTYPE;
    next_number bigint;
    part record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('registry_seal'));
    SELECT * INTO last_seal FROM registry_seal ORDER BY number DESC LIMIT 1;
    next_number := coalesce(last_seal.number, 0) + 1;
    IF NOT EXISTS (SELECT 1 FROM registry_change c LEFT JOIN registry_sealedchange m ON m.change_id = c.id WHERE m.change_id IS NULL) THEN
        RETURN last_seal.number;
    END IF;
    -- Members first: their foreign key is deferred, and so the seal can be written once, whole.
    INSERT INTO registry_sealedchange (change_id, seal_id)
    SELECT c.id, next_number FROM registry_change c LEFT JOIN registry_sealedchange m ON m.change_id = c.id WHERE m.change_id IS NULL;
    SELECT * INTO part FROM registry_seal_hash(next_number, coalesce(last_seal.hash, ''::bytea));
    INSERT INTO registry_seal (number, changes, events, previous_hash, hash)
    VALUES (next_number, part.changes, part.events, coalesce(last_seal.hash, ''::bytea), part.hash);
    RETURN next_number;
END $$;
"""

SYSTEM_ACTORS = """
INSERT INTO registry_user (email, name, password, is_active, is_system, is_demonstration, theme)
VALUES ('scheduler@system.invalid', 'Scheduler', '!', true, true, false, ''),
       ('setup@system.invalid', 'Set-up', '!', true, true, false, '');
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(SYSTEM_ACTORS, migrations.RunSQL.noop),
    ]
