-- Functions that run with the rights of their owner look for tables of the session last. Unless that is said, those come first, and
-- whoever may call such a function could have it use a table of its own, with a trigger that then runs as the owner.
-- Source: PostgreSQL, "Writing SECURITY DEFINER Functions Safely".
DO $$
DECLARE
  owned regprocedure;
BEGIN
  FOR owned IN
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.prosecdef AND p.pronamespace = current_schema()::regnamespace
      AND p.proname IN ('ai_reserve', 'ai_settle', 'ai_sweep', 'audit_partition', 'audit_drop_partitions')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', owned, current_schema());
  END LOOP;
END $$;
