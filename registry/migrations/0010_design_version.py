"""A token for each trial's design that changes with every change of it, so that processes can keep what they read (docs/decisions/0012)."""

import django.db.models.deletion
from django.db import migrations, models

# Tables of the design: the column that leads to the trial, and the statement that finds the trial where that is another row.
OF_VERSION = "SELECT trial_id FROM registry_protocolversion WHERE id = $1"
OF_PRESCRIPTION = """SELECT v.trial_id FROM registry_prescription p JOIN registry_protocolversion v ON v.id = p.protocol_version_id
    WHERE p.id = $1"""
DESIGN = (
    *((table, "trial_id", "SELECT $1") for table in ("site", "treatment", "protocolversion", "stimulator", "coil", "coilconversion")),
    *((table, "trial_id", "SELECT $1") for table in ("visittype", "scale", "analysisplan")),
    ("prescription", "protocol_version_id", OF_VERSION),
    ("prescribedblock", "prescription_id", OF_PRESCRIPTION),
)

RENEW = """
-- The row stays locked until the end of the transaction: of two changes the later one commits the token that stands.
CREATE FUNCTION registry_renew_design()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    rows jsonb[] := CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[to_jsonb(NEW)] WHEN 'DELETE' THEN ARRAY[to_jsonb(OLD)] ELSE ARRAY[to_jsonb(OLD), to_jsonb(NEW)] END;
    changed jsonb;
    trial bigint;
BEGIN
    FOREACH changed IN ARRAY rows LOOP
        EXECUTE TG_ARGV[1] INTO trial USING (changed ->> TG_ARGV[0])::bigint;
        IF trial IS NOT NULL THEN
            INSERT INTO registry_designversion (trial_id, token) VALUES (trial, gen_random_uuid())
            ON CONFLICT (trial_id) DO UPDATE SET token = EXCLUDED.token;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
""" + "".join(
    f"""
CREATE TRIGGER renew_design AFTER INSERT OR UPDATE OR DELETE ON registry_{table}
    FOR EACH ROW EXECUTE FUNCTION registry_renew_design('{column}', '{statement}');"""
    for table, column, statement in DESIGN
)

FORGET = "".join(f"DROP TRIGGER renew_design ON registry_{table};" for table, _, _ in DESIGN) + "DROP FUNCTION registry_renew_design();"

FILL = "INSERT INTO registry_designversion (trial_id, token) SELECT id, gen_random_uuid() FROM registry_trial"


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0009_weekly_reports"),
    ]

    operations = [
        migrations.CreateModel(
            name="DesignVersion",
            fields=[
                (
                    "trial",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="registry.trial",
                    ),
                ),
                ("token", models.UUIDField()),
            ],
        ),
        migrations.RunSQL(RENEW, FORGET),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
