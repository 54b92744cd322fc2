import { setTimeout } from 'node:timers/promises';

/** The subscription of the tour: `customer` comes from another subgraph than the event. */
export const WATCH = 'subscription Watch { orderPlaced { id tenantId customer { id displayName } } }';

/** Longest wait for an event. */
const EVENT_TIMEOUT_MS = 30_000;

/** Far longer than an event takes to arrive. */
const QUIET_MS = 300;

/** One open subscription. */
export interface Watching {
  /** The next event, as the client got it. Rejects when the stream ends or none comes in time. */
  next(): Promise<unknown>;
  /** What comes within a short while besides signs of life. */
  unread(): Promise<string>;
  stop(): Promise<void>;
}

/** Subscribes over server-sent events, and resolves when the gateway has opened the stream. */
export async function watch(url: string, token: string): Promise<Watching> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query: WATCH }),
    signal: AbortSignal.timeout(EVENT_TIMEOUT_MS),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (response.status !== 200 || reader === undefined) throw new Error(`status ${response.status}`);
  let text = '';
  return {
    async next() {
      for (;;) {
        const event = /event: next\ndata: (.*)\n\n/u.exec(text);
        if (event?.[1] !== undefined) {
          text = text.slice(event.index + event[0].length);
          return JSON.parse(event[1]);
        }
        const { done, value } = await reader.read();
        if (done) throw new Error('the stream ended');
        text += value;
      }
    },
    async unread() {
      const quiet = setTimeout(QUIET_MS, { done: true, value: undefined } as const);
      for (;;) {
        const { done, value } = await Promise.race([reader.read(), quiet]);
        if (done) return text.replaceAll(':\n\n', '');
        text += value;
      }
    },
    stop: () => reader.cancel(),
  };
}
