import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../../src/config/config-schema.ts';
import { configFolder, SUPERGRAPH } from '../config/config-folder.ts';
import { portcullis, portcullisProcess } from './command-line.ts';

describe('usage', () => {
  it('explains itself with examples and succeeds', async () => {
    const { code, stdout } = await portcullis(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('portcullis serve --config portcullis.yaml');
    for (const command of ['serve', 'compose', 'config']) {
      expect(stdout).toContain(command);
    }
  });

  it('tells its version', async () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(await portcullis(['--version'])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });

  it.each([
    ['an unknown command', ['serv'], 'Did you mean serve?'],
    ['an unknown subcommand', ['config', 'chek'], 'Did you mean check?'],
    ['an unknown option', ['serve', '-c', 'x', '--prot', '1'], 'Did you mean --port?'],
    ['no configuration', ['serve'], "required option '-c, --config <file>' not specified"],
    ['no output', ['compose', '-c', 'x'], "required option '-o, --out <file>' not specified"],
    ['a port out of range', ['serve', '-c', 'x', '-p', '65536'], 'A port is a whole number from 0 to 65535.'],
    ['a port that is no number', ['serve', '-c', 'x', '-p', '0x50'], 'A port is a whole number'],
    ['too many arguments', ['config', 'schema', 'x'], 'too many arguments'],
    ['nothing at all', [], 'Usage: portcullis'],
  ])('refuses %s with status 2', async (_what, args, text) => {
    const { code, stderr, stdout } = await portcullis(args);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
    expect(stdout).toBe('');
  });
});

describe('config check', () => {
  it('says that a configuration is valid and what it comes to, without secrets', async () => {
    const folder = configFolder();
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder itself
    const issuer = '{ issuer: "${env:S}", jwks: "https://i.example/${env:S}", audiences: [] }';
    const path = folder.write('a.yaml', `${SUPERGRAPH}identity: { jwt: [${issuer}] }`);
    const run = await portcullis(['config', 'check', '-c', path], { S: 'hunter2' });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/^config is valid\n/);
    expect(run.stdout).toContain('warning        an issuer has no audiences');
    expect(run.stdout).not.toContain('hunter2');
  });

  it('prints every fault as file:line:column with status 1 and no stack', async () => {
    const path = configFolder().write('a.yaml', 'listen: { port: -1 }\nsupergraph: { file: none }\n');
    expect(await portcullis(['config', 'check', '-c', path])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `${path}:1:17: listen.port: must be at least 0\n${path}:2:21: supergraph.file: the file cannot be read: there is no such file\n`,
    });
  });
});

describe('config schema', () => {
  it('prints the JSON Schema', async () => {
    const { code, stdout } = await portcullis(['config', 'schema']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(configJsonSchema());
  });
});

describe('serve', () => {
  const serve = (config: string, ...args: string[]) => ['serve', '-c', config, ...args];
  const configured = () => configFolder().write('a.yaml', SUPERGRAPH);

  it.each([
    ['SIGTERM', ['--port', '4321'], 4321],
    ['SIGINT', [], 4000],
  ] as const)('tells where it listens and closes at %s, with %j on port %i', async (send, args, port) => {
    const run = await portcullisProcess(serve(configured(), ...args), {
      stubGateway: true,
      signals: [{ after: 'listening', send }],
    });
    expect(run).toEqual({
      code: 0,
      signal: null,
      stdout: `listening on http://127.0.0.1:${port}/graphql\nclosing\n`,
      stderr: '',
    });
  });

  it('ends at once at the second signal', async () => {
    const run = await portcullisProcess(serve(configured()), {
      stubGateway: true,
      environment: { PORTCULLIS_IDLE: 'hangs' },
      signals: [
        { after: 'listening', send: 'SIGTERM' },
        { after: 'closing', send: 'SIGTERM' },
      ],
    });
    expect(run.code).toBe(130);
  });

  it('prints what is wrong with the graph, with status 1', async () => {
    const run = await portcullisProcess(serve(configured()), {
      stubGateway: true,
      environment: { PORTCULLIS_IDLE: 'refuses' },
    });
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: 'Query.a: scopes must not be empty\n' });
  });

  it('tells an unexpected error by name and place, not by a message that may hold secrets', async () => {
    const run = await portcullisProcess(serve(configured()), {
      stubGateway: true,
      environment: { PORTCULLIS_IDLE: 'breaks' },
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^internal error: TypeError\n +at startGateway/);
    expect(run.stderr).not.toContain('hunter2');
  });

  it('does not start on a faulty configuration', async () => {
    const path = configFolder().write('a.yaml', 'supergraph: {}');
    const run = await portcullis(serve(path));
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('a.yaml:1:13: supergraph: needs exactly one');
  });
});
