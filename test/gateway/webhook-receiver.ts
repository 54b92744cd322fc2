import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One notification as it arrived. */
export interface TakenNotification {
  readonly topic: string;
  readonly delivery: string;
  readonly body: string;
  /** Whether the signature is that of the secret, worked out here by what the documentation says. */
  readonly isSigned: boolean;
}

export interface WebhookReceiver {
  readonly url: string;
  /** In the order in which they came. */
  readonly taken: readonly TakenNotification[];
  close(): Promise<void>;
}

const SIGNATURE = /^t=(\d+),v1=([0-9a-f]{64})$/u;

/** A webhook of somebody else. */
export async function startWebhookReceiver(secret: string): Promise<WebhookReceiver> {
  const taken: TakenNotification[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const [, seconds = '', signature = ''] =
      SIGNATURE.exec(String(incoming.headers['x-portcullis-signature'])) ?? [];
    const expected = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const { topic } = JSON.parse(body) as { readonly topic: string };
    const delivery = String(incoming.headers['x-portcullis-delivery']);
    taken.push({ topic, delivery, body, isSigned: signature === expected });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    taken,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
