import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { GatewayError } from '../errors.ts';

/** A file of its own, for its owner only. Throws: CONFIG_INVALID where there is one already. */
export async function newFile(path: string): Promise<Writable> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  try {
    await once(file, 'open');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault;
    const message = `${path} exists already: give --out a path of its own`;
    throw new GatewayError('CONFIG_INVALID', { details: [{ message }] });
  }
  return file;
}

/** Waits where the reader is slower than what is written. */
export async function write(out: Writable, text: string): Promise<void> {
  if (out.destroyed || out.write(text)) return;
  await Promise.race([once(out, 'drain'), once(out, 'close')]);
}

/** Writes texts as long as somebody reads; nothing further is asked for once nobody does. */
export async function writeAll(out: Writable, texts: AsyncIterable<string>): Promise<void> {
  for await (const text of texts) {
    await write(out, text);
    if (out.destroyed) return;
  }
}

const AGO = /^(\d{1,6})(m|h|d)$/u;
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as an option has it: one of the calendar, or one ago. Units: milliseconds since the epoch. Throws: CONFIG_INVALID. */
export function timeOf(option: string, text: string): number {
  const [, amount, unit = ''] = AGO.exec(text) ?? [];
  const ms = amount === undefined ? Date.parse(text) : Date.now() - Number(amount) * (UNITS_MS[unit] ?? 0);
  if (!Number.isFinite(ms)) {
    const message = `${option} must be a time such as 2026-11-24T12:00:00Z, or one ago such as 90m, 12h or 7d`;
    throw new GatewayError('CONFIG_INVALID', { details: [{ message }] });
  }
  return ms;
}
