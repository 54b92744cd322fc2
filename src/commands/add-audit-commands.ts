import { type Command, InvalidArgumentError, Option } from 'commander';
import { printAuditKey, verifyAudit } from './audit.ts';
import { printArgumentDigest } from './audit-digest.ts';
import { exportAudit, listUnanswered, queryAudit, tailAudit } from './audit-events.ts';

const DIRECTORY = ['-d, --dir <directory>', 'directory of the log (audit.directory)'] as const;
const KEY = '-k, --key <file>';
const COUNT_MAX = 1_000_000;

/** Adds `audit` and what stands under it. */
export function addAuditCommands(root: Command): void {
  const audit = root.command('audit').description('look at the audit log');
  audit
    .command('verify')
    .description('say whether the log is as it was written, and where not')
    .requiredOption(...DIRECTORY)
    .option(KEY, 'public or private key (JWK); else the one beside the directory')
    .option('--archived', 'older segments were moved away by hand: their absence needs no record')
    .option('--json', 'answer in JSON')
    .action(verifyAudit);
  audit
    .command('tail')
    .description('show the last events, and further ones as they come')
    .requiredOption(...DIRECTORY)
    .option('-n, --lines <number>', 'how many', count, 10)
    .option('-f, --follow', 'go on until it is told to stop')
    .option('--json', 'lines as they stand in the log')
    .action(tailAudit);
  filtered(audit.command('query').description('find events, oldest first'))
    .option('--limit <number>', 'stop after that many', count)
    .option('--json', 'lines as they stand in the log')
    .action(queryAudit);
  filtered(audit.command('export').description('write events for other tools'))
    .addOption(
      new Option('--format <format>', 'form of the events')
        .choices(['ndjson', 'csv', 'ocsf'])
        .default('ndjson'),
    )
    .option('-o, --out <file>', 'a new file; else standard output')
    .action(exportAudit);
  audit
    .command('digest')
    .description('print what stands in the log for the value of an argument, to look for it')
    .requiredOption(...DIRECTORY)
    .option(KEY, 'the private key (JWK); else the one beside the directory')
    .option('--tenant <name>', 'whose requests; without it those of no tenant')
    .requiredOption('--argument <Type.field(name:)>', 'the argument it was given for', argument)
    .option(
      '--value <json>',
      'the value, defaults put in; else from standard input, which no list of processes shows',
    )
    .action(printArgumentDigest);
  audit
    .command('unanswered')
    .description('list mutations that were about to run and of which the log tells no more')
    .requiredOption(...DIRECTORY)
    .action(listUnanswered);
  audit
    .command('key')
    .description('print the public key that the log is signed with')
    .requiredOption(...DIRECTORY)
    .option(KEY, 'the key (JWK); else the one beside the directory')
    .action(printAuditKey);
}

function filtered(command: Command): Command {
  return command
    .requiredOption(...DIRECTORY)
    .option('--since <time>', 'from a time on (2026-11-24T12:00:00Z), or from one ago (90m, 12h, 7d)')
    .option('--until <time>', 'up to a time, itself not included')
    .option('--tenant <name>')
    .option('--application <name>')
    .option('--subject <name>')
    .option('--coordinate <Type.field>', 'asked for, or refused')
    .addOption(new Option('--decision <effect>').choices(['permit', 'filter', 'deny', 'hold', 'none']))
    .option('--code <code>', 'of the refusal, or of one of its reasons')
    .option('--operation <name>', 'name, or the beginning of the hash')
    .option('--request <id>')
    .option('--digest <digest>', 'of the value of some argument, as `audit digest` prints it', digest);
}

function digest(text: string): string {
  if (!/^[\w-]{22}$/u.test(text)) throw new InvalidArgumentError('A digest has 22 characters.');
  return text;
}

function argument(text: string): string {
  if (!/^\w+\.\w+\(\w+:\)$/u.test(text))
    throw new InvalidArgumentError('An argument is named as in Query.order(id:).');
  return text;
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text) || value > COUNT_MAX)
    throw new InvalidArgumentError(`A count is a whole number from 0 to ${COUNT_MAX}.`);
  return value;
}
