import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { approvalTour, STAFF } from './demo-approvals.ts';
import { budgetTour } from './demo-budget.ts';
import { modelTour } from './demo-models.ts';
import {
  type DemoAnswer,
  type DemoRequest,
  PEOPLE,
  type PersonName,
  REQUESTS,
  variableOf,
} from './demo-requests.ts';
import { WATCH, watch } from './demo-subscription.ts';
import { type DemoSystem, startDemo } from './demo-system.ts';

const USAGE = `Starts four example subgraphs, an issuer of tokens and the gateway, and shows how to talk to them.

  npm run demo                 start, print requests to paste, and run until Ctrl-C
  npm run demo -- --check      start, run all requests, say what each showed, and stop
  npm run demo -- --port 4010  use another port for the gateway (0 takes any)
`;

/** Longest wait for one answer. */
const ANSWER_TIMEOUT_MS = 30_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    print(USAGE);
    return 0;
  }
  const port = values.port === undefined ? (values.check === true ? 0 : 4000) : Number(values.port);
  const directory = join(
    import.meta.dirname,
    '..',
    '.portcullis',
    values.check === true ? `check-${process.pid}` : 'demo',
  );
  const system = await startDemo({ directory, port });
  try {
    return values.check === true ? await check(system) : await present(system);
  } finally {
    await system.close();
    if (values.check === true) await rm(directory, { recursive: true });
  }
}

/** Runs the tour; the exit code says whether every answer showed what it should. */
async function check(system: DemoSystem): Promise<number> {
  let failures = 0;
  for (const request of REQUESTS) {
    try {
      const showed = request.showed(await send(system, request));
      print(`ok    ${request.title}\n      ${showed}`);
    } catch (fault) {
      failures += 1;
      print(`FAIL  ${request.title}\n      ${(fault as Error).message}`);
    }
  }
  try {
    print(`ok    ${WATCH_TITLE}\n      ${await watchOrders(system)}`);
  } catch (fault) {
    failures += 1;
    print(`FAIL  ${WATCH_TITLE}\n      ${(fault as Error).message}`);
  }
  let steps = 0;
  for (const tour of [approvalTour, modelTour, budgetTour]) {
    try {
      for await (const { title, showed } of tour(system)) {
        steps += 1;
        print(`ok    ${title}\n      ${showed}`);
      }
    } catch (fault) {
      failures += 1;
      print(`FAIL  ${tour.name}, after ${steps} steps\n      ${(fault as Error).message}`);
    }
  }
  print(
    failures === 0
      ? `All ${REQUESTS.length + 1} requests and ${steps} steps of the tours showed what they should.`
      : `${failures} requests failed.`,
  );
  return failures === 0 ? 0 : 1;
}

const WATCH_TITLE = 'A shopper of globex and a reader of acme watch orders while globex places one';

/** The event reaches the tenant it belongs to, completed by another subgraph, and nobody else. */
async function watchOrders(system: DemoSystem): Promise<string> {
  const place = REQUESTS.find(({ query }) => query.startsWith('mutation Place'));
  if (place === undefined) throw new Error('the tour places no order');
  const tokenFor = (name: PersonName) => system.issuer.token(PEOPLE[name]);
  const globex = await watch(system.url, await tokenFor('shopper of globex'));
  const acme = await watch(system.url, await tokenFor('reader of acme'));
  try {
    place.showed(await send(system, place));
    const event = JSON.stringify(await globex.next());
    if (!event.includes('"tenantId":"globex"') || !event.includes('"displayName":"')) throw new Error(event);
    const foreign = await acme.unread();
    if (foreign !== '') throw new Error(`acme got ${foreign}`);
    return `globex got ${event}; acme got nothing`;
  } finally {
    await Promise.all([globex.stop(), acme.stop()]);
  }
}

async function present(system: DemoSystem): Promise<number> {
  const tokens = new Map<string, string>();
  for (const [name, person] of Object.entries({ ...PEOPLE, ...STAFF }))
    tokens.set(name, await system.issuer.token(person));
  print(`\nPortcullis runs at ${system.url} (open it in a browser for the sandbox).`);
  print(`Every request leaves a line in ${system.auditDirectory}\n\nTokens, valid for eight hours:`);
  for (const [name, token] of tokens) print(`\n  ${variableOf(name)}='${token}'   # ${name}`);
  print('\nPaste the tokens into a shell, then try:');
  for (const request of REQUESTS) print(`\n# ${request.title}\n${curl(system.url, request)}`);
  print(`\n# A subscription, over server-sent events\n${watchCurl(system.url)}`);
  print('\nCtrl-C stops everything.');
  await new Promise<void>((stop) => {
    process.once('SIGINT', () => stop());
    process.once('SIGTERM', () => stop());
  });
  return 0;
}

async function send(system: DemoSystem, request: DemoRequest): Promise<DemoAnswer> {
  const token = await tokenOf(system, request.person);
  const response = await fetch(system.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: request.query, variables: request.variables ?? {} }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  return { status: response.status, body: (await response.json()) as DemoAnswer['body'] };
}

async function tokenOf(system: DemoSystem, person: DemoRequest['person']): Promise<string | null> {
  if (person === 'nobody') return null;
  if (person !== 'forger') return system.issuer.token(PEOPLE[person]);
  const [header, payload] = (await system.issuer.token(PEOPLE['administrator of acme'])).split('.');
  return `${header}.${payload}.${'A'.repeat(86)}`;
}

function curl(url: string, { person, query, variables }: DemoRequest): string {
  const body = JSON.stringify({
    query: query.replace(/\s+/gu, ' '),
    ...(variables === undefined ? {} : { variables }),
  });
  const authorization =
    person === 'nobody'
      ? ''
      : ` \\\n  -H "authorization: Bearer ${person === 'forger' ? 'not.a.token' : `$${variableOf(person)}`}"`;
  return `curl -s ${url} -H 'content-type: application/json'${authorization} \\\n  -d '${body}'`;
}

function watchCurl(url: string): string {
  const authorization = `-H "authorization: Bearer $${variableOf('shopper of globex')}"`;
  return `curl -sN ${url} -H 'content-type: application/json' -H 'accept: text/event-stream' \\\n  ${authorization} -d '${JSON.stringify({ query: WATCH })}'`;
}

process.exitCode = await main();
