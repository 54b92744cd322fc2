-- Which key of a provider a call was made with, so that what keys take is told wherever they are declared.
ALTER TABLE ai_usage ADD COLUMN provider_key text CHECK (length(provider_key) <= 256);

-- As before, with the key.
CREATE OR REPLACE FUNCTION ai_reserve(call jsonb, demands jsonb) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  demand record;
  counted bigint;
  lacking text[] := '{}';
BEGIN
  FOR demand IN
    SELECT * FROM jsonb_to_recordset(demands) AS d(key text COLLATE "C", amount bigint, most bigint, ends_at timestamptz)
    ORDER BY key
  LOOP
    INSERT INTO ai_windows (key, used, ends_at) VALUES (demand.key, 0, demand.ends_at) ON CONFLICT (key) DO NOTHING;
    SELECT used INTO counted FROM ai_windows WHERE key = demand.key FOR UPDATE;
    IF counted + demand.amount > demand.most THEN
      lacking := lacking || demand.key;
    END IF;
  END LOOP;
  IF cardinality(lacking) > 0 THEN
    RETURN lacking;
  END IF;
  UPDATE ai_windows SET used = used + d.amount
  FROM jsonb_to_recordset(demands) AS d(key text, amount bigint) WHERE ai_windows.key = d.key;
  INSERT INTO ai_usage (id, tenant_id, application_id, credential_id, subscription_id, model, provider_key, price_version,
    reserved_tokens, reserved_micro_usd, at, settle_by)
  SELECT id, tenant, application, credential, subscription, model, "providerKey", "priceVersion", tokens, "microUsd", at, "settleBy"
  FROM jsonb_to_record(call) AS c(id text, tenant text, application text, credential text, subscription text, model text,
    "providerKey" text, "priceVersion" text, tokens bigint, "microUsd" bigint, at timestamptz, "settleBy" timestamptz);
  RETURN lacking;
END $$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION ai_reserve(jsonb, jsonb) SET search_path = %I, pg_temp', current_schema());
END $$;
