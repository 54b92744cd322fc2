import type { ClaimNames, IdentityOptions } from '../../src/identity/identity-options.ts';
import { issuerOptions } from './token-kit.ts';

/** The header that goes with payloads written by hand. */
export const HEADER = '{"alg":"ES256","kid":"ec"}';

/** Options of an identifier whose issuer maps these claims. */
export const named = (names: Partial<ClaimNames>): Partial<IdentityOptions> => ({
  jwt: [issuerOptions({ claims: { ...issuerOptions().claims, ...names } })],
});

/** Values that no claim of text may have. */
export const NOT_TEXT: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a number', 7],
  ['zero', 0],
  ['true', true],
  ['false', false],
  ['an object', { acme: 1 }],
  ['an empty object', {}],
  ['an array', ['acme']],
  ['an empty array', []],
  ['empty', ''],
  ['blank', ' '],
  ['a no-break space', '\u00a0'],
  ['a line break', 'acme\nadmin'],
  ['a carriage return', 'acme\r'],
  ['a null character', 'acme\u0000'],
  ['a control character', 'ac\u0085me'],
  ['a line separator', 'acme\u2028'],
  ['a lone high surrogate', 'acme\ud800'],
  ['a lone low surrogate', '\udfffacme'],
];

/** As many different list members as asked for. */
export function members(count: number): string[] {
  return Array.from({ length: count }, (_unused, index) => `s${index}`);
}
