/** What spans say of a proxy. */
export interface TraceNode {
  /** The name of its service: Envoy's `--service-cluster`, such as `reviews.default`. */
  readonly service: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly meshId: string;
  readonly clusterId: string;
}
