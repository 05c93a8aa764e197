-- A/B tests: what was asked for and which unit got which arm, both written once and before anything runs; the
-- looks that were taken; how each test stands. What the trials gave is in the run metrics.

CREATE TABLE ab_tests (
    test_id    text        PRIMARY KEY,
    name       text        NOT NULL,
    live       boolean     NOT NULL,
    state      text        NOT NULL,
    paused     boolean     NOT NULL DEFAULT false,
    plan       jsonb       NOT NULL,
    looks      jsonb       NOT NULL,
    -- sha256 over plan, looks and assignments: whether a second creation is the same one.
    digest     text        NOT NULL,
    result     jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ab_tests_name ON ab_tests (name, created_at);
CREATE INDEX ab_tests_created ON ab_tests (created_at);
-- Asked at the beginning of every run.
CREATE INDEX ab_tests_taking_runs ON ab_tests (created_at) WHERE live AND state = 'running' AND NOT paused;

CREATE TABLE ab_assignments (
    test_id  text    NOT NULL REFERENCES ab_tests,
    position integer NOT NULL CHECK (position >= 0),
    unit     text    NOT NULL,
    stratum  text    NOT NULL,
    arms     text[]  NOT NULL CHECK (cardinality(arms) > 0),
    PRIMARY KEY (test_id, position),
    UNIQUE (test_id, unit)
);
CREATE INDEX ab_assignments_stratum ON ab_assignments (test_id, stratum);

CREATE TABLE ab_looks (
    test_id text    NOT NULL REFERENCES ab_tests,
    number  integer NOT NULL CHECK (number > 0),
    look    jsonb   NOT NULL,
    PRIMARY KEY (test_id, number)
);

CREATE TABLE analyses (
    key  text        PRIMARY KEY,
    at   timestamptz NOT NULL,
    body jsonb       NOT NULL
);
CREATE INDEX analyses_at ON analyses (at);

CREATE FUNCTION refuse_assignment_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an assignment is drawn once: % is refused', TG_OP;
END;
$$;
CREATE TRIGGER ab_assignments_drawn_once BEFORE UPDATE OR DELETE OR TRUNCATE ON ab_assignments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_assignment_change();

CREATE FUNCTION refuse_plan_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the plan of a test does not change once it is kept';
END;
$$;
CREATE TRIGGER ab_tests_planned_once BEFORE UPDATE OF plan, looks, digest, name, live ON ab_tests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_plan_change();

-- One lock a test: between the count and the write nobody else draws. The arms of a stratum are a fixed
-- sequence; p_arms is its stretch from number p_first (from 0) on.
-- problem: NULL; 'missing' (no such test); 'full'; 'again' (the stretch does not reach number `nth`).
CREATE FUNCTION draw_live(
    p_test      text,
    p_unit      text,
    p_stratum   text,
    p_first     integer,
    p_arms      text[],
    p_most      integer,
    OUT problem text,
    OUT arm     text,
    OUT nth     integer
) LANGUAGE plpgsql AS $$
DECLARE
    drawn integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ab/' || p_test, 0));

    SELECT a.arms[1] INTO arm FROM ab_assignments a WHERE a.test_id = p_test AND a.unit = p_unit;
    IF FOUND THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM ab_tests t WHERE t.test_id = p_test) THEN
        problem := 'missing';
        RETURN;
    END IF;

    SELECT count(*), count(*) FILTER (WHERE a.stratum = p_stratum) INTO drawn, nth
    FROM ab_assignments a WHERE a.test_id = p_test;
    IF drawn >= p_most THEN
        problem := 'full';
        RETURN;
    END IF;
    arm := p_arms[nth - p_first + 1];
    IF nth < p_first OR arm IS NULL THEN
        problem := 'again';
        RETURN;
    END IF;
    INSERT INTO ab_assignments (test_id, position, unit, stratum, arms)
    VALUES (p_test, drawn, p_unit, p_stratum, ARRAY[arm]);
END;
$$;
