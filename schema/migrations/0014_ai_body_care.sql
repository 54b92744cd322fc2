-- Kept questions and answers are put under a new master key where they stand, and end by the clock of the database: the process that keeps
-- them has no say in how long.
GRANT UPDATE (key_id, wrapped_key) ON ai_bodies TO portcullis_app;

CREATE OR REPLACE FUNCTION ai_keep_body(body jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO ai_bodies (id, tenant_id, application_id, subject, field, model, mode, key_id, wrapped_key, sealed, at, expires_at)
  SELECT b.id, t.id, b.application, b.subject, b.field, b.model, b.mode, b."keyId", b."wrappedKey", b.sealed, b.at,
    least(b.at, now()) + make_interval(days => t.retention_days)
  FROM jsonb_to_record(body) AS b(id text, tenant text, application text, subject text, field text, model text, mode text,
    "keyId" text, "wrappedKey" text, sealed text, at timestamptz)
  JOIN tenants t ON t.id = b.tenant AND t.status = 'active' AND t.log_bodies = b.mode;
  RETURN FOUND;
END $$;

-- Takes away a bounded part of those whose time is over.
CREATE FUNCTION ai_forget_bodies() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  forgotten integer;
BEGIN
  DELETE FROM ai_bodies
  WHERE id IN (SELECT id FROM ai_bodies WHERE expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;

-- For processes of the version before; what they take for the time counts no more.
CREATE OR REPLACE FUNCTION ai_forget_bodies(now_at timestamptz) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT ai_forget_bodies()
$$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION ai_keep_body(jsonb) SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ai_forget_bodies() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ai_forget_bodies(timestamptz) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION ai_forget_bodies() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_forget_bodies() TO portcullis_ai;
