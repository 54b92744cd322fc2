import { z } from 'zod';
import { integerKey, secureUrlKey, sentHeadersKey } from './config-keys.ts';

const TYPES = ['database', 'otlp', 'webhook', 'stdout'] as const;
type SinkType = (typeof TYPES)[number];

/** Keys that belong to some types only. */
const OF_TYPES: Readonly<Record<string, readonly SinkType[]>> = {
  url: ['otlp', 'webhook'],
  secret: ['webhook'],
  headers: ['otlp', 'webhook'],
  timeoutMs: ['otlp', 'webhook'],
  format: ['webhook', 'stdout'],
  retentionDays: ['database'],
};
const REQUIRED: Readonly<Record<SinkType, readonly string[]>> = {
  database: [],
  otlp: ['url'],
  webhook: ['url', 'secret'],
  stdout: [],
};

const sink = z
  .strictObject({
    type: z
      .enum(TYPES)
      .describe(
        'database: an index in state.database, which the admin queries search. otlp: log records of OpenTelemetry over HTTP. webhook: lines of JSON, posted. stdout: lines of JSON.',
      ),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,31}$/u, 'must be 1 to 32 lower-case letters, digits and hyphens')
      .exactOptional()
      .describe('Names it in logs, metrics and its file. Its type unless given; needed for two of one type.'),
    url: secureUrlKey(
      'Where events go: of a webhook, or the base of an OTLP receiver such as http://127.0.0.1:4318.',
    ).exactOptional(),
    secret: z
      .string()
      .min(32)
      .max(1024)
      .exactOptional()
      .describe('Keys the signature of a webhook, best read from the environment; 32 characters or more.'),
    headers: sentHeadersKey('Sent along with each call, such as a token of the receiver.').exactOptional(),
    timeoutMs: z
      .int()
      .min(100)
      .max(60_000)
      .exactOptional()
      .describe('Time that a receiver has to answer, in milliseconds. 10,000 unless given.'),
    format: z
      .enum(['ndjson', 'ocsf'])
      .exactOptional()
      .describe('ndjson, unless given: the event with its run. ocsf: API Activity of OCSF 1.3.0.'),
    retentionDays: z
      .int()
      .min(1)
      .max(36_500)
      .exactOptional()
      .describe(
        'Days that the index keeps events of nobody whose tenant is known; a tenant says its own. 365 unless given.',
      ),
  })
  .check((context) => {
    const { type, ...given } = context.value;
    const fault = (key: string, message: string) =>
      context.issues.push({ code: 'custom', message, input: context.value, path: [key] });
    for (const key of Object.keys(given)) {
      if (OF_TYPES[key]?.includes(type) === false) fault(key, `does not belong to a sink of type ${type}`);
    }
    for (const key of REQUIRED[type]) {
      if (!Object.hasOwn(given, key)) fault(key, 'is required');
    }
  });

/** Where events of the audit go besides the files. */
export const auditSinksKey = z
  .array(sink)
  .max(8)
  .default([])
  .check((context) => {
    const names = context.value.map(({ name, type }) => name ?? type);
    const twice = names.findIndex((name, at) => names.indexOf(name) < at);
    if (twice < 0) return;
    const message = 'has the name of another sink';
    context.issues.push({ code: 'custom', message, input: context.value, path: [twice, 'name'] });
  })
  .describe('Where events go besides the files, each at least once; the files wait for a sink that is down.');

/** How often the files are looked at for what a sink does not have yet. */
export const auditShipPollKey = integerKey({
  min: 50,
  max: 60_000,
  default: 1000,
  about: 'Time between two looks at the files for what a sink does not have yet, in milliseconds.',
});
