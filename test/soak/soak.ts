import { spawnSync } from 'node:child_process';
import { killWriters } from './audit-kill.ts';
import { measureFairness, RATIO_MAX, REFUSED_SHARE_MIN } from './fairness.ts';

/** What takes minutes, by name; each ends with an exit status other than 0 where it found something. */
const SOAKS: Readonly<Record<string, (argument: string | undefined) => Promise<boolean>>> = {
  'audit-kill': async (runs = '1000') => {
    const report = await killWriters(Number(runs));
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return report.mutationsLost.length === 0 && report.breaks.length === 0 && !report.open;
  },
  fairness: async (seconds = '60') => {
    const fairness = await measureFairness(Number(seconds));
    process.stdout.write(`${JSON.stringify(fairness)}\n`);
    const { ratio, refusedShare } = fairness;
    return ratio <= RATIO_MAX && refusedShare >= REFUSED_SHARE_MIN;
  },
  memory: async (requests = '100000') => {
    const { status } = spawnSync('vitest', ['run', 'test/differential/memory.test.ts'], {
      stdio: 'inherit',
      env: { ...process.env, SOAK_REQUESTS: requests },
    });
    return status === 0;
  },
};

const [name = '', argument] = process.argv.slice(2);
const soak = Object.hasOwn(SOAKS, name) ? SOAKS[name] : undefined;
if (soak === undefined) {
  process.stderr.write(
    `npm run soak -- NAME [AMOUNT], where NAME is one of ${Object.keys(SOAKS).join(', ')}\n`,
  );
  process.exitCode = 2;
} else process.exitCode = (await soak(argument)) ? 0 : 1;
