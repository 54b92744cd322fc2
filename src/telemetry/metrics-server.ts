import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where metrics are served: apart from the endpoint, so that they are not public with it. */
export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly path: string;
  render(): string;
}

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 5000;
const HEADER_BYTES_MAX = 8192;
const CONNECTIONS_MAX = 32;

/** Serves one page. Throws: what the system says of the port. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const bounds = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  };
  const server = createServer(bounds, ({ method, url }, response) => {
    const found = url === options.path || url?.startsWith(`${options.path}?`) === true;
    const isRead = method === 'GET' || method === 'HEAD';
    const page = found && isRead ? options.render() : undefined;
    const status = !found ? 404 : isRead ? 200 : 405;
    response.writeHead(status, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(method === 'GET' ? page : undefined);
  });
  server.maxConnections = CONNECTIONS_MAX;
  // Workers of one gateway must not share it: each page tells of one process.
  server.listen({ port: options.port, host: options.host, exclusive: true });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}${options.path}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
