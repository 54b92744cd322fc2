-- What was found in the audit, and what was done about it by itself: each action is a restriction that ends.
CREATE TABLE incidents (
  id text PRIMARY KEY,
  tenant_id text REFERENCES tenants (id),
  rule text NOT NULL,
  -- Names whom or what it is about: one incident at a time for the same.
  culprit_key text NOT NULL,
  culprit jsonb NOT NULL,
  severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
  state text NOT NULL CHECK (state IN ('open', 'contained', 'acknowledged', 'resolved', 'falsePositive')),
  -- What is done, or under a dry run would be.
  action text NOT NULL,
  dry_run boolean NOT NULL,
  evidence jsonb NOT NULL,
  times integer NOT NULL DEFAULT 1,
  version integer NOT NULL DEFAULT 1,
  opened_at timestamptz(3) NOT NULL,
  seen_at timestamptz(3) NOT NULL,
  closed_at timestamptz(3),
  handled_by text
);
CREATE UNIQUE INDEX incidents_open ON incidents (rule, culprit_key) WHERE closed_at IS NULL;
CREATE INDEX incidents_muted ON incidents (rule, culprit_key, closed_at) WHERE state = 'falsePositive';
GRANT SELECT, INSERT, UPDATE ON incidents TO portcullis_app;
ALTER TABLE incidents ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON incidents USING (sees_tenant(tenant_id)) WITH CHECK (sees_tenant(tenant_id));

ALTER TABLE restrictions DROP CONSTRAINT restrictions_kind_check;
ALTER TABLE restrictions ADD CONSTRAINT restrictions_kind_check
  CHECK (kind IN ('operation', 'field', 'subgraph', 'mutations', 'throttle', 'stepUp', 'suspend'));
ALTER TABLE restrictions ADD COLUMN incident_id text REFERENCES incidents (id);
-- The tenant as tokens name it, which may be unknown to the control plane.
ALTER TABLE restrictions ADD COLUMN tenant text;
ALTER TABLE restrictions ADD COLUMN callers jsonb;
-- What acts by itself ends by itself; callers are restricted by incidents only.
ALTER TABLE restrictions ADD CONSTRAINT restrictions_end CHECK (incident_id IS NULL OR expires_at IS NOT NULL);
ALTER TABLE restrictions ADD CONSTRAINT restrictions_callers
  CHECK ((kind IN ('throttle', 'stepUp', 'suspend')) = (callers IS NOT NULL) AND (callers IS NULL OR incident_id IS NOT NULL));
CREATE INDEX restrictions_of_incident ON restrictions (incident_id) WHERE incident_id IS NOT NULL;
