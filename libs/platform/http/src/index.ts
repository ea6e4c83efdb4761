export { HttpApp, type HttpHandler, type HttpRequest } from "./app.ts";
export { requireOwnMachine } from "./caller.ts";
export type { ErrorBody } from "./errors.ts";
export { type MonitoringOptions, monitoring, monitoringRoutes } from "./monitoring.ts";
export {
  createHttpServer,
  type HttpLimits,
  type HttpServer,
  type HttpServerOptions,
} from "./server.ts";
