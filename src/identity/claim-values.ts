import { type ClaimReason, refusal } from './refusal.ts';
import { isJsonObject } from './strict-json.ts';

type Claims = Readonly<Record<string, unknown>>;

/** One claim to read: where it is, how long a string in it may be, and the reason to refuse it with. */
export interface ClaimSpec {
  readonly name: string;
  readonly charsMax: number;
  readonly reason: ClaimReason;
}

/** Characters that end lines, hide text or split keys wherever a claim is written later. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const WHITE_SPACE = /\s/u;

/**
 * The value of a claim: the literal name first, since namespaced names have dots, then the dotted path.
 * Invariant: own members only, so that no claim name reaches a prototype.
 */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const member of name.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, member)) return undefined;
    value = value[member];
  }
  return value;
}

/** A bounded printable string, or null where the claim is absent. Throws: UNAUTHENTICATED for any other value. */
export function textClaim(claims: Claims, spec: ClaimSpec): string | null {
  const value = claimAt(claims, spec.name);
  if (value === undefined) return null;
  if (!isText(value, spec.charsMax)) throw refusal(spec.reason);
  return value;
}

/** An array of bounded printable strings, empty where the claim is absent. Throws: UNAUTHENTICATED for any other value. */
export function textListClaim(
  claims: Claims,
  spec: ClaimSpec & { readonly countMax: number },
): readonly string[] {
  const value = claimAt(claims, spec.name);
  if (value === undefined) return [];
  if (!isTextList(value, spec)) throw refusal(spec.reason);
  return value;
}

/** As `textListClaim`, and a single string is a list of one. */
export function textOrListClaim(
  claims: Claims,
  spec: ClaimSpec & { readonly countMax: number },
): readonly string[] {
  const value = claimAt(claims, spec.name);
  if (typeof value !== 'string') return textListClaim(claims, spec);
  if (!isText(value, spec.charsMax)) throw refusal(spec.reason);
  return [value];
}

/**
 * Scopes: a space-separated string or an array of strings, none with white space in it.
 * Throws: UNAUTHENTICATED for any other value.
 * Source: RFC 8693 section 4.2; a scope with a space in it would read as two elsewhere.
 */
export function scopesClaim(
  claims: Claims,
  spec: ClaimSpec & { readonly countMax: number },
): ReadonlySet<string> {
  const value = claimAt(claims, spec.name);
  if (value === undefined) return new Set();
  const scopes = typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : value;
  if (!isTextList(scopes, spec) || scopes.some((scope) => WHITE_SPACE.test(scope)))
    throw refusal(spec.reason);
  return new Set(scopes);
}

/**
 * A NumericDate in whole seconds, or null where the claim is absent. Units: seconds since the epoch.
 * Throws: UNAUTHENTICATED for fractions, infinities, negatives and other types.
 */
export function timeClaim(claims: Claims, name: string, reason: ClaimReason): number | null {
  if (!Object.hasOwn(claims, name)) return null;
  const value = claims[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw refusal(reason);
  return value;
}

function isText(value: unknown, charsMax: number): value is string {
  return (
    typeof value === 'string' &&
    value.length <= charsMax &&
    value.trim() !== '' &&
    value.isWellFormed() &&
    !CONTROL.test(value)
  );
}

function isTextList(
  value: unknown,
  bounds: { readonly charsMax: number; readonly countMax: number },
): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= bounds.countMax &&
    value.every((member) => isText(member, bounds.charsMax))
  );
}
