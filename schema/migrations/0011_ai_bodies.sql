-- Questions to AI models and their answers, sealed, of tenants that asked for it. The AI process keeps them and cannot read them; readers
-- see those of their tenant, and open them with the master key.
CREATE TABLE ai_bodies (
  id text COLLATE "C" PRIMARY KEY CHECK (length(id) <= 64),
  tenant_id text NOT NULL REFERENCES tenants (id),
  application_id text,
  subject text NOT NULL,
  field text NOT NULL,
  model text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('redacted', 'full')),
  key_id text NOT NULL,
  wrapped_key text NOT NULL,
  sealed text NOT NULL,
  at timestamptz(3) NOT NULL,
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX ai_bodies_of_tenant ON ai_bodies (tenant_id, id);
CREATE INDEX ai_bodies_end ON ai_bodies (expires_at);
GRANT SELECT ON ai_bodies TO portcullis_app;
ALTER TABLE ai_bodies ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON ai_bodies USING (sees_tenant(tenant_id));

-- Whose questions and answers are kept now, and how.
CREATE FUNCTION ai_body_tenants() RETURNS TABLE (id text, slug text, mode text)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT t.id, t.slug, t.log_bodies FROM tenants t WHERE t.status = 'active' AND t.log_bodies <> 'off' LIMIT 100000
$$;

-- Keeps one, if its tenant still wants it in that form: false where not. It ends with the retention of the tenant.
CREATE FUNCTION ai_keep_body(body jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO ai_bodies (id, tenant_id, application_id, subject, field, model, mode, key_id, wrapped_key, sealed, at, expires_at)
  SELECT b.id, t.id, b.application, b.subject, b.field, b.model, b.mode, b."keyId", b."wrappedKey", b.sealed, b.at,
    b.at + make_interval(days => t.retention_days)
  FROM jsonb_to_record(body) AS b(id text, tenant text, application text, subject text, field text, model text, mode text,
    "keyId" text, "wrappedKey" text, sealed text, at timestamptz)
  JOIN tenants t ON t.id = b.tenant AND t.status = 'active' AND t.log_bodies = b.mode;
  RETURN FOUND;
END $$;

-- Takes away a bounded part of those whose time is over.
CREATE FUNCTION ai_forget_bodies(now_at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  forgotten integer;
BEGIN
  DELETE FROM ai_bodies
  WHERE id IN (SELECT id FROM ai_bodies WHERE expires_at <= now_at LIMIT 1000 FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION ai_body_tenants() SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ai_keep_body(jsonb) SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ai_forget_bodies(timestamptz) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION ai_body_tenants(), ai_keep_body(jsonb), ai_forget_bodies(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_body_tenants(), ai_keep_body(jsonb), ai_forget_bodies(timestamptz) TO portcullis_ai;
