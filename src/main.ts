#!/usr/bin/env -S node --max-semi-space-size=64
import { runCommandLine } from './commands/command-line.ts';

// Whoever reads the output may stop reading (`| head`): no reason to fall over.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
});
process.exitCode = await runCommandLine(process.argv, process.env);
