import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { directiveNameOf, ownsDirective, specDirectiveOf, typeNameOf } from '../../src/supergraph/link.ts';
import { readLinks } from '../../src/supergraph/links.ts';
import { AUTHENTICATED, JOIN, LINK, REQUIRES_SCOPES } from './graphs.ts';

const SCOPES_URL = 'https://specs.apollo.dev/requiresScopes/v0.1';

function linksOf(...links: readonly string[]) {
  return readLinks(parse(`schema ${links.join(' ')} { query: Query }`));
}

function faultsOf(...links: readonly string[]): readonly string[] {
  return linksOf(...links).faults.map(({ message }) => message);
}

function scopesLink(rest: string) {
  const { links, faults } = linksOf(LINK, JOIN, `@link(url: "${SCOPES_URL}", for: SECURITY${rest})`);
  expect(faults).toEqual([]);
  const link = links.find(({ name }) => name === 'requiresScopes');
  if (link === undefined) throw new Error('not linked');
  return link;
}

describe('names of linked elements', () => {
  it.each([
    ['', 'requiresScopes', 'requiresScopes__Scope'],
    [', as: "scopes"', 'scopes', 'scopes__Scope'],
    [', import: ["@requiresScopes", "Scope"]', 'requiresScopes', 'Scope'],
    [', as: "x", import: ["@requiresScopes"]', 'requiresScopes', 'x__Scope'],
    [', import: [{name: "@requiresScopes", as: "@needs"}]', 'needs', 'requiresScopes__Scope'],
    [', import: [{name: "Scope", as: "S"}, {name: "@requiresScopes"}]', 'requiresScopes', 'S'],
    [', as: null, import: null', 'requiresScopes', 'requiresScopes__Scope'],
  ])('resolves %s to @%s and %s', (rest, directive, type) => {
    const link = scopesLink(rest);
    expect(directiveNameOf(link, 'requiresScopes')).toBe(directive);
    expect(typeNameOf(link, 'Scope')).toBe(type);
    expect(specDirectiveOf(link, directive)).toBe('requiresScopes');
  });

  it('prefixes a directive that is not the default one of its specification', () => {
    const { links } = linksOf(LINK, '@link(url: "https://portcullis.dev/security/v1.0")');
    const link = links.at(-1);
    expect(link && directiveNameOf(link, 'constraint')).toBe('security__constraint');
  });

  it('claims its whole prefix, so that a misspelt rule is not taken for another directive', () => {
    const link = scopesLink('');
    expect(ownsDirective(link, 'requiresScopes__requiresScopes')).toBe(true);
    expect(specDirectiveOf(link, 'requiresScopes__requiresScopes')).toBeNull();
  });
});

describe('the link of link itself', () => {
  it('is found under another name', () => {
    const read = linksOf(
      '@foo(url: "https://specs.apollo.dev/link/v1.0", as: "foo")',
      '@foo(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)',
      '@foo(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY, as: "auth")',
    );
    expect(read.faults).toEqual([]);
    expect(read.links.map(({ alias }) => alias)).toEqual(['foo', 'join', 'auth']);
  });

  it('is found on an extension of the schema, wherever it stands', () => {
    const sdl = `extend schema ${AUTHENTICATED} schema { query: Query } extend schema ${JOIN} ${LINK}`;
    const read = readLinks(parse(sdl));
    expect(read.faults).toEqual([]);
    expect(read.links).toHaveLength(3);
  });

  it.each([
    ['absent', [JOIN]],
    ['named otherwise than it says', ['@foo(url: "https://specs.apollo.dev/link/v1.0", as: "bar")']],
    ['renamed without as', ['@foo(url: "https://specs.apollo.dev/link/v1.0")']],
    ['of another host', ['@link(url: "https://specs.example.com/link/v1.0")']],
  ])('is refused where it is %s', (_, links) => {
    expect(faultsOf(...links)).toEqual([expect.stringContaining('does not link')]);
  });

  it('is refused a second time under another name', () => {
    const faults = faultsOf(LINK, JOIN, '@foo(url: "https://specs.apollo.dev/link/v1.0", as: "foo")');
    expect(faults).toContainEqual(expect.stringContaining('linked a second time, as @foo'));
  });

  it('is refused in a version that is not known', () => {
    expect(faultsOf('@link(url: "https://specs.apollo.dev/link/v1.1")', JOIN)).toHaveLength(1);
  });

  it('tells a supergraph of federation 1', () => {
    const faults = faultsOf(
      '@core(feature: "https://specs.apollo.dev/core/v0.1")',
      '@core(feature: "https://specs.apollo.dev/join/v0.1")',
    );
    expect(faults).toEqual([expect.stringContaining('federation 1 (@core)')]);
  });
});

describe('a link is refused', () => {
  it.each([
    ['no url', '@link(for: SECURITY)', 'url is missing'],
    ['a url of another type', '@link(url: 3)', 'url must be a string'],
    ['a null url', '@link(url: null)', 'url is missing'],
    [
      'a url without version',
      '@link(url: "https://specs.apollo.dev/authenticated")',
      'names no specification',
    ],
    ['a url with a closing slash', '@link(url: "https://specs.apollo.dev/authenticated/v0.1/")', 'names no'],
    ['a url that is none', '@link(url: "authenticated/v0.1")', 'names no specification'],
    [
      'an unknown argument',
      '@link(url: "https://x.test/y/v1.0", purpose: SECURITY)',
      'unknown argument purpose',
    ],
    ['an argument twice', '@link(url: "https://x.test/y/v1.0", as: "a", as: "b")', 'as is given twice'],
    ['an alias of another type', '@link(url: "https://x.test/y/v1.0", as: a)', 'as must be a string'],
    ['an alias that is no name', '@link(url: "https://x.test/y/v1.0", as: "a b")', 'as is not a name'],
    ['an unknown purpose', '@link(url: "https://x.test/y/v1.0", for: SAFETY)', 'for must be'],
    ['a purpose as a string', '@link(url: "https://x.test/y/v1.0", for: "SECURITY")', 'for must be'],
    [
      'imports that are no list',
      '@link(url: "https://x.test/y/v1.0", import: "@z")',
      'import must be a list',
    ],
    [
      'an import that is no name',
      '@link(url: "https://x.test/y/v1.0", import: ["@z-z"])',
      'not a GraphQL name',
    ],
    ['an import that is a number', '@link(url: "https://x.test/y/v1.0", import: [1])', 'must be a name or'],
    ['an import without name', '@link(url: "https://x.test/y/v1.0", import: [{as: "@z"}])', 'lacks its name'],
    [
      'an import with another key',
      '@link(url: "https://x.test/y/v1.0", import: [{name: "@z", to: "@y"}])',
      'unknown field to',
    ],
    [
      'an import key twice',
      '@link(url: "https://x.test/y/v1.0", import: [{name: "@z", name: "@y"}])',
      'given twice',
    ],
    [
      'a directive renamed to a type',
      '@link(url: "https://x.test/y/v1.0", import: [{name: "@z", as: "z"}])',
      'on both sides',
    ],
    [
      'an import twice',
      '@link(url: "https://x.test/y/v1.0", import: ["@z", {name: "@z", as: "@y"}])',
      'imported twice',
    ],
    [
      'two imports under one name',
      '@link(url: "https://x.test/y/v1.0", import: ["@z", {name: "@w", as: "@z"}])',
      'name of another element',
    ],
    [
      'the name of an element it did not import',
      '@link(url: "https://x.test/y/v1.0", import: [{name: "@z", as: "@y__w"}])',
      'name of another element',
    ],
    [
      'an element the specification lacks',
      '@link(url: "https://specs.apollo.dev/policy/v0.1", import: ["@authenticated"])',
      'has no element @authenticated',
    ],
    [
      'a type imported as a directive',
      '@link(url: "https://specs.apollo.dev/policy/v0.1", import: ["@Policy"])',
      'has no element @Policy',
    ],
    ['an ambiguous alias', '@link(url: "https://specs.apollo.dev/policy/v0.1", as: "a__b")', 'ambiguous'],
    ['an alias that ends in _', '@link(url: "https://specs.apollo.dev/policy/v0.1", as: "a_")', 'ambiguous'],
  ])('for %s', (_, link, message) => {
    expect(faultsOf(LINK, JOIN, link)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    'https://specs.apollo.dev/authenticated/v0.2',
    'https://specs.apollo.dev/requiresScopes/v1.0',
    'https://specs.apollo.dev/policy/v0.9',
    'https://portcullis.dev/security/v2.0',
    'https://specs.apollo.dev/join/v0.1',
    'https://specs.apollo.dev/join/v0.6',
  ])('for the unknown version %s, whatever its purpose', (url) => {
    const links = url.includes('/join/') ? [LINK] : [LINK, JOIN];
    expect(faultsOf(...links, `@link(url: "${url}")`)).toEqual([expect.stringContaining('not known')]);
  });

  it.each(['SECURITY', 'EXECUTION'])('for an unknown specification linked for %s', (purpose) => {
    const link = `@link(url: "https://specs.example.com/shield/v1.0", for: ${purpose})`;
    expect(faultsOf(LINK, JOIN, link)).toEqual([expect.stringContaining(`linked for ${purpose}`)]);
  });

  it.each([
    '@link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY)',
    '@link(url: "https://specs.apollo.dev/connect/v0.2", for: EXECUTION)',
  ])('for what nothing here honours: %s', (link) => {
    expect(faultsOf(LINK, JOIN, link)).toHaveLength(1);
  });

  it.each([
    'http://specs.apollo.dev/authenticated/v0.1',
    'https://specs.apollo.dev/Authenticated/v0.1',
    'https://specs.apollo.dev/requiresscopes/v0.1',
    'https://specs.apollo.dev./policy/v0.1',
    'http://portcullis.dev/security/v1.0',
    'https://portcullis.dev/Security/v1.0',
  ])('for resembling a known specification: %s', (url) => {
    expect(faultsOf(LINK, JOIN, `@link(url: "${url}")`)).toEqual([expect.stringContaining('resembles')]);
  });

  it('for a specification that is linked twice', () => {
    const second = '@link(url: "https://specs.apollo.dev/authenticated/v0.1", as: "other")';
    expect(faultsOf(LINK, JOIN, AUTHENTICATED, second)).toEqual([expect.stringContaining('linked twice')]);
  });

  it.each([
    ['alias', '@link(url: "https://x.test/y/v1.0", as: "authenticated")'],
    ['import', '@link(url: "https://x.test/y/v1.0", import: ["@authenticated"])'],
    ['import in its prefix', '@link(url: "https://x.test/y/v1.0", import: ["@authenticated__z"])'],
    ['type in its prefix', '@link(url: "https://x.test/y/v1.0", import: ["authenticated__Z"])'],
  ])('for claiming the name of a rule by %s', (_, link) => {
    expect(faultsOf(LINK, JOIN, AUTHENTICATED, link)).toEqual([
      expect.stringContaining('claim the same name'),
    ]);
    expect(faultsOf(LINK, JOIN, link, AUTHENTICATED)).toEqual([
      expect.stringContaining('claim the same name'),
    ]);
  });

  it('with every fault told, not just the first', () => {
    expect(faultsOf(LINK, '@link(url: 3, as: 4)', '@link(for: SAFETY)', '@link(url: "x")')).toHaveLength(5);
  });
});

describe('a link is accepted', () => {
  it.each([
    [
      'without purpose, though not known',
      '@link(url: "https://specs.example.com/docs/v1.0", import: ["@doc"])',
    ],
    [
      'of a specification known under another alias',
      '@link(url: "https://specs.apollo.dev/tag/v0.3", as: "federation__tag")',
    ],
    [
      'of inaccessible, which composition links for security',
      '@link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)',
    ],
    [
      'with a host in capitals, which is the same host',
      '@link(url: "https://SPECS.apollo.dev/policy/v0.1", for: SECURITY)',
    ],
  ])('%s', (_, link) => {
    expect(faultsOf(LINK, JOIN, REQUIRES_SCOPES, link)).toEqual([]);
  });

  it('of a rule whose link does not say that it is for security', () => {
    const { links, faults } = linksOf(LINK, JOIN, '@link(url: "https://specs.apollo.dev/policy/v0.1")');
    expect(faults).toEqual([]);
    expect(links.at(-1)?.known?.enforced).toBe(true);
  });
});
