let waiting: (() => void)[] = [];

/**
 * Does something once the event loop has taken all that had come: what one turn has to write goes out in one go. Written in
 * between, each piece would wake its reader, which on a busy machine takes the core from the writer.
 */
export function atTurnEnd(work: () => void): void {
  if (waiting.push(work) === 1) setImmediate(runAll);
}

/** What fails does not hold up what stands behind it. */
function runAll(): void {
  const due = waiting;
  waiting = [];
  let begun = 0;
  try {
    for (const work of due) {
      begun += 1;
      work();
    }
  } finally {
    for (const work of due.slice(begun)) atTurnEnd(work);
  }
}
