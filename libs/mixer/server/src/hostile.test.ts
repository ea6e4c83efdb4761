import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { after, before, describe, it } from "node:test";

interface Ports {
  readonly policy: number;
  readonly telemetry: number;
}

const METHODS: readonly (readonly [keyof Ports, string])[] = [
  ["policy", "/istio.mixer.v1.Mixer/Check"],
  ["policy", "/envoy.service.auth.v3.Authorization/Check"],
  ["policy", "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"],
  ["policy", "/grpc.health.v1.Health/Check"],
  ["policy", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"],
  ["telemetry", "/istio.mixer.v1.Mixer/Report"],
  ["telemetry", "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"],
  ["telemetry", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"],
];

/** Numbers that are the same in every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomOf(7);
const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}
/** A field of protobuf that has a length. */
const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(content.length)]), content]);
const repeat = (part: Buffer, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => part));
/** A message within itself. */
function nested(depth: number, ...numbers: number[]): Buffer {
  let inner: Buffer = Buffer.alloc(0);
  for (let i = 0; i < depth && inner.length < 900_000; i++) inner = field(numbers[i % numbers.length] as number, inner);
  return inner;
}
/** Entries of the maps of CompressedAttributes: keys and values are indexes, also ones that no dictionary has. */
const entry = (key: number, value: number): Buffer => Buffer.from([8, ...varint(key), 16, ...varint(value)]);

const PAYLOADS: readonly (readonly [what: string, () => Buffer[]])[] = [
  ["random bytes", () => Array.from({ length: 30 }, (_, i) => bytes(i < 20 ? i * 7 : i * 900))],
  ["nothing", () => [Buffer.alloc(0)]],
  [
    "huge maps",
    () =>
      [2, 9].map((map) =>
        field(1, Buffer.concat(Array.from({ length: 30_000 }, (_, i) => field(map, entry(i % 500, i))))),
      ),
  ],
  [
    "negative and huge indexes",
    () => [2, 9].map((map) => field(1, repeat(field(map, entry(0xffffffff, 0xfffffffd)), 5_000))),
  ],
  ["very many words", () => [field(1, repeat(field(1, Buffer.from("a")), 200_000))]],
  ["one long word", () => [field(1, field(1, Buffer.alloc(900_000, 97)))]],
  ["messages within messages", () => [nested(5_000, 1), nested(5_000, 1, 2), nested(3_000, 1, 9, 2)]],
  ["very many elements", () => [repeat(field(1, Buffer.alloc(0)), 400_000)]],
  ["quotas without end", () => [repeat(field(4, field(1, bytes(4))), 50_000)]],
  [
    "descriptors, resources, entries within each other",
    () => [
      repeat(field(2, repeat(field(1, Buffer.alloc(0)), 1_000)), 200),
      field(2, repeat(field(1, Buffer.alloc(0)), 400_000)),
      field(1, repeat(field(2, Buffer.alloc(0)), 400_000)),
      field(1, field(2, repeat(field(2, Buffer.alloc(0)), 400_000))),
      field(1, field(2, field(2, repeat(field(6, Buffer.alloc(0)), 300_000)))),
    ],
  ],
  [
    "maps of strings with very many entries",
    () => {
      // request.headers of Mixer's own attributes, and of Envoy's request.
      const words = Buffer.concat([field(1, Buffer.from("request.headers")), repeat(field(1, Buffer.from("w")), 200)]);
      const headers = (times: number): Buffer => Buffer.from([8, 1, ...field(2, repeat(field(1, entry(3, 3)), times))]);
      const pair = Buffer.concat([field(1, Buffer.from("name")), field(2, Buffer.from("v"))]);
      const http = (times: number): Buffer => field(1, field(4, field(2, repeat(field(3, pair), times))));
      return [1_000, 9_000, 80_000].flatMap((times) => [
        field(1, Buffer.concat([words, field(9, headers(times))])),
        http(times),
      ]);
    },
  ],
  ["10 MB", () => [Buffer.alloc(10 << 20), field(1, Buffer.alloc(10 << 20, 97))]],
  ["numbers that are too long", () => [Buffer.alloc(100_000, 0xff), Buffer.from([8, ...Buffer.alloc(64, 0xff)])]],
  ["a length that lies", () => [Buffer.from([10, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3])]],
];

describe("hostile input to Mixer's services", () => {
  let child: ChildProcess;
  let ports: Ports;
  const sessions = new Map<number, ClientHttp2Session>();

  const tell = async (what: string): Promise<number> => {
    const answer = once(child, "message");
    child.send(what);
    return ((await answer)[0] as { longest: number }).longest;
  };
  /** The most CPU of one turn in the best of several tries: what the machine does besides, and the collector, is no fault of a message. */
  const shortest = async (work: () => Promise<void>): Promise<number> => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 12 && best > 10; i++) {
      await tell("reset");
      await work();
      best = Math.min(best, await tell("longest"));
    }
    return best;
  };
  const sessionOf = (port: number): ClientHttp2Session => {
    const known = sessions.get(port);
    if (known && !known.closed && !known.destroyed) return known;
    // What the client allows itself (10 MB) is less than some requests.
    const made = connectHttp2(`http://127.0.0.1:${port}`, { maxSessionMemory: 100 });
    made.on("error", () => undefined);
    sessions.set(port, made);
    return made;
  };
  /** Sends bytes as the body of a call. @returns the status of gRPC, or why there is none */
  const send = (port: number, path: string, body: Buffer): Promise<string> =>
    new Promise((resolve) => {
      const stream = sessionOf(port).request({
        ...{ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
      });
      let status = "none";
      const take = (headers: Record<string, unknown>): void => {
        if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
      };
      stream.on("response", take);
      stream.on("trailers", take);
      stream.on("error", () => undefined);
      const late = setTimeout(() => {
        // A peer that was cut off may never hear of it on this connection.
        sessions.get(port)?.destroy();
        resolve("timeout");
      }, 1_500);
      stream.on("close", () => {
        clearTimeout(late);
        // Node's client goes on counting what it could not send of a refused request.
        if (body.length > 1 << 20) sessions.get(port)?.destroy();
        resolve(status);
      });
      stream.resume();
      stream.end(body);
    });
  const framed = (payload: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(payload.length, 1);
    return Buffer.concat([head, payload]);
  };
  const isAlive = async (): Promise<void> => {
    assert.equal(child.exitCode, null, "the process ended");
    for (const port of [ports.policy, ports.telemetry])
      assert.equal(await send(port, "/grpc.health.v1.Health/Check", framed(Buffer.alloc(0))), "0");
  };

  before(async () => {
    child = fork(new URL("./hostile-server.testkit.ts", import.meta.url).pathname, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const died = once(child, "exit").then(() => Promise.reject(new Error("the process ended before it listened")));
    ports = (await Promise.race([once(child, "message"), died]))[0] as Ports;
    // What runs for the first time is not compiled yet.
    for (let i = 0; i < 1; i++)
      for (const [service, path] of METHODS)
        for (const [, make] of PAYLOADS)
          for (const payload of make().slice(0, 4)) await send(ports[service], path, framed(payload));
  });
  after(() => {
    for (const each of sessions.values()) each.destroy();
    child.disconnect();
  });

  for (const [what, make] of PAYLOADS)
    it(`${what}: every call is answered, and no turn takes longer than 10 ms of CPU`, async () => {
      const slow: string[] = [];
      for (const [service, path] of METHODS)
        for (const payload of make()) {
          const took = await shortest(async () => {
            const status = await send(ports[service], path, framed(payload));
            assert.notEqual(status, "timeout", `${path} did not answer`);
          });
          if (took > 10) slow.push(`${path}: ${payload.length} bytes took ${took.toFixed(1)} ms`);
        }
      assert.deepEqual(slow, []);
      await isAlive();
    });
});
