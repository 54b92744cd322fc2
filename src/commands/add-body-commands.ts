import type { Command } from 'commander';
import {
  type AiBodiesOptions,
  listAiBodies,
  type ReadBodiesOptions,
  readAiBodies,
  rewrapAiBodies,
} from './ai-bodies.ts';

const CONFIG = ['-c, --config <file>', 'configuration file, with the database and the master keys'] as const;
const TENANT = ['--tenant <name>', 'id or slug of the tenant'] as const;
const BY = ['--by <name>', 'who does it, as it is written down'] as const;
const REASON = ['--reason <text>', 'why, as it is written down'] as const;

/** Adds `bodies` and what stands under it. */
export function addBodyCommands(root: Command, environment: NodeJS.ProcessEnv): void {
  const bodies = root
    .command('bodies')
    .description('look at questions to AI models and answers that tenants have kept (logBodies)');
  within(bodies.command('list').description('list them without what they say, oldest first')).action(
    (options: AiBodiesOptions) => listAiBodies(options, environment),
  );
  bodies
    .command('read')
    .description('show what one says; that it was read stands in the history')
    .requiredOption(...CONFIG)
    .requiredOption(...TENANT)
    .requiredOption('--id <id>', 'which')
    .requiredOption(...BY)
    .requiredOption(...REASON)
    .action((options: ReadBodiesOptions) => readAiBodies(options, environment));
  within(
    bodies
      .command('export')
      .description('write out what they say, a line of JSON each; each stands in the history'),
  )
    .requiredOption(...BY)
    .requiredOption(...REASON)
    .option('-o, --out <file>', 'a new file; else standard output')
    .action((options: ReadBodiesOptions) => readAiBodies(options, environment));
  bodies
    .command('rewrap')
    .description('put all under the first master key, so that an older one can go')
    .requiredOption(...CONFIG)
    .requiredOption(...BY)
    .action((options: { config: string; by: string }) => rewrapAiBodies(options, environment));
}

function within(command: Command): Command {
  return command
    .requiredOption(...CONFIG)
    .requiredOption(...TENANT)
    .option('--since <time>', 'from a time on (2026-11-24T12:00:00Z), or from one ago (90m, 12h, 7d)')
    .option('--until <time>', 'up to a time, itself not included');
}
