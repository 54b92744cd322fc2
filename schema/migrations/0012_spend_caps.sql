-- The most money that a key of an AI provider may spend per day or month of UTC; without one, any. It is counted in the windows of budgets,
-- under the name of the key.
ALTER TABLE provider_credentials
  ADD COLUMN spend_cap jsonb CHECK (
    spend_cap IS NULL
    OR (jsonb_typeof(spend_cap -> 'microUsd') = 'number' AND (spend_cap ->> 'microUsd')::numeric BETWEEN 1 AND 1000000000000000
      AND (spend_cap ->> 'per') IN ('day', 'month')) IS TRUE
  );

-- What keys have spent or reserved of their caps in the window of a time, of those that the session sees.
CREATE FUNCTION ai_key_spend(ids text[], at timestamptz) RETURNS TABLE (id text, micro_usd bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT c.id, w.used
  FROM provider_credentials c
  JOIN ai_windows w ON w.key = format('["key","%s","%s","microUsd","%s"]', c.provider, c.id,
    to_char(ai_key_spend.at AT TIME ZONE 'UTC', CASE c.spend_cap ->> 'per' WHEN 'day' THEN 'YYYY-MM-DD' ELSE 'YYYY-MM' END))
  WHERE c.id = ANY (ids) AND c.spend_cap IS NOT NULL AND sees_tenant(c.tenant_id)
$$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION ai_key_spend(text[], timestamptz) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION ai_key_spend(text[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_key_spend(text[], timestamptz) TO portcullis_app;
