-- Limits of spending by repository and period, what runs hold of them, and what was spent by day.

CREATE TABLE spend_limits (
    scope   text        NOT NULL,
    period  text        NOT NULL CHECK (period IN ('day', 'month', 'total')),
    usd     numeric     NOT NULL CHECK (usd >= 0),
    set_by  text        NOT NULL,
    set_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The scope, a glob of * and ?, as LIKE takes it.
    pattern text        NOT NULL GENERATED ALWAYS AS (
        replace(replace(replace(replace(replace(scope, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_')
    ) STORED,
    PRIMARY KEY (scope, period)
);

CREATE TABLE reservations (
    task_id     text        NOT NULL,
    key         text        NOT NULL,
    repo        text        NOT NULL,
    usd         numeric     NOT NULL CHECK (usd >= 0),
    workflow_id text        NOT NULL,
    run_id      text        NOT NULL,
    taken_at    timestamptz NOT NULL,
    settled_at  timestamptz,
    PRIMARY KEY (task_id, key)
);
CREATE INDEX reservations_open ON reservations (taken_at) WHERE settled_at IS NULL;

-- A row a repository and day (UTC): a limit of all time is summed in moments, however many runs there were.
CREATE TABLE spent_by_day (
    day  date    NOT NULL,
    repo text    NOT NULL,
    usd  numeric NOT NULL,
    PRIMARY KEY (day, repo)
);

-- Reservations are rare (one for about a dollar) and short: one lock for all of them is enough, and cannot deadlock.
CREATE FUNCTION lock_spending() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('spending', 7));
$$;

CREATE FUNCTION limits_standing(p_repo text, p_at timestamptz) RETURNS TABLE (
    scope text, period text, usd numeric, set_by text, spent numeric, reserved numeric
) LANGUAGE sql AS $$
    SELECT l.scope, l.period, l.usd, l.set_by,
        coalesce((
            SELECT sum(s.usd) FROM spent_by_day s
            WHERE s.repo LIKE l.pattern AND s.day >= CASE l.period
                WHEN 'day' THEN (p_at AT TIME ZONE 'UTC')::date
                WHEN 'month' THEN date_trunc('month', p_at AT TIME ZONE 'UTC')::date
                ELSE '-infinity'::date
            END
        ), 0),
        coalesce((
            SELECT sum(r.usd) FROM reservations r WHERE r.settled_at IS NULL AND r.repo LIKE l.pattern
        ), 0)
    FROM spend_limits l
    WHERE p_repo IS NULL OR p_repo LIKE l.pattern
    ORDER BY l.scope COLLATE "C", l.period;
$$;

-- p_key NULL: all that the run holds. p_spent NULL: what its transcripts say since it reserved.
CREATE FUNCTION settle_spending(p_task text, p_key text, p_spent numeric, p_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    since   timestamptz;
    of_repo text;
    amount  numeric;
BEGIN
    PERFORM lock_spending();
    SELECT min(r.taken_at), min(r.repo) INTO since, of_repo FROM reservations r
    WHERE r.task_id = p_task AND r.settled_at IS NULL AND (p_key IS NULL OR r.key = p_key);
    IF since IS NULL THEN
        RETURN;
    END IF;
    amount := coalesce(p_spent, (
        SELECT sum(e.cost_usd) FROM entries e
        WHERE starts_with(e.session_id, p_task || '/') AND e.recorded_at >= since
    ), 0);
    UPDATE reservations r SET settled_at = p_at
    WHERE r.task_id = p_task AND r.settled_at IS NULL AND (p_key IS NULL OR r.key = p_key);
    IF amount > 0 THEN
        INSERT INTO spent_by_day AS s (day, repo, usd)
        VALUES ((p_at AT TIME ZONE 'UTC')::date, of_repo, amount)
        ON CONFLICT (day, repo) DO UPDATE SET usd = s.usd + excluded.usd;
    END IF;
END;
$$;

-- NULL where some limit leaves less than p_least.
CREATE FUNCTION reserve_spending(
    p_task text, p_key text, p_repo text, p_workflow text, p_run text,
    p_want numeric, p_least numeric, p_at timestamptz, p_settles text, p_spent numeric
) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    granted numeric;
BEGIN
    PERFORM lock_spending();
    SELECT r.usd INTO granted FROM reservations r WHERE r.task_id = p_task AND r.key = p_key;
    IF FOUND THEN
        RETURN granted;
    END IF;
    PERFORM settle_spending(p_task, p_settles, p_spent, p_at);
    SELECT min(l.usd - l.spent - l.reserved) INTO granted FROM limits_standing(p_repo, p_at) l;
    IF granted < p_least THEN
        RETURN NULL;
    END IF;
    granted := least(p_want, granted);  -- no limit at all is NULL, which least() passes over
    INSERT INTO reservations (task_id, key, repo, usd, workflow_id, run_id, taken_at)
    VALUES (p_task, p_key, p_repo, granted, p_workflow, p_run, p_at);
    RETURN granted;
END;
$$;
