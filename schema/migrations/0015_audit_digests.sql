-- Digests of the values of arguments that @audit asks for, so that who holds the key finds who asked with a value that is known. A
-- table of their own: the rules on rows let an index be used for equality, and not for what an array holds.
CREATE TABLE audit_digests (
  tenant text NOT NULL,
  digest text NOT NULL,
  at timestamptz(3) NOT NULL,
  run uuid NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (digest, at, run, seq)
);
CREATE INDEX audit_digests_tenant ON audit_digests (tenant, at);

GRANT SELECT, INSERT, DELETE ON audit_digests TO portcullis_app;
ALTER TABLE audit_digests ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON audit_digests
  USING (tenant = (SELECT audit_tenant()) OR (SELECT current_setting('portcullis.tenant', true)) = '*');
