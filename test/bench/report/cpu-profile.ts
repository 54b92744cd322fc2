/** The parts of V8's CPU profile that are read here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Units: microseconds. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** Share of the busy time. */
export interface Share {
  readonly name: string;
  readonly share: number;
}

export interface ProfileSummary {
  /** Share of the window in which the main thread did anything. */
  readonly busy: number;
  readonly packages: readonly Share[];
  readonly functions: readonly Share[];
}

const NOT_BUSY = new Set(['(idle)', '(root)']);
/** The profiler starting and stopping itself. */
const PROFILER = 'node:inspector';

/**
 * Sums self time up by package and by function. Built-ins, which have no file, count for who calls them: `JSON.parse`
 * is the cost of whoever parses.
 */
export function summarizeProfile(profile: CpuProfile, root: string): ProfileSummary {
  const selfUs = new Map<number, number>();
  profile.samples.forEach((id, index) => {
    selfUs.set(id, (selfUs.get(id) ?? 0) + Math.max(0, profile.timeDeltas[index] ?? 0));
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  let busyUs = 0;
  let totalUs = 0;
  for (const [id, us] of selfUs) {
    totalUs += us;
    const node = nodes.get(id);
    if (node === undefined || NOT_BUSY.has(node.callFrame.functionName)) continue;
    const owner = ownerOf(node, nodes, parents);
    if (owner.callFrame.url === PROFILER) continue;
    busyUs += us;
    const place = placeOf(owner, root);
    add(packages, place.group, us);
    const called = owner === node ? '' : ` › ${node.callFrame.functionName || 'native'}`;
    add(functions, `${place.label}${called}`, us);
  }
  return {
    busy: busyUs / totalUs,
    packages: sharesOf(packages, busyUs),
    functions: sharesOf(functions, busyUs),
  };
}

function add(sums: Map<string, number>, name: string, us: number): void {
  sums.set(name, (sums.get(name) ?? 0) + us);
}

function sharesOf(sums: ReadonlyMap<string, number>, busyUs: number): Share[] {
  return [...sums].map(([name, us]) => ({ name, share: us / busyUs })).sort((a, b) => b.share - a.share);
}

/** The node itself, or for a built-in the nearest caller that has a file. */
function ownerOf(
  node: ProfileNode,
  nodes: ReadonlyMap<number, ProfileNode>,
  parents: ReadonlyMap<number, number>,
): ProfileNode {
  if (node.callFrame.functionName.startsWith('(')) return node;
  for (let at: ProfileNode | undefined = node; at !== undefined; at = nodes.get(parents.get(at.id) ?? -1)) {
    if (at.callFrame.url !== '') return at;
  }
  return node;
}

/** Package or folder of a function, and how it is called in the table. */
function placeOf(
  { callFrame }: ProfileNode,
  root: string,
): { readonly group: string; readonly label: string } {
  const { functionName, lineNumber } = callFrame;
  const name = functionName === '' ? '(anonymous)' : functionName;
  const url = callFrame.url.replace(/^file:\/\//, '');
  const packaged = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url);
  if (packaged !== null) {
    const [, group = '', file = ''] = packaged;
    return { group, label: `${name} (${group}/${file}:${lineNumber + 1})` };
  }
  if (url.startsWith(root)) {
    const file = url.slice(root.length + 1);
    const folder = file.split('/').slice(0, -1).join('/');
    return { group: folder, label: `${name} (${file}:${lineNumber + 1})` };
  }
  if (url.startsWith('node:')) {
    const group = url.replace('node:internal/', 'node:').split('/')[0] ?? url;
    return { group, label: `${name} (${url}:${lineNumber + 1})` };
  }
  return { group: name, label: name };
}
