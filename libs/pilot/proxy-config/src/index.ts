export { type ClusterFilter, showClusters } from "./clusters.ts";
export { COMPARED_TYPES, type ComparedType, type Difference, differences } from "./diff.ts";
export {
  type ConfigDump,
  configDumpOf,
  type Json,
  list,
  object,
  readConfigDump,
  string,
  strings,
  typeOf,
} from "./dump.ts";
export { type EndpointFilter, showEds, showEndpoints } from "./endpoints.ts";
export { type ListenerFilter, showListeners } from "./listeners.ts";
export { bootstrapSummary, everything, showExtensions } from "./others.ts";
export { protoJson } from "./proto-json.ts";
export { type RouteFilter, showRoutes } from "./routes.ts";
export { identityOf, rootsOf, showSecrets } from "./secrets.ts";
export type { Shown } from "./table.ts";
