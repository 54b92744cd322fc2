-- The use of AI models: the windows that budgets are counted in, and a record for each call of a provider. The AI process calls
-- three functions and sees no table; each of them is one statement, so that a process that dies leaves nothing half done.

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portcullis_ai') THEN
    BEGIN
      CREATE ROLE portcullis_ai NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      -- Roles are those of the whole server: the migration of another database was faster.
      NULL;
    END;
  END IF;
  IF NOT pg_has_role(current_user, 'portcullis_ai', 'MEMBER') THEN
    EXECUTE format('GRANT portcullis_ai TO %I', current_user);
  END IF;
END $$;

CREATE TABLE ai_windows (
  key text COLLATE "C" PRIMARY KEY CHECK (length(key) <= 1024),
  used bigint NOT NULL,
  ends_at timestamptz(3) NOT NULL
);
CREATE INDEX ai_windows_end ON ai_windows (ends_at);

-- Callers need not be known here, so nothing is referenced; a record outlives what it names.
CREATE TABLE ai_usage (
  id text COLLATE "C" PRIMARY KEY,
  tenant_id text NOT NULL,
  application_id text,
  credential_id text,
  subscription_id text,
  model text NOT NULL,
  price_version text,
  reserved_tokens bigint NOT NULL CHECK (reserved_tokens >= 0),
  reserved_micro_usd bigint NOT NULL CHECK (reserved_micro_usd >= 0),
  settled_tokens bigint CHECK (settled_tokens >= 0),
  settled_micro_usd bigint CHECK (settled_micro_usd >= 0),
  input_tokens bigint,
  cache_read_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  source text CHECK (source IN ('provider', 'estimated', 'refunded')),
  finish text CHECK (finish IN ('answered', 'failed', 'aborted', 'lost')),
  at timestamptz(3) NOT NULL,
  settle_by timestamptz(3) NOT NULL,
  settled_at timestamptz(3),
  CHECK (num_nulls(settled_at, settled_tokens, settled_micro_usd, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    reasoning_tokens, source, finish) IN (0, 10))
);
CREATE INDEX ai_usage_tenant ON ai_usage (tenant_id, id);
CREATE INDEX ai_usage_open ON ai_usage (settle_by) WHERE settled_at IS NULL;
CREATE INDEX ai_usage_settled ON ai_usage (settled_at);

-- Takes the amounts of all demands and opens the record, or does nothing and returns the keys of the demands without room.
-- Windows are locked in the order of their keys: two calls never wait for each other.
CREATE FUNCTION ai_reserve(call jsonb, demands jsonb) RETURNS text[]
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
  INSERT INTO ai_usage (id, tenant_id, application_id, credential_id, subscription_id, model, price_version,
    reserved_tokens, reserved_micro_usd, at, settle_by)
  SELECT id, tenant, application, credential, subscription, model, "priceVersion", tokens, "microUsd", at, "settleBy"
  FROM jsonb_to_record(call) AS c(id text, tenant text, application text, credential text, subscription text, model text,
    "priceVersion" text, tokens bigint, "microUsd" bigint, at timestamptz, "settleBy" timestamptz);
  RETURN lacking;
END $$;

-- Puts what a call took in the place of what was reserved, once; false where that was done before.
CREATE FUNCTION ai_settle(call text, settlement jsonb, changes jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE ai_usage SET settled_tokens = s.tokens, settled_micro_usd = s."microUsd", input_tokens = s.input,
    cache_read_tokens = s."cacheRead", cache_write_tokens = s."cacheWrite", output_tokens = s.output,
    reasoning_tokens = s.reasoning, source = s.source, finish = s.finish, settled_at = s.at
  FROM jsonb_to_record(settlement) AS s(tokens bigint, "microUsd" bigint, input bigint, "cacheRead" bigint, "cacheWrite" bigint,
    output bigint, reasoning bigint, source text, finish text, at timestamptz)
  WHERE ai_usage.id = call AND ai_usage.settled_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM FROM ai_windows WHERE key IN (SELECT key FROM jsonb_to_recordset(changes) AS c(key text)) ORDER BY key FOR UPDATE;
  UPDATE ai_windows SET used = used + c.amount
  FROM jsonb_to_recordset(changes) AS c(key text, amount bigint) WHERE ai_windows.key = c.key;
  RETURN true;
END $$;

-- Settles at their reservation what nobody settled in time, which changes no window; forgets what has ended.
CREATE FUNCTION ai_sweep(now_at timestamptz, forget_before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  swept integer;
BEGIN
  UPDATE ai_usage SET settled_tokens = reserved_tokens, settled_micro_usd = reserved_micro_usd, input_tokens = reserved_tokens,
    cache_read_tokens = 0, cache_write_tokens = 0, output_tokens = 0, reasoning_tokens = 0, source = 'estimated', finish = 'lost',
    settled_at = now_at
  WHERE settled_at IS NULL AND settle_by <= now_at;
  GET DIAGNOSTICS swept = ROW_COUNT;
  -- A process whose clock is behind must not find the window empty that it still counts in.
  DELETE FROM ai_windows WHERE ends_at < now_at - interval '1 hour';
  DELETE FROM ai_usage WHERE settled_at < forget_before;
  RETURN swept;
END $$;

REVOKE ALL ON FUNCTION ai_reserve(jsonb, jsonb), ai_settle(text, jsonb, jsonb), ai_sweep(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_reserve(jsonb, jsonb), ai_settle(text, jsonb, jsonb), ai_sweep(timestamptz, timestamptz) TO portcullis_ai;

-- What people read goes by the tenant, as everything else does.
GRANT SELECT ON ai_usage TO portcullis_app;
ALTER TABLE ai_usage ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON ai_usage USING (sees_tenant(tenant_id));
