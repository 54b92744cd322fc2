import { describe, expect, it } from 'vitest';
import { credentialFields, valuesOf } from '../../src/listener/header-fields.ts';

const RAW = [
  'Authorization',
  'a',
  'X-Api-Key',
  'k1',
  'x-api-key',
  'k2',
  'authorization',
  'b',
  'x-api-key2',
  'no',
];

describe('header values', () => {
  it('are given every one in order, whatever the case of the name', () => {
    expect(valuesOf(RAW, 'x-api-key')).toEqual(['k1', 'k2']);
    expect(valuesOf(RAW, 'authorization')).toEqual(['a', 'b']);
    expect(valuesOf(RAW, 'cookie')).toEqual([]);
  });

  it('of a header that is not set up for API keys are no credentials', () => {
    expect(credentialFields(RAW, undefined)).toEqual({ authorization: ['a', 'b'] });
    expect(credentialFields(RAW, 'x-api-key')).toEqual({ authorization: ['a', 'b'], apiKeys: ['k1', 'k2'] });
  });
});
