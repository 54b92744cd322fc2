import type { ParsedConfig } from './config.ts';
import type { ConfigDocument } from './config-document.ts';
import type { ConfigFault } from './config-fault.ts';

/** Budgets that nobody would hear of: without approvals there are no plans, and to who sees no principal they are not told. */
export function budgetFieldsFaults(
  config: ParsedConfig | null,
  document: ConfigDocument,
): readonly ConfigFault[] {
  if (config === null) return [];
  return Object.entries(config.subgraphs).flatMap(([name, { budgetFields, identity }]) => {
    if (budgetFields === undefined) return [];
    const path = ['subgraphs', name, 'budgetFields'];
    const position = document.locateKey(path);
    return [
      ...(config.approvals.enforce ? [] : ['needs approvals.enforce: without it there are no plans to tell']),
      ...(identity === 'principal' ? [] : ['needs identity: principal: budgets are those of a caller']),
    ].map((message) => ({ path, position, message }));
  });
}
