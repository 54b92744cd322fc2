import { type Actor, requirePlatform } from './actor.ts';
import { checkedAiLimits } from './ai-limits.ts';
import { ControlError, invalidInput } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { and, asc, desc, eq, gt, inArray, sql } from './drizzle.ts';
import { list, optionalText, type Page, type PageInput, paged, pageOf, text, whole } from './input.ts';
import { type Plan, type PlanLimits, type Product, plans, products } from './tables.ts';
import { type Idempotent, onlyRow } from './tenants-store.ts';
import { change, read, type UnitDeps } from './unit-of-work.ts';

export interface NewProduct extends Idempotent {
  readonly name: string;
  readonly description?: string | undefined;
  /** `Type` or `Type.field`. */
  readonly coordinates: readonly string[];
  readonly tags: readonly string[];
  readonly visibility: Product['visibility'];
  readonly approval: Product['approval'];
}

export interface NewPlan extends Idempotent {
  readonly productId: string;
  readonly name: string;
  readonly limits: PlanLimits;
  /** Null for subscriptions without an end. */
  readonly termDays: number | null;
}

const COORDINATE = /^[_A-Za-z]\w{0,255}(?:\.[_A-Za-z]\w{0,255})?$/u;
const TAG = /^[_A-Za-z][-/:\w]{0,127}$/u;
const COST_MAX = 1_000_000_000;

const STEPS: Readonly<
  Record<'publish' | 'deprecate' | 'retire', { from: Product['status'][]; to: Product['status'] }>
> = {
  publish: { from: ['draft'], to: 'published' },
  deprecate: { from: ['published'], to: 'deprecated' },
  retire: { from: ['published', 'deprecated'], to: 'retired' },
};

/** Products and their plans. What is published never changes: a new version is a new row. */
export class ProductsStore {
  readonly #deps: UnitDeps;

  constructor(deps: UnitDeps) {
    this.#deps = deps;
  }

  /** A draft; the next version where the name is known. Throws: FORBIDDEN, INVALID_INPUT. */
  create(actor: Actor, { idempotencyKey, ...input }: NewProduct): Promise<Product> {
    requirePlatform(actor);
    const name = text('name', input.name, 200);
    const description = optionalText('description', input.description ?? '', 10_000);
    const coordinates = list('coordinates', input.coordinates, { max: 10_000, pattern: COORDINATE });
    const tags = list('tags', input.tags, { max: 100, pattern: TAG });
    if (coordinates.length + tags.length === 0)
      throw invalidInput('coordinates', 'or tags must name something');
    const { visibility, approval } = input;
    const action = 'product.create';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const [last] = await unit.tx
        .select({ version: products.version })
        .from(products)
        .where(eq(products.name, name))
        .orderBy(desc(products.version))
        .limit(1);
      const version = (last?.version ?? 0) + 1;
      const id = unit.newId('prd');
      const product = onlyRow(
        await unit.tx
          .insert(products)
          .values({
            ...{ id, name, version, description, coordinates, tags, visibility, approval },
            ...{ status: 'draft', createdAt: unit.now },
          })
          .returning(),
      );
      const after = { name, version, coordinates, tags, visibility, approval };
      await unit.record({ action, entity: 'product', id, tenantId: null, after });
      return product;
    });
  }

  /** Throws: FORBIDDEN, NOT_FOUND, INVALID_TRANSITION. */
  step(
    actor: Actor,
    { idempotencyKey, ...input }: { readonly id: string; readonly step: keyof typeof STEPS } & Idempotent,
  ): Promise<Product> {
    requirePlatform(actor);
    const { from, to } = STEPS[input.step];
    const action = `product.${input.step}`;
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const { id, status } = await productIn(unit.tx, input.id);
      if (!from.includes(status))
        throw new ControlError({ code: 'INVALID_TRANSITION', state: status, action });
      const product = onlyRow(
        await unit.tx.update(products).set({ status: to }).where(eq(products.id, id)).returning(),
      );
      const change = { before: { status }, after: { status: to } };
      await unit.record({ action, entity: 'product', id, tenantId: null, ...change });
      return product;
    });
  }

  /** Null where there is none, or none that the actor may know of. */
  async get(actor: Actor, id: string): Promise<Product | null> {
    const [product] = await read(this.#deps, actor, (tx) =>
      tx.select().from(products).where(eq(products.id, id)),
    );
    return product !== undefined && isShown(product, actor) ? product : null;
  }

  /** Those of a list of ids, in no order: for who holds one of them in a subscription, whatever their status. */
  byIds(actor: Actor, ids: readonly string[]): Promise<readonly Product[]> {
    return read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(products)
        .where(inArray(products.id, [...ids])),
    );
  }

  /** As `byIds`. */
  plansByIds(actor: Actor, ids: readonly string[]): Promise<readonly Plan[]> {
    return read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(plans)
        .where(inArray(plans.id, [...ids])),
    );
  }

  /** All of them to who administers the platform, to others what they can ask for. Throws: INVALID_INPUT. */
  async list(
    actor: Actor,
    { status, ...page }: PageInput & { readonly status?: string | undefined },
  ): Promise<Page<Product>> {
    const { limit, after } = pageOf(page);
    const wanted = status === undefined ? [] : [sql`${products.status} = ${status}`];
    const shown = actor.isPlatform
      ? []
      : [eq(products.visibility, 'public'), inArray(products.status, ['published', 'deprecated'])];
    const rows = await read(this.#deps, actor, (tx) =>
      tx
        .select()
        .from(products)
        .where(and(gt(products.id, after), ...shown, ...wanted))
        .orderBy(asc(products.id))
        .limit(limit),
    );
    return paged(rows, limit, ({ id }) => id);
  }

  /** A draft of a plan. Throws: FORBIDDEN, NOT_FOUND, INVALID_INPUT. */
  createPlan(actor: Actor, { idempotencyKey, ...input }: NewPlan): Promise<Plan> {
    requirePlatform(actor);
    const name = text('name', input.name, 200);
    const limits = checkedLimits(input.limits);
    const { productId, termDays } = input;
    if (termDays !== null) whole('termDays', termDays, { min: 1, max: 3650 });
    const action = 'plan.create';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      await productIn(unit.tx, productId);
      const [last] = await unit.tx
        .select({ version: plans.version })
        .from(plans)
        .where(and(eq(plans.productId, productId), eq(plans.name, name)))
        .orderBy(desc(plans.version))
        .limit(1);
      const version = (last?.version ?? 0) + 1;
      const id = unit.newId('pln');
      const plan = onlyRow(
        await unit.tx
          .insert(plans)
          .values({ id, productId, name, version, limits, termDays, status: 'draft', createdAt: unit.now })
          .returning(),
      );
      const after = { productId, name, version, limits, termDays };
      await unit.record({ action, entity: 'plan', id, tenantId: null, after });
      return plan;
    });
  }

  /** Throws: FORBIDDEN, NOT_FOUND, INVALID_TRANSITION. */
  publishPlan(
    actor: Actor,
    { idempotencyKey, ...input }: { readonly id: string } & Idempotent,
  ): Promise<Plan> {
    requirePlatform(actor);
    const action = 'plan.publish';
    return change(this.#deps, actor, { action, input, idempotencyKey }, async (unit) => {
      const { id, status } = await planIn(unit.tx, input.id);
      if (status !== 'draft') throw new ControlError({ code: 'INVALID_TRANSITION', state: status, action });
      const plan = onlyRow(
        await unit.tx.update(plans).set({ status: 'published' }).where(eq(plans.id, id)).returning(),
      );
      await unit.record({ action, entity: 'plan', id, tenantId: null, after: { status: 'published' } });
      return plan;
    });
  }

  /** Plans of a product that the actor may know of; drafts only to who administers the platform. */
  async listPlans(actor: Actor, productId: string): Promise<readonly Plan[]> {
    if ((await this.get(actor, productId)) === null) return [];
    const rows = await read(this.#deps, actor, (tx) =>
      tx.select().from(plans).where(eq(plans.productId, productId)).orderBy(asc(plans.id)).limit(1000),
    );
    return rows.filter(({ status }) => actor.isPlatform || status === 'published');
  }
}

function isShown({ visibility, status }: Product, actor: Actor): boolean {
  return actor.isPlatform || (visibility === 'public' && (status === 'published' || status === 'deprecated'));
}

function checkedLimits({ rate, costPerOperation, concurrent, ai }: PlanLimits): PlanLimits {
  const bound = { min: 1, max: COST_MAX };
  return {
    ...(rate === undefined
      ? {}
      : {
          rate: {
            points: whole('rate.points', rate.points, bound),
            burst: whole('rate.burst', rate.burst, bound),
          },
        }),
    ...(costPerOperation === undefined
      ? {}
      : { costPerOperation: whole('costPerOperation', costPerOperation, bound) }),
    ...(concurrent === undefined ? {} : { concurrent: whole('concurrent', concurrent, bound) }),
    ...(ai === undefined ? {} : { ai: checkedAiLimits(ai) }),
  };
}

/** Throws: NOT_FOUND. */
export async function productIn(tx: Transaction, id: string): Promise<Product> {
  const [product] = await tx.select().from(products).where(eq(products.id, id));
  if (product === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'product' });
  return product;
}

/** Throws: NOT_FOUND. */
export async function planIn(tx: Transaction, id: string): Promise<Plan> {
  const [plan] = await tx.select().from(plans).where(eq(plans.id, id));
  if (plan === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'plan' });
  return plan;
}
