import type { SQL } from 'drizzle-orm';
import { type Actor, type MemberRole, requirePlatform, requireRole, requireTenant } from './actor.ts';
import { invalidInput } from './control-error.ts';
import type { ControlDatabase } from './database-pool.ts';
import { sql } from './drizzle.ts';
import { type Page, type PageInput, paged, pageOf } from './input.ts';
import { read } from './unit-of-work.ts';

/** One call of a provider. Units: times in milliseconds since the epoch, money in micro-USD; null until it is settled. */
export interface AiUsage {
  readonly id: string;
  readonly tenantId: string;
  readonly applicationId: string | null;
  readonly credentialId: string | null;
  readonly subscriptionId: string | null;
  readonly model: string;
  /** Provider and id of the key that it was made with, for the platform's staff; null for others, and where there is none. */
  readonly providerKey: string | null;
  readonly priceVersion: string | null;
  readonly reservedTokens: number;
  readonly reservedMicroUsd: number;
  readonly settledTokens: number | null;
  readonly settledMicroUsd: number | null;
  readonly inputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  /** What asking the model would have taken, where a kept answer made it needless; else 0. */
  readonly savedTokens: number;
  readonly savedMicroUsd: number;
  readonly source: 'provider' | 'estimated' | 'refunded' | 'cache' | 'blocked' | null;
  readonly finish: 'answered' | 'failed' | 'aborted' | 'lost' | 'blocked' | null;
  /** What guardrails found in it; null where nothing. */
  readonly findings: readonly AiFinding[] | null;
  readonly at: number;
  readonly settledAt: number | null;
}

/** What a guardrail found in a call, how often, and what became of it; never the text. */
export interface AiFinding {
  readonly guardrail: string;
  readonly kind: string;
  readonly direction: 'input' | 'output';
  readonly action: 'block' | 'mask' | 'report';
  readonly count: number;
}

/** What calls took together. Units: micro-USD. */
export interface AiSpend {
  /** Id or name of what they have in common; empty where they have none. */
  readonly key: string;
  readonly calls: number;
  readonly tokens: number;
  readonly microUsd: number;
  /** Of calls that are not settled. */
  readonly reservedMicroUsd: number;
  /** Calls among them that guardrails kept from their model. */
  readonly blocked: number;
  /** Calls among them that kept answers made needless, and what those would have taken. */
  readonly cacheHits: number;
  readonly savedTokens: number;
  readonly savedMicroUsd: number;
}

/** Which calls. Units: milliseconds since the epoch; `untilMs` is not included. */
export interface AiUsageFilter {
  readonly tenantId?: string | undefined;
  readonly applicationId?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** What spend is told by. */
export type AiSpendBy = 'tenant' | 'application' | 'subscription' | 'credential' | 'model' | 'providerKey';

/** Who may see what calls of their tenant took. */
const READERS: readonly MemberRole[] = ['owner', 'admin', 'auditor', 'developer'];
const SPAN_MAX_MS = 366 * 86_400_000;
const SPENDERS_MAX = 100;

const COLUMNS = sql`id, tenant_id AS "tenantId", application_id AS "applicationId", credential_id AS "credentialId",
  subscription_id AS "subscriptionId", model, price_version AS "priceVersion", reserved_tokens::float8 AS "reservedTokens",
  reserved_micro_usd::float8 AS "reservedMicroUsd", settled_tokens::float8 AS "settledTokens",
  settled_micro_usd::float8 AS "settledMicroUsd", input_tokens::float8 AS "inputTokens",
  cache_read_tokens::float8 AS "cacheReadTokens", cache_write_tokens::float8 AS "cacheWriteTokens",
  output_tokens::float8 AS "outputTokens", reasoning_tokens::float8 AS "reasoningTokens",
  saved_tokens::float8 AS "savedTokens", saved_micro_usd::float8 AS "savedMicroUsd", source, finish, findings,
  (extract(epoch FROM at) * 1000)::float8 AS at, (extract(epoch FROM settled_at) * 1000)::float8 AS "settledAt"`;

const KEYS: Readonly<Record<AiSpendBy, SQL>> = {
  tenant: sql`tenant_id`,
  application: sql`coalesce(application_id, '')`,
  subscription: sql`coalesce(subscription_id, '')`,
  credential: sql`coalesce(credential_id, '')`,
  model: sql`model`,
  providerKey: sql`coalesce(provider_key, '')`,
};

/** What calls of AI models took, as the AI process has recorded it. */
export class AiUsageStore {
  readonly #database: ControlDatabase;

  constructor(database: ControlDatabase) {
    this.#database = database;
  }

  /** Calls, latest first. Throws: FORBIDDEN, NOT_FOUND, INVALID_INPUT. */
  async list(actor: Actor, filter: AiUsageFilter, page: PageInput): Promise<Page<AiUsage>> {
    const { limit, after } = pageOf(page);
    const before = after === '' ? sql`true` : sql`id < ${after}`;
    // Keys are mostly the platform's, and their names say who it buys from by what contract.
    const key = actor.isPlatform ? sql`provider_key` : sql`NULL::text`;
    const rows = await this.#rows<AiUsage>(
      actor,
      sql`SELECT ${COLUMNS}, ${key} AS "providerKey" FROM ai_usage WHERE ${conditionOf(actor, filter)} AND ${before} ORDER BY id DESC LIMIT ${limit}`,
    );
    return paged(rows, limit, ({ id }) => id);
  }

  /** The sums of at most a year, the largest hundred; by keys of providers for the platform's staff only. Throws: FORBIDDEN, NOT_FOUND, INVALID_INPUT. */
  async spend(
    actor: Actor,
    filter: AiUsageFilter & { readonly sinceMs: number; readonly untilMs: number },
    by: AiSpendBy,
  ): Promise<readonly AiSpend[]> {
    const spanMs = filter.untilMs - filter.sinceMs;
    if (!(spanMs > 0 && spanMs <= SPAN_MAX_MS))
      throw invalidInput('until', 'must be within a year after since');
    if (by === 'providerKey') requirePlatform(actor);
    return this.#rows<AiSpend>(
      actor,
      sql`SELECT ${KEYS[by]} AS key, count(*)::float8 AS calls, coalesce(sum(settled_tokens), 0)::float8 AS tokens,
        coalesce(sum(settled_micro_usd), 0)::float8 AS "microUsd",
        coalesce(sum(reserved_micro_usd) FILTER (WHERE settled_at IS NULL), 0)::float8 AS "reservedMicroUsd",
        (count(*) FILTER (WHERE source = 'blocked'))::float8 AS blocked,
        (count(*) FILTER (WHERE source = 'cache'))::float8 AS "cacheHits",
        sum(saved_tokens)::float8 AS "savedTokens", sum(saved_micro_usd)::float8 AS "savedMicroUsd"
        FROM ai_usage WHERE ${conditionOf(actor, filter)} GROUP BY 1 ORDER BY 4 DESC, 1 LIMIT ${SPENDERS_MAX}`,
    );
  }

  #rows<Row>(actor: Actor, query: SQL): Promise<readonly Row[]> {
    return read({ database: this.#database }, actor, async (tx) => (await tx.execute(query)).rows as Row[]);
  }
}

/** The tenant of an actor stands in the condition as well as in the rules of the table. Throws: FORBIDDEN, NOT_FOUND. */
function conditionOf(actor: Actor, { tenantId, applicationId, sinceMs, untilMs }: AiUsageFilter): SQL {
  const tenant = tenantId ?? (actor.isPlatform ? undefined : (actor.tenantId ?? ''));
  if (tenant !== undefined) requireTenant(actor, tenant);
  requireRole(actor, READERS);
  const conditions = [
    ...(tenant === undefined ? [] : [sql`tenant_id = ${tenant}`]),
    ...(applicationId === undefined ? [] : [sql`application_id = ${applicationId}`]),
    ...(sinceMs === undefined ? [] : [sql`at >= ${new Date(sinceMs)}`]),
    ...(untilMs === undefined ? [] : [sql`at < ${new Date(untilMs)}`]),
  ];
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` AND `);
}
