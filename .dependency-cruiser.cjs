/** House rules: who may import whom, and where I/O may live. */
const STAGES = 'listener|identity|operation|authorization|metering|execution|audit|incidents';
const FLOWING_TYPES = [
  'src/listener/request\\.ts',
  'src/identity/principal\\.ts',
  'src/operation/(operation|condition|deferred-part|plan|shape)\\.ts',
  'src/authorization/decision\\.ts',
  'src/metering/reservation\\.ts',
  'src/execution/executor\\.ts',
  'src/control/(grant|restraint|switches)\\.ts',
  'src/audit/event\\.ts',
  'src/supergraph/(policy|supergraph)\\.ts',
].join('|');
/** What speaks to the other side in the same way, whichever side it is. */
const WIRE =
  'deadlines\\.ts|field-line\\.ts|execution/http/|listener/direct/(direct-connections?-server|plain-head)\\.ts|operation/plain-coercion\\.ts';
const IO_MODULES =
  '^(fs|net|http|https|http2|tls|dns|dgram|child_process|cluster|worker_threads|undici|fastify|@fastify/|piscina|ioredis|pg$|pino)';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment:
        'An error carries the decision and a decision the error codes: types only, which the parser does not tell apart.',
      severity: 'error',
      from: { pathNot: '^src/(errors|authorization/decision)\\.ts$' },
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['main\\.ts$', '-worker\\.ts$', 'demo/', 'subgraphs/.*/main\\.ts$'] },
      to: {},
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'a-stage-never-imports-another-stage',
      comment:
        'Only the types that flow between stages may be shared; pipeline.ts and gateway.ts see all stages.',
      severity: 'error',
      from: { path: `^src/(${STAGES})/`, pathNot: '-worker\\.ts$' },
      to: { path: `^src/(${STAGES}|supergraph|control|config)/`, pathNot: [`^src/$1/`, FLOWING_TYPES] },
    },
    {
      name: 'the-graph-knows-no-stage',
      severity: 'error',
      from: { path: '^src/supergraph/' },
      to: { path: `^src/(${STAGES}|config)/` },
    },
    {
      name: 'config-is-read-only-by-the-composition-root',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/(config/|gateway\\.ts|graph\\.ts|start/|main\\.ts|commands/)',
      },
      to: { path: '^src/config/' },
    },
    {
      name: 'io-lives-in-files-that-say-so',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '(-store|-source|-sink|-client|-server|-worker|-pool)\\.ts$|^src/main\\.ts$|^src/commands/',
      },
      to: { path: IO_MODULES },
    },
    {
      name: 'the-gateway-knows-no-example',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(subgraphs|demo|test)/', pathNot: '^subgraphs/(admin|kit)/' },
    },
    {
      name: 'subgraphs-know-no-gateway',
      severity: 'error',
      from: { path: '^subgraphs/' },
      to: { path: '^src/', pathNot: `^src/(control|errors|${WIRE})` },
    },
    {
      name: 'not-to-dev-dependencies',
      severity: 'error',
      from: { path: '^(src|subgraphs|demo)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
