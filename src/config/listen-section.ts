import { z } from 'zod';
import { integerKey, pathKey, switchKey } from './config-keys.ts';

/** Paths the gateway answers itself, whatever the GraphQL endpoint is. */
const RESERVED_PATH = /^\/(?:health|\.well-known)(?:\/|$)/;

const endpointPath = z
  .string()
  .max(256)
  .regex(/^\/[A-Za-z0-9._~/-]*$/, { error: 'must start with / and hold only letters, digits and . _ ~ / -' })
  .refine((path) => !RESERVED_PATH.test(path), { error: 'must not lie under /health or /.well-known' });

const origin = z
  .string()
  .max(512)
  .refine((value) => /^https?:\/\/[^*]+$/.test(value) && URL.parse(value)?.origin === value, {
    error:
      'must be one exact origin such as https://app.example.com: no path, no trailing slash, and no * (any page could then read answers)',
  });

const cors = z.strictObject({
  origins: z
    .array(origin)
    .max(256)
    .default([])
    .describe(
      'Origins whose pages may read answers. None by default: no page of another origin is let in unnamed.',
    ),
  credentials: switchKey(
    false,
    'Lets those pages send cookies and HTTP authentication. Off: tokens travel in the Authorization header, which needs no such leave.',
  ),
});

const tls = z.strictObject({
  certFile: pathKey('Certificate chain, PEM.'),
  keyFile: pathKey('Private key of the certificate, PEM.'),
});

/** Where and how the gateway is reached, and the bounds of a connection. */
export const listenSection = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(253)
    .default('127.0.0.1')
    .describe(
      'Address to listen on. The default is this machine only; 0.0.0.0 or :: opens it to the network.',
    ),
  port: integerKey({ min: 0, max: 65_535, default: 4000, about: 'TCP port; 0 takes any free one.' }),
  path: endpointPath.default('/graphql').describe('Path of the GraphQL endpoint.'),
  tls: tls
    .exactOptional()
    .describe('Serves HTTPS from these two files. Without it the gateway expects a TLS proxy in front.'),
  http2: switchKey(
    true,
    'Speaks HTTP/2 besides HTTP/1.1 with clients that ask for it, where there is TLS. Without TLS only HTTP/1.1 is spoken.',
  ),
  http2StreamsMax: integerKey({
    min: 1,
    max: 10_000,
    default: 100,
    about: 'Requests at once on one HTTP/2 connection. 100 is the least that the specification advises.',
  }),
  http2ResetsMax: integerKey({
    min: 1,
    max: 100_000,
    default: 200,
    about:
      'Requests that an HTTP/2 client may take back in a burst; 33 a second are forgiven. Beyond it the connection ends (rapid reset).',
  }),
  cors: cors.prefault({}).describe('Which pages of other origins may read answers.'),
  sandbox: z
    .enum(['graphiql', 'apollo', 'off'])
    .default('graphiql')
    .describe(
      'Page a browser gets at the endpoint. graphiql is served by the gateway itself; apollo loads from the internet.',
    ),
  headerBytes: integerKey({
    min: 1024,
    max: 262_144,
    default: 16_384,
    about: 'Largest header of a request, in bytes. 16 KiB holds a large token and is what Node allows.',
  }),
  requestTimeoutMs: integerKey({
    min: 100,
    max: 600_000,
    default: 30_000,
    about: 'Time a client has to send its whole request, in milliseconds. Ends slow senders (Slowloris).',
  }),
  answerTimeoutMs: integerKey({
    min: 1000,
    max: 3_600_000,
    default: 120_000,
    about:
      'Time a client has to take a whole answer, in milliseconds. Ends slow readers, each of which holds its answer in memory.',
  }),
  shutdownTimeoutMs: integerKey({
    min: 0,
    max: 600_000,
    default: 10_000,
    about:
      'Time running requests have to finish on shutdown, in milliseconds. Below the 30 s that orchestrators wait.',
  }),
  compression: switchKey(
    true,
    'Compresses large answers when the client accepts it. Answers are mostly JSON, which shrinks well.',
  ),
  trustProxy: switchKey(
    false,
    'Takes the client address from X-Forwarded-For. Only behind a proxy that sets it: anybody can send that header.',
  ),
});
