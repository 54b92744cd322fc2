import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';
import { announce } from '../gateways/announce.ts';
import { RESOLVERS } from './subgraph-data.ts';
import { SUBGRAPH_NAMES, type SubgraphName, subgraphSchema } from './subgraph-schemas.ts';
import { TAG_PATTERN } from './workloads.ts';

/** Answers kept per subgraph; a plan asks for a few dozen different ones. */
const ANSWERS_MAX = 10_000;

/** Where the subgraphs and the plain answers are served. */
export interface Origins {
  readonly subgraphs: Readonly<Record<SubgraphName, string>>;
  /** Serves whatever was put there; what a plain proxy is measured with. */
  readonly plain: string;
}

interface SubgraphRequest {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A subgraph that works each answer out once: from then on it costs a look-up, whatever the tag. */
function subgraphListener(name: SubgraphName): RequestListener {
  const schema = buildSubgraphSchema({
    typeDefs: parse(subgraphSchema(name, false)),
    resolvers: RESOLVERS[name],
  });
  const answers = new Map<string, Buffer>();

  const answerTo = async (body: string): Promise<Buffer> => {
    const key = body.replaceAll(TAG_PATTERN, '');
    const known = answers.get(key);
    if (known !== undefined) return known;
    const { query, variables, operationName } = JSON.parse(body) as SubgraphRequest;
    const result = await execute({
      schema,
      document: parse(query),
      variableValues: variables ?? {},
      operationName: operationName ?? null,
    });
    const answer = Buffer.from(JSON.stringify(result));
    if (answers.size < ANSWERS_MAX) answers.set(key, answer);
    return answer;
  };

  return (request, response) => {
    bodyOf(request)
      .then(answerTo)
      .then((answer) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
        response.end(answer);
      })
      .catch(() => response.writeHead(400).end());
  };
}

/** PUT keeps an answer under its path, any other method gets it. */
function plainListener(): RequestListener {
  const answers = new Map<string, Buffer>();
  return (request, response) => {
    const path = request.url ?? '/';
    bodyOf(request)
      .then((body) => {
        if (request.method === 'PUT') {
          answers.set(path, Buffer.from(body));
          response.writeHead(204).end();
          return;
        }
        const answer = answers.get(path) ?? Buffer.alloc(0);
        response.writeHead(answers.has(path) ? 200 : 404, {
          'content-type': 'application/json',
          'content-length': answer.length,
        });
        response.end(answer);
      })
      .catch(() => response.writeHead(400).end());
  };
}

function listen(listener: RequestListener): Promise<string> {
  const server: Server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, listener);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

const urls = await Promise.all(
  SUBGRAPH_NAMES.map(async (name) => [name, `${await listen(subgraphListener(name))}/graphql`] as const),
);
announce({
  subgraphs: Object.fromEntries(urls) as Record<SubgraphName, string>,
  plain: await listen(plainListener()),
} satisfies Origins);
