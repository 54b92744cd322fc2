import { describe, expect, it } from 'vitest';
import { GatewayError } from '../src/errors.ts';

describe('an error of the gateway', () => {
  it('tells where it comes from only where the gateway is at fault', () => {
    expect(new GatewayError('INTERNAL_SERVER_ERROR').stack).toContain('errors.test.ts');
    expect(new GatewayError('RATE_LIMITED').stack).not.toContain('errors.test.ts');
  });

  it('leaves the traces of other errors as they were', () => {
    new GatewayError('RATE_LIMITED');
    expect(new Error('other').stack).toContain('errors.test.ts');
  });

  it('leaves them as they were also where it cannot be made, as at the end of the stack', () => {
    const unmakable = {
      get cause(): unknown {
        throw new RangeError('no room');
      },
    };
    expect(() => new GatewayError('RATE_LIMITED', unmakable)).toThrow(RangeError);
    expect(new Error('other').stack).toContain('errors.test.ts');
  });
});
