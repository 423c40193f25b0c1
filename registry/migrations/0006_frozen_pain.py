"""The primary pain of a prospective trial is frozen at allocation (specification, section 1): which pain it is, and what hurts."""

from django.db import migrations

from registry.models.columns import WordField

PLANS = ("analysisplan", "analysisplanchangeevent")
POPULATIONS = [("allocated", "All allocated"), ("treated", "Stimulated at least once"), ("enrolled", "All enrolled (cohort)")]

FREEZE = """
-- An allocation holds a key on its enrolment from the moment it is made (its own foreign key would take it only at commit), and
-- whoever changes a pain waits for the row here. So of the two the later one sees the earlier one.
CREATE FUNCTION registry_hold_enrolments()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM registry_enrolment e JOIN registry_trial t ON t.id = e.trial_id
    WHERE e.id IN (SELECT enrolment_id FROM new_allocations) AND t.conduct = 'prospective' ORDER BY e.id FOR KEY SHARE OF e;
    RETURN NULL;
END $$;

CREATE TRIGGER holds_enrolments AFTER INSERT ON registry_allocation REFERENCING NEW TABLE AS new_allocations
    FOR EACH STATEMENT EXECUTE FUNCTION registry_hold_enrolments();

CREATE FUNCTION registry_refuse_if_allocated(p_enrolments bigint[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM registry_enrolment WHERE id = ANY (p_enrolments) ORDER BY id FOR UPDATE;
    IF EXISTS (
        SELECT 1 FROM registry_allocation a
        JOIN registry_enrolment e ON e.id = a.enrolment_id
        JOIN registry_trial t ON t.id = e.trial_id
        WHERE a.enrolment_id = ANY (p_enrolments) AND t.conduct = 'prospective'
    ) THEN
        RAISE EXCEPTION 'the primary pain is frozen at allocation' USING ERRCODE = 'RT005';
    END IF;
END $$;

CREATE FUNCTION registry_freeze_pain()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM registry_refuse_if_allocated(ARRAY[OLD.enrolment_id]);
        RETURN OLD;
    END IF;
    PERFORM registry_refuse_if_allocated(ARRAY[OLD.enrolment_id, NEW.enrolment_id]);
    RETURN NEW;
END $$;

CREATE FUNCTION registry_freeze_diagnosis()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM registry_refuse_if_allocated(ARRAY(SELECT enrolment_id FROM registry_enrolmentpain WHERE diagnosis_id = OLD.id AND rank = 1));
    RETURN NEW;
END $$;

-- A side that was not recorded may be filled in; a region is free text, whose spelling may be corrected.
CREATE TRIGGER frozen_at_allocation BEFORE UPDATE ON registry_enrolmentpain FOR EACH ROW
    WHEN ((OLD.rank = 1 OR NEW.rank = 1) AND (
        (OLD.enrolment_id, OLD.rank, OLD.diagnosis_id) IS DISTINCT FROM (NEW.enrolment_id, NEW.rank, NEW.diagnosis_id)
        OR (OLD.side <> NEW.side AND OLD.side <> 'not_recorded')
    ))
    EXECUTE FUNCTION registry_freeze_pain();
CREATE TRIGGER frozen_from_deletion BEFORE DELETE ON registry_enrolmentpain FOR EACH ROW
    WHEN (OLD.rank = 1) EXECUTE FUNCTION registry_freeze_pain();
CREATE TRIGGER frozen_at_allocation BEFORE UPDATE ON registry_paindiagnosis FOR EACH ROW
    WHEN ((OLD.patient_id, OLD.condition, OLD.condition_text) IS DISTINCT FROM (NEW.patient_id, NEW.condition, NEW.condition_text))
    EXECUTE FUNCTION registry_freeze_diagnosis();
"""

THAW = """
DROP TRIGGER frozen_at_allocation ON registry_enrolmentpain;
DROP TRIGGER frozen_from_deletion ON registry_enrolmentpain;
DROP TRIGGER frozen_at_allocation ON registry_paindiagnosis;
DROP TRIGGER holds_enrolments ON registry_allocation;
DROP FUNCTION registry_freeze_pain, registry_freeze_diagnosis, registry_hold_enrolments, registry_refuse_if_allocated(bigint[]);
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0005_api")]

    operations = [
        migrations.RunSQL(FREEZE, THAW),
        # A label: the treated need not be allocated.
        *(migrations.AlterField(model, "population", WordField(choices=POPULATIONS, max_length=40)) for model in PLANS),
    ]
