import { createHmac } from 'node:crypto';
import { EXCEPTION_STRIDE, type FieldCounts } from '../audit/event.ts';
import type { Principal } from '../identity/principal.ts';
import type { AuditedFields } from '../operation/operation.ts';
import type { SensitiveClass } from '../supergraph/policy.ts';
import { isMasked, type Masking } from './mask-value.ts';

/** Which scopes let values of a class be seen, and the key of the digests that stand for them. */
export interface MaskingOptions {
  readonly unmaskScopes: ReadonlyMap<SensitiveClass, string>;
  readonly key: Uint8Array;
}

const DIGEST_CHARS = 22;

/** What one caller may see. Without a scope for a class nobody sees its values. */
export function maskingFor(
  { scopes, tenant }: Pick<Principal, 'scopes' | 'tenant'>,
  { unmaskScopes, key }: MaskingOptions,
): Masking {
  const unmasked = new Set<SensitiveClass>();
  for (const [each, scope] of unmaskScopes) if (scopes.has(scope)) unmasked.add(each);
  return {
    unmasked,
    digest: (value) =>
      createHmac('sha256', key)
        // The length keeps tenant and value apart.
        .update(`${tenant?.length ?? '-'}:${tenant ?? ''}${value}`)
        .digest('base64url')
        .slice(0, DIGEST_CHARS),
  };
}

/** For operations without sensitive values. */
export const NOTHING_SENSITIVE: Masking = Object.freeze({
  unmasked: new Set<SensitiveClass>(),
  digest: () => '',
});

/** The counts of an answer, with how many values of each class the caller saw. */
export function seenCounts(
  counts: FieldCounts,
  sensitive: AuditedFields['sensitive'],
  masking: Masking,
): FieldCounts {
  if (sensitive.length === 0) return counts;
  const { resolved, exceptions } = counts;
  const seen: Partial<Record<SensitiveClass, number>> = {};
  for (const { slot, classes } of sensitive) {
    if (isMasked(classes, masking)) continue;
    const exception = exceptions.findIndex((each, at) => at % EXCEPTION_STRIDE === 0 && each === slot);
    const nulls = exception < 0 ? 0 : (exceptions[exception + 1] ?? 0);
    const count = (resolved[slot] ?? 0) - nulls;
    if (count > 0) for (const each of classes) seen[each] = (seen[each] ?? 0) + count;
  }
  return { ...counts, sensitive: seen };
}
