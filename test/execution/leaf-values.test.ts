import { describe, expect, it } from 'vitest';
import { leafChecks } from '../../src/execution/leaf-values.ts';
import { compose } from '../operation/graph-kit.ts';

const checks = leafChecks(
  compose('type Query { role: Role json: Json } enum Role { A B @inaccessible } scalar Json').apiSchema,
);

describe('the check of leaf values', () => {
  it.each([
    ['Int', 0, true],
    ['Int', 2_147_483_647, true],
    ['Int', 2_147_483_648, false],
    ['Int', -2_147_483_648, true],
    ['Int', -2_147_483_649, false],
    ['Int', Number.NaN, false],
    ['Float', Number.POSITIVE_INFINITY, false],
    ['Float', Number.NaN, false],
    ['Float', 0.1, true],
    ['String', 'x', true],
    ['String', 0, false],
    ['Boolean', false, true],
    ['Boolean', 'false', false],
    ['ID', 'x', true],
    ['ID', 5, true],
    ['ID', 5.5, false],
    ['Role', 'A', true],
    ['Role', 'B', false],
    ['Role', 'a', false],
    ['Role', '__proto__', false],
    ['Json', { any: 'thing' }, true],
    ['__TypeKind', 'OBJECT', true],
    ['__TypeKind', 'EVIL', false],
  ])('of %s takes %j: %s', (type, value, fits) => {
    expect(checks(type)(value)).toBe(fits);
  });
});
