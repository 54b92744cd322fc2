-- Digests of the values of arguments that @audit asks for, so that who holds the key finds who asked with a value that is known.
ALTER TABLE audit_events ADD COLUMN digests text[];
CREATE INDEX audit_events_digests ON audit_events USING gin (digests) WHERE digests IS NOT NULL;
