import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/config/config-document.ts';
import { configFolder, SUPERGRAPH } from './config-folder.ts';

const messages = (text: string) => readDocument(text).faults.map((fault) => fault.message);

describe('readDocument', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s wherever it stands', async (key) => {
    const folder = configFolder();
    const texts = [`${SUPERGRAPH}"${key}": { polluted: true }`, `${SUPERGRAPH}subgraphs: { ${key}: {} }`];
    for (const text of texts) {
      expect((await folder.faults(text)).join('\n')).toContain(`${key}: this key is never accepted`);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('reads mappings into objects without a prototype', () => {
    const { root } = readDocument('a: { b: 1 }');
    expect(Object.getPrototypeOf(root)).toBeNull();
    expect(root).toEqual(
      Object.assign(Object.create(null), { a: Object.assign(Object.create(null), { b: 1 }) }),
    );
  });

  it('refuses a key given twice, where it stands the second time', () => {
    const { faults } = readDocument('a: 1\nb: 2\na: 3\n');
    expect(faults).toMatchObject([{ position: { line: 3, column: 1 } }]);
    expect(messages('{"a": 1, "a": 2}')).toHaveLength(1);
  });

  it('refuses aliases that multiply beyond the bound, in little time', () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? 'l0: &l0 [x]'
        : `l${level}: &l${level} [${Array.from({ length: 9 }, () => `*l${level - 1}`).join(', ')}]`,
    );
    expect(messages(levels.join('\n')).join()).toContain('once its aliases are written out');
  });

  it('refuses an alias that holds itself', () => {
    expect(messages('a: &a [*a]').join()).toContain('deeper than 32 levels');
    expect(messages('a: &a { b: *a }').join()).toContain('deeper than 32 levels');
  });

  it('refuses a document larger than the bound once', () => {
    const text = (size: number) => `[${Array.from({ length: size }, () => '1').join(',')}]`;
    expect(messages(text(19_999))).toEqual([]);
    expect(messages(text(20_000))).toHaveLength(1);
    expect(messages(text(50_000))).toHaveLength(1);
  });

  it.each([
    ['an alias of nothing', 'a: *b', 'no anchor named b'],
    ['a tag of its own', 'a: !secret x', 'tags'],
    ['a known tag', 'a: !!binary aGk=', 'tags'],
    ['a JavaScript tag', 'a: !!js/function "x"', 'tags'],
    ['a merge key', 'a: &a { b: 1 }\nc:\n  <<: *a', 'merge keys'],
    ['two documents', 'a: 1\n---\nb: 2', 'several documents'],
    ['a key that is a list', '? [a]\n: b', 'a key must be a plain word'],
    ['tabs as indentation', 'a:\n\tb: 1', 'tabs'],
    ['an open bracket', 'a: [1', 'is not closed'],
    ['nesting beyond the parser', '['.repeat(100_000), ''],
  ])('refuses %s', (_what, text, fault) => {
    expect(messages(text).length).toBeGreaterThan(0);
    expect(messages(text).join('\n')).toContain(fault);
  });

  it.each([
    'a: "hunter2',
    'a: @hunter2',
    'a: [hunter2\nb: c',
    'hunter2: {{hunter2',
    '"\\q hunter2": x',
    '%hunter2\n---\na',
  ])('does not quote the text it cannot read: %j', (text) => {
    const { faults } = readDocument(text);
    expect(faults.length).toBeGreaterThan(0);
    expect(JSON.stringify(faults)).not.toContain('hunter2');
  });

  it('uses an alias as a whole value', () => {
    expect(JSON.stringify(readDocument('a: &x [1, 2]\nb: *x').root)).toBe('{"a":[1,2],"b":[1,2]}');
  });

  it('refuses to read a file beyond its bound, and one that is not text', async () => {
    const folder = configFolder();
    const filler = '#'.repeat(1_048_576 - SUPERGRAPH.length);
    expect(await folder.faults(SUPERGRAPH + filler)).toEqual([]);
    expect(await folder.faults(`${SUPERGRAPH}${filler}#`)).toEqual([
      '1:1: the configuration file is larger than 1048576 bytes',
    ]);
  });
});
