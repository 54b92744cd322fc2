/** Something that is chosen more often the more it weighs. */
export interface Weighted {
  /** Zero: only after all others, in the order given. */
  readonly weight: number;
}

/** An order in which each comes first as often as its weight says, and so on among the rest. Units: `random` gives [0, 1). */
export function weightedOrder<T extends Weighted>(items: readonly T[], random: () => number): T[] {
  const left = items.filter(({ weight }) => weight > 0);
  const ordered: T[] = [];
  while (left.length > 0) {
    let at = random() * left.reduce((sum, { weight }) => sum + weight, 0);
    const index = left.findIndex(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    ordered.push(...left.splice(index < 0 ? left.length - 1 : index, 1));
  }
  return [...ordered, ...items.filter(({ weight }) => weight <= 0)];
}
