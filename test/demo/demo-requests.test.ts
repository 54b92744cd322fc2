import { expect, it } from 'vitest';
import { STAFF } from '../../demo/demo-approvals.ts';
import { PEOPLE, variableOf } from '../../demo/demo-requests.ts';

it('the demo prints the token of everybody under a name of their own that can be pasted into a shell', () => {
  const names = Object.keys({ ...PEOPLE, ...STAFF }).map(variableOf);
  for (const name of names) expect(name).toMatch(/^[A-Z_][A-Z0-9_]*$/);
  expect(new Set(names).size).toBe(names.length);
});
