import { readFileSync } from 'node:fs';
import { parse } from 'graphql';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { type RunningSubgraph, type SubgraphPlacement, startSubgraph } from '../kit/subgraph-server.ts';
import { adminChanges } from './admin-changes.ts';
import { createAdminLoaders } from './admin-loaders.ts';
import { adminObjects } from './admin-objects.ts';
import { adminQueries } from './admin-queries.ts';

/** Serves the control plane to its gateway, by the schema in `schemaFile`. */
export function startAdmin(
  placement: SubgraphPlacement,
  {
    control,
    provider,
    schemaFile,
  }: {
    readonly control: ControlPlane;
    /** Slug of the tenant whose people run the platform; null where they belong to none. */
    readonly provider: string | null;
    readonly schemaFile: string;
  },
): Promise<RunningSubgraph> {
  return startSubgraph({
    ...placement,
    name: 'admin',
    typeDefs: parse(readFileSync(schemaFile, 'utf8')),
    resolvers: { ...adminQueries(control), ...adminChanges(control, provider), ...adminObjects(control) },
    createLoaders: (principal) => createAdminLoaders({ control, provider }, principal),
    // The gateway takes it into its audit; no client sees it.
    extensionsOf: ({ changes }) => (changes.length === 0 ? null : { portcullisChanges: changes }),
  });
}
