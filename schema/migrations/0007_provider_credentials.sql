-- Keys of AI providers, sealed: for the calls of one tenant, or (no tenant) of every tenant that has none of its own.
CREATE TABLE provider_credentials (
  id text PRIMARY KEY,
  tenant_id text REFERENCES tenants (id),
  provider text NOT NULL,
  endpoint text,
  key_id text NOT NULL,
  wrapped_key text NOT NULL,
  sealed text NOT NULL,
  last4 text NOT NULL,
  priority integer NOT NULL,
  weight integer NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'disabled')),
  version integer NOT NULL DEFAULT 1,
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL,
  rotated_at timestamptz(3)
);
CREATE INDEX provider_credentials_of_tenant ON provider_credentials (tenant_id, provider);
GRANT SELECT, INSERT, UPDATE ON provider_credentials TO portcullis_app;
ALTER TABLE provider_credentials ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON provider_credentials USING (sees_tenant(tenant_id)) WITH CHECK (sees_tenant(tenant_id));
