import type { OperationTable } from './audit-line.ts';

/** Tables remembered of one file; after so many each is written again, and memory stays bounded. */
const TABLES_MAX = 10_000;

/** The tables that one file holds, each under its number there. */
export class WrittenTables {
  readonly #numbers = new Map<OperationTable, number>();
  #next = 0;

  /** The number that the next table gets. */
  get next(): number {
    return this.#next;
  }

  /** Null where the file does not hold it, or may not. */
  numberOf(table: OperationTable): number | null {
    return this.#numbers.get(table) ?? null;
  }

  add(table: OperationTable): void {
    if (this.#numbers.size >= TABLES_MAX) this.#numbers.clear();
    this.#numbers.set(table, this.#next);
    this.#next += 1;
  }
}
