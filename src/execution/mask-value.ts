import type { MaskStyle, SensitiveClass } from '../supergraph/policy.ts';

/** What one caller may see of sensitive values, and what the others stand for. */
export interface Masking {
  /** Classes whose values the caller sees. */
  readonly unmasked: ReadonlySet<SensitiveClass>;
  /** A digest of a value that is equal for equal values of the caller's tenant. */
  digest(value: string): string;
}

/** Shorter values are replaced entirely: their last characters would tell most of them. */
const PARTIAL_CHARACTERS_MIN = 8;
const PARTIAL_SHOWN = 4;

/** True where a caller must not see the values of some classes: those of several classes need the scope of each. */
export function isMasked(classes: readonly SensitiveClass[], { unmasked }: Masking): boolean {
  return !classes.every((each) => unmasked.has(each));
}

/** What stands for a text that a caller must not see. */
export function maskText(style: MaskStyle, value: string, masking: Masking): string {
  switch (style) {
    case 'FULL':
      return '';
    case 'HASH':
      return masking.digest(value);
    case 'PARTIAL': {
      const characters = [...value];
      const hidden =
        characters.length < PARTIAL_CHARACTERS_MIN ? characters.length : characters.length - PARTIAL_SHOWN;
      return '*'.repeat(hidden) + characters.slice(hidden).join('');
    }
  }
}
