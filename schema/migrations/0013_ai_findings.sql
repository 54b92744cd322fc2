-- What guardrails found in calls of AI models: kind and number, never the text; and calls that guardrails kept from their model, which take
-- nothing.
ALTER TABLE ai_usage
  ADD COLUMN findings jsonb CHECK (findings IS NULL OR jsonb_typeof(findings) = 'array'),
  DROP CONSTRAINT ai_usage_source_check,
  ADD CONSTRAINT ai_usage_source_check CHECK (source IN ('provider', 'estimated', 'refunded', 'cache', 'blocked')),
  DROP CONSTRAINT ai_usage_finish_check,
  ADD CONSTRAINT ai_usage_finish_check CHECK (finish IN ('answered', 'failed', 'aborted', 'lost', 'blocked'));

-- Puts what was found to the record of a call; false where there is no such record.
CREATE FUNCTION ai_record_findings(call text, told jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE ai_usage SET findings = told WHERE id = call;
  RETURN FOUND;
END $$;

CREATE FUNCTION ai_record_blocked(call jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  INSERT INTO ai_usage (id, tenant_id, application_id, credential_id, subscription_id, model, price_version, reserved_tokens,
    reserved_micro_usd, settled_tokens, settled_micro_usd, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    reasoning_tokens, source, finish, at, settle_by, settled_at, findings)
  SELECT id, tenant, application, credential, subscription, model, "priceVersion", 0, 0, 0, 0, 0, 0, 0, 0, 0, 'blocked', 'blocked',
    at, "settleBy", at, findings
  FROM jsonb_to_record(call) AS c(id text, tenant text, application text, credential text, subscription text, model text,
    "priceVersion" text, findings jsonb, at timestamptz, "settleBy" timestamptz)
$$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION ai_record_findings(text, jsonb) SET search_path = %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION ai_record_blocked(jsonb) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION ai_record_findings(text, jsonb), ai_record_blocked(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_record_findings(text, jsonb), ai_record_blocked(jsonb) TO portcullis_ai;
