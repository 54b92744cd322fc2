declare module 'parse-prometheus-text-format' {
  /** Families of metrics, as Prometheus reads them. */
  // biome-ignore lint/style/noDefaultExport: what the package exports
  export default function parsePrometheusTextFormat(text: string): unknown;
}
