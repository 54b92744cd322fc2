-- How many of the changes only restricted, for a time or until it is undone: gateways read what is restricted anew, and nothing else.
-- A gateway of before counts none, so that its changes are read whole.
ALTER TABLE control_version ADD COLUMN restricting bigint NOT NULL DEFAULT 0;
