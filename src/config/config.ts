import { z } from 'zod';
import { adminSection } from './admin-section.ts';
import { approvalsSection } from './approvals-section.ts';
import { auditSection } from './audit-section.ts';
import { integerKey, pathKey, switchKey } from './config-keys.ts';
import { costSection } from './cost-section.ts';
import { deepFreeze } from './deep-freeze.ts';
import { identitySection } from './identity-section.ts';
import { incidentsSection } from './incidents-section.ts';
import { killSwitchesSection } from './kill-switches-section.ts';
import { compileSection, limitsSection } from './limits-section.ts';
import { listenSection } from './listen-section.ts';
import { notificationsSection } from './notifications-section.ts';
import { openaiSection } from './openai-section.ts';
import { providerCredentialsSection } from './provider-credentials-section.ts';
import { rateLimitsSection } from './rate-limits-section.ts';
import { stateSection } from './state-section.ts';
import { subgraphSection } from './subgraph-section.ts';
import { subscriptionsSection } from './subscriptions-section.ts';
import { subgraphName, supergraphSection } from './supergraph-section.ts';
import { supervisionSection, workersKey } from './supervision-section.ts';
import { telemetrySection } from './telemetry-section.ts';
import { unmaskSection } from './unmask-section.ts';

const authorizationSection = z.strictObject({
  mode: z
    .enum(['filter', 'reject'])
    .default('filter')
    .describe(
      'What becomes of an operation that asks for too much: filter removes what is not allowed, reject refuses the whole.',
    ),
  dryRun: switchKey(
    false,
    'Removes nothing and only reports what would be removed. It switches protection off: for trying rules out.',
  ),
  errors: z
    .enum(['errors', 'extensions', 'disabled'])
    .default('errors')
    .describe('Where the client is told of removed fields: errors, extensions.authorizationErrors, or not.'),
  hideUnauthorized: switchKey(
    false,
    'Answers what the caller may not use as what does not exist, instead of naming the paths that are refused.',
  ),
  unmask: unmaskSection
    .prefault({})
    .describe('Scopes without which the values of @sensitive fields are masked, by their class.'),
  policies: z
    .array(pathKey('Path or pattern, such as ./policies/*.cedar.'))
    .max(256)
    .default([])
    .describe('Cedar files that answer @policy. None by default: every @policy denies.'),
});

const guardSection = z.strictObject({
  failurePercent: integerKey({
    min: 1,
    max: 100,
    default: 50,
    about: 'Share of failing calls at which a subgraph is left alone, in percent.',
  }),
  callsMin: integerKey({
    min: 1,
    max: 100_000,
    default: 20,
    about: 'Calls in a window below which nothing is decided. A few lost calls prove nothing.',
  }),
  windowMs: integerKey({
    min: 100,
    max: 600_000,
    default: 10_000,
    about: 'Time over which failures are counted, in milliseconds.',
  }),
  openMs: integerKey({
    min: 10,
    max: 600_000,
    default: 5000,
    about: 'Time for which nothing is sent before one call may try, in milliseconds.',
  }),
  retryPercent: integerKey({
    min: 0,
    max: 100,
    default: 10,
    about:
      'Share of queries that may be sent again after a lost connection, in percent. Mutations never are; 0 turns it off.',
  }),
});

const executionSection = z.strictObject({
  engine: z
    .enum(['native', 'apollo'])
    .default('native')
    .describe(
      'What runs the query plan: our own executor, or Apollo Gateway as the reference it is held against. Both plan with Apollo.',
    ),
  deduplicate: switchKey(
    true,
    'Shares identical subgraph queries in flight among callers the subgraph cannot tell apart. Mutations are never shared.',
  ),
  timeoutMs: integerKey({
    min: 1,
    max: 600_000,
    default: 30_000,
    about: 'Time one operation may take to run in all, in milliseconds.',
  }),
  guard: guardSection
    .prefault({})
    .describe('When a failing subgraph is left alone, and what is tried again. Native engine only.'),
  responseBytes: integerKey({
    min: 1024,
    max: 1_073_741_824,
    default: 67_108_864,
    about:
      'Largest answer taken from a subgraph, in bytes. A larger one would fill the memory of all callers.',
  }),
});

const assertionText = (initial: string, about: string) =>
  z.string().min(1).max(256).default(initial).describe(about);

const assertionSection = z.strictObject({
  issuer: assertionText('portcullis', 'The iss claim that subgraphs check.'),
  audience: assertionText('portcullis-subgraphs', 'The aud claim that subgraphs check.'),
  lifetimeSeconds: integerKey({
    min: 10,
    max: 3600,
    default: 120,
    about: 'How long an assertion is valid, in seconds. Short, since it can be replayed that long.',
  }),
  keyFile: pathKey(
    'Ed25519 private key as a JWK. Without it a key is made at start, which does for one gateway process.',
  ).exactOptional(),
});

const logSection = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least severe events written to standard error.'),
});

/** The configuration as written: strict at every level, every key with its bound, default and reason. */
export const configSchema = z.strictObject({
  listen: listenSection.prefault({}).describe('Where and how the gateway is reached.'),
  workers: workersKey,
  supervision: supervisionSection
    .prefault({})
    .describe('How workers are kept alive, where there are several.'),
  supergraph: supergraphSection.describe('Where the graph comes from. The only section that must be given.'),
  subgraphs: z
    .record(subgraphName, subgraphSection)
    .default({})
    .describe('How single subgraphs are called, by name. One that is not listed gets the defaults.'),
  identity: identitySection.prefault({}).describe('Who may call, and which issuers are believed.'),
  authorization: authorizationSection
    .prefault({})
    .describe('How the rules in the schema are applied to callers.'),
  state: stateSection.prefault({}).describe('Where the control plane keeps what it knows.'),
  rateLimits: rateLimitsSection.prefault({}).describe('How much callers may ask for, in points of cost.'),
  admin: adminSection.prefault({}).describe('Administration through the graph itself.'),
  notifications: notificationsSection
    .prefault({})
    .describe('Webhooks that are told of changes in the control plane.'),
  openai: openaiSection.prefault({}).describe('Clients made for OpenAI, on the models of the graph.'),
  providerCredentials: providerCredentialsSection
    .prefault({})
    .describe('What keys of AI providers are sealed with in the control plane.'),
  approvals: approvalsSection
    .prefault({})
    .describe('Subscriptions to products, which administrators approve.'),
  incidents: incidentsSection
    .prefault({})
    .describe('What is looked for in the audit while it is written, and what is done about it at once.'),
  killSwitches: killSwitchesSection
    .prefault({})
    .describe(
      'What is switched off whoever asks. The control plane has switches of its own, which need no restart.',
    ),
  limits: limitsSection.prefault({}).describe('How large an operation and a request may be.'),
  cost: costSection.prefault({}).describe('What an operation may cost, and how costs are counted.'),
  compile: compileSection
    .prefault({})
    .describe('Bounds of parsing, validating and planning operations seen for the first time.'),
  subscriptions: subscriptionsSection
    .prefault({})
    .describe('Streams of events to clients, and their bounds.'),
  execution: executionSection.prefault({}).describe('How operations run against subgraphs.'),
  assertion: assertionSection
    .prefault({})
    .describe('The signed statement that tells subgraphs who is asking.'),
  telemetry: telemetrySection
    .prefault({})
    .describe('What the gateway tells of itself besides logs and audit.'),
  audit: auditSection.prefault({}).describe('The record of every operation.'),
  log: logSection.prefault({}).describe('What the gateway says about itself.'),
});

/** The configuration after validation, before its files are read. */
export type ParsedConfig = z.output<typeof configSchema>;

/** How one subgraph is called. */
export type SubgraphSettings = DeepReadonly<z.output<typeof subgraphSection>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

type ParsedIssuer = ParsedConfig['identity']['jwt'][number];

/** Where the parts that name files differ from what is written: paths are absolute, small files are read. */
interface ReadParts {
  listen: Omit<ParsedConfig['listen'], 'tls'> & { tls?: { cert: string; key: string } };
  supergraph: Pick<ParsedConfig['supergraph'], 'watch' | 'pollMs'> &
    ({ file: string } | { subgraphs: { name: string; url: string; schema: string }[] });
  identity: Omit<ParsedConfig['identity'], 'jwt'> & {
    jwt: (Omit<ParsedIssuer, 'jwks'> & { jwks: { url: string } | { file: string } })[];
  };
  authorization: Omit<ParsedConfig['authorization'], 'policies'> & {
    policies: { path: string; text: string }[];
  };
  assertion: Omit<ParsedConfig['assertion'], 'keyFile'> & { key?: Record<string, string> };
}

/**
 * The whole configuration as the gateway uses it.
 * Invariant: deep frozen; every path is absolute; `subgraphs` has no prototype.
 */
export type Config = DeepReadonly<Omit<ParsedConfig, keyof ReadParts> & ReadParts>;

const DEFAULT_SUBGRAPH: SubgraphSettings = deepFreeze(subgraphSection.parse({}));

/** How to call the subgraph of that name: what the configuration says of it, or else the defaults. */
export function subgraphSettings(config: Config, name: string): SubgraphSettings {
  return config.subgraphs[name] ?? DEFAULT_SUBGRAPH;
}
