import {
  type Assertion,
  countIn,
  PATTERN_PROPERTY,
  type PatternNode,
  PatternRefusedError,
  parsePattern,
} from './pattern-syntax.ts';

/** A regular expression that takes time in proportion to a text, times its states. */
export interface LinearPattern {
  /** Units: states; a step of a text takes no more visits than that. */
  readonly states: number;
  /** What making it takes, classes of characters more than others. Units: states. */
  readonly cost: number;
  /** Whether it is found anywhere in a text. Throws: what `spend` throws, which is told of each visit of a state. */
  matches(text: string, spend: (visits: number) => void): boolean;
}

/** Reason: a pattern of a schema for an answer is a word, a number or a code. */
const STATES_MAX = 1_000;
/** Parts that become states, those of repetitions again each time; some become none. */
const PARTS_MAX = 4 * STATES_MAX;
/** How many states take as long to make as one class of characters, or one that is told by a property of Unicode. */
const [CLASS_COST, PROPERTY_COST] = [4, 200];
const CLASS = /[[\\]/gu;

type State =
  | { readonly kind: 'one'; readonly test: (character: string) => boolean; readonly next: number }
  | { readonly kind: 'assertion'; readonly assertion: Assertion; readonly next: number }
  | { kind: 'split'; readonly next: readonly number[] };

/** What is around a place of a text. */
interface Around {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** The state in which all was found. */
const FOUND = -1;
const WORD = /^\w$/u;

/**
 * Makes a pattern that never goes back: all its states go through a text at once. Throws: PatternRefusedError.
 * Source: Thompson, "Regular Expression Search Algorithm", 1968; Cox, "Regular Expression Matching Can Be Simple And Fast".
 */
export function compilePattern(source: string): LinearPattern {
  const states: State[] = [];
  const start = emit(parsePattern(source), { states, next: FOUND, parts: { left: PARTS_MAX } });
  return {
    states: states.length + 1,
    cost:
      states.length +
      1 +
      CLASS_COST * countIn(source, CLASS) +
      PROPERTY_COST * countIn(source, PATTERN_PROPERTY),
    matches(text, spend) {
      const characters = [...text];
      let waiting: number[] = [];
      for (let at = 0; ; at += 1) {
        const [before, after] = [characters[at - 1], characters[at]];
        const reached = reach(states, [start, ...waiting], { before, after });
        spend(1 + reached.visits);
        if (reached.isFound) return true;
        if (after === undefined) return false;
        waiting = reached.ones.flatMap(({ test, next }) => (test(after) ? [next] : []));
      }
    },
  };
}

/** All states that are reached without a character. */
function reach(states: readonly State[], from: readonly number[], around: Around) {
  const seen = new Set<number>();
  const ones: Extract<State, { kind: 'one' }>[] = [];
  const stack = [...from];
  for (let number = stack.pop(); number !== undefined; number = stack.pop()) {
    if (seen.has(number)) continue;
    seen.add(number);
    const state = states[number];
    if (state === undefined) return { ones, visits: seen.size, isFound: true };
    if (state.kind === 'one') ones.push(state);
    else if (state.kind === 'split') stack.push(...state.next);
    else if (holds(state.assertion, around)) stack.push(state.next);
  }
  return { ones, visits: seen.size, isFound: false };
}

function holds(assertion: Assertion, { before, after }: Around): boolean {
  if (assertion === 'start') return before === undefined;
  if (assertion === 'end') return after === undefined;
  const isBoundary = WORD.test(before ?? '') !== WORD.test(after ?? '');
  return isBoundary === (assertion === 'boundary');
}

interface Emitting {
  readonly states: State[];
  /** The state that follows. */
  readonly next: number;
  readonly parts: { left: number };
}

/** Adds the states of a part that is followed by another; returns the first of them. */
function emit(node: PatternNode, emitting: Emitting): number {
  const { states, next, parts } = emitting;
  parts.left -= 1;
  if (parts.left < 0) throw tooLarge();
  switch (node.kind) {
    case 'one':
      return add(states, { kind: 'one', test: node.test, next });
    case 'assertion':
      return add(states, { kind: 'assertion', assertion: node.assertion, next });
    case 'sequence':
      return node.parts.reduceRight((after, part) => emit(part, { ...emitting, next: after }), next);
    case 'choice': {
      // Those of nothing are one: a visit goes to no state twice.
      const options = new Set(node.options.map((option) => emit(option, emitting)));
      return add(states, { kind: 'split', next: [...options] });
    }
    case 'repeat':
      return emitRepeat(node, emitting);
  }
}

function emitRepeat(
  { part, min, max }: Extract<PatternNode, { kind: 'repeat' }>,
  emitting: Emitting,
): number {
  const { states, next } = emitting;
  let after = next;
  if (max === Number.POSITIVE_INFINITY) {
    const branches = [next];
    after = add(states, { kind: 'split', next: branches });
    branches.push(emit(part, { ...emitting, next: after }));
  } else
    for (let optional = min; optional < max; optional += 1) {
      const once = emit(part, { ...emitting, next: after });
      // What has nothing in it may be repeated for ever.
      if (once === after) break;
      after = add(states, { kind: 'split', next: [once, next] });
    }
  for (let needed = 0; needed < min; needed += 1) {
    const once = emit(part, { ...emitting, next: after });
    if (once === after) break;
    after = once;
  }
  return after;
}

function add(states: State[], state: State): number {
  if (states.length >= STATES_MAX) throw tooLarge();
  return states.push(state) - 1;
}

function tooLarge(): PatternRefusedError {
  return new PatternRefusedError(`a pattern has more than ${STATES_MAX} states`);
}
