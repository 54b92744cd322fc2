import { SYSTEM_SCOPE } from '../../src/control/actor.ts';
import type { AuditSearch } from '../../src/control/audit-search.ts';
import type { AuditEntry, AuditReader, FieldUse } from '../../src/control/audit-search-store.ts';
import { invalidInput } from '../../src/control/control-error.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import { connection, timeText } from './admin-answers.ts';
import { field, type PageArgs, pageOf } from './admin-field.ts';

type Given<T> = { readonly [Key in keyof T]?: T[Key] | null };

type AuditFilter = Given<
  Omit<AuditSearch, 'sinceMs' | 'untilMs'> & { readonly since: string; readonly until: string }
>;

const READERS = [SYSTEM_SCOPE.admin, SYSTEM_SCOPE.audit, SYSTEM_SCOPE.security];

/** What is searched in the audit. A caller of a tenant finds events of its tenant only; staff of the platform finds all. */
export function auditQueries({ auditSearch }: ControlPlane) {
  return {
    auditEvents: field(
      READERS,
      async (actor, { filter, ...page }: PageArgs & { readonly filter?: AuditFilter | null }) =>
        connection(await auditSearch.events(actor, searchOf(filter ?? {}), pageOf(page))),
    ),
    readersOf: field(
      READERS,
      async (
        actor,
        { coordinate, since, tenant, first, after }: PageArgs & AuditFilter & { readonly coordinate: string },
      ) =>
        connection(
          await auditSearch.readersOf(
            actor,
            { ...searchOf({ since: since ?? null, tenant: tenant ?? null }), coordinate },
            pageOf({ first, after: after ?? null }),
          ),
        ),
    ),
    fieldUsage: field(READERS, async (actor, { first, after, ...filter }: PageArgs & AuditFilter) =>
      connection(
        await auditSearch.fieldUsage(actor, searchOf(filter), pageOf({ first, after: after ?? null })),
      ),
    ),
  };
}

/** Fields that the rows of the index do not have as they are. */
export function auditObjects(): SubgraphResolvers {
  return {
    ControlAuditEvent: {
      at: ({ at }: AuditEntry) => timeText(at),
      ...orNull('tenant', 'application', 'subject', 'kind', 'credentialId'),
      ...orNull('operationHash', 'operationName', 'operationType', 'code'),
      refusals: ({ reasons }: AuditEntry) => reasons,
    },
    ControlAuditReader: {
      ...orNull('tenant', 'application', 'subject'),
      firstAt: ({ firstAt }: AuditReader) => timeText(firstAt),
      lastAt: ({ lastAt }: AuditReader) => timeText(lastAt),
    },
    ControlFieldUse: {
      ...orNull('tenant', 'application'),
      lastAt: ({ lastAt }: FieldUse) => timeText(lastAt),
    },
  };
}

/** What there is not is '' in the index. */
function orNull(...names: readonly string[]): Record<string, (row: Record<string, unknown>) => unknown> {
  return Object.fromEntries(names.map((name) => [name, (row) => (row[name] === '' ? null : row[name])]));
}

function searchOf({ since, until, ...texts }: AuditFilter): AuditSearch {
  const given = Object.entries(texts).filter(([, value]) => value != null);
  return {
    ...(Object.fromEntries(given) as Omit<AuditSearch, 'sinceMs' | 'untilMs'>),
    ...(since == null ? {} : { sinceMs: timeOf('since', since) }),
    ...(until == null ? {} : { untilMs: timeOf('until', until) }),
  };
}

function timeOf(name: string, value: string): number {
  const ms = Date.parse(value);
  if (!Number.isFinite(ms)) throw invalidInput(name, 'must be a time');
  return ms;
}
