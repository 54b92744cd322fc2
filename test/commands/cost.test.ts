import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configFolder } from '../config/config-folder.ts';
import { portcullis } from './command-line.ts';

const EXAMPLE = join(import.meta.dirname, '../../schema/supergraph.graphql');
const config = () =>
  configFolder().write('a.yaml', `supergraph: { file: ${JSON.stringify(EXAMPLE)} }\ncost: { max: 7 }\n`);
const PRODUCTS = 'query($n: Int) { products(first: $n) { nodes { name } } }';

describe('cost', () => {
  it('explains each field and the sum', async () => {
    const args = ['cost', '-c', config(), '-q', PRODUCTS, '--variables', '{"n":5}'];
    const { code, stdout } = await portcullis(args);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        'products (Query.products): 1 × 6 + 0 = 6',
        '  nodes (ProductPage.nodes): 5 × 1 + 0 = 5',
        'estimated 6, max 7, mode off',
        'in catalog 6',
      ]),
    );
  });

  it.each([
    ['an operation that does not fit the schema', ['-q', '{ nope }']],
    ['variables that are no object', ['-q', PRODUCTS, '--variables', '[]']],
    ['variables of the wrong type', ['-q', PRODUCTS, '--variables', '{"n":"x"}']],
  ])('refuses %s', async (_, args) => {
    expect(await portcullis(['cost', '-c', config(), ...args])).toMatchObject({ code: 1, stdout: '' });
  });
});
