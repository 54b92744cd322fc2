import { type DataObject, entitiesAt } from './entities.ts';
import type { Withheld } from './withheld.ts';

/** The objects of an answer by their paths, found once for all fetches that start before more of it comes. */
export class FoundEntities {
  readonly #root: DataObject;
  readonly #withheld: Withheld | null;
  readonly #found = new Map<string, readonly DataObject[]>();

  constructor(root: DataObject, withheld: Withheld | null = null) {
    this.#root = root;
    this.#withheld = withheld;
  }

  at(path: readonly string[]): readonly DataObject[] {
    if (path.length === 0) return entitiesAt(this.#root, path, this.#withheld);
    // No response key has a blank.
    const name = path.join(' ');
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const found = entitiesAt(this.#root, path, this.#withheld);
    this.#found.set(name, found);
    return found;
  }

  /** Before anything is merged: objects may be replaced then, and their owners become known. */
  forget(): void {
    if (this.#found.size > 0) this.#found.clear();
  }
}
