import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { freePort } from '../free-port.ts';
import { json } from './tiny-subgraph.ts';

export type Outside = Awaited<ReturnType<typeof startOutside>>;

/** Receives what a gateway sends to webhooks, and all that it tells by OTLP; tells how a gateway is to be configured for it. */
export async function startOutside() {
  const sent: string[] = [];
  const server = createServer(async (request, response) => {
    sent.push(JSON.stringify(request.headers) + (await textOf(request)));
    json(response, {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const port = await freePort();
  return {
    /** Headers and body of each request, as text. */
    sent,
    url,
    /** Where the gateway is asked for its metrics. */
    metrics: `http://127.0.0.1:${port}/metrics`,
    sinks: [
      { type: 'webhook', name: 'siem', url, secret: 's'.repeat(32), format: 'ocsf' },
      { type: 'otlp', url },
      { type: 'stdout' },
    ],
    telemetry: {
      otlp: { url },
      traces: { enabled: true, samplePercent: 100 },
      metrics: { enabled: true, port, otlp: { enabled: true, intervalMs: 1000 } },
    },
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}
