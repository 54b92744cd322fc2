import { describe, expect, it } from 'vitest';
import { compose } from '../operation/graph-kit.ts';
import { handWritten, JOIN, LINK, PORTCULLIS, policyOf, refusalOf } from './graphs.ts';

const LOCATIONS =
  'OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | INTERFACE | ENUM | INPUT_FIELD_DEFINITION';
const GRAPH = '@join__type(graph: A)';

/** A supergraph in which the directive may stand anywhere and say anything. */
function written(
  types: string,
  definition = `directive @audit(level: String, redact: String) on ${LOCATIONS}`,
) {
  return handWritten({ links: [LINK, JOIN, PORTCULLIS], definitions: definition, types });
}

describe('@audit', () => {
  it('is read on types, fields and arguments, with its defaults', () => {
    const { audit } = compose(`
      type Query @audit(level: DETAILED) {
        a(b: ID @audit(level: FULL, redact: true)): Int @audit
        c: Int @audit(level: NONE)
      }
    `).policy;
    expect([...audit]).toEqual([
      ['Query', { level: 'DETAILED', redact: false }],
      ['Query.a', { level: 'ACCESS', redact: false }],
      ['Query.a(b:)', { level: 'FULL', redact: true }],
      ['Query.c', { level: 'NONE', redact: false }],
    ]);
  });

  it('of an interface holds on its objects: more is recorded, and less of the values', () => {
    const { audit } = compose(`
      type Query { i: I }
      interface I { x(y: ID @audit(redact: true)): Int @audit(level: DETAILED) z: Int @audit(level: NONE) }
      type A implements I @audit(level: FULL) { x(y: ID): Int z: Int }
      type B implements I { x(y: ID @audit(level: FULL)): Int @audit(level: NONE) z: Int @audit }
      type C implements I { x(y: ID): Int z: Int }
    `).policy;
    expect(Object.fromEntries([...audit].filter(([at]) => !at.startsWith('I')))).toEqual({
      A: { level: 'FULL', redact: false },
      'A.x': { level: 'FULL', redact: false },
      'A.x(y:)': { level: 'FULL', redact: true },
      'A.z': { level: 'FULL', redact: false },
      'B.x': { level: 'DETAILED', redact: false },
      'B.x(y:)': { level: 'FULL', redact: true },
      'B.z': { level: 'ACCESS', redact: false },
      'C.x': { level: 'DETAILED', redact: false },
      'C.x(y:)': { level: 'DETAILED', redact: true },
      'C.z': { level: 'NONE', redact: false },
    });
  });

  it.each([
    ['an unknown level', '@audit(level: LOUD)'],
    ['a level in quotation marks', '@audit(level: "FULL")'],
    ['a redaction that is no truth value', '@audit(redact: "yes")'],
    ['an argument that it does not have', '@audit(keep: true)'],
    ['an argument given twice', '@audit(level: FULL, level: NONE)'],
    ['two of it', '@audit @audit(level: FULL)'],
  ])('is refused with %s', (_, use) => {
    const sdl = written(`type Query ${GRAPH} { a: Int ${use} }`);
    const { code, lines } = refusalOf(() => policyOf(sdl));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(expect.stringContaining('Query.a @audit: '));
  });

  it.each([
    ['an interface', `interface I ${GRAPH} @audit { a: Int } type Query ${GRAPH} { a: Int }`],
    ['an enum', `enum E ${GRAPH} @audit { A } type Query ${GRAPH} { a: E }`],
    ['an input field', `input N ${GRAPH} { a: Int @audit } type Query ${GRAPH} { a(n: N): Int }`],
  ])('is refused on %s, whose uses are not recorded', (_, types) => {
    const { code, lines } = refusalOf(() => policyOf(written(types)));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toContainEqual(expect.stringContaining('are not recorded'));
  });
});
