import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config-source.ts';
import { configFolder, SUPERGRAPH } from './config-folder.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from './tls-fixture.ts';

const ed25519 = () => generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });

describe('files the configuration names', () => {
  it.each([
    ['supergraph: { file: ./none.graphql }', '1:21: supergraph.file: the file cannot be read'],
    ['supergraph: { file: . }', 'supergraph.file: the file cannot be read: it is not a file'],
    [
      'supergraph: { subgraphs: [{ name: a, url: "http://a", schema: ./none.graphql }] }',
      'supergraph.subgraphs[0].schema: the file cannot be read: there is no such file',
    ],
    [
      `${SUPERGRAPH}identity: { jwt: [{ issuer: i, audiences: [], jwks: ./none.json }] }`,
      'identity.jwt[0].jwks: the file cannot be read: there is no such file',
    ],
    [`${SUPERGRAPH}assertion: { keyFile: ./none.json }`, 'assertion.keyFile: the file cannot be read'],
    [`${SUPERGRAPH}authorization: { policies: [./none.cedar] }`, 'policies[0]: the pattern matches no file'],
    [`${SUPERGRAPH}authorization: { policies: [./policies] }`, 'policies[0]: the pattern matches no file'],
    [`${SUPERGRAPH}authorization: { policies: ["p\\0q"] }`, 'policies[0]: the pattern'],
  ])('must be there: %s', async (text, fault) => {
    const folder = configFolder();
    folder.write('policies/a.txt', '');
    expect((await folder.faults(text)).join('\n')).toContain(fault);
  });

  it('must be there to configure anything: the configuration itself', async () => {
    const path = join(configFolder().path, 'none.yaml');
    await expect(readConfig(path, {})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: [{ message: `${path}:1:1: the configuration file cannot be read: there is no such file` }],
    });
  });

  it('reads the policies that patterns match, each once, in a fixed order', async () => {
    const folder = configFolder();
    const paths = ['policies/b.cedar', 'policies/a.cedar', 'policies/deep/c.cedar'].map((name) =>
      folder.write(name, `// ${name}`),
    );
    folder.write('policies/readme.md', '');
    const { authorization } = await folder.read(
      `${SUPERGRAPH}authorization: { policies: [./policies/*.cedar, "./policies/**/*.cedar", "${paths[0]}"] }`,
    );
    expect(authorization.policies).toEqual([
      { path: paths[1], text: '// policies/a.cedar' },
      { path: paths[0], text: '// policies/b.cedar' },
      { path: paths[2], text: '// policies/deep/c.cedar' },
    ]);
  });

  it('refuses a policy that is not text', async () => {
    const folder = configFolder();
    folder.write('a.cedar', new Uint8Array([0xc3, 0x28]));
    expect((await folder.faults(`${SUPERGRAPH}authorization: { policies: [a.cedar] }`)).join()).toContain(
      'is not UTF-8 text',
    );
  });
});

describe('the key of assertions', () => {
  it('is read, public and private part', async () => {
    const folder = configFolder();
    const key = { ...ed25519(), kid: 'k1' };
    folder.write('key.json', JSON.stringify({ ...key, use: 'sig' }));
    expect((await folder.read(`${SUPERGRAPH}assertion: { keyFile: key.json }`)).assertion.key).toEqual(key);
  });

  it.each([
    ['no JSON', 'hunter2'],
    ['no object', 'null'],
    ['a list', '[]'],
    ['a symmetric key', JSON.stringify({ kty: 'oct', k: 'aHVudGVyMg' })],
    ['a public key', JSON.stringify({ ...ed25519(), d: undefined })],
    [
      'a key of another kind',
      JSON.stringify(generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })),
    ],
    ['a broken key', JSON.stringify({ ...ed25519(), d: 'hunter2' })],
  ])('is refused if the file holds %s', async (_what, content) => {
    const folder = configFolder();
    folder.write('key.json', content);
    const faults = await folder.faults(`${SUPERGRAPH}assertion: { keyFile: key.json }`);
    expect(faults).toEqual([expect.stringContaining('assertion.keyFile: the file must hold one Ed25519')]);
    expect(faults.join()).not.toContain('hunter2');
  });
});

describe('TLS', () => {
  const text = `${SUPERGRAPH}listen: { tls: { certFile: cert.pem, keyFile: key.pem } }`;

  it('reads a certificate and its key', async () => {
    const folder = configFolder();
    folder.write('cert.pem', CERTIFICATE);
    folder.write('key.pem', CERTIFICATE_KEY);
    expect((await folder.read(text)).listen.tls).toEqual({ cert: CERTIFICATE, key: CERTIFICATE_KEY });
  });

  it('refuses a key of another certificate and files that hold neither', async () => {
    const folder = configFolder();
    const other = generateKeyPairSync('ed25519')
      .privateKey.export({ format: 'pem', type: 'pkcs8' })
      .toString();
    folder.write('cert.pem', CERTIFICATE);
    folder.write('key.pem', other);
    expect(await folder.faults(text)).toEqual([
      expect.stringContaining('listen.tls.keyFile: the file is not the private key of the certificate'),
    ]);
    folder.write('cert.pem', 'hunter2');
    folder.write('key.pem', 'hunter2');
    expect(await folder.faults(text)).toEqual([
      expect.stringContaining('listen.tls.certFile: the file must hold a certificate in PEM'),
      expect.stringContaining('listen.tls.keyFile: the file must hold a private key in PEM'),
    ]);
  });
});
