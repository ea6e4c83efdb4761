export type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
export { requireOwnMachine } from "./caller.ts";
export type { ErrorBody } from "./error-answer.ts";
export type { HttpLimits, HttpServer } from "./listener.ts";
export { type MonitoringOptions, monitoring, monitoringRoutes } from "./monitoring.ts";
export { createHttpServer, type HttpServerOptions } from "./server.ts";
