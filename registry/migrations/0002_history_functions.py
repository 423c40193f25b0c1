"""Beginning a change, the guards of append-only tables, the seals, the planner's statistics, the first system actors."""

from django.db import migrations, models

# Settings of a session that change how a value is written as text: a hash over text holds in every session only if they are fixed.
PINNED = (
    "SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1"
)

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

-- Changes no seal was put on yet. It spares the next seal a look at all changes there ever were; verify_audit, which does look
-- at all of them, finds those that are neither sealed nor waiting.
CREATE TABLE registry_unsealed (change_id uuid PRIMARY KEY);
INSERT INTO registry_unsealed (change_id) SELECT id FROM registry_change;

CREATE FUNCTION registry_note_unsealed()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO registry_unsealed (change_id) SELECT id FROM new_changes;
    RETURN NULL;
END $$;

CREATE TRIGGER wait_for_seal AFTER INSERT ON registry_change REFERENCING NEW TABLE AS new_changes
    FOR EACH STATEMENT EXECUTE FUNCTION registry_note_unsealed();

CREATE FUNCTION registry_columns(p_table regclass)
RETURNS text[] LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = p_table AND attnum > 0 AND NOT attisdropped
$$;

-- Expression for these columns of a row "e" as one text. A record's text quotes whatever could be taken for a separator, so rows
-- that differ have texts that differ. A column that is gone reads as empty: what was in it fails the hash, and nothing did not.
CREATE FUNCTION registry_row_text(p_table regclass, p_columns text[])
RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT 'ROW(' || string_agg(CASE WHEN a.attname IS NULL THEN 'NULL' ELSE 'e.' || quote_ident(a.attname) END, ', ' ORDER BY place) || ')::text'
    FROM unnest(p_columns) WITH ORDINALITY c (name, place)
    LEFT JOIN pg_attribute a ON a.attrelid = p_table AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- Digest of the rows of one event table that belong to these changes, in chunks so that no string grows without bound.
-- The changes find the chunks, the primary key finds the rows of each: "IS TRUE" keeps the planner from going by the changes
-- there too. So rows come in order with nothing to sort, at any number of rows and with any statistics.
CREATE FUNCTION registry_event_digest(p_table regclass, p_columns text[], p_changes uuid[], OUT events bigint, OUT digest bytea)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp @PINNED@ AS $$
BEGIN
    EXECUTE format($q$
        SELECT coalesce(sum(n), 0)::bigint, sha256(coalesce(string_agg(d, ''::bytea ORDER BY chunk), ''::bytea))
        FROM (SELECT DISTINCT pgh_id / 4096 AS chunk FROM %1$s WHERE change_id = ANY ($1)) chunks
        CROSS JOIN LATERAL (
            SELECT count(*) AS n, sha256(convert_to(string_agg(%2$s, E'\\n' ORDER BY pgh_id), 'UTF8')) AS d FROM %1$s e
            WHERE pgh_id >= chunk * 4096 AND pgh_id < (chunk + 1) * 4096 AND (change_id = ANY ($1)) IS TRUE
        ) rows_of_chunk $q$, p_table, registry_row_text(p_table, p_columns))
    INTO events, digest USING p_changes;
END $$;

-- The same of the changes themselves, whose ids are in no order: any byte of them makes chunks.
CREATE FUNCTION registry_change_digest(p_columns text[], p_changes uuid[], OUT changes bigint, OUT digest bytea)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp @PINNED@ AS $$
BEGIN
    EXECUTE format($q$
        SELECT coalesce(sum(n), 0)::bigint, sha256(coalesce(string_agg(d, ''::bytea ORDER BY chunk), ''::bytea))
        FROM (
            SELECT get_byte(uuid_send(id), 15) AS chunk, count(*) AS n,
                   sha256(convert_to(string_agg(%s, E'\\n' ORDER BY id), 'UTF8')) AS d
            FROM registry_change e WHERE id = ANY ($1) GROUP BY 1
        ) chunks $q$, registry_row_text('registry_change', p_columns))
    INTO changes, digest USING p_changes;
END $$;

CREATE FUNCTION registry_event_tables()
RETURNS SETOF text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT relname::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname LIKE 'registry\\_%changeevent'
    ORDER BY relname
$$;

-- Hash of a seal from what the tables hold now: the changes themselves, then every event table with rows of theirs.
-- It goes over the columns the tables had when the seal was put on, so one added later, with whatever default, alters no old seal.
CREATE FUNCTION registry_seal_hash(
    p_seal bigint, p_previous bytea, p_columns jsonb, OUT changes bigint, OUT events bigint, OUT columns jsonb, OUT hash bytea
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    members uuid[];
    name text;
    names text[];
    part record;
BEGIN
    SELECT coalesce(array_agg(change_id), '{}') INTO members FROM registry_sealedchange WHERE seal_id = p_seal;
    events := 0;
    columns := '{}';
    hash := sha256(p_previous || convert_to(p_seal::text, 'UTF8'));
    FOREACH name IN ARRAY array_prepend('registry_change', ARRAY(SELECT registry_event_tables())) LOOP
        SELECT coalesce(array_agg(column_name ORDER BY place), registry_columns(name::regclass)) INTO names
        FROM jsonb_array_elements_text(p_columns -> name) WITH ORDINALITY c (column_name, place);
        IF name = 'registry_change' THEN
            SELECT d.changes AS n, d.digest INTO part FROM registry_change_digest(names, members) d;
            changes := part.n;
        ELSE
            SELECT d.events AS n, d.digest INTO part FROM registry_event_digest(name::regclass, names, members) d;
            events := events + part.n;
        END IF;
        IF part.n > 0 THEN
            columns := columns || jsonb_build_object(name, names);
            hash := sha256(hash || convert_to(name || names::text, 'UTF8') || part.digest);
        END IF;
    END LOOP;
END $$;

-- Put every change visible now into the next seal; return its number, or the last one's when there is nothing new.
CREATE FUNCTION registry_seal()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last_seal registry_seal%ROWTYPE;
    next_number bigint;
    members uuid[];
    part record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('registry_seal'));
    SELECT * INTO last_seal FROM registry_seal ORDER BY number DESC LIMIT 1;
    next_number := coalesce(last_seal.number, 0) + 1;
    WITH taken AS (DELETE FROM registry_unsealed RETURNING change_id) SELECT array_agg(change_id) INTO members FROM taken;
    IF members IS NULL THEN
        RETURN last_seal.number;
    END IF;
    -- Members first: their foreign key is deferred, and so the seal can be written once, whole.
    INSERT INTO registry_sealedchange (change_id, seal_id) SELECT unnest(members), next_number;
    SELECT * INTO part FROM registry_seal_hash(next_number, coalesce(last_seal.hash, ''::bytea), '{}');
    INSERT INTO registry_seal (number, changes, events, columns, previous_hash, hash)
    VALUES (next_number, part.changes, part.events, part.columns, coalesce(last_seal.hash, ''::bytea), part.hash);
    RETURN next_number;
END $$;

-- Look again at tables that grew by a fifth since the planner last knew them. What follows an import by seconds comes before
-- PostgreSQL does so by itself, and was planned for empty tables (seen: ten minutes for a statement of three seconds).
CREATE FUNCTION registry_analyze_grown()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    grown regclass;
BEGIN
    FOR grown IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace IN ('public'::regnamespace, 'closed'::regnamespace) AND c.relkind = 'r' AND c.relname !~ 'change_?event$'
        AND pg_relation_size(c.oid) > 1.2 * current_setting('block_size')::integer * greatest(c.relpages, 8)
        ORDER BY c.oid
    LOOP
        EXECUTE format('ANALYZE %s', grown);
    END LOOP;
END $$;
""".replace("@PINNED@", PINNED)

SYSTEM_ACTORS = """
INSERT INTO registry_user (email, name, password, is_active, is_system, is_demonstration, theme)
VALUES ('scheduler@system.invalid', 'Scheduler', '!', true, true, false, ''),
       ('setup@system.invalid', 'Set-up', '!', true, true, false, '');
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [
        migrations.AddField("seal", "columns", models.JSONField(default=dict)),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(SYSTEM_ACTORS, migrations.RunSQL.noop),
    ]
