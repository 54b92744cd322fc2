/** One file of the sandbox, as text. */
export interface SandboxFile {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/** The page a browser gets at the endpoint, with the files it loads from this server. */
export interface SandboxPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
  readonly files: readonly SandboxFile[];
}

/** Parts of GraphiQL as its package ships them. */
export interface GraphiqlParts {
  readonly js: string;
  readonly css: string;
  readonly workers: Readonly<Record<'editorWorkerService' | 'json' | 'graphql', string>>;
}

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

/**
 * GraphiQL's editor writes style elements and attributes as it runs, hence 'unsafe-inline' for styles, and only
 * for styles. No script but our own files runs, and nothing is sent anywhere but to this server.
 */
const GRAPHIQL_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "worker-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Apollo Sandbox is a script and a frame of Apollo's; the frame asks this page to send its queries. */
const APOLLO_POLICY = [
  "default-src 'none'",
  "script-src 'self' https://embeddable-sandbox.cdn.apollographql.com",
  "style-src 'self'",
  'frame-src https://sandbox.embed.apollographql.com',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const DEFAULT_QUERY = `# Portcullis sandbox
#
# To ask as yourself, put your token into the Headers tab below:
#
#   { "Authorization": "Bearer <token>" }
#
# It is sent with each request and forgotten when the page closes.

query {
  __typename
}
`;

/**
 * GraphiQL as a page of files. It would keep headers, and so tokens, in the browser's storage and the document in
 * the URL; both are turned off. `base` is the URL of the files, relative to the page.
 */
export function graphiqlPage(parts: GraphiqlParts, base: string): SandboxPage {
  const environment = `self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_moduleId, label) => new URL(${JSON.stringify(base)} + label + '.worker.js', document.baseURI).href,
};`;
  const start = `YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  title: 'Portcullis',
  logo: '',
  defaultQuery: ${JSON.stringify(DEFAULT_QUERY)},
  shouldPersistHeaders: false,
  onEditQuery() {},
});`;
  const workers = Object.entries(parts.workers).map(([label, text]) => ({
    name: `${label}.worker.js`,
    type: SCRIPT,
    text,
  }));
  return {
    html: page(['graphiql.css'], '<div id="root"></div>', { base, scripts: ['graphiql.js'] }),
    contentSecurityPolicy: GRAPHIQL_POLICY,
    files: [
      { name: 'graphiql.js', type: SCRIPT, text: `${environment}\n${parts.js};\n${start}\n` },
      { name: 'graphiql.css', type: STYLE, text: parts.css },
      ...workers,
    ],
  };
}

/** A page that embeds Apollo Sandbox. It needs the internet: the explorer is served by Apollo. */
export function apolloPage(base: string): SandboxPage {
  const start = `new window.EmbeddedSandbox({
  target: '#sandbox',
  initialEndpoint: window.location.href,
  endpointIsEditable: false,
  hideCookieToggle: true,
  runTelemetry: false,
  allowDynamicStyles: false,
  initialState: { includeCookies: false },
});
`;
  const style = 'body { margin: 0; } #sandbox, iframe { border: 0; height: 100vh; width: 100vw; }\n';
  const cdn = 'https://embeddable-sandbox.cdn.apollographql.com/v2/embeddable-sandbox.umd.production.min.js';
  const body = `<div id="sandbox"></div>\n<p>Apollo Sandbox is loaded from the internet.</p>\n<script src="${cdn}"></script>`;
  return {
    html: page(['apollo.css'], body, { base, scripts: ['apollo.js'] }),
    contentSecurityPolicy: APOLLO_POLICY,
    files: [
      { name: 'apollo.js', type: SCRIPT, text: start },
      { name: 'apollo.css', type: STYLE, text: style },
    ],
  };
}

interface Links {
  readonly base: string;
  readonly scripts: readonly string[];
}

function page(styles: readonly string[], body: string, { base, scripts }: Links): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Portcullis</title>
<link rel="icon" href="data:,">
${styles.map((name) => `<link rel="stylesheet" href="${base}${name}">`).join('\n')}
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
${body}
${scripts.map((name) => `<script src="${base}${name}"></script>`).join('\n')}
</body>
</html>
`;
}
