/** A pattern that cannot be run in time in proportion to a text. Its message names the rule, never the pattern. */
export class PatternRefusedError extends RangeError {
  override readonly name = 'PatternRefusedError';
}

/** What stands between characters. */
export type Assertion = 'start' | 'end' | 'boundary' | 'no boundary';

/** A regular expression without what needs going back: no look-around and no back-reference. */
export type PatternNode =
  | { readonly kind: 'one'; readonly test: (character: string) => boolean }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly min: number; readonly max: number };

/** Units: UTF-16 code units. */
const PATTERN_CHARACTERS_MAX = 500;
/** Reason: the engine makes a set of some hundred ranges of each, also where it only reads a pattern. */
const PROPERTIES_MAX = 16;
/** Characters by what Unicode says of them. */
export const PATTERN_PROPERTY = /\\[pP]\{/gu;

const GROUP = /\(\?(?::|<[A-Za-z_$][\w$]*>)/uy;
const OTHER_GROUP = /\(\?/uy;
const BACK_REFERENCE = /\\(?:[1-9]|k<)/uy;
/** One character, or a class of which one is taken; a pair of escapes can stand for one. */
const ATOM =
  /\[(?:[^\\\]]|\\.)*\]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\[pP]\{[^}]*\}|\\.|[^\\]/suy;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/uy;
const ANY = /^.$/u;
const ASSERTIONS: ReadonlyMap<string, Assertion> = new Map([
  ['^', 'start'],
  ['$', 'end'],
  ['\\b', 'boundary'],
  ['\\B', 'no boundary'],
]);

/**
 * Reads a regular expression of ECMAScript in Unicode mode. Throws: PatternRefusedError where it is none, is too long, or needs going back.
 */
export function parsePattern(source: string): PatternNode {
  if (source.length > PATTERN_CHARACTERS_MAX)
    throw new PatternRefusedError(`a pattern is longer than ${PATTERN_CHARACTERS_MAX} characters`);
  if (countIn(source, PATTERN_PROPERTY) > PROPERTIES_MAX)
    throw new PatternRefusedError(`a pattern has more than ${PROPERTIES_MAX} properties of characters`);
  try {
    // Only read here, never run: from now on it is known to be well formed.
    new RegExp(source, 'u');
  } catch {
    throw new PatternRefusedError('a pattern is no regular expression of ECMAScript in Unicode mode');
  }
  return new Reader(source).choice();
}

/** How often a text has a form. */
export function countIn(text: string, form: RegExp): number {
  return text.match(form)?.length ?? 0;
}

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#source[this.#at] === '|') {
      this.#at += 1;
      options.push(this.#sequence());
    }
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source.charAt(this.#at)))
      parts.push(this.#repeated(this.#term()));
    return { kind: 'sequence', parts };
  }

  #term(): PatternNode {
    if (this.#take(BACK_REFERENCE) !== null) throw new PatternRefusedError('a pattern has a back-reference');
    if (this.#take(GROUP) !== null) return this.#group();
    if (this.#take(OTHER_GROUP) !== null)
      throw new PatternRefusedError('a pattern has a look-around or a modifier');
    const [atom = ''] = this.#take(ATOM) ?? [];
    if (atom === '(') return this.#group();
    const assertion = ASSERTIONS.get(atom);
    if (assertion !== undefined) return { kind: 'assertion', assertion };
    if (atom === '.') return { kind: 'one', test: (character) => ANY.test(character) };
    if (!/^[[\\]/u.test(atom)) return { kind: 'one', test: (character) => character === atom };
    const one = new RegExp(`^${atom}$`, 'su');
    return { kind: 'one', test: (character) => one.test(character) };
  }

  #group(): PatternNode {
    const inner = this.choice();
    this.#at += 1;
    return inner;
  }

  #repeated(part: PatternNode): PatternNode {
    const found = this.#take(QUANTIFIER);
    if (found === null) return part;
    const [, sign, least, comma, most] = found;
    if (sign === '*') return { kind: 'repeat', part, min: 0, max: Number.POSITIVE_INFINITY };
    if (sign === '+') return { kind: 'repeat', part, min: 1, max: Number.POSITIVE_INFINITY };
    if (sign === '?') return { kind: 'repeat', part, min: 0, max: 1 };
    const min = Number(least);
    if (comma === undefined) return { kind: 'repeat', part, min, max: min };
    return { kind: 'repeat', part, min, max: most === '' ? Number.POSITIVE_INFINITY : Number(most) };
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }
}
