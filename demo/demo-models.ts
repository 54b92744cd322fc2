import type { Shown } from './demo-approvals.ts';
import type { DemoIssuer } from './demo-issuer.ts';
import { PEOPLE } from './demo-requests.ts';

const TIMEOUT_MS = 30_000;
const CONVERSATION = {
  model: 'portcullis/offline',
  messages: [{ role: 'user', content: 'The gate opens at nine. When does the gate open?' }],
};
const ANSWER = 'The gate opens at nine.';

/** Models as clients made for OpenAI ask them: a chat, a stream, and a caller who may not; throws where one differs. */
export async function* modelTour(system: {
  readonly url: string;
  readonly issuer: DemoIssuer;
}): AsyncGenerator<Shown> {
  const ask = async (person: keyof typeof PEOPLE, body: object): Promise<Response> =>
    fetch(new URL('/v1/chat/completions', system.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await system.issuer.token(PEOPLE[person])}`,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });

  const chat = await ask('assistant of initech', CONVERSATION);
  const { choices } = (await chat.json()) as { choices?: readonly { message: { content: string } }[] };
  if (choices?.[0]?.message.content !== ANSWER) throw new Error(`status ${chat.status}`);
  yield {
    title: 'A client made for OpenAI chats through the gateway',
    showed: `the model says: "${ANSWER}"`,
  };

  const stream = await ask('assistant of initech', { ...CONVERSATION, stream: true });
  const chunks = (await stream.text()).split('\n\n').filter((frame) => frame.startsWith('data: {'));
  const said = chunks
    .map((frame) => JSON.parse(frame.slice('data: '.length)).choices[0]?.delta.content ?? '')
    .join('');
  if (said !== ANSWER) throw new Error(`status ${stream.status}, "${said}"`);
  yield { title: 'and streams', showed: `the same answer in ${chunks.length} chunks` };

  const refused = await ask('reader of acme', CONVERSATION);
  const { error } = (await refused.json()) as { error?: { code: string } };
  if (refused.status !== 403 || error?.code !== 'forbidden') throw new Error(`status ${refused.status}`);
  yield { title: 'A reader of acme asks the same', showed: 'refused with 403, in the form of OpenAI' };
}
