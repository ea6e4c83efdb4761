import { requireOwnMachine } from "@xebec/platform-http";
import type { FastifyInstance } from "fastify";
import { DEBUG_PAGES, type PageQuery } from "./debug-pages.ts";
import type { DebugSource } from "./debug-source.ts";

/**
 * Pilot's debug pages with Istio's paths (docs/reference/pilot.md §6.4). They show what the mesh looks like, so they
 * are for callers on this machine only.
 */
export function debugRoutes(app: FastifyInstance, server: DebugSource, isReady: () => boolean): void {
  app.get("/ready", (_request, reply) =>
    reply
      .status(isReady() ? 200 : 503)
      .type("text/plain")
      .send(isReady() ? "" : "not ready\n"),
  );
  app.addHook("onRequest", async (request) => {
    // The route that was found, not the text of the request, which may be spelled in other ways: /%64ebug.
    if (request.routeOptions.url?.startsWith("/debug")) requireOwnMachine(request.raw, "debug pages are");
  });
  app.get("/debug", () => ({
    pages: [
      "/debug/syncz",
      "/debug/config_dump?proxyID=POD.NAMESPACE[&types=CDS,LDS][&include_eds]",
      "/debug/edsz[?proxyID=POD.NAMESPACE]",
      "/debug/ndsz?proxyID=POD.NAMESPACE",
      "/debug/endpointz[?brief=true]",
      "/debug/registryz",
      "/debug/adsz",
      "/debug/objectz?object=GROUP/KIND/NAMESPACE/NAME",
    ],
  }));
  for (const [name, page] of Object.entries(DEBUG_PAGES))
    app.get<{ Querystring: PageQuery }>(`/debug/${name}`, async ({ query }, reply) => {
      const body = await page(server, query);
      return reply.type(typeof body === "string" ? "text/plain" : "application/json").send(body);
    });
}
