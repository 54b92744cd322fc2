import { changeJson } from './json-texts.ts';
import type { FindingKind } from './span.ts';

/** Most different originals of one call; what comes after has no way back. */
const ORIGINALS_MAX = 1000;
/** What may still become a placeholder. */
export const PLACEHOLDER_BEGINS = /\[[A-Z_]{0,20}[0-9]{0,6}$/u;
const PLACEHOLDER = /\[[A-Z_]{1,20}[0-9]{1,6}\]/gu;

/** What stands in place of something that has no way back. */
export function maskOf(kind: FindingKind): string {
  return `[${kind}]`;
}

/**
 * What stands in place of the originals of one call, such as `[EMAIL_1]`, and what it stands for.
 * Invariant: the same text asked again gets the same placeholders; none is one that the caller wrote.
 */
export class Placeholders {
  readonly #isTaken: (placeholder: string) => boolean;
  readonly #byOriginal = new Map<string, string>();
  readonly #originals = new Map<string, string>();
  readonly #numbers = new Map<FindingKind, number>();

  constructor(isTaken: (placeholder: string) => boolean) {
    this.#isTaken = isTaken;
  }

  get isEmpty(): boolean {
    return this.#originals.size === 0;
  }

  /** The placeholder of an original. */
  of(kind: FindingKind, original: string): string {
    const known = this.#byOriginal.get(original);
    if (known !== undefined) return known;
    if (this.#originals.size >= ORIGINALS_MAX) return maskOf(kind);
    let placeholder: string;
    let number = this.#numbers.get(kind) ?? 0;
    do {
      number += 1;
      placeholder = `[${kind}_${number}]`;
    } while (this.#isTaken(placeholder));
    this.#numbers.set(kind, number);
    this.#byOriginal.set(original, placeholder);
    this.#originals.set(placeholder, original);
    return placeholder;
  }

  /** A text with the originals back in it. */
  restore(text: string): string {
    if (this.isEmpty) return text;
    return text.replace(PLACEHOLDER, (placeholder) => this.#originals.get(placeholder) ?? placeholder);
  }

  /** As `restore`, for a text that is JSON and stays it. */
  restoreJson(json: string): string {
    return this.isEmpty ? json : changeJson(json, (text) => this.restore(text));
  }
}
