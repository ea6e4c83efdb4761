import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { openLoop } from "./open-loop.ts";

describe("requests at fixed points in time", () => {
  let server: Server;
  const waiting: (() => void)[] = [];
  let isStuck = false;
  before(async () => {
    server = createServer((incoming, response) => {
      const answer = (): void => {
        response.statusCode = incoming.url === "/no" ? 503 : 200;
        response.end("ok");
      };
      if (isStuck) waiting.push(answer);
      else answer();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(() => server.close());
  const options = (path: string, connections: number) => ({
    ...{ port: (server.address() as AddressInfo).port, path, headers: {}, connections },
    ...{ rate: 100, seconds: 0.5, status: 200 },
  });

  it("sends as many as the rate says, and counts what is not answered as expected", async () => {
    const { latencies, failed } = await openLoop(options("/", 4), AbortSignal.timeout(30_000));
    assert.deepEqual([latencies.length, failed], [50, 0]);
    const refused = await openLoop(options("/no", 4), AbortSignal.timeout(30_000));
    assert.deepEqual([refused.latencies.length, refused.failed], [0, 50]);
  });

  it("counts the time for which requests wait for a connection: a server that stops is slow for all that were due meanwhile", async () => {
    isStuck = true;
    const done = openLoop(options("/", 1), AbortSignal.timeout(30_000));
    // Nothing is answered before the last request was due.
    setTimeout(() => {
      isStuck = false;
      for (const answer of waiting.splice(0)) answer();
    }, 600);
    const { latencies } = await done;
    assert.equal(latencies.length, 50);
    // The first was due 600 ms before, the last 110: none was omitted, and none counts from when its connection was free.
    const sorted = [...latencies].sort((a, b) => a - b);
    assert.ok((sorted[0] ?? 0) > 90, String(sorted[0]));
    assert.ok((sorted[25] ?? 0) > 300, String(sorted[25]));
  });

  it("ends when it is told to", async () => {
    await assert.rejects(openLoop(options("/", 1), AbortSignal.timeout(50)), { name: "TimeoutError" });
  });
});
