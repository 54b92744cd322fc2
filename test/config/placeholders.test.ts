// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the subject
import { describe, expect, it } from 'vitest';
import { configFolder, SUPERGRAPH } from './config-folder.ts';

describe('placeholders', () => {
  it('stand for variables and files, whole or within a text, and for numbers and truth values', async () => {
    const folder = configFolder();
    folder.write('secrets/aud', 'orders\n');
    const config = await folder.read(
      `${SUPERGRAPH}
listen: { port: "\${env:PORT}", trustProxy: "\${env:PROXY}", host: "\${env:HOST}" }
assertion: { audience: "\${file:secrets/aud}", issuer: "a-\${env:HOST}-$\${env:HOST}" }`,
      { PORT: '0', PROXY: 'true', HOST: 'gw' },
    );
    expect(config.listen).toMatchObject({ port: 0, trustProxy: true, host: 'gw' });
    expect(config.assertion).toMatchObject({ audience: 'orders', issuer: 'a-gw-${env:HOST}' });
  });

  it('trim the final line break of a file only', async () => {
    const folder = configFolder();
    folder.write('s', ' a \r\n');
    expect((await folder.read(`${SUPERGRAPH}assertion: { issuer: "\${file:s}" }`)).assertion.issuer).toBe(
      ' a ',
    );
  });

  it('are filled in once: what comes from outside is not searched again', async () => {
    const config = await configFolder().read(`${SUPERGRAPH}assertion: { issuer: "\${env:A}" }`, {
      A: '${env:B}',
      B: 'no',
    });
    expect(config.assertion.issuer).toBe('${env:B}');
  });

  it.each([
    ['a missing variable', '${env:NONE}', 'the environment variable NONE is not set'],
    ['a name all objects have', '${env:toString}', 'the environment variable toString is not set'],
    ['a name no variable has', '${env:A B}', 'A B is not a name of an environment variable'],
    ['a missing file', '${file:none}', 'the file none cannot be read: there is no such file'],
    ['a folder', '${file:.}', 'the file . cannot be read: it is not a file'],
    ['a device', '${file:/dev/zero}', 'the file /dev/zero cannot be read: it is not a file'],
    ['a file too large', '${file:large}', 'the file large is larger than 65536 bytes'],
    ['a file that is not text', '${file:binary}', 'the file binary is not UTF-8 text'],
    ['a source there is not', '${vault:a}', 'a placeholder is ${env:NAME} or ${file:PATH}'],
    ['no source', '${A}', 'a placeholder is ${env:NAME} or ${file:PATH}'],
    ['an open placeholder', '${env:A', 'a placeholder is ${env:NAME} or ${file:PATH}'],
    ['an empty name', '${env:}', 'a placeholder is ${env:NAME} or ${file:PATH}'],
  ])('refuse %s, naming the key and the place', async (_what, value, fault) => {
    const folder = configFolder();
    folder.write('large', 'x'.repeat(65_537));
    folder.write('binary', new Uint8Array([0xff, 0xfe, 0x00]));
    expect(await folder.faults(`${SUPERGRAPH}assertion:\n  issuer: "${value}"`)).toEqual([
      expect.stringContaining(`3:11: assertion.issuer: ${fault}`),
    ]);
  });

  it('accept a file of exactly the largest size for what it is, and then judge the value', async () => {
    const folder = configFolder();
    folder.write('s', 'x'.repeat(65_536));
    expect(await folder.faults(`${SUPERGRAPH}assertion: { issuer: "\${file:s}" }`)).toEqual([
      expect.stringContaining('must have at most 256 characters'),
    ]);
  });

  it.each(['4e3', ' 1', '0x10', '1.5', 'true', '', '99999999999999999999'])(
    'refuse %j where a number is expected',
    async (PORT) => {
      expect(
        await configFolder().faults(`${SUPERGRAPH}listen: { port: "\${env:PORT}" }`, { PORT }),
      ).toHaveLength(1);
    },
  );

  it.each(['yes', '1', 'TRUE', ''])('refuse %j where a truth value is expected', async (ON) => {
    expect(
      await configFolder().faults(`${SUPERGRAPH}limits: { warnOnly: "\${env:ON}" }`, { ON }),
    ).toHaveLength(1);
  });

  it('bound how many variables and files one document names', async () => {
    const names = Array.from({ length: 257 }, (_, index) => `V${index}`);
    const environment = Object.fromEntries(names.map((name) => [name, 'x']));
    const text = (count: number) => {
      const value = names.slice(0, count).map((name) => `\${env:${name}}`);
      return `${SUPERGRAPH}assertion: { issuer: "${value.slice(0, 200).join('')}", audience: "${value.slice(200).join('')}" }`;
    };
    expect(await configFolder().faults(text(256), environment)).toEqual([]);
    expect((await configFolder().faults(text(257), environment)).join()).toContain('more than 256 variables');
  });

  it('never show their value, whatever is wrong with it', async () => {
    const folder = configFolder();
    const secret = 'hunter2-correct-horse';
    folder.write('secret', secret);
    const faults = await folder.faults(
      `
supergraph: { file: "\${env:S}" }
listen: { port: "\${env:S}", host: [ "\${env:S}" ], path: "\${file:secret}", tls: { certFile: "\${env:S}", keyFile: ./secret }, cors: { origins: ["\${env:S}"] } }
identity: { jwt: [{ issuer: "\${env:S}", jwks: "http://\${env:S}.example/", audiences: "\${env:S}", algorithms: ["\${env:S}"] }] }
subgraphs: { catalog: { url: "https://u:\${env:S}@a", forwardHeaders: ["\${env:S} "], timeoutMs: "\${env:S}" } }
authorization: { mode: "\${env:S}", policies: ["\${env:S}/*.cedar"] }
assertion: { keyFile: ./secret }
limits: "\${env:S}"
log: { level: "\${env:S}" }`,
      { S: secret },
    );
    expect(faults.length).toBeGreaterThan(12);
    expect(faults.join('\n')).not.toContain('hunter2');
  });
});
