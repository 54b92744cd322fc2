import { expect, it } from 'vitest';
import * as replacement from '../bench/gateways/nothing-recorded.ts';

it('what the benchmark puts in place of the audit has all that the modules have in whose place it stands', async () => {
  for (const name of replacement.AUDIT_MODULES) {
    const module: object = await import(`../../src/${name}`);
    expect(Object.keys(replacement)).toEqual(expect.arrayContaining(Object.keys(module)));
  }
});
