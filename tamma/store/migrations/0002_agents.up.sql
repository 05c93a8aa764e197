-- Agents and their versions.
--
-- What a change makes of an agent is worked out by the program (tamma/store/agent_changes.py), from the agent as
-- it saw it; change_agent puts it in place only if nobody was quicker, together with its event.

CREATE TABLE agents (
    id         text        PRIMARY KEY,
    name       text        NOT NULL,
    -- Which versions rollbacks go back to, the next one last.
    before     integer[]   NOT NULL,
    deleted    boolean     NOT NULL,
    revision   bigint      NOT NULL CHECK (revision > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX agents_name ON agents (name) WHERE NOT deleted;

CREATE TABLE agent_versions (
    agent_id   text        NOT NULL REFERENCES agents,
    number     integer     NOT NULL CHECK (number > 0),
    hash       text        NOT NULL,
    config     jsonb       NOT NULL,
    state      text        NOT NULL CHECK (state IN ('draft', 'active', 'retired')),
    author     text        NOT NULL,
    reason     text        NOT NULL,
    parent     integer,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (agent_id, number),
    FOREIGN KEY (agent_id, parent) REFERENCES agent_versions
);
CREATE UNIQUE INDEX agent_versions_active ON agent_versions (agent_id) WHERE state = 'active';
CREATE INDEX agent_versions_hash ON agent_versions (hash);

-- Runs, tests and reports refer to versions for ever: nothing of one changes but its state, and none goes.
CREATE FUNCTION refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - 'state' = to_jsonb(OLD) - 'state'
           AND (NEW.state <> 'draft' OR OLD.state = 'draft') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'versions of agents never change: % is refused', TG_OP;
END;
$$;
CREATE TRIGGER agent_versions_immutable BEFORE UPDATE OR DELETE ON agent_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_version_change();
CREATE TRIGGER agent_versions_stay BEFORE TRUNCATE ON agent_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_version_change();

-- p_seen is the revision that the caller saw, 0 for an agent that is to be made. p_active is the version that
-- shall be the active one, NULL for none. p_number and what follows it is a new version, a draft, or NULL.
-- p_event is the canonical JSON of the change's event; its id tells a repeated call from another's change.
-- problem: NULL, with value the new revision and moment the time of the change; 'revision', with value the one
-- that stands, 0 where there is no such agent; or 'name', where another agent has it.
CREATE FUNCTION change_agent(
    p_agent     text,
    p_seen      bigint,
    p_name      text,
    p_before    integer[],
    p_deleted   boolean,
    p_active    integer,
    p_number    integer,
    p_hash      text,
    p_config    text,
    p_author    text,
    p_reason    text,
    p_parent    integer,
    p_event     text,
    OUT problem text,
    OUT value   bigint,
    OUT moment  timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    violated text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('agent/' || p_agent, 0));

    -- Done already: the answer to this very call was lost.
    SELECT e.recorded_at INTO moment FROM events e WHERE e.id = p_event::jsonb ->> 'id';
    IF FOUND THEN
        value := p_seen + 1;
        RETURN;
    END IF;

    SELECT a.revision INTO value FROM agents a WHERE a.id = p_agent;
    value := coalesce(value, 0);
    IF value <> p_seen THEN
        problem := 'revision';
        RETURN;
    END IF;

    value := p_seen + 1;
    moment := clock_timestamp();
    BEGIN
        INSERT INTO agents AS a (id, name, before, deleted, revision, created_at, updated_at)
        VALUES (p_agent, p_name, p_before, p_deleted, value, moment, moment)
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, before = excluded.before, deleted = excluded.deleted,
            revision = excluded.revision, updated_at = excluded.updated_at;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        IF violated <> 'agents_name' THEN
            RAISE;
        END IF;
        problem := 'name';
        RETURN;
    END;

    IF p_number IS NOT NULL THEN
        INSERT INTO agent_versions (agent_id, number, hash, config, state, author, reason, parent, created_at)
        VALUES (p_agent, p_number, p_hash, p_config::jsonb, 'draft', p_author, p_reason, p_parent, moment);
    END IF;
    -- In this order: two are never active, not even for a moment.
    UPDATE agent_versions v SET state = 'retired'
    WHERE v.agent_id = p_agent AND v.state = 'active' AND v.number IS DISTINCT FROM p_active;
    UPDATE agent_versions v SET state = 'active'
    WHERE v.agent_id = p_agent AND v.number = p_active AND v.state <> 'active';

    PERFORM append_events(ARRAY[p_event], NULL, '{}', '{}');
END;
$$;
