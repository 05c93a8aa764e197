-- Benchmark suites. Contents are kept by their hash, once; names point to contents, the newest row of a name
-- is what the name alone means.

CREATE TABLE suite_contents (
    hash    text    PRIMARY KEY CHECK (hash ~ '^sha256:[0-9a-f]{64}$'),
    tasks   integer NOT NULL CHECK (tasks > 0),
    graders jsonb   NOT NULL
);

-- `body` is json, not jsonb: patches and issues are kept letter for letter.
CREATE TABLE suite_tasks (
    hash   text    NOT NULL REFERENCES suite_contents,
    number integer NOT NULL,
    id     text    NOT NULL,
    body   json    NOT NULL,
    PRIMARY KEY (hash, id),
    UNIQUE (hash, number)
);

CREATE TABLE suites (
    position    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        COLLATE "C" NOT NULL,
    hash        text        NOT NULL REFERENCES suite_contents,
    description text        NOT NULL,
    added_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Benchmarks that were run or imported; their trials are in run_metrics under cell_test = id.
CREATE TABLE benches (
    id         text        PRIMARY KEY,
    created_at timestamptz NOT NULL,
    body       json        NOT NULL
);

CREATE INDEX benches_newest ON benches (created_at DESC);

CREATE INDEX suites_name ON suites (name, position DESC);

-- Idempotent: contents that are there stay, and a name that means this hash already gets no second row.
CREATE FUNCTION put_suite(
    p_name text, p_hash text, p_description text, p_graders jsonb, p_ids text[], p_bodies text[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- One lock for all suites: they are added by hand. Its two numbers are apart from the other locks'.
    PERFORM pg_advisory_xact_lock(1952542061, 4);
    INSERT INTO suite_contents (hash, tasks, graders) VALUES (p_hash, cardinality(p_ids), p_graders)
    ON CONFLICT (hash) DO NOTHING;
    IF FOUND THEN
        INSERT INTO suite_tasks (hash, number, id, body)
        SELECT p_hash, number, id, body::json
        FROM unnest(p_ids, p_bodies) WITH ORDINALITY AS given (id, body, number);
    END IF;
    IF p_hash IS DISTINCT FROM
        (SELECT hash FROM suites WHERE name = p_name ORDER BY position DESC LIMIT 1)
    THEN
        INSERT INTO suites (name, hash, description) VALUES (p_name, p_hash, p_description);
    END IF;
END;
$$;
