-- What is switched off, for everybody (no tenant) or for the callers of one tenant, until it expires or is lifted.
CREATE TABLE restrictions (
  id text PRIMARY KEY,
  tenant_id text REFERENCES tenants (id),
  kind text NOT NULL CHECK (kind IN ('operation', 'field', 'subgraph', 'mutations')),
  target text NOT NULL,
  reason text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL,
  expires_at timestamptz(3),
  lifted_at timestamptz(3),
  lifted_by text
);
CREATE INDEX restrictions_in_force ON restrictions (id) WHERE lifted_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON restrictions TO portcullis_app;
ALTER TABLE restrictions ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON restrictions USING (sees_tenant(tenant_id)) WITH CHECK (sees_tenant(tenant_id));
