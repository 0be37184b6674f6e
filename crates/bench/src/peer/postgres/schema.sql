-- What the service keeps: records with the agencies that may read them, and an audit row for each act, in one transaction with it.
-- The service is a role of its own, which owns nothing and which row-level security holds for.

CREATE ROLE gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
-- Pages are read by their key, in its order: a planner that takes the policy to let few rows through would sort all that follow instead.
ALTER ROLE gateway SET plan_cache_mode = force_generic_plan;
ALTER ROLE gateway SET enable_bitmapscan = off;

CREATE TABLE record (
    seq            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             bytea NOT NULL UNIQUE,
    owner          text NOT NULL,
    submission_id  text NOT NULL,
    kind           text NOT NULL,
    schema_version text NOT NULL,
    body           jsonb NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    -- Numbers of a sequence become visible in another order than they were given: pages end before the oldest transaction under way.
    received_in    xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- A submission that is sent again gets the record that it made.
    UNIQUE (owner, submission_id)
);

CREATE TABLE audit (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    operation text NOT NULL,
    agency    text NOT NULL,
    system    text NOT NULL,
    operator  text NOT NULL,
    purpose   text NOT NULL,
    -- The record of a collection; of a disclosure, the first and last of the page and how many there were.
    record    bytea,
    first     bigint,
    last      bigint,
    records   bigint
);
-- Who saw a record is what an auditor asks first.
CREATE INDEX audit_record ON audit (record) WHERE record IS NOT NULL;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows are only ever added';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse();

GRANT INSERT, SELECT ON record TO gateway;
GRANT INSERT ON audit TO gateway;

ALTER TABLE record ENABLE ROW LEVEL SECURITY;
ALTER TABLE record FORCE ROW LEVEL SECURITY;

-- Each transaction states whom it acts for. The inner SELECT has the setting read once a statement, and not once a row.
CREATE POLICY submitted ON record FOR INSERT TO gateway
    WITH CHECK (owner = (SELECT current_setting('bench.agency')));
CREATE POLICY own ON record FOR SELECT TO gateway
    USING (owner = (SELECT current_setting('bench.agency')));
CREATE POLICY shared ON record FOR SELECT TO gateway
    USING (body -> 'releasable_to' ?| (SELECT string_to_array(current_setting('bench.named'), ','))
        AND body ->> 'tlp' <> 'RED'
        AND NOT coalesce((body ->> 'processing_restricted')::boolean, false));
