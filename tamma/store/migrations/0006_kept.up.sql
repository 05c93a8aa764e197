-- What a run merged, and since when it is open whether that was kept. `unsettled_since` is empty where nothing was
-- merged, and once the answer is among the quality's parts or will never come.

ALTER TABLE run_metrics ADD COLUMN merged jsonb, ADD COLUMN unsettled_since timestamptz;

CREATE INDEX run_metrics_unsettled ON run_metrics (unsettled_since) WHERE unsettled_since IS NOT NULL;

-- As in 0003; recording a run again must not lose what became of its change either.
CREATE OR REPLACE FUNCTION record_run(p_run jsonb, p_steps jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    run     run_metrics := jsonb_populate_record(NULL::run_metrics, p_run);
    earlier run_metrics;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(
        coalesce(jsonb_build_array(run.test, run.arm, run.unit, run.replicate)::text, run.run_id), 3));
    SELECT * INTO earlier FROM run_metrics r WHERE r.run_id = run.run_id FOR UPDATE;
    run.rated := FOUND AND earlier.rated;
    IF run.rated THEN
        run.quality := earlier.quality;
        run.quality_parts := earlier.quality_parts;
    END IF;
    IF earlier.merged IS NOT NULL THEN
        run.unsettled_since := earlier.unsettled_since;
    END IF;
    DELETE FROM run_metrics r WHERE r.run_id = run.run_id;
    DELETE FROM run_metrics r
    WHERE r.test = run.test AND r.arm = run.arm AND r.unit = run.unit AND r.replicate = run.replicate;
    INSERT INTO run_metrics SELECT run.*;
    INSERT INTO step_metrics SELECT * FROM jsonb_populate_recordset(NULL::step_metrics, p_steps);
END;
$$;
