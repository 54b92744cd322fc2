import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PgliteSocketServer, servePglite } from '../../src/control/pglite-socket-server.ts';
import { beginning, message } from './postgres-messages.ts';

const QUERY = ['P', 'B', 'D', 'E', 'S'].map((type) => message(type));
const simple = (text: string) => message('Q', `${text}\0`);

let folder: string;
let server: PgliteSocketServer;
/** What was run together, as letters of its messages and the text of simple queries. */
let turns: string[];
let inTransaction: boolean;
/** What a turn waits for before it is answered. */
let held: Promise<void>;
const sockets: Socket[] = [];

/** A database that answers each turn in two pieces and says which. */
const db = {
  isInTransaction: () => inTransaction,
  execProtocolRawStream: async (
    bytes: Uint8Array,
    { onRawData }: { onRawData: (data: Uint8Array) => void },
  ) => {
    const text = Buffer.from(bytes).toString('latin1');
    const turn = text.startsWith('\0') ? 'begin' : [...text].filter((letter) => letter >= ' ').join('');
    turns.push(turn);
    await held;
    if (turn === 'QBROKEN') throw new Error('out of memory');
    if (turn === 'QBEGIN') inTransaction = true;
    if (turn === 'QCOMMIT' || turn === 'QROLLBACK') inTransaction = false;
    const memory = Buffer.from(`<${turn}`);
    onRawData(memory);
    memory.fill('?');
    onRawData(Buffer.from('>'));
  },
};

beforeEach(async () => {
  [turns, inTransaction, held] = [[], false, Promise.resolve()];
  folder = await mkdtemp(join(tmpdir(), 'portcullis-socket-'));
  server = await servePglite(db as never, { path: join(folder, 's'), connectionsMax: 3 });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A connection, and all that it was answered. */
async function open() {
  const socket = connect(join(folder, 's'));
  sockets.push(socket);
  const seen = { text: '', closed: once(socket, 'close') };
  socket.setEncoding('latin1').on('data', (text: string) => {
    seen.text += text;
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const says = (text: string) => vi.waitFor(() => expect(seen.text).toContain(text));
  return { socket, seen, says };
}

/** One whose session has begun. */
async function begun() {
  const opened = await open();
  opened.socket.write(beginning());
  await opened.says('<begin>');
  return opened;
}

describe('an embedded database at its socket', () => {
  it('runs the messages of one query together, however they were cut, and those of the next after them', async () => {
    const { socket, says } = await begun();
    const bytes = Buffer.concat([...QUERY, simple('SELECT 1'), ...QUERY.slice(0, 2)]);
    for (const byte of bytes) socket.write(Uint8Array.of(byte));
    await says('<PBDES><QSELECT 1>');
    socket.write(Buffer.concat(QUERY.slice(2)));
    await says('<PBDES><QSELECT 1><PBDES>');
    expect(turns).toEqual(['begin', 'PBDES', 'QSELECT 1', 'PBDES']);
  });

  it('takes no encryption, and goes on without', async () => {
    const { socket, seen, says } = await open();
    socket.write(Buffer.concat([beginning(80_877_103), beginning()]));
    await says('<begin>');
    expect(seen.text).toBe('N<begin>');
  });

  it('lets nobody between the beginning and the end of a transaction', async () => {
    const [one, other] = [await begun(), await begun()];
    one.socket.write(simple('BEGIN'));
    await one.says('<QBEGIN>');
    other.socket.write(simple('OTHER'));
    one.socket.write(simple('MINE'));
    await one.says('<QMINE>');
    one.socket.write(simple('COMMIT'));
    await other.says('<QOTHER>');
    expect(turns.slice(2)).toEqual(['QBEGIN', 'QMINE', 'QCOMMIT', 'QOTHER']);
  });

  it('undoes what was begun by who leaves, before anybody else is served', async () => {
    const [one, other] = [await begun(), await begun()];
    one.socket.write(simple('BEGIN'));
    await one.says('<QBEGIN>');
    other.socket.write(simple('OTHER'));
    one.socket.destroy();
    await other.says('<QOTHER>');
    expect(turns.slice(2)).toEqual(['QBEGIN', 'QROLLBACK', 'QOTHER']);
    expect(other.seen.text).toBe('<begin><QOTHER>');
  });

  it('ends who has what the database cannot run, says why, undoes what it began, and serves others', async () => {
    const [one, other] = [await begun(), await begun()];
    one.socket.write(Buffer.concat([simple('BEGIN'), simple('BROKEN'), simple('NEVER')]));
    await one.seen.closed;
    expect(one.seen.text).toContain('MError: out of memory\0');
    other.socket.write(simple('OTHER'));
    await other.says('<QOTHER>');
    expect(turns.slice(2)).toEqual(['QBEGIN', 'QBROKEN', 'QROLLBACK', 'QOTHER']);
  });

  it.each([
    ['what is no beginning of a session', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a request to cancel', () => beginning(80_877_102)],
    ['a message shorter than itself', () => Buffer.concat([beginning(), Buffer.from('Q\0\0\0\x03')])],
  ])('ends %s', async (_, bytes) => {
    const { socket, seen } = await open();
    socket.write(bytes());
    await seen.closed;
    expect(seen.text).toMatch(/(?:^|<begin>)E\0\0.*SFATAL\0/su);
    const { socket: next, says } = await begun();
    next.write(simple('OTHER'));
    await says('<QOTHER>');
  });

  it('takes turns: who sends much does not keep others waiting', async () => {
    const [one, other] = [await begun(), await begun()];
    const hold = Promise.withResolvers<void>();
    held = hold.promise;
    one.socket.write(Buffer.concat(['A', 'B', 'C'].map(simple)));
    await vi.waitFor(() => expect(turns).toContain('QA'));
    other.socket.write(simple('OTHER'));
    // It is read in the turn of the event loop after this one.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    hold.resolve();
    await one.says('<QC>');
    await other.says('<QOTHER>');
    expect(turns.indexOf('QOTHER')).toBeLessThan(turns.indexOf('QC'));
  });

  it('says good-bye to who says so, and undoes nothing where nothing was begun', async () => {
    const { socket, seen } = await begun();
    socket.write(message('X'));
    await seen.closed;
    expect(turns).toEqual(['begin']);
  });
});
