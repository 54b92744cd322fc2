import type { SchemaNode } from './config-schema.ts';

interface Row {
  readonly key: string;
  readonly node: SchemaNode;
  readonly required: boolean;
}

const INTRODUCTION = `# Configuration

One YAML file (JSON is YAML too), given by \`--config\`. Only \`supergraph\` must be given; every other key has a safe
default. Unknown keys, duplicate keys, tags and merge keys are refused, and all faults are reported at once with line and
column. Relative paths are relative to the file. \`portcullis config check --config FILE\` checks a file without starting.

Text values may hold \`\${env:NAME}\` (an environment variable) and \`\${file:PATH}\` (the contents of a file, without the
final line break). Put such a value in quotation marks. A missing variable or file is a fault; \`$\${\` stands for a plain
\`\${\`. Where a number or a truth value is expected, the text is read as one.

Amounts carry their unit in the name: \`Ms\` milliseconds, \`Seconds\`, \`Bytes\`, \`Mb\` MiB; \`Max\` is a count.

This page is generated from the schema (\`npm run generate\`), as is \`schema/config.schema.json\` for editors.
`;

/** Characters that mean something in a cell of a Markdown table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) {
    return node.enum.map((value) => `\`${value}\``).join(' or ');
  }
  if (node.type === 'array') {
    const items = node.items?.enum === undefined ? typeOf(node.items ?? {}) : typeOf(node.items);
    return `list of ${items}`;
  }
  if (node.type === 'integer') {
    return `${group(node.minimum ?? 0)} to ${group(node.maximum ?? Number.MAX_SAFE_INTEGER)}`;
  }
  return node.type === 'object' ? 'section' : (node.type ?? 'string');
}

function defaultOf({ node, required }: Row): string {
  if (required) {
    return 'required';
  }
  return node.default === undefined ? 'none' : `\`${JSON.stringify(node.default)}\``;
}

function isSection(node: SchemaNode): boolean {
  return node.properties !== undefined;
}

/** The keys below a node, one row each; sections and entries of lists are opened, and named by their path. */
function rowsOf(node: SchemaNode, prefix: string): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const key = `${prefix}${name}`;
    const required = node.required?.includes(name) ?? false;
    const entries = child.items;
    if (isSection(child)) {
      const opened = rowsOf(child, `${key}.`);
      return child.default === undefined ? [{ key, node: child, required }, ...opened] : opened;
    }
    if (entries !== undefined && isSection(entries)) {
      return [{ key, node: child, required }, ...rowsOf(entries, `${key}[].`)];
    }
    return [{ key, node: child, required }];
  });
}

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const cells = [`\`${row.key}\``, typeOf(row.node), defaultOf(row), row.node.description ?? ''];
    return `| ${cells.map(cell).join(' | ')} |`;
  });
  return ['| key | type | default | meaning |', '|---|---|---|---|', ...lines].join('\n');
}

function section(name: string, node: SchemaNode): string {
  if (!isSection(node) && !node.additionalProperties)
    return `## ${name}\n\n${table([{ key: name, node, required: false }])}\n`;
  const byName = node.additionalProperties;
  const opened = node.properties === undefined && byName ? rowsOf(byName, '<name>.') : rowsOf(node, '');
  return `## ${name}\n\n${node.description ?? ''}\n\n${table(opened)}\n`;
}

/** The reference of the configuration as Markdown: one table per section. */
export function configReference(schema: SchemaNode): string {
  const sections = Object.entries(schema.properties ?? {}).map(([name, node]) => section(name, node));
  return [INTRODUCTION, ...sections].join('\n');
}
