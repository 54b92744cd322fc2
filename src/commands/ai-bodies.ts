import { randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { readConfig } from '../config/config-source.ts';
import type { Actor } from '../control/actor.ts';
import type { AiBody } from '../control/ai-bodies-store.ts';
import type { AiBodyCustodyStore, AiBodyFilter, OpenedAiBody } from '../control/ai-body-custody-store.ts';
import { ControlError } from '../control/control-error.ts';
import { GatewayError } from '../errors.ts';
import { createLog } from '../telemetry/log-sink.ts';
import { newFile, timeOf, write, writeAll } from './write-out.ts';

/** What `bodies` is given on the command line. */
export interface AiBodiesOptions {
  readonly config: string;
  /** Id or slug. */
  readonly tenant: string;
  readonly since?: string;
  readonly until?: string;
}

/** Which are read, by whom and why. */
export interface ReadBodiesOptions extends AiBodiesOptions {
  readonly id?: string;
  readonly by: string;
  readonly reason: string;
  readonly out?: string;
}

/** `portcullis bodies list`. Throws: CONFIG_INVALID, CONTROL_PLANE_UNAVAILABLE. */
export function listAiBodies(options: AiBodiesOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  return withCustody(options.config, environment, async (custody) => {
    for await (const body of custody.list(operator('list'), filterOf(options)))
      await write(process.stdout, lineOf(body));
  });
}

/**
 * `portcullis bodies read` and `export`: what was asked and answered, a line of JSON each, once it is written down who reads it.
 * Throws: CONFIG_INVALID, also where one does not open, after the others; CONTROL_PLANE_UNAVAILABLE.
 */
export function readAiBodies(options: ReadBodiesOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  return withCustody(options.config, environment, async (custody) => {
    const count = { read: 0, closed: 0 };
    const { by, reason, id, out } = options;
    const bodies = custody.open(operator(by), { ...filterOf(options), id, reason });
    if (out === undefined) await writeAll(process.stdout, linesOf(bodies, count));
    else await pipeline(linesOf(bodies, count), await newFile(out));
    process.stderr.write(`${count.read} bodies read\n`);
    if (count.closed > 0) throw invalid(`${count.closed} bodies do not open with the master keys`);
    if (id !== undefined && count.read === 0) throw invalid('there is no such body');
  });
}

/** `portcullis bodies rewrap`. Throws: CONFIG_INVALID, also where some do not open; CONTROL_PLANE_UNAVAILABLE. */
export function rewrapAiBodies(
  { config, by }: { readonly config: string; readonly by: string },
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  return withCustody(config, environment, async (custody) => {
    const { rewrapped, failed } = await custody.rewrapAll(operator(by));
    process.stdout.write(`${rewrapped} bodies put under the current master key\n`);
    if (failed > 0) throw invalid(`${failed} bodies do not open with the master keys`);
  });
}

/** Who runs the command, as the history names it. */
function operator(name: string): Actor {
  if (!/^[\p{L}\p{N}._@-]{1,100}$/u.test(name))
    throw invalid('--by must be a name of letters, digits, dots, dashes and @, of at most 100 characters');
  return {
    ...{
      subject: `operator:${name}`,
      tenantId: null,
      isPlatform: true,
      role: null,
      scopes: new Set<string>(),
    },
    ...{ acr: null, amr: [], authTime: null },
  };
}

async function withCustody(
  path: string,
  environment: NodeJS.ProcessEnv,
  work: (custody: AiBodyCustodyStore) => Promise<void>,
): Promise<void> {
  const config = await readConfig(path, environment);
  const { openControlDatabase, prepareSchema, wrapperOf } = await import('../start/start-control.ts');
  const { AiBodyCustodyStore } = await import('../control/ai-body-custody-store.ts');
  const { ulids } = await import('../control/ulid.ts');
  const wrapper = wrapperOf(config);
  if (wrapper === null)
    throw invalid('providerCredentials has neither masterKeys nor a command: nothing can be opened without');
  const database = await openControlDatabase(config, createLog(config.log.level));
  try {
    await prepareSchema(config, database);
    const newId = ulids(Date.now, randomBytes);
    await work(
      new AiBodyCustodyStore({
        ...{ database, wrapper, randomBytes, newId, now: Date.now, onChange: () => undefined },
      }),
    );
  } catch (fault) {
    throw told(fault);
  } finally {
    await database.close();
  }
}

/** What the control plane refuses is a fault of what was asked for. */
function told(thrown: unknown): unknown {
  if (!(thrown instanceof ControlError)) return thrown;
  const { fault } = thrown;
  if (fault.code === 'NOT_FOUND') return invalid(`there is no such ${fault.entity}`);
  return invalid(fault.code === 'INVALID_INPUT' ? `${fault.field} ${fault.reason}` : fault.code);
}

async function* linesOf(
  bodies: AsyncIterable<OpenedAiBody>,
  count: { read: number; closed: number },
): AsyncGenerator<string> {
  for await (const { text, ...body } of bodies) {
    if (text === null) {
      count.closed += 1;
      process.stderr.write(`${body.id} does not open\n`);
      continue;
    }
    count.read += 1;
    yield lineOf({ ...body, said: JSON.parse(text) });
  }
}

/** Signs that would change what a terminal shows. */
const UNSEEN = /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

function lineOf({ at, expiresAt, ...rest }: AiBody & { readonly said?: unknown }): string {
  const times = { at: new Date(at).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
  const json = JSON.stringify({ ...times, ...rest });
  return `${json.replaceAll(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function filterOf({ tenant, since, until }: AiBodiesOptions): AiBodyFilter {
  return {
    tenant,
    ...(since === undefined ? {} : { sinceMs: timeOf('--since', since) }),
    ...(until === undefined ? {} : { untilMs: timeOf('--until', until) }),
  };
}

function invalid(message: string): GatewayError {
  return new GatewayError('CONFIG_INVALID', { details: [{ message }] });
}
