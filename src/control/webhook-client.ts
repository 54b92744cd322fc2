import { LRUCache } from 'lru-cache';
import { SIGNATURE_HEADER, signatureHeader } from '../webhook-signature.ts';
import type { Notification, OutboxStore } from './outbox-store.ts';

/** Where notifications go. */
export interface Webhook {
  readonly url: string;
  /** Keys the signature. */
  readonly secret: string;
  /** Topics that it gets, such as `subscription.approve`, or `subscription.*`; all where empty. */
  readonly topics: readonly string[];
}

export interface WebhookOptions {
  readonly outbox: Pick<OutboxStore, 'claim' | 'delivered' | 'failed'>;
  readonly webhooks: readonly Webhook[];
  readonly timeoutMs: number;
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** Told of each call that failed: names of hosts and a status, never a body. */
  onFailure(failure: { readonly host: string; readonly topic: string; readonly reason: string }): void;
}

const CLAIM_MAX = 5;
/** Notifications of which is remembered who took them, while others did not; forgotten, they come twice to who has them. */
const REMEMBERED_MAX = 10_000;
const BACKOFF_MS = 1000;
const BACKOFF_MS_MAX = 3_600_000;
const BACKOFF_DOUBLINGS_MAX = 20;

/** Sends notifications to webhooks, each at least once; who gets one twice tells by its id. */
export class WebhookSender {
  readonly #options: WebhookOptions;
  readonly #taken = new LRUCache<string, Set<Webhook>>({ max: REMEMBERED_MAX });
  #sending: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** Sends what waits; one round at a time. Throws: what the database says. */
  send(): Promise<void> {
    this.#sending ??= this.#rounds().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  /** Breaks off what is being sent, which is sent again by the next who looks, and resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    // Who asked for it was told how it ended.
    await Promise.allSettled([this.#sending]);
  }

  async #rounds(): Promise<void> {
    const { outbox, timeoutMs, webhooks, now } = this.#options;
    for (;;) {
      // Long enough for every webhook of every one of them to take its whole time.
      const claimMs = CLAIM_MAX * Math.max(1, webhooks.length) * timeoutMs + BACKOFF_MS;
      const claimed = await outbox.claim(CLAIM_MAX, now(), now() + claimMs);
      for (const notification of claimed) {
        if (this.#closing.signal.aborted) return;
        await this.#deliver(notification);
      }
      if (claimed.length < CLAIM_MAX) return;
    }
  }

  async #deliver(notification: Notification): Promise<void> {
    const { outbox, webhooks, now } = this.#options;
    const { id, topic, attempts } = notification;
    const taken = this.#taken.get(id) ?? new Set<Webhook>();
    const wanted = webhooks.filter((webhook) => wants(webhook, topic) && !taken.has(webhook));
    // One that is silent keeps none of the others waiting, and none gets again and again what another does not take.
    const told = wanted.map((webhook) => this.#tell(webhook, notification, taken));
    if ((await Promise.all(told)).every((arrived) => arrived)) {
      this.#taken.delete(id);
      await outbox.delivered(id, now());
    } else {
      if (taken.size > 0) this.#taken.set(id, taken);
      await outbox.failed(id, now() + backoffMs(attempts));
    }
  }

  async #tell(webhook: Webhook, notification: Notification, taken: Set<Webhook>): Promise<boolean> {
    const reason = await this.#post(webhook, notification);
    if (reason === null) taken.add(webhook);
    else this.#options.onFailure({ host: new URL(webhook.url).host, topic: notification.topic, reason });
    return reason === null;
  }

  /** Null where it was taken, else why not. */
  async #post(
    { url, secret }: Webhook,
    { id, tenantId, topic, payload, at }: Notification,
  ): Promise<string | null> {
    const body = JSON.stringify({ id, topic, tenantId, at: new Date(at).toISOString(), payload });
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-portcullis-delivery': id,
          [SIGNATURE_HEADER]: signatureHeader(secret, this.#options.now(), body),
        },
        body,
        // Where it leads is not what was configured.
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(this.#options.timeoutMs), this.#closing.signal]),
      });
      await response.body?.cancel();
      return response.ok ? null : `status ${response.status}`;
    } catch (fault) {
      return fault instanceof Error ? fault.name : 'unknown';
    }
  }
}

/** Time until the next attempt after so many in vain. */
export function backoffMs(attempts: number): number {
  return Math.min(BACKOFF_MS * 2 ** Math.min(attempts, BACKOFF_DOUBLINGS_MAX), BACKOFF_MS_MAX);
}

function wants({ topics }: Webhook, topic: string): boolean {
  return (
    topics.length === 0 ||
    topics.some(
      (wanted) => wanted === topic || (wanted.endsWith('.*') && topic.startsWith(wanted.slice(0, -1))),
    )
  );
}
