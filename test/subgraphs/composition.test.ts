import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { Supergraph } from '@apollo/federation-internals';
import {
  buildASTSchema,
  type DirectiveDefinitionNode,
  type DocumentNode,
  parse,
  print,
  visit,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { readSchemaText } from './support.ts';

const NAMES = ['accounts', 'ai', 'catalog', 'orders'];
const specification = parse(
  readFileSync(new URL('../../schema/directives.graphql', import.meta.url), 'utf8'),
);

function compose(typeDefs: ReadonlyMap<string, DocumentNode>) {
  return composeServices(
    [...typeDefs].map(([name, document]) => ({ name, url: `http://127.0.0.1/${name}`, typeDefs: document })),
  );
}

const example = () => compose(new Map(NAMES.map((name) => [name, parse(readSchemaText(name))])));

/** A directive's definition without descriptions, by name; `@` excluded. */
function definition(document: DocumentNode, name: string): string {
  const found = document.definitions.find(
    (node): node is DirectiveDefinitionNode =>
      node.kind === 'DirectiveDefinition' && node.name.value === name,
  );
  if (found === undefined) throw new Error(`no definition of @${name}`);
  const bare = visit(found, {
    enter: (node) => ('description' in node ? { ...node, description: undefined } : undefined),
  });
  return print(bare);
}

describe('the example subgraphs', () => {
  it('compose without errors and without hints above the level of debugging', () => {
    const { errors, hints = [] } = example();
    expect(errors).toBeUndefined();
    expect(hints.filter(({ definition: { level } }) => level.name !== 'DEBUG').map(String)).toEqual([]);
  });

  it('carry their security directives and constraints into the supergraph', () => {
    const sdl = example().supergraphSdl ?? '';
    for (const spec of ['authenticated', 'requiresScopes', 'policy']) {
      expect(sdl).toContain(`@link(url: "https://specs.apollo.dev/${spec}/v0.1", for: SECURITY)`);
    }
    expect(sdl).toContain(
      '@link(url: "https://portcullis.dev/security/v1.0", import: ["@constraint", "@tenantScoped"])',
    );
    expect(sdl).toMatch(/type Order\s[^{]*@tenantScoped/);
    expect(sdl).toMatch(
      /quantity: Int! @constraint\(min: 1.0, max: 99.0\)|quantity: Int! @constraint\(min: 1, max: 99\)/,
    );
    expect(sdl).toMatch(/text: String! @constraint\(minLength: 2, maxLength: 100\)/);
  });

  it('apply no directive of the specification but those that are enforced', () => {
    const others = ['stepUp', 'audit', 'lifecycle', 'sensitive'];
    const applied = new Set<string>();
    for (const name of NAMES) {
      visit(parse(readSchemaText(name)), { Directive: (node) => void applied.add(node.name.value) });
    }
    expect(others.filter((name) => applied.has(name))).toEqual([]);
    expect(applied.has('constraint')).toBe(true);
  });

  it('show clients neither federation nor the security specification', () => {
    const api = Supergraph.build(example().supergraphSdl ?? '', { supportedFeatures: null }).apiSchema();
    const schema = api.toGraphQLJSSchema();
    const names = Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith('__'));
    expect(names.filter((name) => name.includes('__') || name.startsWith('_'))).toEqual([]);
    expect(schema.getDirective('constraint')).toBeUndefined();
  });

  it.each([
    ['constraint', 'accounts'],
    ['constraint', 'catalog'],
    ['constraint', 'orders'],
    ['tenantScoped', 'orders'],
  ])('define @%s in %s as the specification does', (directive, name) => {
    expect(definition(parse(readSchemaText(name)), directive)).toBe(definition(specification, directive));
  });
});

describe('the security specification', () => {
  it('is a valid schema document that describes everything it defines', () => {
    const schema = buildASTSchema(specification);
    const custom = schema.getDirectives().filter(({ astNode }) => astNode != null);
    expect(custom.map(({ name }) => name).sort()).toEqual([
      'audit',
      'constraint',
      'fromPrincipal',
      'lifecycle',
      'sensitive',
      'stepUp',
      'tenantScoped',
    ]);
    expect(custom.filter(({ description }) => !description)).toEqual([]);
  });

  it('keeps its enums from clients when a subgraph copies them under their prefixed names', () => {
    const document = parse(`
      extend schema
        @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@composeDirective"])
        @link(url: "https://portcullis.dev/security/v1.0", import: ["@audit"])
        @composeDirective(name: "@audit")
      directive @audit(level: security__AuditLevel! = ACCESS, redact: Boolean! = false) on FIELD_DEFINITION
      enum security__AuditLevel { NONE ACCESS DETAILED }
      type Query { secret: String @audit(level: DETAILED) }
    `);
    const { supergraphSdl = '' } = compose(new Map([['probe', document]]));
    expect(supergraphSdl).toContain('@audit(level: DETAILED)');
    const api = Supergraph.build(supergraphSdl, { supportedFeatures: null }).apiSchema().toGraphQLJSSchema();
    expect(api.getType('security__AuditLevel')).toBeUndefined();
  });
});
