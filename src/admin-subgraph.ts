import { join } from 'node:path';
import { packageRoot } from './commands/package-root.ts';

/** Name of the subgraph that the gateway serves to itself. */
export const ADMIN_SUBGRAPH = 'admin';

/** Tag of all that it adds to the graph: asking for access needs no subscription, its scopes say who may. */
export const ADMIN_TAG = 'portcullis-admin';

/** Where the schema of the admin subgraph is kept. */
export function adminSchemaFile(): string {
  return join(packageRoot(), 'schema', 'admin.graphql');
}
