import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { Incident, Restriction } from '../../src/control/tables.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import { reading, timeText } from './admin-answers.ts';
import type { AdminContext } from './admin-loaders.ts';

/** Fields of incidents that their rows do not have as they are. */
export function incidentObjects(control: ControlPlane): SubgraphResolvers {
  return {
    ControlIncident: {
      culprit: ({ culprit }: Incident) => culpritEntry(culprit),
      counts: ({ evidence }: Incident) =>
        Object.entries(evidence.counts).map(([name, count]) => ({ name, count: Math.min(count, INT_MAX) })),
      events: ({ evidence }: Incident) => evidence.events,
      operation: ({ evidence }: Incident) => evidence.operation,
      coordinate: ({ evidence }: Incident) => evidence.coordinate,
      openedAt: ({ openedAt }: Incident) => timeText(openedAt),
      seenAt: ({ seenAt }: Incident) => timeText(seenAt),
      closedAt: ({ closedAt }: Incident) => timeText(closedAt),
      actions: ({ id }: Incident, _: unknown, { loaders }: AdminContext) =>
        reading(async () => control.incidents.actionsOf(await loaders.actor(), [id])),
    },
    ControlIncidentAction: {
      target: ({ target }: Restriction) => (target === '' ? null : target),
      createdAt: ({ createdAt }: Restriction) => timeText(createdAt),
      expiresAt: ({ expiresAt }: Restriction) => timeText(expiresAt),
      liftedAt: ({ liftedAt }: Restriction) => timeText(liftedAt),
    },
  };
}

/** Source: GraphQL's Int has 32 bits. */
const INT_MAX = 2_147_483_647;

function culpritEntry(culprit: Incident['culprit']): Readonly<Record<string, string | null>> {
  const { kind } = culprit;
  switch (culprit.kind) {
    case 'caller':
    case 'credential': {
      const { tenant, application, issuer, subject } = culprit.caller;
      const credentialId = culprit.kind === 'credential' ? culprit.credentialId : null;
      return { kind, tenant, application, issuer, subject, credentialId };
    }
    case 'address':
      return { kind, address: culprit.address };
    case 'operation':
      return { kind, tenant: culprit.tenant };
    case 'subgraph':
      return { kind, subgraph: culprit.subgraph };
    case 'audit':
      return { kind };
  }
}
