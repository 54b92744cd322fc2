import { z } from 'zod';
import { SUM_BYTES } from './line-group.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();
/** Of lines that a marker stands for; see `LineGroup`. Absent where there are none, or they are chained themselves. */
const sums = z
  .base64()
  .refine((text) => text !== '' && Buffer.from(text, 'base64').length % SUM_BYTES === 0)
  .optional();

const markerSchema = z.discriminatedUnion('marker', [
  z.object({
    marker: z.literal('segment'),
    /** Of 1 and 2 each line is chained, of 3 each group of lines. Of 1 the root of the seal is over all lines, else over those that are signed. */
    version: z.union([z.literal(1), z.literal(2), z.literal(3)]),
    segment: count,
    previous: hash,
    keyId: z.string().max(64),
    instance: z.string().max(64),
    /** A signed mark of the log's end stands beside it from now on. */
    marked: z.literal(true).optional(),
    time: z.iso.datetime(),
  }),
  z.object({ marker: z.literal('checkpoint'), segment: count, time: z.iso.datetime(), sums }),
  z.object({
    marker: z.literal('recovered'),
    segment: count,
    time: z.iso.datetime(),
    cutBytes: count,
    unsignedLines: count,
    sums,
  }),
  z.object({
    marker: z.literal('removed'),
    segment: count,
    time: z.iso.datetime(),
    /** All segments up to this one, by their number. */
    last: count,
    /** Of the last line of that one. */
    lastHash: hash,
  }),
  z.object({
    marker: z.literal('seal'),
    segment: count,
    time: z.iso.datetime(),
    lines: count,
    first: hash,
    last: hash,
    root: hash,
  }),
]);

/** A signed line about the log itself: its head, a checkpoint, a recovery or its seal. */
export type Marker = z.infer<typeof markerSchema>;

const PREFIX = '{"marker":';

/** True for a line that says it is a marker; events never begin so. */
export function looksLikeMarker(line: string): boolean {
  return line.startsWith(PREFIX);
}

/** Null where the line is no marker of this version. */
export function readMarker(line: string): Marker | null {
  try {
    return markerSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
