import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { addAuditCommands } from './add-audit-commands.ts';
import { addBodyCommands } from './add-body-commands.ts';
import { type ApiKeyOptions, makeApiKey } from './api-key.ts';
import { compose } from './compose.ts';
import { checkConfigFile } from './config-check.ts';
import { printConfigSchema } from './config-schema-command.ts';
import { explainCost } from './cost.ts';
import { migrateDatabase } from './migrate.ts';
import { packageVersion } from './package-root.ts';
import { faultLines } from './report-fault.ts';
import { serve } from './serve.ts';

const FAULT = 1;
const USAGE = 2;

const CONFIG_OPTION = ['-c, --config <file>', 'configuration file (YAML or JSON)'] as const;

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) {
    throw new InvalidArgumentError('A port is a whole number from 0 to 65535.');
  }
  return value;
}

function program(environment: NodeJS.ProcessEnv): Command {
  // Subcommands copy these settings when they are added, so they stand first.
  const root = new Command('portcullis')
    .description('GraphQL federation gateway whose security is compiled into every operation')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('(run with --help for usage)')
    .addHelpText(
      'after',
      `
Examples:
  $ portcullis serve --config portcullis.yaml
  $ portcullis compose --config portcullis.yaml --out supergraph.graphql
  $ portcullis config check --config portcullis.yaml

Exit status: 0 success, 1 a fault in the input, 2 wrong usage`,
    );
  root
    .command('serve')
    .description('run the gateway until it is told to stop (SIGINT, SIGTERM)')
    .requiredOption(...CONFIG_OPTION)
    .option('-p, --port <number>', 'port to listen on, in place of listen.port; 0 takes any free one', port)
    .action((options: { config: string; port?: number }) => serve(options, environment));
  root
    .command('compose')
    .description('compose the subgraphs that the configuration names into one supergraph')
    .requiredOption(...CONFIG_OPTION)
    .requiredOption('-o, --out <file>', 'file to write, or - for standard output')
    .action((options: { config: string; out: string }) => compose(options, environment));
  root
    .command('migrate')
    .description('bring the database of the control plane up to this version')
    .requiredOption(...CONFIG_OPTION)
    .action((options: { config: string }) => migrateDatabase(options.config, environment));
  root
    .command('cost')
    .description('explain what an operation costs, line by line')
    .requiredOption(...CONFIG_OPTION)
    .requiredOption('-q, --query <text>', 'the GraphQL document')
    .option('--variables <json>', 'its variables, as a JSON object')
    .option('--operation <name>', 'the operation to count, where the document holds several')
    .action((options: { config: string; query: string; variables?: string; operation?: string }) =>
      explainCost(options, environment),
    );
  root
    .command('api-key')
    .description('make an API key for the configuration, and show it once')
    .requiredOption(...CONFIG_OPTION)
    .requiredOption('--tenant <name>', 'tenant that it belongs to')
    .requiredOption('--application <name>', 'application that calls with it')
    .requiredOption('--subject <name>', 'who it acts as, in the audit and for subgraphs')
    .option('--scopes <names...>', 'its scopes; none by default')
    .option('--roles <names...>', 'its roles; none by default')
    .option('--expires <time>', 'when it ends, such as 2027-01-31T00:00:00Z')
    .action((options: ApiKeyOptions) => makeApiKey(options, environment));
  addAuditCommands(root);
  addBodyCommands(root, environment);
  const config = root.command('config').description('look at configurations');
  config
    .command('check')
    .description('say whether a configuration is valid, and where not')
    .requiredOption(...CONFIG_OPTION)
    .action((options: { config: string }) => checkConfigFile(options.config, environment));
  config
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(printConfigSchema);
  return root;
}

/** Runs one command line, as a process has it. Resolves to its exit status: 0 success, 1 a fault in the input, 2 wrong usage. */
export async function runCommandLine(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  try {
    await program(environment).parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : USAGE;
    }
    process.stderr.write(`${faultLines(error).join('\n')}\n`);
    return FAULT;
  }
}
