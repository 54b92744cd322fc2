import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../src/errors.ts';
import { page, rows } from './documents.ts';

const table = rows(page('docs/errors.md')).map(([code = '', status, retry, meaning]) => ({
  code: code.replaceAll('`', ''),
  status,
  retry,
  meaning,
}));

describe('the error table', () => {
  it('has exactly the codes of the catalogue, each once', () => {
    expect(table.map(({ code }) => code).toSorted()).toEqual(Object.keys(CATALOGUE).toSorted());
  });

  it.each(Object.entries(CATALOGUE))('says of %s what the catalogue says', (code, { status, retryable }) => {
    const row = table.find((each) => each.code === code);
    expect(row?.status).toBe(String(status));
    expect(row?.retry).toBe(retryable ? 'yes' : 'no');
    expect(row?.meaning).toMatch(/^\S.*\.$/);
  });
});
