-- What was measured of every run and of each of its steps.
--
-- Reports aggregate over hundreds of thousands of runs at once. So what they count stands in columns of fixed
-- width before what only explains a run. Names sort by their bytes, as they do in memory.

CREATE TABLE run_metrics (
    started_at        timestamptz      NOT NULL,
    ended_at          timestamptz      NOT NULL,
    duration_ms       bigint           NOT NULL CHECK (duration_ms >= 0),
    waiting_ms        bigint           NOT NULL CHECK (waiting_ms >= 0),
    input_tokens      bigint           NOT NULL,
    output_tokens     bigint           NOT NULL,
    cache_read_tokens bigint           NOT NULL,
    quality           double precision CHECK (quality BETWEEN 0 AND 100),
    turns             integer          NOT NULL,
    unpriced_calls    integer          NOT NULL,
    context_window    integer          NOT NULL,
    context_peak      integer          NOT NULL,
    truncations       integer          NOT NULL,
    overflows         integer          NOT NULL,
    agent_version     integer,
    replicate         integer,
    success           boolean          NOT NULL,
    -- Whether a person's rating is among the quality's parts: recording the run again must not lose it.
    rated             boolean          NOT NULL DEFAULT false,
    cost_usd          numeric          NOT NULL,
    kind              text             NOT NULL,
    agent             text,
    agent_id          text,
    task_type         text             NOT NULL,
    repo              text             COLLATE "C" NOT NULL,
    model             text             NOT NULL,
    error_type        text             NOT NULL,
    provider          text             NOT NULL,
    run_id            text             COLLATE "C" PRIMARY KEY,
    task_id           text             NOT NULL,
    issue             text             NOT NULL,
    agent_config      text,
    test              text,
    arm               text,
    unit              text,
    served_models     text[]           NOT NULL,
    quality_parts     jsonb            NOT NULL,
    CHECK (num_nulls(agent, agent_id, agent_version, agent_config) IN (0, 4)),
    CHECK (num_nulls(test, arm, unit, replicate) IN (0, 4))
);

CREATE INDEX run_metrics_ended ON run_metrics (ended_at);
CREATE INDEX run_metrics_agent ON run_metrics (agent_id, ended_at) WHERE agent_id IS NOT NULL;
CREATE INDEX run_metrics_task ON run_metrics (task_id, ended_at);
CREATE INDEX run_metrics_repo ON run_metrics (repo);
CREATE UNIQUE INDEX run_metrics_cell ON run_metrics (test, arm, unit, replicate) WHERE test IS NOT NULL;

CREATE TABLE step_metrics (
    started_at        timestamptz NOT NULL,
    duration_ms       bigint      NOT NULL CHECK (duration_ms >= 0),
    input_tokens      bigint      NOT NULL,
    output_tokens     bigint      NOT NULL,
    cache_read_tokens bigint      NOT NULL,
    number            integer     NOT NULL CHECK (number > 0),
    turns             integer     NOT NULL,
    unpriced_calls    integer     NOT NULL,
    context_window    integer     NOT NULL,
    context_peak      integer     NOT NULL,
    truncations       integer     NOT NULL,
    overflows         integer     NOT NULL,
    success           boolean     NOT NULL,
    cost_usd          numeric     NOT NULL,
    run_id            text        COLLATE "C" NOT NULL REFERENCES run_metrics ON DELETE CASCADE,
    step              text        NOT NULL,
    provider          text        NOT NULL,
    model             text        NOT NULL,
    error_type        text        NOT NULL,
    PRIMARY KEY (run_id, number)
);

-- A run's row and its steps, at once; what is there under the same run id or in the same cell makes way. One
-- lock for a cell (or a run): two that are recorded in it at the same moment follow each other. A rating that
-- waits for the row meanwhile finds it gone, and looks again.
CREATE FUNCTION record_run(p_run jsonb, p_steps jsonb) RETURNS void LANGUAGE plpgsql AS $$
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
    DELETE FROM run_metrics r WHERE r.run_id = run.run_id;
    DELETE FROM run_metrics r
    WHERE r.test = run.test AND r.arm = run.arm AND r.unit = run.unit AND r.replicate = run.replicate;
    INSERT INTO run_metrics SELECT run.*;
    INSERT INTO step_metrics SELECT * FROM jsonb_populate_recordset(NULL::step_metrics, p_steps);
END;
$$;
