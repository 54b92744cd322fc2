-- Calls of AI models that a kept answer made needless: they take nothing, and tell what they saved.
ALTER TABLE ai_usage
  ADD COLUMN saved_tokens bigint NOT NULL DEFAULT 0 CHECK (saved_tokens >= 0),
  ADD COLUMN saved_micro_usd bigint NOT NULL DEFAULT 0 CHECK (saved_micro_usd >= 0),
  DROP CONSTRAINT ai_usage_source_check,
  ADD CONSTRAINT ai_usage_source_check CHECK (source IN ('provider', 'estimated', 'refunded', 'cache'));

CREATE FUNCTION ai_record_saved(call jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  INSERT INTO ai_usage (id, tenant_id, application_id, credential_id, subscription_id, model, price_version, reserved_tokens,
    reserved_micro_usd, settled_tokens, settled_micro_usd, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    reasoning_tokens, source, finish, at, settle_by, settled_at, saved_tokens, saved_micro_usd)
  SELECT id, tenant, application, credential, subscription, model, "priceVersion", 0, 0, 0, 0, 0, 0, 0, 0, 0, 'cache', 'answered',
    at, "settleBy", at, tokens, "microUsd"
  FROM jsonb_to_record(call) AS c(id text, tenant text, application text, credential text, subscription text, model text,
    "priceVersion" text, tokens bigint, "microUsd" bigint, at timestamptz, "settleBy" timestamptz)
$$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION ai_record_saved(jsonb) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION ai_record_saved(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_record_saved(jsonb) TO portcullis_ai;
