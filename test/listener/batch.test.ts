import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import type { GatewayResponse, GraphQLRequest } from '../../src/listener/request.ts';
import { refusal } from '../http/graphql-handle.ts';
import { codeOf, post, startListener } from './start-listener.ts';

const BATCHING = { enabled: true, max: 3 };
const HELLO = { query: '{ hello }' };

describe('batches', () => {
  it('are refused unless enabled', async () => {
    const { url, refusals } = await startListener();
    const refused = await post(url, [HELLO]);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'BATCHING_NOT_ENABLED']);
    expect(refusals()).toEqual(['BATCHING_NOT_ENABLED']);
  });

  it('are taken up to the limit and refused beyond it, before any operation runs', async () => {
    const { url, seen, refusals } = await startListener({ batching: BATCHING });
    expect((await post(url, [HELLO, HELLO, HELLO])).status).toBe(200);
    expect(seen.length).toBe(3);
    const refused = await post(url, [HELLO, HELLO, HELLO, HELLO]);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'BATCH_LIMIT_EXCEEDED']);
    expect(refusals()).toEqual(['BATCH_LIMIT_EXCEEDED']);
  });

  it('are refused when empty', async () => {
    const { url } = await startListener({ batching: BATCHING });
    const refused = await post(url, []);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'BAD_REQUEST']);
  });

  it('run at once, share their totals, have an id each and are answered in order', async () => {
    const started: GraphQLRequest[] = [];
    let release: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const handle = async (request: GraphQLRequest): Promise<GatewayResponse> => {
      started.push(request);
      if (started.length === 3) release();
      await all;
      return { status: 200, headers: {}, body: { data: { id: request.id } } };
    };
    const { url } = await startListener({ batching: BATCHING }, { handle });
    const response = await post(url, [HELLO, HELLO, HELLO]);
    expect(response.headers.get('x-request-id')).toBe('id-1');
    expect(await response.json()).toEqual(['id-1.0', 'id-1.1', 'id-1.2'].map((id) => ({ data: { id } })));
    expect(new Set(started.map(({ batch }) => batch)).size).toBe(1);
    expect(started[0]?.batch?.size).toBe(3);
  });

  it('answer 200 when some are refused, each refusal in its place', async () => {
    const { url } = await startListener({ batching: BATCHING });
    const response = await post(url, [HELLO, { query: 1 }]);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject([
      { data: {} },
      { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
    ]);
  });

  it('answer the status of the refusals when all are refused alike', async () => {
    const handle = async (request: GraphQLRequest) => refusal(request, new GatewayError('UNAUTHENTICATED'));
    const { url } = await startListener({ batching: BATCHING }, { handle });
    expect((await post(url, [HELLO, HELLO])).status).toBe(401);
  });
});
