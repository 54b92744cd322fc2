import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PORTCULLIS_DIRECTIVES } from '../../src/supergraph/specs.ts';
import { blocks, PAGES, page, prose, ROOT } from './documents.ts';

/** The id that a heading gets where pages are shown. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchors(path: string): string[] {
  return [...prose(readFileSync(path, 'utf8')).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    anchorOf(text),
  );
}

describe('the pages', () => {
  it.each([...PAGES])('%s links only to what is there', (path, text) => {
    const links = [...prose(text).matchAll(/\]\(([^)]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !target.startsWith('https:'));
    const broken = links.filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
      return !existsSync(target) || (anchor !== undefined && !anchors(target).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it.each([...PAGES])('%s names only folders and files of src that are there', (_, text) => {
    const named = [...text.matchAll(/`(src\/[\w./-]+)`/g)].map(([, target = '']) => target);
    expect(named.filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
  });
});

describe('the audit page', () => {
  it('shows an event that fits the schema of events', () => {
    const schema = JSON.parse(readFileSync(join(ROOT, 'schema/audit-event.schema.json'), 'utf8'));
    const [example = ''] = blocks(page('docs/audit.md'), 'json');
    expect(z.fromJSONSchema(schema).safeParse(JSON.parse(example)).error).toBeUndefined();
  });
});

describe('the README', () => {
  it('lists every directive that is not enforced, and only those', () => {
    const [, paragraph = ''] = /^- \*\*The other directives(.*?)(?=^\S|\n\n)/ms.exec(page('README.md')) ?? [];
    const named = [...paragraph.matchAll(/`@(\w+)`/g)].map(([, name]) => name);
    const unenforced = [...PORTCULLIS_DIRECTIVES].filter(([, enforced]) => !enforced).map(([name]) => name);
    expect(named.toSorted()).toEqual(unenforced.toSorted());
  });
});

describe('the policy page', () => {
  it('shows the policies of the demo as they are', () => {
    const [example] = blocks(page('docs/policies.md'), 'cedar');
    const file = readFileSync(join(ROOT, 'demo/policies/pricing.cedar'), 'utf8');
    expect(example).toBe(`${file.replace(/^\/\/.*\n/gm, '').trim()}\n`);
  });
});
