/**
 * How the value of an argument is put together: text that is known when the operation is compiled, what a variable brings, or
 * a list or an object that a variable stands in. Texts are canonical: of equal values equal, however they were written.
 */
export type ArgumentValue =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'oversized' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly ArgumentValue[] }
  | {
      readonly kind: 'object';
      /** In the order of their names; the fallback stands for a variable that is not given, null for nothing. */
      readonly fields: readonly (readonly [
        name: string,
        value: ArgumentValue,
        fallback: ArgumentValue | null,
      ])[];
    };

/** Deepest nesting of a value that is read; scalars of a schema's own may hold more. */
const DEPTH_MAX = 64;

/**
 * Most characters that are put together for one request; what comes after is not read. Reason: several times the largest
 * body, so that only who repeats a large variable under many aliases gets there. Units: UTF-16 code units.
 */
export const ARGUMENT_CHARS_MAX = 4_194_304;

/** A value that is not read: it nests too deep, or too much was read before it. */
export const OVERSIZED = Symbol('oversized');

/** Thrown and caught in this file. */
class Oversized extends Error {}

/** Puts values of one request together; each variable is read once, and no more than the bound in all. */
export class ArgumentReader {
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #texts = new Map<string, string | null | typeof OVERSIZED>();
  /** Of lists and objects that are put together: one literal may stand on every implementation of an interface. */
  readonly #composed = new Map<ArgumentValue, string | typeof OVERSIZED>();
  #left = ARGUMENT_CHARS_MAX;

  /** Takes coerced variables, defaults applied. */
  constructor(variables: Readonly<Record<string, unknown>>) {
    this.#variables = variables;
  }

  /** The canonical text of a value; null where nothing is given. */
  read(value: ArgumentValue, fallback: ArgumentValue | null): string | null | typeof OVERSIZED {
    try {
      return this.#whole(value) ?? (fallback === null ? null : this.#whole(fallback));
    } catch (error) {
      if (error instanceof Oversized) return OVERSIZED;
      throw error;
    }
  }

  #either(value: ArgumentValue, fallback: ArgumentValue | null): string | null {
    const text = this.#textOf(value);
    return text === null && fallback !== null ? this.#textOf(fallback) : text;
  }

  #textOf(value: ArgumentValue): string | null {
    switch (value.kind) {
      case 'literal':
        return this.#taken(value.text);
      case 'oversized':
        throw new Oversized();
      case 'variable': {
        const text = this.#variable(value.name);
        if (text === OVERSIZED) throw new Oversized();
        return text === null ? null : this.#taken(text);
      }
      case 'list':
        return `[${value.items.map((item) => this.#textOf(item) ?? 'null').join(',')}]`;
      case 'object': {
        const fields = value.fields.flatMap(([name, inner, fallback]) => {
          const text = this.#either(inner, fallback);
          return text === null ? [] : [`${JSON.stringify(name)}:${text}`];
        });
        return `{${fields.join(',')}}`;
      }
    }
  }

  /** As `#textOf`, once for each whole value. */
  #whole(value: ArgumentValue): string | null {
    if (value.kind !== 'list' && value.kind !== 'object') return this.#textOf(value);
    const known = this.#composed.get(value);
    if (known === OVERSIZED) throw new Oversized();
    if (known !== undefined) return this.#taken(known);
    // Where this throws it would again.
    this.#composed.set(value, OVERSIZED);
    const text = this.#textOf(value);
    if (text !== null) this.#composed.set(value, text);
    return text;
  }

  /** Counts a part before it is copied into a whole. */
  #taken(text: string): string {
    this.#left -= text.length;
    if (this.#left < 0) throw new Oversized();
    return text;
  }

  #variable(name: string): string | null | typeof OVERSIZED {
    const known = this.#texts.get(name);
    if (known !== undefined) return known;
    const value = Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
    const text = value === undefined ? null : canonicalText(value);
    this.#texts.set(name, text);
    return text;
  }
}

/** A value that is known when the operation is compiled. */
export function literalOf(value: unknown): ArgumentValue {
  const text = canonicalText(value);
  return text === OVERSIZED ? { kind: 'oversized' } : { kind: 'literal', text };
}

/** JSON with the keys of every object in order, whatever their names. */
function canonicalText(value: unknown): string | typeof OVERSIZED {
  try {
    return written(value, 0);
  } catch (error) {
    if (error instanceof Oversized) return OVERSIZED;
    throw error;
  }
}

function written(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw new Oversized();
  if (Array.isArray(value)) return `[${value.map((item) => written(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, item]) => `${JSON.stringify(name)}:${written(item, depth + 1)}`);
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
