import { abstractTypes, interfaceObjects } from './abstract.ts';
import type { FeatureGraph } from './graph.ts';
import { compoundKeys, movedFields, singleKey } from './keys.ts';
import { provided, required } from './requires.ts';
import { partlyShared } from './shared.ts';
import { inputs, nulls, renames, switches } from './values.ts';

/** Every graph that is the same for each query asked of it. */
export const ALL_GRAPHS: readonly FeatureGraph[] = [
  singleKey,
  compoundKeys,
  movedFields,
  required,
  provided,
  abstractTypes,
  interfaceObjects,
  nulls,
  inputs,
  switches,
  renames,
  partlyShared,
];
