import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { expect, it } from 'vitest';
import { folder, startTestGateway } from './gateway-kit.ts';
import { startTicks } from './subscription-kit.ts';

it('publishes one key id from each process that signs with the same key', async () => {
  const where = folder();
  const ticks = await startTicks();
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const keyFile = where.write('key.json', JSON.stringify(jwk));
  const sections = { listen: { port: 0 }, assertion: { keyFile } };
  const gateways = [await startTestGateway([ticks], sections), await startTestGateway([ticks], sections)];
  const published = await Promise.all(
    gateways.map(async ({ url }) => (await fetch(new URL('/.well-known/jwks.json', url))).json()),
  );
  await Promise.all([...gateways, ticks].map((each) => each.close()));
  where.remove();
  const kid = await calculateJwkThumbprint(jwk);
  for (const set of published) {
    expect(set).toMatchObject({ keys: [{ kid }] });
    expect(JSON.stringify(set)).not.toContain('"d"');
  }
});
