const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** What shells report for a process ended by its second SIGINT. */
const INTERRUPTED = 130;

/** Resolves at the first signal to stop; from then on a second one ends the process at once. */
export function stopRequested(): Promise<void> {
  return new Promise((done) => {
    let asked = false;
    const onSignal = () => {
      if (asked) {
        process.exit(INTERRUPTED);
      }
      asked = true;
      done();
    };
    for (const signal of SIGNALS) {
      process.on(signal, onSignal);
    }
  });
}
