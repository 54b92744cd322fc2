import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { announce } from '../gateways/announce.ts';

/** Words of an answer, of which a stream tells one at a time. */
const WORDS = Array.from({ length: 32 }, (_, index) => `word${index} `);
const USAGE = { prompt_tokens: 120, completion_tokens: 64, total_tokens: 184 };
const FRAME = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'model-1' };

const WHOLE = JSON.stringify({
  ...{ ...FRAME, object: 'chat.completion', usage: USAGE },
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: WORDS.join('') },
      finish_reason: 'stop',
      logprobs: null,
    },
  ],
});

function frameOf(delta: object, finish: string | null, more: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: finish, logprobs: null }];
  return `data: ${JSON.stringify({ ...FRAME, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
}
const PARTS = [
  frameOf({ role: 'assistant', content: '' }, null),
  ...WORDS.map((content) => frameOf({ content }, null)),
  `${frameOf({}, 'stop')}data: ${JSON.stringify({ ...FRAME, object: 'chat.completion.chunk', choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`,
];

/** A provider of OpenAI's wire format that answers from memory, at once. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (!Buffer.concat(chunks).includes('"stream":true')) {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(WHOLE),
      });
      response.end(WHOLE);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of PARTS) response.write(part);
    response.end();
  });
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  announce({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
});
