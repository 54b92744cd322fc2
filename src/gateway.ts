import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { ADMIN_SUBGRAPH, adminSchemaFile } from './admin-subgraph.ts';
import { makeAssertionKey } from './assertion-key.ts';
import { createPolicyEngine, type PolicyEngine } from './authorization/policy-engine.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import type { ControlPlane } from './control/control-plane.ts';
import { ARGUMENT_KEY_PURPOSE } from './digest-arguments.ts';
import { GatewayError } from './errors.ts';
import { createAssertionMinter } from './execution/assertion.ts';
import { type Graph, startGraph, warmGraph } from './graph.ts';
import { type CredentialDirectory, staticDirectory } from './identity/credential-directory.ts';
import { createIdentifier } from './identity/identify.ts';
import { FileJwksSource, RemoteJwksSource } from './identity/jwks-source.ts';
import { createListener } from './listener/listener-server.ts';
import { createRequestIds } from './listener/request-ids.ts';
import { sharesPort } from './listener/shared-port.ts';
import { prepareThreads } from './operation/compile-threads-pool.ts';
import { handle, type PipelineParts } from './pipeline.ts';
import { watchedAudit } from './rate-limiting.ts';
import { followSupergraph } from './start/follow-supergraph.ts';
import { type ControlDeps, NO_CONTROL, type RunningControl } from './start/running-control.ts';
import { openAudit } from './start/start-audit.ts';
import { startAuditSinks } from './start/start-audit-sinks.ts';
import { looksForIncidents, watchIncidents } from './start/start-incidents.ts';
import { createLimiter } from './start/start-limiter.ts';
import { startMetrics } from './start/start-metrics.ts';
import { createRestraints, createSwitches } from './start/start-switches.ts';
import { startTracing } from './start/start-tracing.ts';
import { StreamReviews } from './streams/stream-reviews.ts';
import { SubscriptionCounts } from './streams/subscription-counts.ts';
import { Generations } from './supergraph/generations.ts';
import type { Supergraph } from './supergraph/supergraph.ts';
import { createSupergraphSource } from './supergraph/supergraph-source.ts';
import { IncidentCounts } from './telemetry/incident-metrics.ts';
import { createLog, describeError, faultDetails, type Log } from './telemetry/log-sink.ts';

export interface RunningGateway {
  /** The endpoint. */
  readonly url: string;
  /** Null where nothing needs it. */
  readonly control: ControlPlane | null;
  /** Where the admin subgraph is served to the gateway; null where it is not. */
  readonly adminUrl: string | null;
  close(): Promise<void>;
}

const clock: Clock = { now: Date.now, nowUs: () => performance.now() * 1000 };

/**
 * Builds the gateway from its parts and starts it; what was opened is closed in reverse, also when a later part fails.
 * Throws: CONFIG_INVALID, SUPERGRAPH_INVALID, COMPOSITION_FAILED, AUDIT_UNAVAILABLE, or what the system says of the port.
 */
export async function startGateway(
  config: Config,
  options: { readonly port?: number; readonly worker?: number } = {},
): Promise<RunningGateway> {
  const opened = new AsyncDisposableStack();
  try {
    prepareThreads(config.compile);
    const log = createLog(config.log.level, options);
    const { privateKey, publicJwk } = await assertionKey(config);
    const minter = createAssertionMinter({ ...config.assertion, privateKey, keyId: publicJwk.kid }, clock);
    const { sink: audit, secretFor } = await openAudit(config, { log, clock, ...options }, opened);

    const switches = createSwitches(config, { clock, log });
    const limiter = await createLimiter(config, { log, clock });
    opened.defer(async () => limiter?.close());
    const restraints = createRestraints(config, { clock, limiter });
    const jwks = { keys: [publicJwk] };
    const reviews = new StreamReviews();
    const onReplaced = (): void => reviews.changed();
    const running = await openControl(config, { clock, log, jwks, switches, restraints, onReplaced });
    opened.defer(() => running.close());
    const sinks = startAuditSinks(config, { clock, log, ...options, control: running.control }, opened);
    const tracer = startTracing(config, { clock, log }, opened);

    const identifier = createIdentifier(identityOptions(config, running.keys), clock);
    opened.defer(() => identifier.close());

    const graphs = new Generations<Graph>((fault) =>
      log.error('closing a graph failed', describeError(fault)),
    );
    opened.defer(() => graphs.close());
    const source = opened.adopt(createSupergraphSource(sourceOptions(config)), (each) => each.close());
    const start = (supergraph: Supergraph) =>
      startGraph(supergraph, config, { minter, clock, ...running, ...tracer });
    graphs.replace(await start(await source.load()));
    if (config.supergraph.watch) {
      followSupergraph({
        ...{ source, graphs, log, start },
        warm: (next, current) => warmGraph(next, current, config),
        onRefused: (fault) => log.error('new supergraph is refused; the old one stays', faultDetails(fault)),
      });
    }

    const readiness = () => {
      const checks = { supergraph: graphs.current !== null, audit: audit.healthy(), ...running.checks() };
      return { ready: Object.values(checks).every(Boolean), checks };
    };
    const counts = new IncidentCounts();
    const incidentDeps = { audit, log, clock, opened, limiter, counts, control: running.control };
    const plain: PipelineParts = {
      ...{ identifier, limiter, graphs, log, clock, policies: createPolicies(config, log) },
      ...{ switches, restraints, entitlements: running.entitlements },
      audit: watchedAudit(limiter, watchIncidents(config, incidentDeps)),
      ...{ counts: new SubscriptionCounts(), reviews },
      options: pipelineOptions(config, secretFor),
    };
    const parts = await startMetrics(tracer.observed(plain), config, {
      ...{ audit, log, opened, sinks, identifier, graphs, tracer, clock, running, incidents: counts },
      ready: () => readiness().ready,
    });
    const listener = createListener(listenerOptions(config, options), {
      handle: tracer.traced((request) => handle(request, parts)),
      jwks: () => jwks,
      readiness,
      newId: createRequestIds(),
      now: clock.now,
      onFault: (fault, requestId) => log.error('listener fault', { requestId, ...describeError(fault) }),
    });
    opened.defer(() => listener.close());
    const url = await listener.listen();
    log.info('listening', { url });
    return { url, control: running.control, adminUrl: running.adminUrl, close: () => opened.disposeAsync() };
  } catch (fault) {
    await opened.disposeAsync();
    throw fault;
  }
}

function createPolicies({ authorization }: Config, log: Log): PolicyEngine {
  const policies = createPolicyEngine(authorization.policies, null, (fault) =>
    log.error('policy fault', { ...fault }),
  );
  for (const warning of policies.warnings) log.warn('policy warning', { warning });
  return policies;
}

/** A control plane where something needs it; what it takes to have one is loaded only then. */
async function openControl(config: Config, deps: ControlDeps): Promise<RunningControl> {
  const { approvals, admin, audit } = config;
  const hasIndex = audit.sinks.some(({ type }) => type === 'database');
  if (!approvals.enforce && !admin.enabled && !hasIndex && !looksForIncidents(config)) return NO_CONTROL;
  const { startControl } = await import('./start/start-control.ts');
  return startControl(config, deps);
}

/** The key that signs assertions: the configured one, or one made for the life of this process. */
async function assertionKey(config: Config) {
  const jwk: JWK = config.assertion.key ?? (await makeAssertionKey());
  const privateKey = await importJWK(jwk, 'EdDSA');
  if (privateKey instanceof Uint8Array) throw new GatewayError('CONFIG_INVALID');
  const { d: _private, ...publicPart } = jwk;
  const publicJwk = {
    ...publicPart,
    kid: jwk.kid ?? (await calculateJwkThumbprint(publicPart)),
    alg: 'EdDSA',
    use: 'sig',
  };
  return { privateKey, publicJwk };
}

function identityOptions(
  { identity }: Config,
  issued: CredentialDirectory | null,
): Parameters<typeof createIdentifier>[0] {
  const { responseBytes, ...fetching } = identity.jwks;
  const directories = [
    ...(identity.apiKeys === undefined ? [] : [configuredKeys(identity.apiKeys)]),
    ...(issued === null ? [] : [issued]),
  ];
  return {
    anonymous: identity.anonymous,
    tokenCacheMax: identity.tokenCacheMax,
    tokenBytesMax: identity.tokenBytes,
    ...(directories.length === 0 ? {} : { apiKeys: directories }),
    jwt: identity.jwt.map(({ jwks, ...issuer }) => ({
      ...issuer,
      keys:
        'url' in jwks
          ? new RemoteJwksSource(jwks.url, { ...fetching, responseBytesMax: responseBytes }, clock)
          : new FileJwksSource(jwks.file, clock),
    })),
  };
}

/** The API keys of the configuration; their prefixes name them in the audit. */
function configuredKeys({ pepper, keys }: NonNullable<Config['identity']['apiKeys']>): CredentialDirectory {
  return staticDirectory(
    pepper,
    keys.map(({ prefix, expiresAt, ...key }) => ({
      prefix,
      record: {
        ...key,
        id: `key:${prefix}`,
        notBefore: 0,
        expiresAt: expiresAt === undefined ? null : Date.parse(expiresAt),
        graceUntil: null,
        revokedAt: null,
      },
    })),
  );
}

/** Where the supergraph comes from, as its source takes it. */
export function sourceOptions({ supergraph, admin }: Config): Parameters<typeof createSupergraphSource>[0] {
  const { pollMs } = supergraph;
  if ('file' in supergraph) return { file: supergraph.file, pollMs };
  const subgraphs = supergraph.subgraphs.map(({ name, url, schema }) => ({ name, url, schemaFile: schema }));
  if (!admin.enabled) return { pollMs, subgraphs };
  // The address is known only once it is served; no request goes to the one that stands here.
  const own = { name: ADMIN_SUBGRAPH, url: 'http://127.0.0.1/', schemaFile: adminSchemaFile() };
  return { pollMs, subgraphs: [...subgraphs, own] };
}

function pipelineOptions(
  config: Config,
  secretFor: (purpose: string) => Uint8Array,
): PipelineParts['options'] {
  const { authorization, limits, cost, execution, audit, subscriptions } = config;
  const { unmask } = authorization;
  return {
    authorization: { ...authorization, introspection: limits.introspection },
    respond: {
      authorizationErrors: authorization.errors,
      masking: {
        key: secretFor('masks'),
        unmaskScopes: new Map([
          ['PERSONAL', unmask.personal],
          ['FINANCIAL', unmask.financial],
          ['HEALTH', unmask.health],
          ['SECRET', unmask.secret],
          ['CONFIDENTIAL', unmask.confidential],
        ]),
      },
    },
    limits,
    cost: {
      mode: cost.mode,
      max: cost.max,
      perSubgraph: new Map(
        Object.entries(cost.perSubgraph).flatMap(([name, { max }]) =>
          max === undefined ? [] : [[name, max]],
        ),
      ),
    },
    audit,
    argumentDigests: { key: secretFor(ARGUMENT_KEY_PURPOSE), ofMembers: looksForIncidents(config) },
    samplesTimes: sampler(audit.resolverTimesPercent),
    timeoutMs: execution.timeoutMs,
    subscriptions,
  };
}

/** True for a share of the times that it is asked, which no client can foresee. */
function sampler(percent: number): () => boolean {
  return percent === 0 ? () => false : () => randomInt(RANDOM_MAX) < (percent / 100) * RANDOM_MAX;
}

const RANDOM_MAX = 2 ** 32;

function listenerOptions(
  { listen, limits, subscriptions, identity, admin, approvals, openai }: Config,
  { port, worker }: { readonly port?: number; readonly worker?: number },
): Parameters<typeof createListener>[0] {
  const { headerBytes, http2, http2StreamsMax, http2ResetsMax, ...options } = listen;
  return {
    ...options,
    port: port ?? listen.port,
    sharesPort: worker !== undefined && sharesPort(),
    http2: http2 ? { streamsMax: http2StreamsMax, resetsMax: http2ResetsMax } : null,
    headerBytesMax: headerBytes,
    bodyBytesMax: limits.bodyBytes,
    batching: limits.batching,
    subscriptions,
    defers: limits.deferredParts > 0,
    openAiPath: openai.enabled ? openai.path : null,
    // Keys of the control plane come in the usual header too.
    apiKeyHeader: identity.apiKeys?.header ?? (admin.enabled || approvals.enforce ? 'x-api-key' : undefined),
  };
}
