import type { Actor, Change } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { Application, Plan, Product } from '../../src/control/tables.ts';
import type { SubgraphPrincipal } from '../kit/assertion.ts';
import { batchLoader } from '../kit/batch-loader.ts';
import type { SubgraphContext } from '../kit/subgraph-server.ts';
import { actorOf } from './admin-actor.ts';

/** What one request has looked up. */
export interface AdminLoaders {
  /** The caller; looked up once. Throws: GraphQLError `FORBIDDEN`. */
  actor(): Promise<Actor>;
  /** What the request has changed, each with the coordinate of the field that did. */
  readonly changes: (Change & { readonly coordinate: string })[];
  readonly application: ReturnType<typeof batchLoader<Application>>;
  readonly product: ReturnType<typeof batchLoader<Product>>;
  readonly plan: ReturnType<typeof batchLoader<Plan>>;
}

export type AdminContext = SubgraphContext<AdminLoaders>;

/** Loaders of one request, which see what its caller may see. */
export function createAdminLoaders(
  { control, provider }: { readonly control: ControlPlane; readonly provider: string | null },
  principal: SubgraphPrincipal,
): AdminLoaders {
  let known: Promise<Actor> | null = null;
  const actor = () => {
    known ??= actorOf(principal, { control, provider });
    return known;
  };
  return {
    actor,
    changes: [],
    application: byId((by, ids) => control.applications.byIds(by, ids), actor),
    product: byId((by, ids) => control.products.byIds(by, ids), actor),
    plan: byId((by, ids) => control.products.plansByIds(by, ids), actor),
  };
}

function byId<Row extends { readonly id: string }>(
  find: (actor: Actor, ids: readonly string[]) => Promise<readonly Row[]>,
  actor: () => Promise<Actor>,
): ReturnType<typeof batchLoader<Row>> {
  return batchLoader(async (ids) => new Map((await find(await actor(), ids)).map((row) => [row.id, row])));
}
