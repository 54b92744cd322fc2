-- A sweep takes a bounded part of what there is to do. All of it, after a shorter retention or a long pause, would take longer than a
-- statement may, and be undone each time, with what nobody settled never settled either.
CREATE OR REPLACE FUNCTION ai_sweep(now_at timestamptz, forget_before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  most CONSTANT integer := 5000;
  swept integer;
BEGIN
  UPDATE ai_usage SET settled_tokens = reserved_tokens, settled_micro_usd = reserved_micro_usd, input_tokens = reserved_tokens,
    cache_read_tokens = 0, cache_write_tokens = 0, output_tokens = 0, reasoning_tokens = 0, source = 'estimated', finish = 'lost',
    settled_at = now_at
  WHERE id IN (SELECT id FROM ai_usage WHERE settled_at IS NULL AND settle_by <= now_at LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS swept = ROW_COUNT;
  -- A process whose clock is behind must not find the window empty that it still counts in.
  DELETE FROM ai_windows
  WHERE key IN (SELECT key FROM ai_windows WHERE ends_at < now_at - interval '1 hour' LIMIT most FOR UPDATE SKIP LOCKED);
  DELETE FROM ai_usage WHERE id IN (SELECT id FROM ai_usage WHERE settled_at < forget_before LIMIT most FOR UPDATE SKIP LOCKED);
  RETURN swept;
END $$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION ai_sweep(timestamptz, timestamptz) SET search_path = %I, pg_temp', current_schema());
END $$;
