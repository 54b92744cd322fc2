import { readdirSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { settleIn } from '../../src/commands/settle-in.ts';

/** Tells what V8 has done and kept before and after it settles in, then is killed. */

const CALLS_MAX = 100_000;
/** Source: the bits of %GetOptimizationStatus in V8's runtime.h. */
const COMPILED_FOR_GOOD = 1 << 5;

const statusOf = new Function('called', 'return %GetOptimizationStatus(called)');

/** Calls of a function that nobody called before, until V8 compiles it for good. */
function callsUntilCompiled(name: string): number {
  // Long enough that V8 looks at it at each call.
  const steps = Array.from({ length: 200 }, (_, step) => `sum = (sum * ${step + 3} + added) | 0;`);
  const called = new Function('added', `let sum = '${name}'.length; ${steps.join(' ')} return sum;`);
  for (let calls = 1; calls <= CALLS_MAX; calls += 1) {
    called(calls);
    if ((statusOf(called) & COMPILED_FOR_GOOD) !== 0) return calls;
  }
  return CALLS_MAX;
}

const kept = () => readdirSync(getCompileCacheDir() ?? '').length;

const before = { calls: callsUntilCompiled('before'), kept: kept() };
settleIn();
process.stdout.write(JSON.stringify({ before, after: { calls: callsUntilCompiled('after'), kept: kept() } }));
process.kill(process.pid, 'SIGKILL');
