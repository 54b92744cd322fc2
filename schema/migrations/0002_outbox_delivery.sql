-- Who delivers a notification says so for a time, so that several gateways do not send the same one at once.
ALTER TABLE outbox ADD COLUMN claimed_until timestamptz(3);
ALTER TABLE outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0;
GRANT DELETE ON outbox TO portcullis_app;
