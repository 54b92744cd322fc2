-- The control plane: tenants, applications and their credentials, products and plans, subscriptions and approvals.
-- Rows of a tenant are seen under the role portcullis_app only while portcullis.tenant names it ('*': all tenants).

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portcullis_app') THEN
    CREATE ROLE portcullis_app NOLOGIN;
  END IF;
  IF NOT pg_has_role(current_user, 'portcullis_app', 'MEMBER') THEN
    EXECUTE format('GRANT portcullis_app TO %I', current_user);
  END IF;
END $$;

CREATE TABLE control_version (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version bigint NOT NULL
);
INSERT INTO control_version (version) VALUES (1);

CREATE TABLE tenants (
  id text PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'suspended', 'closing')),
  retention_days integer NOT NULL CHECK (retention_days > 0),
  log_bodies text NOT NULL CHECK (log_bodies IN ('off', 'redacted', 'full')),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL
);

CREATE TABLE members (
  tenant_id text NOT NULL REFERENCES tenants (id),
  subject text NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'approver', 'developer', 'auditor', 'securityOfficer')),
  created_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant_id, subject)
);

CREATE TABLE applications (
  id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants (id),
  name text NOT NULL,
  owner text NOT NULL,
  environment text NOT NULL CHECK (environment IN ('production', 'sandbox')),
  status text NOT NULL CHECK (status IN ('active', 'suspended', 'archived')),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL,
  UNIQUE (tenant_id, id)
);
CREATE UNIQUE INDEX applications_name ON applications (tenant_id, name) WHERE status <> 'archived';

CREATE TABLE credentials (
  id text PRIMARY KEY,
  tenant_id text NOT NULL,
  application_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('apiKey', 'oauthClient', 'mtls', 'dpopJwk')),
  prefix text NOT NULL,
  hash text,
  last4 text,
  scopes text[] NOT NULL,
  not_before timestamptz(3) NOT NULL,
  expires_at timestamptz(3),
  grace_until timestamptz(3),
  revoked_at timestamptz(3),
  created_at timestamptz(3) NOT NULL,
  FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id),
  CHECK ((kind = 'apiKey') = (hash IS NOT NULL))
);
-- The same key prefix names one credential everywhere; a client id is one application's within its tenant.
CREATE UNIQUE INDEX credentials_key_prefix ON credentials (prefix) WHERE kind = 'apiKey';
CREATE UNIQUE INDEX credentials_client ON credentials (tenant_id, kind, prefix) WHERE kind <> 'apiKey' AND revoked_at IS NULL;
CREATE INDEX credentials_application ON credentials (application_id, kind);

CREATE TABLE products (
  id text PRIMARY KEY,
  name text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  description text NOT NULL,
  coordinates text[] NOT NULL,
  tags text[] NOT NULL,
  visibility text NOT NULL CHECK (visibility IN ('public', 'private')),
  approval text NOT NULL CHECK (approval IN ('auto', 'single', 'dual')),
  status text NOT NULL CHECK (status IN ('draft', 'published', 'deprecated', 'retired')),
  created_at timestamptz(3) NOT NULL,
  UNIQUE (name, version)
);

CREATE TABLE plans (
  id text PRIMARY KEY,
  product_id text NOT NULL REFERENCES products (id),
  name text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  limits jsonb NOT NULL,
  term_days integer CHECK (term_days > 0),
  status text NOT NULL CHECK (status IN ('draft', 'published')),
  created_at timestamptz(3) NOT NULL,
  UNIQUE (product_id, id),
  UNIQUE (product_id, name, version)
);

CREATE TABLE subscriptions (
  id text PRIMARY KEY,
  tenant_id text NOT NULL,
  application_id text NOT NULL,
  product_id text NOT NULL,
  plan_id text NOT NULL,
  state text NOT NULL CHECK (state IN ('PENDING', 'PARTIALLY_APPROVED', 'ACTIVE', 'SUSPENDED', 'REJECTED', 'WITHDRAWN',
    'LAPSED', 'EXPIRED', 'REVOKED', 'CANCELLED')),
  requester text NOT NULL,
  reason text NOT NULL,
  request_version integer NOT NULL DEFAULT 1,
  starts_at timestamptz(3),
  ends_at timestamptz(3),
  lapses_at timestamptz(3) NOT NULL,
  supersedes text REFERENCES subscriptions (id),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id),
  FOREIGN KEY (product_id, plan_id) REFERENCES plans (product_id, id)
);
-- One that runs and one that is asked for: a renewal waits beside what it will take the place of.
CREATE UNIQUE INDEX subscriptions_live ON subscriptions (application_id, product_id) WHERE state IN ('ACTIVE', 'SUSPENDED');
CREATE UNIQUE INDEX subscriptions_asked ON subscriptions (application_id, product_id)
  WHERE state IN ('PENDING', 'PARTIALLY_APPROVED');

CREATE TABLE approvals (
  id text PRIMARY KEY,
  tenant_id text NOT NULL,
  subscription_id text NOT NULL,
  request_version integer NOT NULL,
  decider text NOT NULL,
  decision text NOT NULL CHECK (decision IN ('approved', 'rejected')),
  comment text NOT NULL,
  acr text,
  auth_time timestamptz(3),
  at timestamptz(3) NOT NULL,
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
  UNIQUE (subscription_id, request_version, decider)
);

CREATE TABLE control_events (
  id text PRIMARY KEY,
  tenant_id text,
  actor text NOT NULL,
  action text NOT NULL,
  entity text NOT NULL,
  entity_id text NOT NULL,
  before jsonb,
  after jsonb,
  at timestamptz(3) NOT NULL
);
CREATE INDEX control_events_entity ON control_events (entity_id, id);

CREATE TABLE outbox (
  id text PRIMARY KEY,
  tenant_id text,
  topic text NOT NULL,
  payload jsonb NOT NULL,
  at timestamptz(3) NOT NULL,
  delivered_at timestamptz(3)
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE delivered_at IS NULL;

CREATE TABLE idempotency_keys (
  scope text NOT NULL,
  key text NOT NULL,
  action text NOT NULL,
  digest text NOT NULL,
  result jsonb,
  at timestamptz(3) NOT NULL,
  PRIMARY KEY (scope, key)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER control_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON control_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, UPDATE ON control_version TO portcullis_app;
GRANT SELECT, INSERT, UPDATE ON tenants, applications, credentials, products, plans, subscriptions, outbox TO portcullis_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON members, idempotency_keys TO portcullis_app;
GRANT SELECT, INSERT ON approvals, control_events TO portcullis_app;

CREATE FUNCTION sees_tenant(tenant text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(current_setting('portcullis.tenant', true) IN ('*', tenant), false)
$$;
DO $$
DECLARE
  owned text;
BEGIN
  FOREACH owned IN ARRAY ARRAY['members', 'applications', 'credentials', 'subscriptions', 'approvals', 'control_events', 'outbox'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format('CREATE POLICY of_tenant ON %I USING (sees_tenant(tenant_id)) WITH CHECK (sees_tenant(tenant_id))', owned);
  END LOOP;
END $$;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON tenants USING (sees_tenant(id)) WITH CHECK (sees_tenant(id));
