import { constants, cpSync } from 'node:fs';

/** Copies the files of an embedded database; returns the directory. */
export function copyDatabase(from: string, to: string): string {
  cpSync(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });
  return to;
}
