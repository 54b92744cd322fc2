import { GraphQLError } from 'graphql';
import { aiError } from '../ai-error.ts';
import type { KeySpendCap } from '../budget/spend-cap.ts';
import { type AiModel, type ModelCatalog, stageOf } from '../model-catalog.ts';
import type { Capability } from '../provider-config.ts';
import type { ProviderKey } from '../provider-key.ts';
import type { Candidate } from './attempt-queue.ts';
import type { AliasConfig } from './routing-config.ts';
import { weightedOrder } from './weighted-order.ts';

/** A model, and the key that it is asked with. */
export interface Target extends Candidate {
  readonly model: AiModel;
  readonly key: ProviderKey;
}

/** What the key of a target may spend; null for any money. */
export function spendCapOf({ model: { provider }, key: { id, spendCap } }: Target): KeySpendCap | null {
  return spendCap == null ? null : { provider, key: id, cap: spendCap };
}

/** How usage records name the key of a target; null for a model that needs none. */
export function keyNameOf({ model: { provider, offline }, key: { id } }: Target): string | null {
  return offline ? null : `${provider}/${id}`;
}

/** What is asked of a model. */
export interface Wanted {
  /** A model or an alias. */
  readonly name: string;
  readonly tenant: string | null;
  readonly capability: Capability;
  /** What it has to be able to do besides, with what is said where it cannot. */
  readonly besides: readonly (readonly [capability: Capability, otherwise: string])[];
  /** Throws where the caller's plans do not permit a model: it is not told whether there is such a model. */
  readonly requireModel: (id: string) => void;
}

/** Says which models a name stands for, and in which order they are asked. */
export interface Routes {
  /** Names that stand for several models, for one tenant. */
  aliases(tenant: string | null): readonly { readonly name: string; readonly models: readonly AiModel[] }[];
  /** Throws: AI_MODEL_UNKNOWN, BAD_USER_INPUT. Invariant: never empty. */
  targets(wanted: Wanted): readonly Target[];
}

/** Makes the routes of a catalog. Units: `now` gives milliseconds since the epoch, `random` gives [0, 1). */
export function createRoutes(
  aliases: readonly AliasConfig[],
  parts: { readonly catalog: ModelCatalog; readonly now: () => number; readonly random: () => number },
): Routes {
  const { catalog, now, random } = parts;
  const byName = new Map(aliases.map((alias) => [`${alias.tenant ?? ''}\0${alias.name}`, alias]));
  const aliasOf = (name: string, tenant: string | null): AliasConfig | undefined =>
    (tenant === null ? undefined : byName.get(`${tenant}\0${name}`)) ?? byName.get(`\0${name}`);
  /** Why a model cannot be asked; null where it can. */
  const faultOf = (id: string, { capability, besides, requireModel }: Wanted): GraphQLError | null => {
    try {
      requireModel(id);
    } catch (thrown) {
      if (thrown instanceof GraphQLError) return thrown;
      throw thrown;
    }
    const model = catalog.find(id);
    if (model?.capabilities.includes(capability) !== true) return aiError('AI_MODEL_UNKNOWN');
    if (stageOf(model, now()) === 'RETIRED') return aiError('AI_MODEL_UNKNOWN', 'The model is retired.');
    const lacking = besides.find(([needed]) => !model.capabilities.includes(needed));
    return lacking === undefined ? null : aiError('BAD_USER_INPUT', lacking[1]);
  };
  return {
    aliases: (tenant) =>
      [
        ...new Set(
          aliases.filter((alias) => [undefined, tenant].includes(alias.tenant)).map(({ name }) => name),
        ),
      ].map((name) => ({
        name,
        models: (aliasOf(name, tenant)?.targets ?? []).flatMap(({ model }) => catalog.find(model) ?? []),
      })),
    targets(wanted) {
      const { name, tenant, capability } = wanted;
      const alias = aliasOf(name, tenant);
      // Vectors of two models have nothing to do with each other.
      if (capability === 'EMBEDDINGS' && alias !== undefined && alias.targets.length > 1)
        throw aiError('BAD_USER_INPUT', 'Texts are embedded by one model.');
      const ids =
        alias === undefined ? [name] : weightedOrder(alias.targets, random).map(({ model }) => model);
      const faults = ids.map((id) => faultOf(id, wanted));
      const able = ids.flatMap((id, index) => (faults[index] === null ? (catalog.find(id) ?? []) : []));
      const targets = able.flatMap((model) =>
        keysInOrder(catalog.keysOf(model, tenant), random).map(targetOf(model, tenant)),
      );
      if (targets.length === 0) throw faults[0] ?? aiError('AI_MODEL_UNKNOWN');
      return targets;
    },
  };
}

function targetOf(model: AiModel, tenant: string | null) {
  return (key: ProviderKey): Target => ({ model, key, healthKey: `${model.provider}\0${key.id}`, tenant });
}

/** By priority, the smallest number first; by weight among equals. */
function keysInOrder(keys: readonly ProviderKey[], random: () => number): readonly ProviderKey[] {
  const priorities = [...new Set(keys.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    weightedOrder(
      keys.filter((key) => key.priority === priority),
      random,
    ),
  );
}
