import type { Config } from '../config/config.ts';
import type { ControlDatabase } from '../control/database-pool.ts';
import { OutboxStore } from '../control/outbox-store.ts';
import { WebhookSender } from '../control/webhook-client.ts';
import { describeError, type Log } from '../telemetry/log-sink.ts';

const RETRY_MS = 1000;
const FORGET_MS = 600_000;
const DAY_MS = 86_400_000;

/** Tells webhooks of changes while it is open. */
export interface RunningNotifications {
  /** Something was changed: what waits is sent now. */
  hear(): void;
  close(): Promise<void>;
}

/** Sends what waits in the outbox, and forgets what is old, also where nobody is told of anything. */
export function startNotifications(
  { notifications: { webhooks, timeoutMs, keepDays } }: Config,
  deps: { readonly database: ControlDatabase; readonly log: Log; now(): number },
): RunningNotifications {
  const { database, log, now } = deps;
  const outbox = new OutboxStore(database);
  const onFailure = (failure: { readonly host: string; readonly topic: string; readonly reason: string }) =>
    log.warn('a webhook did not take a notification', failure);
  const sender = new WebhookSender({ outbox, webhooks, timeoutMs, now, onFailure });
  let closed = false;
  const hear = (): void => {
    if (closed || webhooks.length === 0) return;
    sender.send().catch((fault: unknown) => log.error('notifications cannot be read', describeError(fault)));
  };
  const forget = async (): Promise<void> => {
    try {
      const lost = await outbox.forget(now() - keepDays * DAY_MS);
      if (lost > 0 && webhooks.length > 0) log.error('notifications were given up', { notifications: lost });
    } catch (fault) {
      log.warn('old notifications could not be forgotten', describeError(fault));
    }
  };
  const timers = [setInterval(hear, RETRY_MS).unref(), setInterval(() => void forget(), FORGET_MS).unref()];
  return {
    hear,
    close: async () => {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      await sender.close();
    },
  };
}
