import { once } from 'node:events';
import { join } from 'node:path';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type AnswerBody,
  ask,
  type Folder,
  folder,
  post,
  type Section,
  send,
  writeConfig,
} from './gateway-kit.ts';
import { type Served, serve } from './serve-kit.ts';
import { federated, startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

/** What the thread that serves everybody may compute for one hostile document; it answers nobody meanwhile. */
const BUSY_MS_MAX = 250;
/** More than the memory of refusals holds. */
const VOLLEY = 1040;
/** How many ask at a time. */
const CALLERS = 8;

const SDL = federated(`
scalar Json
input Tree { left: Tree right: Tree leaf: Json }
type Query { open: String self: Node json(value: Json): String tree(value: Tree): String list(value: [[[Int]]]): String }
type Node { self: Node name: String echo(text: String): String }
`);

const repeat = (text: string, count: number): string => text.repeat(count);
const each = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');

/** Small, and a hundred thousand selections once its fragments are written out. */
const EXPANDING = `{ self { ...F0 } } ${each(5, (n) => `fragment F${n} on Node { ${repeat(`...F${n + 1} `, 10)} }`)} fragment F5 on Node { name }`;

const body = (query: string): string => JSON.stringify({ query });

/** What a client may send within the byte limit to hurt: by default and with every limit only warned of. */
const ATTACKS: [string, string][] = [
  [
    'fragments that double at each of 30 levels',
    body(
      `{ self { ...F0 } } ${each(30, (n) => `fragment F${n} on Node { a: self { ...F${n + 1} } b: self { ...F${n + 1} } }`)} fragment F30 on Node { name }`,
    ),
  ],
  [
    'fragments spread ten times at each of 8 levels',
    body(
      `{ self { ...F0 } } ${each(8, (n) => `fragment F${n} on Node { ${repeat(`...F${n + 1} `, 10)} }`)} fragment F8 on Node { name }`,
    ),
  ],
  [
    'fragments that spread themselves',
    body('{ self { ...A } } fragment A on Node { ...B } fragment B on Node { ...A }'),
  ],
  ['100,000 nested braces', body(repeat('{a', 100_000) + repeat('}', 100_000))],
  ['100,000 braces that are never closed', body(repeat('{', 100_000))],
  ['4,000 nested fields', body(`{${repeat('self{', 4000)}name${repeat('}', 4000)}}`)],
  ['4,000 nested inline fragments', body(`{${repeat('...{', 4000)}open${repeat('}', 4000)}}`)],
  ['100,000 fields', body(`{ ${repeat('open ', 100_000)}}`)],
  ['100,000 aliases', body(`{ ${each(100_000, (n) => `a${n}:open`)} }`)],
  ['3,000 aliases', body(`{ ${each(3000, (n) => `a${n}:open`)} }`)],
  [
    '1,500 fields that conflict with each other',
    body(`{ self { ${each(1500, (n) => `echo(text:"${n}")`)} } }`),
  ],
  ['4,000 directives', body(`{ ${repeat('open @a ', 4000)} }`)],
  ['9,000 directives on one field', body(`{ open ${repeat('@a', 4500)} }`)],
  ['3,000 unused fragments', body(`{ open } ${each(1500, (n) => `fragment F${n} on Node { name }`)}`)],
  ['2,500 operations', body(each(2500, (n) => `query Q${n} { open }`))],
  ['2,000 variables', body(`query(${each(2000, (n) => `$v${n}: Int`)}) { open }`)],
  ['a name of a megabyte', body(`{ ${repeat('a', 1_000_000)} }`)],
  ['a string of a megabyte that does not end', body(`{ json(value: "${repeat('a', 1_000_000)}`)],
  ['a number of a megabyte', body(`{ list(value: ${repeat('9', 1_000_000)}) }`)],
  ['a comment of a megabyte', body(`# ${repeat('a', 1_000_000)}`)],
  ['a literal list 4,000 deep', body(`{ list(value: ${repeat('[', 4000)}${repeat(']', 4000)}) }`)],
  ['a literal list 100,000 deep', body(`{ json(value: ${repeat('[', 100_000)}${repeat(']', 100_000)}) }`)],
  ['a literal object 2,000 deep', body(`{ tree(value: ${repeat('{left:', 2000)}null${repeat('}', 2000)}) }`)],
  [
    'a variable list 400,000 deep',
    `{"query":"query($v: [[[Int]]]) { list(value: $v) }","variables":{"v":${repeat('[', 400_000)}${repeat(']', 400_000)}}}`,
  ],
  [
    'a variable of a custom scalar 400,000 deep',
    `{"query":"query($v: Json) { json(value: $v) }","variables":{"v":${repeat('[', 400_000)}${repeat(']', 400_000)}}}`,
  ],
  [
    'a variable input object 100,000 deep',
    `{"query":"query($v: Tree) { tree(value: $v) }","variables":{"v":${repeat('{"left":', 100_000)}null${repeat('}', 100_000)}}}`,
  ],
  ['a body of 400,000 brackets', repeat('[', 400_000)],
  [
    'extensions 100,000 deep',
    `{"query":"{ no }","extensions":${repeat('{"a":', 100_000)}1${repeat('}', 100_000)}}`,
  ],
  ['a body over the limit', body(`{ open } #${repeat('a', 1_048_576)}`)],
];

describe.each<[string, Section]>([
  ['by default', {}],
  ['with limits that only warn', { warnOnly: true }],
])('%s, a hostile document', (_name, limits) => {
  let subgraph: TinySubgraph;
  let where: Folder;
  let served: Served;
  let url: string;
  let pool: Pool;
  beforeAll(async () => {
    subgraph = await startTinySubgraph('deep', SDL, { Query: { open: () => 'open' } });
    where = folder();
    const config = writeConfig(where, [subgraph], { limits, compile: { timeoutMs: 1500, memoryMb: 256 } });
    served = serve(config, ['--import', join(import.meta.dirname, 'memory-probe.ts')]);
    url = await served.url;
    pool = new Pool(new URL(url).origin, { connections: CALLERS });
    // From here on it is held: that it is served says nothing about a thread that an attack has just cost its life.
    await vi.waitFor(async () => expect((await ask(url, '{ open }')).codes).toEqual([]));
  });
  afterAll(async () => {
    await pool?.destroy();
    await served?.stop();
    await subgraph?.close();
    where?.remove();
  });

  /** Units: bytes of memory, milliseconds of the main thread. */
  async function told(question: 'memory' | 'cpu'): Promise<number> {
    const answered = once(served.child, 'message');
    served.child.send(question);
    const [figure] = await answered;
    return Number(figure);
  }

  it.each(ATTACKS)('of %s is refused while the gateway stays responsive', async (_what, text) => {
    const before = await told('cpu');
    const attack = post(url, text);
    expect((await send(new URL('/health/live', url).href)).status).toBe(200);
    const { codes, body: answer } = await attack;
    expect((await told('cpu')) - before).toBeLessThan(BUSY_MS_MAX);
    // Where limits only warn, what is merely large may run.
    if (limits['warnOnly'] !== true || answer.data == null) expect(codes).not.toHaveLength(0);
    expect(codes).not.toContain('INTERNAL_SERVER_ERROR');
    expect(served.output().stderr).toBe('');
    expect((await ask(url, '{ open }')).body).toEqual({ data: { open: 'open' } });
  });

  it('of any kind, some thousand times, leaves no memory behind', async () => {
    let serial = 0;
    // As `ask`, for less than half of its computing, which is most of what a thousand questions take.
    const codesOf = async (query: string): Promise<readonly unknown[]> => {
      const headers = { 'content-type': 'application/json' };
      const answer = await pool.request({ path: '/graphql', method: 'POST', headers, body: body(query) });
      const { errors = [] } = (await answer.body.json()) as AnswerBody;
      return errors.length === 0 ? [null] : errors.map(({ extensions }) => extensions['code']);
    };
    const volley = async (count: number): Promise<void> => {
      const codes = await Promise.all(
        Array.from({ length: CALLERS }, async () => {
          const seen: unknown[] = [];
          for (let turn = 0; turn < count / CALLERS; turn += 1) {
            serial += 1;
            seen.push(...(await codesOf(`query Q${serial} ${EXPANDING}`)));
          }
          return seen;
        }),
      );
      expect(new Set(codes.flat())).toEqual(new Set(['MAX_SELECTIONS_LIMIT']));
    };
    // An attack before may have cost the worker its life; the next one takes a while to start.
    await vi.waitFor(async () => {
      serial += 1;
      expect((await ask(url, `query Q${serial} { open }`)).codes).toEqual([]);
    });
    // The first ones fill the memory of refusals, which is bounded.
    await volley(VOLLEY);
    const before = await told('memory');
    await volley(VOLLEY / 2);
    expect((await told('memory')) - before).toBeLessThan(2 * 1_048_576);
  });
});
