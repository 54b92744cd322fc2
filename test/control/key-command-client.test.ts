import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { localKeyWrapper, NotOpenedError, seal, unseal } from '../../src/control/envelope.ts';
import { type KeyCommand, keyCommandSchema } from '../../src/control/key-command.ts';
import { commandKeyWrapper, keyWrapperOf } from '../../src/control/key-command-client.ts';

/** A key service that turns keys around, and knows one master key. */
const SERVICE = `let text = '';
process.stdin.on('data', (chunk) => { text += chunk; }).on('end', () => {
  const { action, dataKey, keyId, wrapped } = JSON.parse(text);
  const turned = (key) => [...key].reverse().join('');
  if (process.env.SECRET_OF_PARENT !== undefined || text.split('\\n').length !== 2) process.exit(1);
  const answer = action === 'wrap' ? { keyId: process.argv[1], wrapped: turned(dataKey) }
    : keyId === process.argv[1] ? { dataKey: turned(wrapped) } : { notOpened: true };
  console.log(JSON.stringify(answer));
});`;
const commandOf = (part: object): KeyCommand => keyCommandSchema.parse({ file: '/bin/sh', ...part });
const service = commandOf({
  file: process.execPath,
  args: ['-e', SERVICE, 'arn:aws:kms:eu:1:key/2'],
  timeoutMs: 60_000,
});
const shell = (script: string, part: object = {}) =>
  commandKeyWrapper(commandOf({ args: ['-c', script], timeoutMs: 60_000, ...part }));
const KEY = new Uint8Array(32).fill(7);
const MASTER = { id: 'old', key: new Uint8Array(32).fill(9) };

describe('a command that wraps keys', () => {
  it('seals and opens, sees nothing else of the process, and says what it does not open', async () => {
    process.env['SECRET_OF_PARENT'] = 'x';
    try {
      const wrapper = commandKeyWrapper(service);
      const sealed = await seal('a secret', 'here', { wrapper, randomBytes });
      expect(sealed.keyId).toBe('arn:aws:kms:eu:1:key/2');
      expect(await unseal(sealed, 'here', wrapper)).toBe('a secret');
      await expect(unseal({ ...sealed, keyId: 'other' }, 'here', wrapper)).rejects.toThrow(NotOpenedError);
    } finally {
      delete process.env['SECRET_OF_PARENT'];
    }
  });

  it('takes the place of master keys, which still open what they have sealed', async () => {
    const before = await seal('a secret', 'here', {
      wrapper: localKeyWrapper([MASTER], randomBytes),
      randomBytes,
    });
    const wrapper =
      keyWrapperOf({ masterKeys: [MASTER], command: service }, randomBytes) ?? expect.unreachable();
    expect(await unseal(before, 'here', wrapper)).toBe('a secret');
    expect((await wrapper.wrap(KEY)).keyId).toBe('arn:aws:kms:eu:1:key/2');
    expect(keyWrapperOf({ masterKeys: [] }, randomBytes)).toBeNull();
  });

  it.each([
    ['fails', 'echo \'{"keyId":"k","wrapped":"planted"}\'; exit 3'],
    ['says nothing', 'true'],
    ['says something else', 'echo planted'],
    ['says more than an answer', 'echo \'{"keyId":"k","wrapped":"w","more":"planted"}\''],
    ['does not end what it says', 'while :; do echo planted; done'],
    ['leaves the answer to a child that goes on', 'sleep 600 & exit 0', { timeoutMs: 100 }],
    ['does not end', 'sleep 600', { timeoutMs: 100 }],
    ['is not there', '', { file: '/nowhere/kms' }],
  ])('that %s is a fault of the service, told without what it said', async (_, script, part: object = {}) => {
    const fault = await shell(script, part)
      .wrap(KEY)
      .then(
        () => null,
        (error: unknown) => error,
      );
    expect(fault).toMatchObject({ name: 'KeyCommandError' });
    expect(fault).not.toBeInstanceOf(NotOpenedError);
    expect(String(fault)).not.toContain('planted');
  });

  it('of somebody else, who has to end it, is no longer waited for all the same', async () => {
    const { kill } = process;
    const killed = vi.spyOn(process, 'kill').mockImplementation((...given) => {
      kill.apply(process, given);
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    });
    try {
      const wrapper = shell('sleep 600', { timeoutMs: 100 });
      await expect(wrapper.wrap(KEY)).rejects.toMatchObject({ name: 'KeyCommandError' });
      expect(killed).toHaveBeenCalledOnce();
    } finally {
      killed.mockRestore();
    }
  });

  it('is a fault of the service too where this process may open no more files, and ends it not', () => {
    const client = new URL('../../src/control/key-command-client.ts', import.meta.url).href;
    const script = `
      import { openSync } from 'node:fs';
      const { commandKeyWrapper } = await import(${JSON.stringify(client)});
      const command = { file: '/bin/true', args: [], environment: [], timeoutMs: 60_000, processesMax: 1 };
      try { for (;;) openSync('/dev/null'); } catch {}
      const told = await commandKeyWrapper(command).wrap(new Uint8Array(32)).catch(({ name }) => name);
      setImmediate(() => console.log(told));`;
    const { stdout, status } = spawnSync(
      '/bin/sh',
      ['-c', 'ulimit -n 256; exec "$@"', '-', process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    expect([stdout.trim(), status]).toEqual(['KeyCommandError', 0]);
  });

  it('gives no key that is none', async () => {
    const short = shell('echo \'{"dataKey":"AAAA"}\'');
    await expect(short.unwrap('k', 'w')).rejects.toMatchObject({ name: 'KeyCommandError' });
  });

  it('is run so often at once, and no more than a bound wait', async () => {
    const wrapper = shell('echo \'{"keyId":"k","wrapped":"w"}\'', { file: '/nowhere/kms', processesMax: 2 });
    const asked = await Promise.all(
      Array.from({ length: 132 }, () =>
        wrapper.wrap(KEY).then(
          () => '',
          ({ message }: Error) => message,
        ),
      ),
    );
    expect(asked.filter((message) => message.includes('too many'))).toHaveLength(2);
    expect(asked.filter((message) => message.includes('cannot be run'))).toHaveLength(130);
  });

  it.each([
    ['by a name that a path is searched for', { file: 'kms' }],
    ['with what is no name of a variable', { environment: ['A=B'] }],
    ['without an end', { timeoutMs: 0 }],
  ])('is not configured %s', (_, part) => {
    expect(() => commandOf(part)).toThrow();
  });
});
