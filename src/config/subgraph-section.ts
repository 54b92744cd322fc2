import { z } from 'zod';
import { integerKey, serviceUrlKey } from './config-keys.ts';

/** Headers of one connection (RFC 9110 section 7.6.1) and those that frame the gateway's own request. */
const NEVER_FORWARDED = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const forwardedHeader = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'must be a header name' })
  .toLowerCase()
  .refine((name) => !NEVER_FORWARDED.has(name), {
    error: 'belongs to one connection or to the framing of the request and is never forwarded',
  })
  .refine((name) => !name.startsWith('x-portcullis-'), {
    error: 'x-portcullis-* is what the gateway itself says to subgraphs; a client must not say it',
  });

/** How one subgraph is called and how far it is trusted. */
export const subgraphSection = z.strictObject({
  url: serviceUrlKey('Where the gateway reaches it, in place of the URL in the supergraph.').exactOptional(),
  timeoutMs: integerKey({
    min: 1,
    max: 600_000,
    default: 10_000,
    about:
      'Time one call may take, in milliseconds. Below execution.timeoutMs, so that one slow subgraph does not sink the whole answer.',
  }),
  pipelining: integerKey({
    min: 1,
    max: 64,
    default: 1,
    about:
      'Queries under way on one connection at once, over plain HTTP. More cost the gateway less; a slow answer may hold up those behind it for a tenth of a second. Only for a subgraph, and proxies before it, that are trusted to answer in order. Mutations are alone on theirs.',
  }),
  subscriptions: z
    .strictObject({
      protocol: z
        .enum(['sse', 'websocket'])
        .default('sse')
        .describe(
          'Server-sent events (graphql-sse, distinct connections), or a WebSocket for each subscription (graphql-transport-ws).',
        ),
      url: serviceUrlKey(
        'Where it takes subscriptions, if not at its URL: http or https for WebSockets too.',
      ).exactOptional(),
    })
    .prefault({})
    .describe('How it is asked for subscriptions.'),
  errors: z
    .enum(['masked', 'passthrough'])
    .default('masked')
    .describe(
      'Whether its error messages reach clients. Masked: they may tell of hosts, statements and other callers.',
    ),
  allowedExtensions: z
    .array(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, { error: 'must be an extension key' }))
    .max(64)
    .default(['code'])
    .describe('Keys of error extensions that pass when errors is passthrough. All others are removed.'),
  identity: z
    .enum(['none', 'tenant', 'principal'])
    .default('principal')
    .describe(
      'How much it learns of the caller. Fetches are shared only among callers it cannot tell apart.',
    ),
  budgetFields: z
    .array(
      z
        .string()
        .regex(/^[_A-Za-z]\w{0,127}\.[_A-Za-z]\w{0,127}$/, { error: 'must be a field, as Type.field' }),
    )
    .min(1)
    .max(64)
    .exactOptional()
    .describe(
      'Fields that use AI models, such as Mutation.chat. The subgraph is told, with identity principal, what the AI limits of the caller’s plans for them are. Needs approvals.enforce.',
    ),
  modelReports: z
    .boolean()
    .default(false)
    .describe(
      'Whether the audit and the metrics have what it says of the AI models that it asked (extensions.models). For subgraphs that ask models.',
    ),
  forwardHeaders: z
    .array(forwardedHeader)
    .max(64)
    .default([])
    .describe(
      'Client headers passed on. None by default; authorization only where named, since a subgraph could replay the token.',
    ),
});
