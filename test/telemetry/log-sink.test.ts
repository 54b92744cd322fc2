import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { createLog, describeError, type LogLevel } from '../../src/telemetry/log-sink.ts';

function capture(level: LogLevel = 'debug') {
  const lines: string[] = [];
  return { lines, log: createLog(level, {}, { write: (line) => void lines.push(line) }) };
}

describe('createLog', () => {
  it('writes one JSON object per line with level, time, event and fields', () => {
    const { lines, log } = capture();
    log.warn('supergraph refused', { details: ['a', 'b'], count: 2, id: null });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      event: 'supergraph refused',
      fields: { details: ['a', 'b'], count: 2, id: null },
    });
  });

  it('writes nothing below its level', () => {
    const { lines, log } = capture('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['c', 'd']);
  });

  it('stays one line, and keeps level and event, whatever the fields say', () => {
    const { lines, log } = capture();
    log.info('real', { level: 'error', event: 'forged', text: 'a\n{"level":"fatal"}' });
    expect(lines[0]?.trimEnd()).not.toContain('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', event: 'real' });
  });

  it('cuts a text after 8,192 characters and a list after 100 entries', () => {
    const { lines, log } = capture();
    log.info('a', { at: 'x'.repeat(8_192), over: 'x'.repeat(8_193), list: new Array<string>(101).fill('y') });
    const { fields } = JSON.parse(lines[0] ?? '');
    expect(fields.at).toHaveLength(8_192);
    expect(fields.over).toBe(`${'x'.repeat(8_192)}…`);
    expect(fields.list).toHaveLength(100);
  });
});

describe('describeError', () => {
  const SECRET = 's3cret';

  it.each<[string, unknown]>([
    ['a message', new Error(SECRET)],
    ['a message of several lines', new Error(`first\n${SECRET}\n    at last`)],
    ['a message that imitates a frame', new Error(`x\n    at ${SECRET} (a.js:1:1)`)],
    ['a message changed after the fact', Object.assign(new Error(SECRET), { message: 'other' })],
    [
      'a message shortened after the fact',
      Object.assign(new Error(`a ${SECRET}\n${SECRET}`), { message: 'a' }),
    ],
    ['a name', Object.assign(new Error('x'), { name: `Bad ${SECRET}` })],
    ['a code', Object.assign(new Error('x'), { code: `bad ${SECRET}` })],
    ['a cause', new Error('x', { cause: new Error(SECRET) })],
    ['a field', Object.assign(new Error('x'), { requestBodyValues: SECRET })],
    ['a thrown text', SECRET],
    ['a thrown object', { token: SECRET }],
    ['a cause of our own', new GatewayError('INTERNAL_SERVER_ERROR', { cause: new Error(SECRET) })],
  ])('never tells what %s holds', (_, error) => {
    expect(JSON.stringify(describeError(error))).not.toContain(SECRET);
  });

  it('tells name, code, causes by name and code, and where it arose', () => {
    const cause = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    const described = describeError(Object.assign(new TypeError('y', { cause }), { code: 'ERR_Z' }));
    expect(described).toMatchObject({
      errorName: 'TypeError',
      errorCode: 'ERR_Z',
      errorCauses: ['Error ECONNREFUSED'],
    });
    expect(described['errorStack']).toEqual(
      expect.arrayContaining([expect.stringContaining('log-sink.test.ts')]),
    );
  });

  it('tells the message and details of our own errors, which hold no values', () => {
    const error = new GatewayError('CONFIG_INVALID', { details: [{ message: 'a.yaml:1:1: unknown key' }] });
    expect(describeError(error)).toMatchObject({
      errorName: 'GatewayError',
      errorCode: 'CONFIG_INVALID',
      errorDetails: ['a.yaml:1:1: unknown key'],
    });
  });

  it('ends on causes that go in a circle', () => {
    const error = new Error('x');
    error.cause = error;
    expect(describeError(error)['errorCauses']).toHaveLength(4);
  });
});
