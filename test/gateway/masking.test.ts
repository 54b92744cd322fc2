import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, auditOf, auditText, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { federated, startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const SDL = federated(`extend schema
  @link(url: "https://portcullis.dev/security/v1.0", import: ["@sensitive"])
  @federation__composeDirective(name: "@sensitive")
directive @sensitive(class: security__SensitiveClass!, mask: security__MaskStyle! = FULL) repeatable on FIELD_DEFINITION | ARGUMENT_DEFINITION
enum security__SensitiveClass { PERSONAL FINANCIAL HEALTH SECRET CONFIDENTIAL }
enum security__MaskStyle { FULL PARTIAL HASH }
type Query { me(pin: String @sensitive(class: SECRET)): Person }
type Person { name: String @sensitive(class: PERSONAL, mask: HASH) iban: String @sensitive(class: FINANCIAL, mask: PARTIAL) }`);
const QUERY = '{ me(pin: "planted-pin") { name iban } }';

let part: TinySubgraph;
let gateway: TestGateway;
beforeAll(async () => {
  const me = { name: 'planted-name', iban: 'planted-iban-2051' };
  part = await startTinySubgraph('people', SDL, { Query: { me: () => me } });
  gateway = await startTestGateway([part], { authorization: { unmask: { personal: 'see:persons' } } });
});
afterAll(async () => {
  await gateway.close();
  await part.close();
});

const askAs = async (scope: string) =>
  ask(gateway.url, QUERY, { token: await gateway.issuer.token({ scope, tenant: 'acme' }) });

it('masks values for callers without the scope that the configuration names, by default and otherwise', async () => {
  const { body } = await askAs('unmask:personal');
  expect(body.data?.['me']).toEqual({
    name: expect.stringMatching(/^[\w-]{22}$/u),
    iban: '*************2051',
  });
  expect((await askAs('see:persons')).body.data?.['me']).toMatchObject({ name: 'planted-name' });
  expect((await askAs('unmask:financial')).body.data?.['me']).toMatchObject({ iban: 'planted-iban-2051' });
});

it('counts what was seen by class, and writes no value of it', async () => {
  const masked = await auditOf(gateway.where, (await askAs('')).requestId);
  const seen = await auditOf(gateway.where, (await askAs('see:persons unmask:financial')).requestId);
  expect([masked.counts?.sensitive, seen.counts?.sensitive]).toEqual([{}, { PERSONAL: 1, FINANCIAL: 1 }]);
  expect(auditText(gateway.where)).not.toContain('planted');
});
