import type { ErrorDetail } from '../errors.ts';
import { faultAt } from './fault.ts';
import { type Link, ownsDirective, ownsType } from './link.ts';

/**
 * Links that make a name mean two things: one specification linked twice, or a local name claimed by two links.
 * A rule that could be read as another specification's directive could be read as nothing.
 */
export function linkConflicts(links: readonly Link[]): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  for (const [index, link] of links.entries()) {
    for (const other of links.slice(0, index)) {
      if (other.identity === link.identity) {
        faults.push(faultAt(link.node, `${link.identity} is linked twice`));
      } else if (isAmbiguous(link, other)) {
        faults.push(
          faultAt(link.node, `the links of ${other.identity} and ${link.identity} claim the same name`),
        );
      }
    }
    faults.push(...ownConflicts(link));
  }
  return faults;
}

function isAmbiguous(link: Link, other: Link): boolean {
  return link.alias === other.alias || importsNameOf(link, other) || importsNameOf(other, link);
}

function importsNameOf(importer: Link, owner: Link): boolean {
  return [...importer.imports.values()].some((local) =>
    local.startsWith('@') ? ownsDirective(owner, local.slice(1)) : ownsType(owner, local),
  );
}

/** An import must not take the name that another element of the same specification has by default. */
function ownConflicts(link: Link): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  const taken = new Map<string, string>();
  for (const [element, local] of link.imports) {
    const at = element.startsWith('@') ? '@' : '';
    const bare = local.slice(at.length);
    const own = element.slice(at.length);
    const shadowed =
      (bare.startsWith(`${link.alias}__`) && bare !== `${link.alias}__${own}`) ||
      (at === '@' && bare === link.alias && own !== link.name);
    if (shadowed || taken.has(local)) {
      faults.push(
        faultAt(link.node, `${link.identity} imports ${element} under the name of another element`),
      );
    }
    taken.set(local, element);
  }
  return faults;
}
