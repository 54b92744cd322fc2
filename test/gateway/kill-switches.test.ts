import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { ask, auditOf, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startItems, startReviews, type TinySubgraph } from './tiny-subgraph.ts';

const WITHIN = { timeout: 1000, interval: 10 };
const STAFF = { tenant: undefined, client_id: undefined };

let parts: TinySubgraph[];
let gateway: TestGateway;
let officer: string;

beforeAll(async () => {
  parts = await Promise.all([startItems(), startReviews()]);
  gateway = await startTestGateway(parts, {
    state: { database: embeddedDatabase(), pollMs: 100 },
    admin: { enabled: true },
    killSwitches: { fields: ['Query.echo'] },
  });
  officer = await gateway.issuer.token({
    ...{ ...STAFF, sub: 'olga', scope: 'portcullis:security' },
    ...{ amr: ['pwd', 'mfa'], auth_time: Math.floor(Date.now() / 1000) },
  });
});

afterAll(async () => {
  await gateway?.close();
  for (const part of parts ?? []) await part.close();
});

interface Payload {
  readonly killSwitch: { readonly id: string } | null;
  readonly errors: readonly { readonly code: string; readonly field: string | null }[];
}

async function change(field: string, input: string, token = officer): Promise<Payload> {
  const text = `mutation { ${field}(input: ${input}) { killSwitch { id } errors { code field } } }`;
  const { body } = await ask(gateway.url, text, { token });
  const payload = body.data?.[field];
  if (payload == null) throw new Error(JSON.stringify(body));
  return payload as Payload;
}

const turnOff = async (input: string): Promise<string> => {
  const { killSwitch } = await change('controlSwitchOff', `{ ${input}, reason: "Under attack." }`);
  return killSwitch?.id ?? '';
};
const turnOn = (id: string) => change('controlSwitchOn', `{ switchId: "${id}", reason: "It is over." }`);
const codes = async (text: string) => {
  const { status, body } = await ask(gateway.url, text);
  return [status, ...(body.errors ?? []).map(({ extensions, path }) => [extensions['code'], path])];
};

describe('a kill switch', () => {
  it('takes a field away while the rest is answered, and gives it back', async () => {
    const id = await turnOff('kind: FIELD, target: "Query.open"');
    await vi.waitFor(
      async () => expect(await codes('{ x: open newest }')).toEqual([200, ['SWITCHED_OFF', ['x']]]),
      WITHIN,
    );
    const { body, requestId } = await ask(gateway.url, '{ x: open newest }');
    expect(body.data).toEqual({ x: null, newest: 'newest' });
    const event = await auditOf(gateway.where, requestId);
    expect(event.decision).toMatchObject({
      effect: 'filter',
      reasons: [{ rule: 'switched-off', code: 'SWITCHED_OFF', coordinate: 'Query.open' }],
    });
    await turnOn(id);
    await vi.waitFor(async () => expect(await codes('{ open }')).toEqual([200]), WITHIN);
  });

  it('leaves a subgraph alone while what others answer arrives', async () => {
    const id = await turnOff('kind: SUBGRAPH, target: "reviews"');
    const text = '{ items { name review } }';
    await vi.waitFor(
      async () => expect(await codes(text)).toEqual([200, ['SWITCHED_OFF', undefined]]),
      WITHIN,
    );
    const received = parts[1]?.received.length;
    expect((await ask(gateway.url, text)).body.data).toEqual({
      items: [
        { name: 'lamp', review: null },
        { name: 'desk', review: null },
      ],
    });
    expect(parts[1]?.received.length).toBe(received);
    await turnOn(id);
    await vi.waitFor(async () => expect(await codes(text)).toEqual([200]), WITHIN);
  });

  it('stops all mutations but those that switch on again', async () => {
    const id = await turnOff('kind: MUTATIONS');
    await vi.waitFor(
      async () => expect(await codes('mutation { touch }')).toEqual([503, ['SWITCHED_OFF', undefined]]),
      WITHIN,
    );
    expect(await codes('{ open }')).toEqual([200]);
    expect((await turnOn(id)).errors).toEqual([]);
    await vi.waitFor(async () => expect(await codes('mutation { touch }')).toEqual([200]), WITHIN);
  });

  it('stops an operation by the hash that its audit event has, and ends by itself', async () => {
    const text = 'query Report { open }';
    const { requestId } = await ask(gateway.url, text);
    const { operation } = await auditOf(gateway.where, requestId);
    await turnOff(`kind: OPERATION, target: "${operation?.hash}", seconds: 3`);
    await vi.waitFor(
      async () => expect(await codes(text)).toEqual([503, ['SWITCHED_OFF', undefined]]),
      WITHIN,
    );
    expect(await codes('query Other { open }')).toEqual([200]);
    await vi.waitFor(async () => expect(await codes(text)).toEqual([200]), { timeout: 3000, interval: 20 });
  });

  it('of the configuration needs no control plane to say so', async () => {
    expect(await codes('{ echo(text: "x") }')).toEqual([200, ['SWITCHED_OFF', ['echo']]]);
  });

  it('is listed to who may know of it', async () => {
    const id = await turnOff('kind: FIELD, target: "Item.review"');
    const text = '{ admin { killSwitches { nodes { id kind target reason createdBy tenantId } } } }';
    const { body } = await ask(gateway.url, text, { token: officer });
    expect(body.data).toEqual({
      admin: {
        killSwitches: {
          nodes: [
            {
              ...{ id, kind: 'FIELD', target: 'Item.review', reason: 'Under attack.' },
              ...{ createdBy: 'olga', tenantId: null },
            },
          ],
        },
      },
    });
    await turnOn(id);
  });

  it('never stands for the administration itself', async () => {
    const input = '{ kind: SUBGRAPH, target: "admin", reason: "Under attack." }';
    expect((await change('controlSwitchOff', input)).errors).toEqual([
      { code: 'INVALID_INPUT', field: 'target' },
    ]);
  });

  it('is refused to who has not proven a second factor, and unknown to who has no scope for it', async () => {
    const input = '{ kind: MUTATIONS, reason: "For fun." }';
    const weak = await gateway.issuer.token({ ...STAFF, sub: 'olga', scope: 'portcullis:security' });
    expect((await change('controlSwitchOff', input, weak)).errors).toEqual([
      { code: 'STEP_UP_REQUIRED', field: null },
    ]);
    const token = await gateway.issuer.token({ scope: 'orders:read' });
    const text = `mutation { controlSwitchOff(input: ${input}) { errors { code } } }`;
    expect((await ask(gateway.url, text, { token })).codes).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });
});
