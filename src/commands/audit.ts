import { basename } from 'node:path';
import { listLogs, missingLogs } from '../audit/all-logs-store.ts';
import { defaultAuditKeyPath, readAuditKey } from '../audit/audit-key-store.ts';
import { createAuditVerifier, publicAuditKey } from '../audit/audit-signature.ts';
import type { ChainBreak } from '../audit/chain-break.ts';
import { CHAIN_START, type ChainPosition } from '../audit/chained-line.ts';
import { endBreak, NO_END, type SegmentEnd } from '../audit/end-mark.ts';
import { loadEndMark } from '../audit/end-mark-store.ts';
import type { RemovalRecord } from '../audit/segment-check.ts';
import { type CheckedSegment, checkSegment, listSegments } from '../audit/segment-read-store.ts';
import { GatewayError } from '../errors.ts';

interface AuditOptions {
  readonly dir: string;
  readonly key?: string;
}

/** What a check of a directory came to. */
export interface AuditReport {
  readonly segments: number;
  readonly lines: number;
  readonly breaks: readonly (ChainBreak & { readonly file: string })[];
  /** Number of the first segment that is there, of several logs the highest; more than 0 where older ones were archived, or removed. */
  readonly firstSegment: number | null;
  /** What is not as it was written either, but for what a crash does: ends that nothing signed stands for, or did before a start after one. */
  readonly loose: readonly LooseEnd[];
  /** The last segment has no seal: a gateway writes to it, crashed, or its end was removed. */
  readonly open: boolean;
}

interface LooseEnd {
  readonly file: string;
  readonly line: number;
  readonly unsignedLines: number;
  readonly cutBytes: number;
  /** Whether the next start signed for the lines, and cut the bytes off. */
  readonly recovered: boolean;
}

/** How a log is checked. */
export interface CheckOptions {
  /** People archive old segments: the log need not say that it removed them. */
  readonly archives?: boolean;
  /** Told of a segment that was removed before it was read, for which the check begins again with what is there. */
  readonly onGone?: (path: string) => void;
  /** Default: as it is. */
  readonly check?: typeof checkSegment;
}

/** Each time the oldest are gone, and little was read in vain. */
const GONE_MAX = 100;

function nullIfGone(fault: unknown): null {
  if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return null;
  throw fault;
}

/**
 * Checks all segments of a directory in order, as a stream. Where the oldest are gone, the log has to say that it removed them, unless
 * people archive them. Throws: what the system says of files or key.
 */
export async function checkAudit(
  directory: string,
  jwk: unknown,
  options: CheckOptions = {},
): Promise<AuditReport> {
  for (let gone = 0; ; gone += 1) {
    const report = await checkOnce(directory, jwk, options);
    if (typeof report !== 'string') return report;
    if (gone === GONE_MAX) throw new Error(`segments go faster than they are read; the last was ${report}`);
    options.onGone?.(report);
  }
}

/** The report, or the path of a segment that was there when the check began and is gone. */
async function checkOnce(
  directory: string,
  jwk: unknown,
  { archives = false, check: checkOne = checkSegment }: CheckOptions,
): Promise<AuditReport | string> {
  const verifier = createAuditVerifier(jwk);
  // Before the segments: what is written meanwhile comes after what it says.
  const mark = await loadEndMark(directory, verifier);
  const paths = await listSegments(directory);
  const loose: LooseEnd[] = [];
  const segmentEnds: SegmentEnd[] = [];
  const breaks: (ChainBreak & { readonly file: string })[] = [];
  let position: ChainPosition | null = null;
  let firstSegment: number | null = null;
  let first: RemovalRecord | null = null;
  const removals: RemovalRecord[] = [];
  const ends = new Map<number, string>();
  let lines = 0;
  let open = false;
  for (const [index, path] of paths.entries()) {
    const last = index === paths.length - 1;
    const checked: CheckedSegment | null = await checkOne(path, verifier, position).catch(nullIfGone);
    if (checked === null) return path;
    const { check, tornBytes }: CheckedSegment = checked;
    firstSegment ??= check.header?.segment ?? null;
    first ??=
      check.header === null ? null : { last: check.header.segment - 1, lastHash: check.header.previous };
    removals.push(...check.removals);
    if (index === 0 && check.header?.segment === 0 && check.header.previous !== CHAIN_START.hash)
      breaks.push({ kind: 'changed', file: basename(path), line: 1, seq: 0 });
    // The end of the last one may be being written.
    if (check.sealed ? tornBytes > 0 : !last) check.truncated();
    open = !check.sealed;
    breaks.push(...check.breaks.map((each) => ({ ...each, file: basename(path) })));
    position = check.state?.position ?? null;
    if (check.header !== null && position !== null) ends.set(check.header.segment, position.hash);
    lines += check.state?.lines ?? 0;
    loose.push(...looseEnds(checked, basename(path)));
    segmentEnds.push(endOf(checked, basename(path)));
  }
  const atEnd = endBreak(archives && !('mark' in mark) ? { mark: NO_END } : mark, segmentEnds);
  if (atEnd !== null) breaks.push(atEnd);
  // A gateway begins a file, and leaves it empty where it crashes then; but not where others are missed.
  const emptied = breaks.length === 0 ? [] : segmentEnds.filter((end) => end.segment < 0 && end.lines === 0);
  breaks.push(...emptied.map(({ file }) => ({ kind: 'truncated', file, line: 1, seq: null }) as const));
  if (
    !archives &&
    first !== null &&
    first.last >= 0 &&
    !removals.some((each) => isRecorded(first, each, ends))
  )
    breaks.unshift({ kind: 'unrecorded removal', file: basename(paths[0] ?? ''), line: 1, seq: null });
  return { segments: paths.length, lines, breaks, firstSegment, open, loose };
}

function looseEnds({ check, tornBytes }: CheckedSegment, file: string): readonly LooseEnd[] {
  const recovered = check.recoveries
    .filter(({ unsignedLines, cutBytes }) => unsignedLines + cutBytes > 0)
    .map((each) => ({ file, ...each, recovered: true }));
  const { sealed, unsigned, lines } = check;
  if (sealed || unsigned + tornBytes === 0) return recovered;
  const line = lines - unsigned + 1;
  return [...recovered, { file, line, unsignedLines: unsigned, cutBytes: tornBytes, recovered: false }];
}

function endOf({ check }: CheckedSegment, file: string): SegmentEnd {
  const { header, sealed, state, lines } = check;
  const ends = { first: state?.first ?? null, last: state?.position.hash ?? null };
  return {
    file,
    segment: header?.segment ?? NO_END.segment,
    ...ends,
    sealed,
    lines,
    marked: header?.marked === true,
  };
}

/** A crash may have left some of what is recorded to be gone: then the last of it is there, and ends as recorded. */
function isRecorded(
  gone: RemovalRecord,
  { last, lastHash }: RemovalRecord,
  ends: ReadonlyMap<number, string>,
): boolean {
  if (last === gone.last) return lastHash === gone.lastHash;
  return last > gone.last && ends.get(last) === lastHash;
}

/** What a check of all logs under a directory came to. */
interface LogsReport extends AuditReport {
  /** Logs of which nothing is left. */
  readonly empty: readonly string[];
}

/** Checks every log under a directory, each a chain of its own. Throws: as `checkAudit`. */
async function checkLogs(directory: string, jwk: unknown, options: CheckOptions): Promise<LogsReport> {
  const reports: AuditReport[] = [];
  const logs = await listLogs(directory);
  const empty = options.archives === true ? [] : [...missingLogs(logs)];
  for (const { prefix, directory: log } of logs) {
    const report = await checkAudit(log, jwk, options);
    if (report.segments === 0) empty.push(prefix || log);
    const breaks = report.breaks.map((each) => ({ ...each, file: `${prefix}${each.file}` }));
    const loose = report.loose.map((each) => ({ ...each, file: `${prefix}${each.file}` }));
    reports.push({ ...report, breaks, loose });
  }
  const sum = (of: (report: AuditReport) => number) => reports.reduce((all, each) => all + of(each), 0);
  return {
    segments: sum(({ segments }) => segments),
    lines: sum(({ lines }) => lines),
    breaks: reports.flatMap(({ breaks }) => breaks),
    firstSegment: reports.reduce<number | null>(
      (latest, { firstSegment }) => (firstSegment === null ? latest : Math.max(latest ?? 0, firstSegment)),
      null,
    ),
    loose: reports.flatMap(({ loose }) => loose),
    open: reports.some(({ open }) => open),
    empty,
  };
}

/** `portcullis audit verify`. Throws: AUDIT_BROKEN, and what the system says of files. */
export async function verifyAudit(
  options: AuditOptions & { readonly json?: boolean; readonly archived?: boolean },
): Promise<void> {
  const report = await checkLogs(options.dir, await keyOf(options), {
    archives: options.archived === true,
    onGone: (path) => process.stderr.write(`${path} was removed meanwhile: begun again without it\n`),
  });
  const end = report.open ? 'the last segment is open' : 'all sealed';
  const told = [
    ...report.breaks.map(({ file, line, seq, kind }) => `${file}:${line} seq ${seq ?? 'unknown'}: ${kind}`),
    ...report.loose.map(looseText),
    `${report.segments} segments from number ${report.firstSegment ?? 'unknown'}, ${report.lines} lines, ${end}, ${report.breaks.length} breaks`,
  ];
  process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : `${told.join('\n')}\n`);
  const wrong = [
    ...report.empty.map((log) => `no segment was found in ${log}`),
    ...(report.breaks.length > 0 ? ['the log is not as it was written'] : []),
  ];
  if (wrong.length > 0)
    throw new GatewayError('AUDIT_BROKEN', { details: wrong.map((message) => ({ message })) });
}

function looseText({ file, line, unsignedLines, cutBytes, recovered }: LooseEnd): string {
  const end = `${unsignedLines} lines and ${cutBytes} bytes after them`;
  return recovered
    ? `${file}:${line}: a crash left ${end} unsigned: the lines were signed and the bytes cut off at the next start`
    : `${file}:${line}: ${end} that nothing signed stands for yet`;
}

/** `portcullis audit key`: the public key, to be kept where who can write the log cannot. */
export async function printAuditKey(options: AuditOptions): Promise<void> {
  process.stdout.write(`${JSON.stringify(publicAuditKey(await keyOf(options)))}\n`);
}

function keyOf({ dir, key }: AuditOptions): Promise<unknown> {
  return readAuditKey(key ?? defaultAuditKeyPath(dir));
}
