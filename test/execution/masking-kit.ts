import type { MaskingOptions } from '../../src/execution/sensitive-values.ts';

/** The scopes of the default configuration. */
export const UNMASKING: MaskingOptions = Object.freeze({
  unmaskScopes: new Map([
    ['PERSONAL', 'unmask:personal'],
    ['FINANCIAL', 'unmask:financial'],
    ['HEALTH', 'unmask:health'],
    ['SECRET', 'unmask:secret'],
    ['CONFIDENTIAL', 'unmask:confidential'],
  ] as const),
  key: new Uint8Array(32).fill(7),
});

/** No scope unmasks anything. */
export const NO_UNMASKING: MaskingOptions = Object.freeze({
  unmaskScopes: new Map(),
  key: new Uint8Array(32),
});
