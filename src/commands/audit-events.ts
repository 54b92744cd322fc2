import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  allEventsSince,
  allUnansweredIntents,
  lastOfAllEvents,
  readAllEvents,
} from '../audit/all-logs-store.ts';
import { type AuditFilter, matchesFilter } from '../audit/audit-filter.ts';
import { csvHead, csvRow } from '../audit/event-csv.ts';
import { ocsfEvent } from '../audit/event-ocsf.ts';
import { eventSummary } from '../audit/event-summary.ts';
import type { LoggedEvent } from '../audit/logged-event.ts';
import { publishedText } from '../audit/published-event.ts';
import { packageVersion } from './package-root.ts';
import { newFile, timeOf, write } from './write-out.ts';

/** What `audit query` and `audit export` look for, as it stands on the command line. */
export interface EventOptions extends Omit<AuditFilter, 'sinceMs' | 'untilMs'> {
  readonly dir: string;
  readonly since?: string;
  readonly until?: string;
}

const FOLLOW_MS = 250;
const PROGRESS_EVENTS = 100_000;

/** `portcullis audit query`. Throws: CONFIG_INVALID for a time that is none, and what the system says of files. */
export async function queryAudit(
  options: EventOptions & { readonly limit?: number; readonly json?: boolean },
): Promise<void> {
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for await (const logged of matching(options)) {
    if (left === 0) return;
    left -= 1;
    await write(process.stdout, options.json === true ? eventText(logged) : `${eventSummary(logged)}\n`);
  }
}

/** `portcullis audit tail`. Throws: what the system says of files. */
export async function tailAudit({
  dir,
  lines,
  follow,
  json,
}: {
  readonly dir: string;
  readonly lines: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}): Promise<void> {
  const show = async (events: readonly LoggedEvent[]) => {
    for (const logged of events)
      await write(process.stdout, json === true ? eventText(logged) : `${eventSummary(logged)}\n`);
  };
  let { events, ends } = await lastOfAllEvents(dir, lines, follow === true);
  await show(events);
  if (follow !== true) return;
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  process.stdout.once('close', stop);
  const aborted = once(stopped.signal, 'abort');
  while (!stopped.signal.aborted) {
    await Promise.race([pause(FOLLOW_MS), aborted]);
    ({ events, ends } = await allEventsSince(dir, ends));
    await show(events);
  }
}

/** `portcullis audit unanswered`. Throws: what the system says of files. */
export async function listUnanswered({ dir }: { readonly dir: string }): Promise<void> {
  const intents = await allUnansweredIntents(dir);
  for (const { line } of intents) await write(process.stdout, `${line}\n`);
  process.stderr.write(`mutations without an event: ${intents.length}\n`);
}

/** `portcullis audit export`. Throws: CONFIG_INVALID where the file is there already, and as `queryAudit`. */
export async function exportAudit(
  options: EventOptions & { readonly format: 'ndjson' | 'csv' | 'ocsf'; readonly out?: string },
): Promise<void> {
  if (options.out === undefined) {
    for await (const text of exported(options)) await write(process.stdout, text);
  } else await pipeline(exported(options), await newFile(options.out));
}

async function* exported(
  options: EventOptions & { readonly format: 'ndjson' | 'csv' | 'ocsf' },
): AsyncGenerator<string> {
  const product = { version: packageVersion() };
  const encode = {
    ndjson: eventText,
    csv: csvRow,
    ocsf: (event: LoggedEvent) => `${JSON.stringify(ocsfEvent(event, product))}\n`,
  }[options.format];
  if (options.format === 'csv') yield csvHead();
  let count = 0;
  for await (const logged of matching(options)) {
    yield encode(logged);
    count += 1;
    if (count % PROGRESS_EVENTS === 0) process.stderr.write(`${count} events\n`);
  }
  process.stderr.write(`${count} events exported\n`);
}

function eventText(event: LoggedEvent): string {
  return `${publishedText(event)}\n`;
}

async function* matching(options: EventOptions): AsyncGenerator<LoggedEvent> {
  const filter = filterOf(options);
  const onGone = (path: string): void =>
    void process.stderr.write(`${path} was removed before it was read: its events are missing\n`);
  for await (const logged of readAllEvents(options.dir, filter.sinceMs, onGone))
    if (matchesFilter(logged, filter)) yield logged;
}

function filterOf({ dir: _, since, until, ...texts }: EventOptions): AuditFilter {
  return {
    ...texts,
    ...(since === undefined ? {} : { sinceMs: timeOf('--since', since) }),
    ...(until === undefined ? {} : { untilMs: timeOf('--until', until) }),
  };
}
