import type { ChangedFields, ChangeRecord } from './audit/event.ts';
import type { CompiledOperation } from './operation/operation.ts';

/** Changes of one operation that are recorded; a mutation makes one for each of its fields, or two. */
const CHANGES_MAX = 100;

/** Fields of a change, and entries of a list in it. */
const ENTRIES_MAX = 64;
/** Units: UTF-16 code units. */
const CHARS_MAX = 256;

/**
 * Fields of the control plane's entities that are written out: states, names and ids. Any other is told to have changed and no more, the texts
 * that people write as their reasons among them: whoever adds one to an entity does not by that add it to every log.
 */
const WRITTEN: ReadonlySet<string> = new Set([
  ...[
    'status',
    'state',
    'role',
    'kind',
    'environment',
    'visibility',
    'approval',
    'version',
    'requestVersion',
  ],
  ...['name', 'slug', 'owner', 'prefix', 'keyId', 'provider', 'priority', 'weight', 'target'],
  ...['applicationId', 'productId', 'planId', 'scopes', 'coordinates', 'tags', 'limits', 'termDays'],
  ...['expiresAt', 'graceUntil'],
]);

/**
 * What a mutation changed in the control plane, as the admin subgraph tells it.
 * Invariant: bounded, whatever is told, and nothing of a field that is not listed.
 */
export class ChangeLog {
  readonly #slots: ReadonlyMap<string, number>;
  readonly #changes: ChangeRecord[] = [];

  constructor({ coordinates }: Pick<CompiledOperation, 'coordinates'>) {
    this.#slots = new Map(coordinates.map((coordinate, slot) => [coordinate, slot]));
  }

  /** Takes what an answer tells; what is not a change of a field that was asked for is left out. */
  take(told: unknown): void {
    for (const each of Array.isArray(told) ? told : []) {
      const change = this.#changeOf(each);
      if (change !== null && this.#changes.length < CHANGES_MAX) this.#changes.push(change);
    }
  }

  told(): readonly ChangeRecord[] {
    return this.#changes;
  }

  #changeOf(told: unknown): ChangeRecord | null {
    if (!isObject(told)) return null;
    const { coordinate, action, entity, id, before, after } = told;
    const slot = typeof coordinate === 'string' ? this.#slots.get(coordinate) : undefined;
    if (slot === undefined) return null;
    return {
      ...{ slot, action: text(action), entity: text(entity), id: text(id) },
      ...{ before: fieldsOf(before), after: fieldsOf(after) },
    };
  }
}

function fieldsOf(told: unknown): ChangedFields | null {
  if (!isObject(told)) return null;
  return Object.entries(told)
    .filter(([, value]) => value !== undefined)
    .slice(0, ENTRIES_MAX)
    .map(([name, value]) => ({
      name: text(name),
      value: WRITTEN.has(name) ? writtenValue(value) : 'redacted',
    }));
}

function writtenValue(value: unknown): ChangedFields[number]['value'] {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map(text);
  return text(JSON.stringify(value));
}

function text(value: unknown): string {
  const whole = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return (whole.length <= CHARS_MAX ? whole : `${whole.slice(0, CHARS_MAX - 1)}…`).toWellFormed();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
