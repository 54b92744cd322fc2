import { describe, expect, it } from 'vitest';
import { encodeBatch, encodeResponse, refusalResponse } from '../../src/listener/encode-response.ts';

const FRAME = { requestId: 'id-1', mediaType: 'application/json' } as const;
const DONE = { status: 200, headers: { 'x-cost-actual': '1' }, body: { data: { a: 1 } } };
const LIMITED = { ...refusalResponse('SERVER_OVERLOADED', 'id-1.0'), headers: { 'retry-after': '1' } };

describe('encodeResponse', () => {
  it('lets no header of the pipeline replace those of the edge', () => {
    const headers = { 'x-request-id': 'forged', 'cache-control': 'public', 'retry-after': '3' };
    expect(encodeResponse({ ...DONE, headers }, FRAME).headers).toMatchObject({
      'x-request-id': 'id-1',
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'retry-after': '3',
    });
  });
});

describe('encodeBatch', () => {
  it('answers 200 without headers of a single operation when any operation ran', () => {
    const { status, headers, body } = encodeBatch([DONE, LIMITED], FRAME);
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty('x-cost-actual');
    expect(headers).not.toHaveProperty('retry-after');
    expect(JSON.parse(body)).toMatchObject([{ data: { a: 1 } }, { errors: [{}] }]);
  });

  it('answers the status of the refusals when all are refused alike', () => {
    const { status, headers } = encodeBatch([LIMITED, LIMITED], FRAME);
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  });

  it('answers 200 when all are refused, but not alike', () => {
    expect(encodeBatch([LIMITED, refusalResponse('FORBIDDEN', 'id-1.1')], FRAME).status).toBe(200);
  });
});
