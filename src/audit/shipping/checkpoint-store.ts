import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../replace-file-store.ts';
import type { ShipCheckpoint, ShipPosition } from './shipped-event.ts';

const stateSchema = z.strictObject({
  version: z.literal(2),
  segment: z.int().nonnegative(),
  run: z.string().min(1).max(128),
  file: z.string().regex(/^audit-[0-9.-]{10,32}\.ndjson$/),
  bytes: z.int().nonnegative(),
});

/** Keeps how far one sink has read one log, beside its segments; replaced as a whole, never half. */
export class CheckpointStore implements ShipCheckpoint {
  readonly #path: string;

  constructor(directory: string, sink: string) {
    this.#path = join(directory, `sink-${sink}.json`);
  }

  async load(): Promise<ShipPosition | null> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
    const state = stateSchema.safeParse(jsonOf(text)).data;
    if (state === undefined) return null;
    const { segment, run, file, bytes } = state;
    return { segment, run, file, bytes };
  }

  async save({ segment, run, file, bytes }: ShipPosition): Promise<void> {
    const state = { version: 2, segment, run, file, bytes };
    await replaceFile(this.#path, `${JSON.stringify(state)}\n`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
