-- Transcripts, leases, blobs and events.
--
-- The hot calls are functions, so that each is one round trip: a lock, a check and a write need not travel.
-- They answer with (problem, value) instead of raising: a refused append is no error in the server's log.
-- All of them rely on READ COMMITTED (each statement after a lock sees what the lock's last holder committed);
-- the store sets it on its connections.

-- One row per message. `parts` is json, not jsonb: it is kept letter for letter, and a tool's output may hold
-- \u0000, which jsonb refuses.
CREATE TABLE entries (
    session_id        text        NOT NULL,
    seq               integer     NOT NULL CHECK (seq >= 0),
    role              text        NOT NULL,
    parts             json        NOT NULL,
    provider          text        NOT NULL,
    model             text        NOT NULL,
    finish            text        NOT NULL,
    input_tokens      bigint      NOT NULL,
    output_tokens     bigint      NOT NULL,
    cache_read_tokens bigint      NOT NULL,
    cost_usd          numeric,
    cost_source       text        NOT NULL,
    duration_ms       bigint      NOT NULL,
    recorded_at       timestamptz NOT NULL,
    PRIMARY KEY (session_id, seq)
);

-- The last fencing token given out. A sum over a session counts its attempts.
CREATE TABLE leases (
    session_id  text        NOT NULL,
    seq         integer     NOT NULL CHECK (seq >= 0),
    token       bigint      NOT NULL CHECK (token > 0),
    acquired_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, seq)
);

-- One lock per transcript orders leases and appends: an append and the lease that supersedes it never overlap.
-- Its number space (one bigint) is apart from that of the event log's lock (two integers).
CREATE FUNCTION lock_transcript(p_session text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(p_session, 0));
$$;

CREATE FUNCTION acquire_lease(p_session text, p_seq integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    granted bigint;
BEGIN
    PERFORM lock_transcript(p_session);
    INSERT INTO leases AS l (session_id, seq, token, acquired_at)
    VALUES (p_session, p_seq, 1, clock_timestamp())
    ON CONFLICT (session_id, seq)
        DO UPDATE SET token = l.token + 1, acquired_at = excluded.acquired_at
    RETURNING l.token INTO granted;
    RETURN granted;
END;
$$;

-- Arrays run in parallel, one element per entry, in consecutive order of seq (the caller checks that).
-- problem: NULL; 'lease' (value: the token that stands, 0 for none); 'gap' (value: the next free seq);
-- 'differs' (value: the first seq that holds another message).
CREATE FUNCTION append_entries(
    p_session       text,
    p_lease_seq     integer,
    p_token         bigint,
    p_seqs          integer[],
    p_roles         text[],
    p_parts         text[],
    p_providers     text[],
    p_models        text[],
    p_finishes      text[],
    p_input_tokens  bigint[],
    p_output_tokens bigint[],
    p_cache_tokens  bigint[],
    p_costs         numeric[],
    p_cost_sources  text[],
    p_durations     bigint[],
    p_recorded      timestamptz[],
    OUT problem     text,
    OUT value       bigint
) LANGUAGE plpgsql AS $$
DECLARE
    next_seq integer;
BEGIN
    PERFORM lock_transcript(p_session);

    IF p_token IS NOT NULL THEN
        SELECT l.token INTO value FROM leases l WHERE l.session_id = p_session AND l.seq = p_lease_seq;
        IF value IS DISTINCT FROM p_token THEN
            problem := 'lease';
            value := coalesce(value, 0);
            RETURN;
        END IF;
    END IF;

    SELECT coalesce(max(e.seq) + 1, 0) INTO next_seq FROM entries e WHERE e.session_id = p_session;
    IF p_seqs[1] > next_seq THEN
        problem := 'gap';
        value := next_seq;
        RETURN;
    END IF;

    IF p_seqs[1] < next_seq THEN
        SELECT min(e.seq) INTO value
        FROM entries e
        JOIN unnest(p_seqs, p_roles, p_parts) AS n (seq, role, parts) ON n.seq = e.seq
        WHERE e.session_id = p_session
          AND e.seq BETWEEN p_seqs[1] AND p_seqs[cardinality(p_seqs)]
          AND (e.role <> n.role OR e.parts::text <> n.parts);
        IF value IS NOT NULL THEN
            problem := 'differs';
            RETURN;
        END IF;
    END IF;

    INSERT INTO entries
    SELECT p_session, n.seq, n.role, n.parts::json, n.provider, n.model, n.finish,
           n.input_tokens, n.output_tokens, n.cache_read_tokens, n.cost_usd, n.cost_source, n.duration_ms,
           coalesce(n.recorded_at, clock_timestamp())
    FROM unnest(
        p_seqs, p_roles, p_parts, p_providers, p_models, p_finishes, p_input_tokens, p_output_tokens,
        p_cache_tokens, p_costs, p_cost_sources, p_durations, p_recorded
    ) AS n (
        seq, role, parts, provider, model, finish, input_tokens, output_tokens,
        cache_read_tokens, cost_usd, cost_source, duration_ms, recorded_at
    )
    WHERE n.seq >= next_seq;

    -- For those who watch a run live. Notifying commits one by one: measured with 16 writers on a local disk,
    -- 830 appends a second instead of 1,050 to 1,430, where a busy host needs some tens.
    IF FOUND THEN
        PERFORM pg_notify('tamma_entries', p_session);
    END IF;
END;
$$;

-- Content under its sha256. It arrives compressed where that helps, so the server does not try again.
CREATE TABLE blobs (
    id         text        PRIMARY KEY,
    media_type text        NOT NULL,
    size       bigint      NOT NULL,
    encoding   text        NOT NULL CHECK (encoding IN ('', 'zlib')),
    content    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE blobs ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE events (
    position       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             text        NOT NULL UNIQUE,
    type           text        NOT NULL,
    tags           text[]      NOT NULL,
    actor          text        NOT NULL,
    correlation_id text        NOT NULL,
    data           jsonb       NOT NULL,
    metadata       jsonb       NOT NULL,
    recorded_at    timestamptz NOT NULL,
    hash           text        NOT NULL
);
CREATE INDEX events_type ON events (type, position);
-- Without the pending list: a condition's check must not scan what was not yet merged.
CREATE INDEX events_tags ON events USING gin (tags) WITH (fastupdate = off);

CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are only ever appended: % is refused', TG_OP;
END;
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change();

-- Each of p_events is an event's canonical JSON, the text that its hash covers. p_after is NULL without a
-- condition. One lock for the whole log: positions are committed in order, so that a reader who goes on from
-- the last position it saw misses nothing, and between the condition's check and the write nobody gets in.
-- problem: NULL, with value the highest position of the events given; or 'condition', with value the first
-- position that matched.
CREATE FUNCTION append_events(
    p_events    text[],
    p_after     bigint,
    p_types     text[],
    p_tags      text[],
    OUT problem text,
    OUT value   bigint
) LANGUAGE plpgsql AS $$
DECLARE
    canonical text;
    document  jsonb;
    previous  text;
    stamp     timestamptz;
    missing   bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(1952542061, 1);

    IF cardinality(p_events) = 0 THEN
        SELECT coalesce(max(e.position), 0) INTO value FROM events e;
        RETURN;
    END IF;

    -- All there already: the answer to an earlier call was lost. Its own events must not fail its condition.
    SELECT count(*) FILTER (WHERE e.position IS NULL), max(e.position) INTO missing, value
    FROM unnest(p_events) AS given (canonical)
    LEFT JOIN events e ON e.id = given.canonical::jsonb ->> 'id';
    IF missing = 0 THEN
        RETURN;
    END IF;

    IF p_after IS NOT NULL THEN
        -- Planned anew for each shape, and materialised: a LIMIT or a bare min() would tempt the planner into
        -- walking the whole log in search of a match that, as a rule, is not there.
        EXECUTE 'WITH found AS MATERIALIZED (SELECT e.position FROM events e WHERE e.position > $1'
            || CASE WHEN cardinality(p_types) > 0 THEN ' AND e.type = ANY ($2)' ELSE '' END
            || CASE WHEN cardinality(p_tags) > 0 THEN ' AND e.tags @> $3' ELSE '' END
            || ') SELECT min(position) FROM found'
        INTO value USING p_after, p_types, p_tags;
        IF value IS NOT NULL THEN
            problem := 'condition';
            RETURN;
        END IF;
    END IF;

    SELECT e.hash INTO previous FROM events e ORDER BY e.position DESC LIMIT 1;
    previous := coalesce(previous, repeat('0', 64));
    FOREACH canonical IN ARRAY p_events LOOP
        document := canonical::jsonb;
        CONTINUE WHEN EXISTS (SELECT FROM events e WHERE e.id = document ->> 'id');
        stamp := clock_timestamp();
        previous := encode(sha256(convert_to(
            previous || E'\n'
            || to_char(stamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || E'\n'
            || canonical, 'UTF8')), 'hex');
        INSERT INTO events (id, type, tags, actor, correlation_id, data, metadata, recorded_at, hash)
        VALUES (
            document ->> 'id', document ->> 'type',
            ARRAY(SELECT tag FROM jsonb_array_elements_text(document -> 'tags') WITH ORDINALITY AS t (tag, nth)
                  ORDER BY nth),
            document ->> 'actor', document ->> 'correlation_id', document -> 'data', document -> 'metadata',
            stamp, previous
        )
        RETURNING position INTO value;
    END LOOP;
END;
$$;
