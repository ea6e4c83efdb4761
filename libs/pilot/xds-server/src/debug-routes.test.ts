import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { httpStatus, XebecError } from "@xebec/core-errors";
import fastify from "fastify";
import { debugRoutes } from "./debug-routes.ts";
import type { XdsServer } from "./xds-server.ts";

function pilot(isReady = true) {
  const app = fastify();
  app.setErrorHandler((thrown, _request, reply) => {
    const { code, message } = XebecError.from(thrown);
    return reply.status(httpStatus(code)).send({ code, message });
  });
  debugRoutes(app, { connections: new Set(), generator: undefined } as unknown as XdsServer, () => isReady);
  return async (url: string, remoteAddress: string): Promise<[number, string]> => {
    const { statusCode, body } = await app.inject({ url, remoteAddress });
    return [statusCode, body];
  };
}

const PAGES = ["", "/syncz", "/adsz", "/endpointz", "/endpointz?brief", "/registryz", "/config_dump?proxyID=a.b"];

describe("the debug pages", () => {
  for (const remote of ["10.0.0.1", "192.0.2.1", "::ffff:10.0.0.1", "fe80::1"])
    for (const page of PAGES)
      for (const root of ["/debug", "/%64ebug", "/deb%75g"])
        it(`${root}${page} is refused to ${remote}`, async () => {
          const [status, body] = await pilot()(`${root}${page}`, remote);
          assert.deepEqual([status, JSON.parse(body).code], [403, "permission_denied"]);
        });

  for (const local of ["127.0.0.1", "127.20.0.4", "::1", "::ffff:127.0.0.1"])
    it(`are there for ${local}`, async () => {
      assert.equal((await pilot()("/debug", local))[0], 200);
      assert.deepEqual(await pilot()("/debug/registryz", local), [200, "[]"]);
    });

  it("say what is missing in a request", async () => {
    const [status, body] = await pilot()("/debug/config_dump", "127.0.0.1");
    assert.equal(status, 400);
    assert.match(body, /proxyID=POD\.NAMESPACE/);
    assert.equal((await pilot()("/debug/config_dump?proxyID=a.b", "127.0.0.1"))[0], 404);
  });

  it("leave readiness for everybody", async () => {
    assert.deepEqual(await pilot()("/ready", "10.0.0.1"), [200, ""]);
    assert.deepEqual(await pilot(false)("/ready", "10.0.0.1"), [503, "not ready\n"]);
  });
});
