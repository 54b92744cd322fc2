import { readFileSync } from 'node:fs';
import { type BudgetConfig, BudgetConfigError, parseBudgetConfig } from './budget-config.ts';

/** Reads the configuration of budgets from a JSON file. Throws: BudgetConfigError. */
export function readBudgetConfig(path: string): BudgetConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new BudgetConfigError(['budgets: the file cannot be read as JSON']);
  }
  return parseBudgetConfig(value);
}
