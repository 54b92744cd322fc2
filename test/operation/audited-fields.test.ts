import { describe, expect, it } from 'vitest';
import { compileOperation } from '../../src/operation/compile.ts';
import type { AuditedFields } from '../../src/operation/operation.ts';
import { createPlanner } from '../../src/operation/plan-operation.ts';
import { compose, DEFAULT_LIMITS, maskOf } from './graph-kit.ts';

const GRAPH = compose(
  `type Query { shelf: [Thing] book: Book lost: Locked }
   interface Thing { id: ID! }
   type Book implements Thing @key(fields: "id") { id: ID! title: String secret: Money @requiresScopes(scopes: [["s"]]) }
   type Disc implements Thing @key(fields: "id") { id: ID! title: String }
   type Money { amount: Int }
   type Locked @requiresScopes(scopes: [["l"]]) { id: ID }`,
  `type Book @key(fields: "id") { id: ID! stock: Int }
   type Disc @key(fields: "id") { id: ID! stock: Int }`,
);
const PLANNER = createPlanner(GRAPH.strippedSdl);

interface Named {
  readonly refused: readonly string[];
  readonly unreached: readonly string[];
  readonly plan: readonly string[];
}

function auditedOf(text: string, missing: readonly string[] = []): Named {
  const understood = compileOperation(text, null, {
    ...{ supergraphId: GRAPH.id, schema: GRAPH.apiSchema, policy: GRAPH.policy, limits: DEFAULT_LIMITS },
    ...{ planner: PLANNER, cost: null, coverage: false },
  });
  const { coordinates } = understood.facts;
  const mask = maskOf(understood, {}, (scopes) => scopes.some((scope) => missing.includes(scope)));
  const audited: AuditedFields = understood.variant(mask).audited;
  const name = (slot: number) => coordinates[slot] ?? '';
  return {
    refused: audited.refused.map(({ slot, because }) => `${name(slot)} by ${because}`),
    unreached: audited.unreached.map(name),
    plan: audited.plan.map(({ subgraph, coordinates: slots }) => `${subgraph}: ${slots.map(name).join(' ')}`),
  };
}

describe('what the audit says of an operation once', () => {
  it('tells which fetch asks for which coordinate, and of keys only those that the client asked for', () => {
    const { plan } = auditedOf('{ book { title stock } }');
    expect(plan).toEqual(['a: Query.book Book.title', 'b: Book.stock']);
    expect(auditedOf('{ book { id stock } }').plan).toEqual(['a: Query.book Book.id', 'b: Book.stock']);
  });

  it('tells the concrete types that a fetch names, and all where it names the interface', () => {
    const text = '{ shelf { id ... on Book { title stock } } }';
    expect(auditedOf(text).plan).toEqual(['a: Query.shelf Book.id Disc.id Book.title', 'b: Book.stock']);
  });

  it('follows aliases', () => {
    expect(auditedOf('{ a: book { b: title c: stock } }').plan).toEqual([
      'a: Query.book Book.title',
      'b: Book.stock',
    ]);
  });

  it('tells what is refused and by what, and what stands below it', () => {
    expect(auditedOf('{ book { id secret { amount } } lost { id } }', ['s', 'l'])).toEqual({
      refused: ['Book.secret by Book.secret', 'Query.lost by Query.lost'],
      unreached: ['Money.amount', 'Locked.id'],
      plan: ['a: Query.book Book.id'],
    });
  });

  it('refuses nothing that is permitted at another place', () => {
    const { refused, unreached } = auditedOf('{ book { id } lost { id } }', ['l']);
    expect([refused, unreached]).toEqual([['Query.lost by Query.lost'], ['Locked.id']]);
  });
});
