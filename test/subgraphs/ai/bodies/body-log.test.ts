import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aiBodyContext } from '../../../../src/control/ai-body-context.ts';
import { localKeyWrapper, unseal } from '../../../../src/control/envelope.ts';
import type { ChatInput } from '../../../../subgraphs/ai/ai-input.ts';
import { parseBodies } from '../../../../subgraphs/ai/bodies/bodies-config.ts';
import {
  type BodyFault,
  BodyLog,
  type BodyStore,
  type BodyTenant,
  type SealedBody,
} from '../../../../subgraphs/ai/bodies/body-log.ts';
import {
  type LoggedParts,
  loggedChat,
  loggedEmbed,
  openLoggedChat,
} from '../../../../subgraphs/ai/bodies/logged-path.ts';
import { compileGuardrails } from '../../../../subgraphs/ai/guardrails/compile-guardrails.ts';
import { parseGuardrails } from '../../../../subgraphs/ai/guardrails/guardrails-config.ts';
import { principal } from '../../support.ts';
import { partsOf } from '../client-kit.ts';

const MASTER = { id: 'm1', key: new Uint8Array(32).fill(7) };
const WRAPPER = localKeyWrapper([MASTER], randomBytes);
const SECRET = 'jane@example.com';
const INPUT: ChatInput = {
  ...{ model: 'portcullis/offline', maxOutputTokens: 50 },
  messages: [{ role: 'USER', content: `Write to ${SECRET} today.` }],
};

/** A store whose answers the test holds. */
function setting(tenants: readonly BodyTenant[], config: object = {}) {
  const clock = { now: 1_000_000 };
  const kept: SealedBody[] = [];
  const faults: BodyFault[] = [];
  const does = { tenants: async () => tenants, keep: async (body: SealedBody) => kept.push(body) > 0 };
  const store: BodyStore = {
    tenants: () => does.tenants(),
    keep: (body) => does.keep(body),
    forget: async () => undefined,
    close: async () => undefined,
  };
  let ids = 0;
  const bodies = new BodyLog({
    ...{ config: parseBodies({ masterKeys: [MASTER], ...config }), store, wrapper: WRAPPER, randomBytes },
    newId: () => {
      ids += 1;
      return `bdy_${ids}`;
    },
    onFault: (fault) => faults.push(fault),
    now: () => clock.now,
  });
  const parts: LoggedParts = {
    ...partsOf([], { timeoutMs: 10_000, failures: [] }),
    guardrails: compileGuardrails(parseGuardrails({})),
    onGuardrails: () => undefined,
    bodies,
  };
  const asked = <I>(input: I, tenant = 'acme') => ({
    input,
    caller: principal({ tenant }),
    field: 'Mutation.chat',
  });
  const opened = async (): Promise<unknown[]> => {
    await bodies.settled();
    return Promise.all(
      kept.map(async (body) =>
        JSON.parse(await unseal(body, aiBodyContext({ ...body, tenantId: body.tenant }), WRAPPER)),
      ),
    );
  };
  return { bodies, parts, asked, kept, faults, opened, clock, does };
}

const FULL: BodyTenant = { id: 'ten_1', slug: 'acme', mode: 'full' };

describe('a question and its answer', () => {
  it('are kept sealed for a tenant that wants it, and for no other', async () => {
    const { bodies, parts, asked, kept, opened } = setting([FULL]);
    await bodies.poll();
    const { text } = await loggedChat(parts, asked(INPUT));
    await loggedChat(parts, asked(INPUT, 'initech'));
    expect(await opened()).toEqual([
      { question: INPUT, answer: { text, toolCalls: [], finishReason: 'STOP' } },
    ]);
    expect(kept).toMatchObject([{ tenant: 'ten_1', subject: 'acme-ada', application: 'web', mode: 'full' }]);
    expect(JSON.stringify(kept)).not.toContain('jane');
  });

  it('are none of a tenant that has not said so yet', async () => {
    const { parts, asked, kept, bodies } = setting([FULL]);
    await loggedChat(parts, asked(INPUT));
    await bodies.settled();
    expect(kept).toEqual([]);
  });

  it('open under no other id, tenant or time', async () => {
    const { bodies, parts, asked, kept } = setting([FULL]);
    await bodies.poll();
    await loggedChat(parts, asked(INPUT));
    await bodies.settled();
    const [body] = kept;
    if (body === undefined) throw new Error('nothing was kept');
    const of = { id: body.id, tenantId: body.tenant, at: body.at };
    for (const other of [{ id: 'bdy_9' }, { tenantId: 'ten_2' }, { at: 1 }])
      await expect(unseal(body, aiBodyContext({ ...of, ...other }), WRAPPER)).rejects.toThrow();
  });

  it('are without personal data and secrets where the tenant wants them so', async () => {
    const { bodies, parts, asked, opened } = setting([{ ...FULL, mode: 'redacted' }]);
    await bodies.poll();
    await loggedChat(parts, asked(INPUT));
    const hidden = String.raw`{"to":"jane\u0040example.com"}`;
    const toolCalls = [{ id: '1', name: 't', arguments: hidden }];
    bodies.keep(
      { ...FULL, mode: 'redacted' },
      { application: null, subject: 's', field: 'f', model: 'm', question: null, answer: { toolCalls } },
    );
    const text = JSON.stringify(await opened());
    expect(text).toContain('Write to [EMAIL] today.');
    expect(text).not.toContain('jane');
  });

  it('are without images, and cut where they are too long', async () => {
    const { bodies, opened } = setting([FULL], { bodyCharactersMax: 1_024 });
    const question = { images: [{ data: 'A'.repeat(5_000) }], content: 'short' };
    const of = { application: null, subject: 's', field: 'f', model: 'm', answer: null };
    bodies.keep(FULL, { ...of, question });
    // Nothing that waits holds them.
    question.images.length = 0;
    bodies.keep(FULL, { ...of, question: 'B'.repeat(5_000) });
    const [first, second] = await opened();
    expect(first).toEqual({ question: { images: '1 images', content: 'short' }, answer: null });
    expect(second).toEqual({ cut: true, text: expect.stringMatching(/^.{1024}$/u) });
  });

  it('are kept of a stream as it was told, once, also where it is left', async () => {
    const { bodies, parts, asked, opened } = setting([FULL]);
    await bodies.poll();
    let text = '';
    for await (const event of await openLoggedChat(parts, asked(INPUT))) text += event.text ?? '';
    const left = await openLoggedChat(parts, asked(INPUT));
    await left.next();
    await left.return?.();
    expect(await opened()).toMatchObject([
      { answer: { text, finishReason: 'STOP' } },
      { answer: { finishReason: null } },
    ]);
  });

  it('are of texts that are embedded the texts', async () => {
    const { bodies, parts, asked, opened } = setting([FULL]);
    await bodies.poll();
    await loggedEmbed(parts, asked({ model: 'portcullis/offline-embedding', texts: ['one'] }));
    expect(await opened()).toMatchObject([{ question: { texts: ['one'] }, answer: { dimensions: 256 } }]);
  });
});

describe('what cannot be kept', () => {
  it('is counted and told, and the answer is given all the same', async () => {
    const { bodies, parts, asked, faults, does } = setting([FULL]);
    does.keep = () => Promise.reject(new TypeError('the disk says jane@example.com'));
    await bodies.poll();
    expect((await loggedChat(parts, asked(INPUT))).finishReason).toBe('STOP');
    await bodies.settled();
    expect(faults).toEqual([{ bodies: 'not kept', lost: 1, errorName: 'TypeError' }]);
    expect(bodies.lost).toBe(1);
  });

  it('is what comes while too many wait', async () => {
    const { bodies, parts, asked, faults, kept, does } = setting([FULL], { pendingMax: 1 });
    const { promise, resolve } = Promise.withResolvers<void>();
    does.keep = async (body) => {
      await promise;
      return kept.push(body) > 0;
    };
    await bodies.poll();
    await loggedChat(parts, asked(INPUT));
    await loggedChat(parts, asked(INPUT));
    resolve();
    await bodies.settled();
    expect([kept.length, faults.length, bodies.lost]).toEqual([1, 1, 1]);
  });

  it('is all, once it is not heard for too long whose are to be', async () => {
    const { bodies, faults, clock, does } = setting([FULL], { staleMs: 60_000 });
    await bodies.poll();
    does.tenants = () => Promise.reject(new Error('gone'));
    clock.now += 59_999;
    await bodies.poll();
    expect(bodies.tenantOf('ten_1')).toEqual(FULL);
    clock.now += 1;
    await bodies.poll();
    expect(bodies.tenantOf('ten_1')).toBeNull();
    does.tenants = async () => [FULL];
    await bodies.poll();
    expect(faults.map(({ bodies: said }) => said)).toEqual(['not heard', 'heard']);
  });
});
