-- The audit index: what the segments of the audit log hold, made searchable. The files are the record; this can be made again from them.
-- Rows of a tenant are seen under the role portcullis_app only while portcullis.tenant names it ('*': all tenants).

-- What many events have in common: an operation, the fields it asks for, those of them that were read, what was decided.
CREATE TABLE audit_shapes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest bytea NOT NULL UNIQUE,
  hash text NOT NULL,
  name text NOT NULL,
  type text NOT NULL,
  fields text[] NOT NULL,
  read text[] NOT NULL,
  decision text NOT NULL,
  code text NOT NULL,
  codes text[] NOT NULL
);
CREATE INDEX audit_shapes_fields ON audit_shapes USING gin (fields);
CREATE INDEX audit_shapes_read ON audit_shapes USING gin (read);
CREATE INDEX audit_shapes_name ON audit_shapes (name);
CREATE INDEX audit_shapes_hash ON audit_shapes (hash text_pattern_ops);

-- A tenant is told by its slug, as credentials and events do; '' stands for none, also in the other texts.
CREATE TABLE audit_events (
  at timestamptz(3) NOT NULL,
  run uuid NOT NULL,
  seq bigint NOT NULL,
  tenant text NOT NULL,
  application text NOT NULL,
  subject text NOT NULL,
  shape_id bigint NOT NULL,
  status integer NOT NULL,
  request_id text NOT NULL,
  kind text NOT NULL,
  credential_id text NOT NULL,
  remote_address text NOT NULL,
  severity text NOT NULL,
  cost bigint,
  errors bigint NOT NULL,
  foreign_objects bigint NOT NULL,
  duration_us bigint NOT NULL,
  reasons jsonb,
  PRIMARY KEY (run, seq, at)
) PARTITION BY RANGE (at);
CREATE INDEX audit_events_time ON audit_events (at, run, seq);
CREATE INDEX audit_events_tenant ON audit_events (tenant, at, run, seq);
CREATE INDEX audit_events_shape ON audit_events (tenant, shape_id, at, run, seq);
CREATE INDEX audit_events_subject ON audit_events (subject, at);
CREATE INDEX audit_events_request ON audit_events (request_id);

CREATE TABLE audit_usage (
  tenant text NOT NULL,
  shape_id bigint NOT NULL REFERENCES audit_shapes (id),
  day date NOT NULL,
  application text NOT NULL,
  events bigint NOT NULL,
  last_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, shape_id, day, application)
);
CREATE INDEX audit_usage_shape ON audit_usage (shape_id);

-- The same for all days: small, and enough to tell which way a search has less to read.
CREATE TABLE audit_tenant_shapes (
  tenant text NOT NULL,
  shape_id bigint NOT NULL,
  events bigint NOT NULL,
  last_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, shape_id)
);

-- Makes the partition of a month. Reason for its rights: only the owner of a table makes one.
CREATE FUNCTION audit_partition(month date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  first_day date := date_trunc('month', month)::date;
  partition text := 'audit_events_' || to_char(first_day, 'YYYY_MM');
BEGIN
  IF to_regclass(partition) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(7021884652);
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS %I PARTITION OF audit_events FOR VALUES FROM (%L) TO (%L)',
    partition,
    first_day::timestamp AT TIME ZONE 'UTC',
    (first_day + interval '1 month') AT TIME ZONE 'UTC'
  );
END $$;

-- Drops the partitions that hold nothing from a day on; tells how many.
CREATE FUNCTION audit_drop_partitions(before date) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  partition text;
  dropped integer := 0;
BEGIN
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'audit_events'::regclass
      AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
  LOOP
    EXECUTE format('DROP TABLE %I', partition);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION audit_partition(date), audit_drop_partitions(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_partition(date), audit_drop_partitions(date) TO portcullis_app;

GRANT SELECT, INSERT, DELETE ON audit_shapes, audit_events TO portcullis_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_usage, audit_tenant_shapes TO portcullis_app;

CREATE FUNCTION audit_tenant() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT slug FROM tenants WHERE id = current_setting('portcullis.tenant', true)
$$;
DO $$
DECLARE
  owned text;
BEGIN
  FOREACH owned IN ARRAY ARRAY['audit_events', 'audit_usage', 'audit_tenant_shapes'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format(
      'CREATE POLICY of_tenant ON %I USING (tenant = (SELECT audit_tenant()) OR (SELECT current_setting(''portcullis.tenant'', true)) = ''*'')',
      owned
    );
  END LOOP;
END $$;
