import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { coordinateRecords } from '../../src/audit/coordinate-records.ts';
import { ask, auditOf, auditText, type Part, startTestGateway, type TestGateway } from './gateway-kit.ts';

const SDL = `
extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@composeDirective"])
  @link(url: "https://portcullis.dev/security/v1.0", import: ["@audit"])
  @composeDirective(name: "@audit")
directive @audit(level: security__AuditLevel! = ACCESS, redact: Boolean! = false) on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION
enum security__AuditLevel { NONE ACCESS DETAILED FULL }
type Query {
  plain: String
  patient(id: ID!, note: String @audit(redact: true)): Patient @audit(level: FULL)
}
type Patient { name: String record(page: Int = 1): [String] @audit(level: DETAILED) }
`;

let apollo: ApolloServer;
let gateway: TestGateway;
/** The header that asks for a trace, of each call. */
let asked: (string | string[] | undefined)[] = [];

beforeAll(async () => {
  const resolvers = {
    Query: { plain: () => 'plain', patient: (_: unknown, { id }: { id: string }) => ({ name: id }) },
    Patient: { record: () => ['a', 'b'] },
  };
  apollo = new ApolloServer({ schema: buildSubgraphSchema([{ typeDefs: parse(SDL), resolvers }]) });
  const { url } = await startStandaloneServer(apollo, {
    listen: { port: 0, host: '127.0.0.1' },
    context: async ({ req }) => {
      asked.push(req.headers['apollo-federation-include-trace']);
      return {};
    },
  });
  const part: Part = { name: 'clinic', url, sdl: SDL };
  gateway = await startTestGateway([part]);
});
afterAll(async () => {
  await gateway?.close();
  await apollo?.stop();
});
beforeEach(() => {
  asked = [];
});

it('records digests of arguments, and the times that an Apollo server tells of its resolvers', async () => {
  const text =
    'query ($id: ID!, $note: String) { a: patient(id: $id, note: $note) { name record } b: patient(id: "PLANTED-2") { name } }';
  const variables = { id: 'PLANTED-1', note: 'PLANTED-3' };
  const token = await gateway.issuer.token();
  const answer = await ask(gateway.url, text, { token, variables });
  expect(answer.body).toEqual({
    data: { a: { name: 'PLANTED-1', record: ['a', 'b'] }, b: { name: 'PLANTED-2' } },
  });
  expect(asked).toEqual(['ftv1']);
  const event = await auditOf(gateway.where, answer.requestId);
  const digest = expect.stringMatching(/^[\w-]{22}$/u);
  const times = (count: number) => ({ count, sumUs: expect.any(Number), maxUs: expect.any(Number) });
  expect(
    coordinateRecords(event).map(({ coordinate, arguments: given, resolvers }) => [
      coordinate,
      given,
      resolvers,
    ]),
  ).toEqual([
    [
      'Query.patient',
      [
        { name: 'id', value: digest },
        { name: 'note', value: 'redacted' },
        { name: 'id', value: digest },
      ],
      times(2),
    ],
    ['Patient.name', [], times(2)],
    ['Patient.record', [{ name: 'page', value: digest }], times(1)],
  ]);
  expect(event.fetches.map(({ trace }) => trace)).toEqual(['read']);
  expect(auditText(gateway.where)).not.toContain('PLANTED');
});

it('asks for no times where the schema does not want them', async () => {
  const token = await gateway.issuer.token();
  const answer = await ask(gateway.url, '{ plain }', { token });
  expect(answer.text).toBe('{"data":{"plain":"plain"}}');
  expect(asked).toEqual([undefined]);
  const event = await auditOf(gateway.where, answer.requestId);
  expect([event.times, event.arguments, event.fetches[0]?.trace]).toEqual([undefined, undefined, undefined]);
});
