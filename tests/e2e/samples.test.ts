// The lessons of deploy/samples beside Bookinfo, on one mesh.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { Mesh } from "./mesh.ts";

const SAMPLES = join(import.meta.dirname, "../../deploy/samples");
const sample = (path: string): string => join(SAMPLES, path);
const SERVERS = ["helloworld/helloworld.yaml", "httpbin/httpbin.yaml", "tcp-echo/tcp-echo.yaml"];
const WITHIN_MS = 10_000;

describe("the task samples", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start({
      prepare: (each) => {
        for (const file of SERVERS) each.save(file.replace("/", "-"), readFileSync(sample(file), "utf8"));
      },
    });
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  const xebec = async (...args: string[]): Promise<void> => {
    const { code, err } = await mesh.xebec(args);
    assert.equal(code, 0, err);
  };

  it("helloworld: two versions share the requests by their weights", async () => {
    const versions = { v1: 0, v2: 0 };
    await waitFor("version 2 answers, too", WITHIN_MS, async () => {
      const { status, body } = await mesh.get("/hello", { host: "hello.example.com" });
      const [, version] = /^Hello version: (v[12]), instance: helloworld-v[12]/.exec(body) ?? [];
      if (status === 200 && version) versions[version as "v1"]++;
      return versions.v2 > 0;
    });
    assert.equal((await mesh.get("/other", { host: "hello.example.com" })).status, 404);
  });

  it("httpbin: the paths of its VirtualService, and tokens at the ingress for its host alone", async () => {
    const get = async (path: string, token?: string): Promise<number> =>
      (
        await mesh.get(path, {
          host: "httpbin.example.com",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        })
      ).status;
    await waitFor("httpbin answers", WITHIN_MS, async () => (await get("/status/200")) === 200);
    assert.deepEqual([await get("/status/418"), await get("/get")], [418, 404]);
    await xebec("apply", "-f", sample("httpbin/jwt-at-the-ingress.yaml"));
    // A connection that was there before ends its life with what it had.
    await waitFor("a request without a token is refused", WITHIN_MS, async () => (await get("/headers")) === 403);
    const token = readFileSync(sample("httpbin/reader.jwt"), "utf8").trim();
    assert.deepEqual([await get("/headers", "no.such.token"), await get("/headers", token)], [401, 200]);
    assert.equal((await mesh.get("/productpage")).status, 200, "another host needs no token");
    await xebec("delete", "-f", sample("httpbin/jwt-at-the-ingress.yaml"));
    await waitFor("no token is needed", WITHIN_MS, async () => (await get("/headers")) === 200);
  });

  it("tcp-echo: every line comes back, until a policy closes one of its ports", async () => {
    const { processes } = await mesh.status();
    const [pod = ""] = processes.find(({ name }) => name.includes("/tcp-echo"))?.addresses ?? [];
    const echo = async (port: number): Promise<string> => {
      const socket = connect(port, pod);
      try {
        socket.write("world\n");
        const [data] = (await Promise.race([once(socket, "data"), once(socket, "close").then(() => [""])])) as [
          unknown,
        ];
        return String(data);
      } catch {
        return "";
      } finally {
        socket.destroy();
      }
    };
    await waitFor(
      "both ports answer",
      WITHIN_MS,
      async () => `${await echo(9000)}${await echo(9001)}` === "hello world\nhello world\n",
    );
    await xebec("apply", "-f", sample("tcp-echo/deny-9001.yaml"));
    assert.deepEqual([await echo(9000), await echo(9001)], ["hello world\n", ""]);
    await xebec("delete", "-f", sample("tcp-echo/deny-9001.yaml"));
    assert.equal(await echo(9001), "hello world\n");
  });
});
