import { type Holding, heldFrom } from './hold-back.ts';
import { type Checking, type Located, locate, mask, tell } from './text-check.ts';

/** Text that is held back at most. Units: UTF-16 code units. */
const HELD_CHARACTERS_MAX = 8192;
/** What is still held of it then: longer than what has no end of its own. */
const TAIL_CHARACTERS = 512;
/** What was told already, and may say what follows. */
const CONTEXT_CHARACTERS = 128;
const KEY_END = /-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/u;
const KEY_END_CHARACTERS_MAX = 80;

/**
 * Checks a text as it comes, and lets it go as soon as what is there cannot become anything with what follows.
 * Invariant: what it lets go is what checking the whole would have; it holds a bounded part.
 */
export class StreamText {
  readonly #checking: Checking;
  readonly #holding: Holding;
  #context = '';
  #pending = '';
  /** Within a private key that is longer than what is held: the last that was seen of it. */
  #swallowed: string | null = null;
  #isBlocked = false;

  constructor(checking: Checking, holding: Holding) {
    this.#checking = checking;
    this.#holding = holding;
  }

  /** Whether something was found that ends the answer. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Takes a further piece, and gives what can go. */
  push(piece: string): string {
    this.#pending += this.#outsideOfKey(piece);
    const isFull = this.#pending.length > HELD_CHARACTERS_MAX;
    const until = heldFrom(this.#pending, this.#holding);
    // While all of it is held nothing can be decided, and looking each time would take the square of its length.
    if (until === 0 && !isFull) return '';
    const most = this.#pending.length - TAIL_CHARACTERS;
    return this.#take(isFull ? Math.max(until, most) : until, { mustDecide: isFull, isEnd: false });
  }

  /** Gives the rest: nothing follows. */
  end(): string {
    return this.#take(this.#pending.length, { mustDecide: true, isEnd: true });
  }

  #take(
    until: number,
    { mustDecide, isEnd }: Pick<Cutting, 'mustDecide'> & { readonly isEnd: boolean },
  ): string {
    const { length: offset } = this.#context;
    const text = this.#context + this.#pending;
    const found = locate(text, this.#checking.checks).filter(({ end }) => end > offset);
    const goesOnAt = isEnd ? Number.POSITIVE_INFINITY : text.length;
    const cut = cutBefore(found, { until: offset + until, goesOnAt, offset, mustDecide });
    const decided = found
      .filter(({ start }) => start < cut)
      .map((each) => ({ ...each, start: Math.max(each.start, offset) }));
    if (cut <= offset) return '';
    tell(decided, this.#checking);
    if (decided.some(({ check }) => check.action === 'block')) {
      this.#isBlocked = true;
      return '';
    }
    const masked = mask(text.slice(0, cut), decided, this.#checking).slice(offset);
    this.#context = contextOf(text.slice(0, cut));
    this.#pending = text.slice(cut);
    if (!isEnd && decided.some((each) => isOpenKey(each, text))) this.#swallowed = '';
    return this.#checking.placeholders?.restore(masked) ?? masked;
  }

  /** What of a piece is no longer within a private key. */
  #outsideOfKey(piece: string): string {
    if (this.#swallowed === null) return piece;
    const text = this.#swallowed + piece;
    const found = KEY_END.exec(text);
    this.#swallowed = found === null ? text.slice(-KEY_END_CHARACTERS_MAX) : null;
    return found === null ? '' : text.slice(found.index + found[0].length);
  }
}

interface Cutting {
  readonly until: number;
  /** What ends here may still go on. */
  readonly goesOnAt: number;
  readonly offset: number;
  readonly mustDecide: boolean;
}

/** The place up to which all is decided: in front of what may still go on, unless that has to be decided too. */
function cutBefore(found: readonly Located[], { until, goesOnAt, offset, mustDecide }: Cutting): number {
  let cut = until;
  const ordered = [...found].sort((one, other) => one.start - other.start);
  for (const { start, end } of ordered.toReversed())
    if (start < cut && (end > cut || end >= goesOnAt) && (!mustDecide || start > offset))
      cut = Math.max(start, offset);
  // Nothing is left half decided.
  if (mustDecide)
    for (const { start, end } of ordered) if (start <= cut && start <= offset) cut = Math.max(cut, end);
  return cut;
}

function isOpenKey({ kind, end, check }: Located, text: string): boolean {
  return (
    kind === 'PRIVATE_KEY' &&
    end === text.length &&
    check.action === 'mask' &&
    !KEY_END.test(text.slice(-KEY_END_CHARACTERS_MAX))
  );
}

/** From a blank on: half of a word could be something that the whole is not. */
function contextOf(told: string): string {
  if (told.length <= CONTEXT_CHARACTERS) return told;
  const tail = told.slice(-CONTEXT_CHARACTERS);
  const blank = tail.search(/\s/u);
  return blank < 0 ? '' : tail.slice(blank);
}
