import { expect, it } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { startListener } from '../start-listener.ts';

it('tells what the door does not serve in OpenAI’s form, and what it does by its method, each with its event', async () => {
  const { origin, refusals } = await startListener(
    { openAiPath: '/v1' },
    {
      handle: async ({ params, id }) => {
        if (!(params instanceof GatewayError)) return expect.unreachable();
        const { code, status, message, headers } = params;
        return { status, headers, body: { errors: [{ message, extensions: { code, requestId: id } }] } };
      },
    },
  );
  const ask = async (method: string, path: string) => {
    const response = await fetch(`${origin}/v1/${path}`, { method });
    const text = await response.text();
    const code: unknown = method === 'HEAD' ? null : JSON.parse(text).error.code;
    return [response.status, response.headers.get('allow'), code];
  };
  const unlawful = 'method_not_allowed';
  expect(await ask('GET', 'chat/completions')).toEqual([405, 'POST', unlawful]);
  expect(await ask('HEAD', 'models')).toEqual([405, 'GET', null]);
  expect(await ask('OPTIONS', 'embeddings?x=1')).toEqual([405, 'POST', unlawful]);
  expect(await ask('DELETE', 'models/a/b')).toEqual([405, 'GET', unlawful]);
  expect(await ask('POST', 'responses')).toEqual([404, null, 'not_found']);
  expect(await ask('GET', 'chat/completions/chatcmpl-1')).toEqual([404, null, 'not_found']);
  expect(refusals()).toEqual([...Array(4).fill('METHOD_NOT_ALLOWED'), 'NOT_FOUND', 'NOT_FOUND']);
});
