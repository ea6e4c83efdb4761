import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { type CallOptions, Client, credentials, Metadata, type ServiceError, status as Status } from "@grpc/grpc-js";
import { framed } from "./framing.ts";
import { Decoded, encode, type Fields, payload } from "./interop-messages.testkit.ts";
import { interopService } from "./interop-service.testkit.ts";
import { open, responseOf, withRawSession } from "./raw-client.testkit.ts";

const SERVICE = "/grpc.testing.TestService";
const INITIAL = "x-grpc-test-echo-initial";
const TRAILING = "x-grpc-test-echo-trailing-bin";
const SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
const GZIP = 2;
const ROOT = join(import.meta.dirname, "../../../..");
const same = (bytes: Buffer): Buffer => bytes;
const flag = (on: boolean): Uint8Array => encode(on ? [[1, 1]] : []);
const status = (message: string): Fields => [
  [
    7,
    encode([
      [1, 2],
      [2, message],
    ]),
  ],
];
const sizeOf = (bytes: Buffer): number => new Decoded(bytes).message(1).bytes(2).length;
const simple = (answer: number, size: number, ...more: Fields): Fields => [[2, answer], [3, payload(size)], ...more];
const output = (...sizes: number[]): Fields => sizes.map((size) => [2, encode([[1, size]])] as const);

/** What came of a call. */
interface Outcome {
  readonly messages: Buffer[];
  readonly code: number;
  readonly details: string;
  readonly initial: Metadata;
  readonly trailing: Metadata;
}

/** The cases with grpc-js, on one channel. */
class JsClient {
  readonly #client: Client;

  constructor(port: number, compression = 0) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      ...{ "grpc.default_compression_algorithm": compression, "grpc.max_receive_message_length": 8 << 20 },
      ...{ "grpc.enable_http_proxy": 0, "grpc.use_local_subchannel_pool": 1 },
    });
  }

  close(): void {
    this.#client.close();
  }

  /** A call with these requests; `each` is called with every answer and may go on, end or cancel. */
  call(
    path: string,
    requests: readonly Fields[],
    { metadata = new Metadata(), ...options }: CallOptions & { metadata?: Metadata } = {},
    each: (call: { write(fields: Fields): void; cancel(): void }, answers: number) => void = () => {},
    ends = true,
  ): Promise<Outcome> {
    const call = this.#client.makeBidiStreamRequest(path, same, same, metadata, {
      deadline: Date.now() + 20_000,
      ...options,
    });
    const write = (fields: Fields): void => void call.write(Buffer.from(encode(fields)));
    const outcome = { messages: [] as Buffer[], initial: new Metadata() };
    for (const request of requests) write(request);
    const handle = { write, cancel: () => call.cancel(), end: () => call.end() };
    if (ends) call.end();
    else each(handle, 0);
    call.on("metadata", (initial: Metadata) => {
      outcome.initial = initial;
    });
    call.on("data", (bytes: Buffer) => each(handle, outcome.messages.push(bytes)));
    call.on("error", () => undefined);
    return new Promise((resolve) =>
      call.on("status", ({ code, details, metadata: trailing }: ServiceError) =>
        resolve({ ...outcome, code, details, trailing }),
      ),
    );
  }
}

async function serving(work: (client: JsClient, port: number) => Promise<void>): Promise<void> {
  await withRawSession({ services: [interopService()] }, async (_session, server) => {
    const client = new JsClient(server.port);
    try {
      await work(client, server.port);
    } finally {
      client.close();
    }
  });
}

const method = (name: string): string => `${SERVICE}/${name}`;
const sizes = ({ code, details, messages }: Outcome): number[] => {
  assert.equal(code, Status.OK, details);
  return messages.map(sizeOf);
};

describe("gRPC's interoperability cases with grpc-js", () => {
  it("empty_unary, large_unary", () =>
    serving(async (client) => {
      assert.deepEqual(sizes(await client.call(method("EmptyCall"), [[]])), [0]);
      assert.deepEqual(sizes(await client.call(method("UnaryCall"), [simple(314_159, 271_828)])), [314_159]);
      assert.deepEqual(sizes(await client.call(method("UnaryCall"), [simple(3 << 20, 3 << 20)])), [3 << 20]);
      assert.equal((await client.call(method("UnaryCall"), [simple(1, 5 << 20)])).code, Status.RESOURCE_EXHAUSTED);
    }));

  it("client_streaming, server_streaming, ping_pong, empty_stream", () =>
    serving(async (client) => {
      const parts = [27_182, 8, 1_828, 45_904].map((size): Fields => [[1, payload(size)]]);
      const summed = await client.call(method("StreamingInputCall"), parts);
      assert.equal(new Decoded(summed.messages[0] as Buffer).number(1), 74_922);
      const wanted = [31_415, 9, 2_653, 58_979];
      assert.deepEqual(sizes(await client.call(method("StreamingOutputCall"), [output(...wanted)])), wanted);
      const large = Array.from({ length: 16 }, () => 1 << 20);
      assert.deepEqual(sizes(await client.call(method("StreamingOutputCall"), [output(...large)])), large);
      const ping = await client.call(
        method("FullDuplexCall"),
        [],
        {},
        (call, answers) => {
          const next = wanted[answers];
          if (next !== undefined) call.write(output(next));
          else (call as unknown as { end(): void }).end();
        },
        false,
      );
      assert.deepEqual(sizes(ping), wanted);
      assert.deepEqual(sizes(await client.call(method("FullDuplexCall"), [])), []);
    }));

  it("cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server", () =>
    serving(async (client) => {
      const begun = await client.call(method("StreamingInputCall"), [], {}, (call) => call.cancel(), false);
      assert.equal(begun.code, Status.CANCELLED);
      const first = await client.call(
        method("FullDuplexCall"),
        [output(31_415)],
        {},
        (call, answers) => answers > 0 && call.cancel(),
        false,
      );
      assert.deepEqual([first.code, first.messages.length], [Status.CANCELLED, 1]);
      const late = await client.call(
        method("FullDuplexCall"),
        [[[3, payload(27_182)]]],
        { deadline: Date.now() + 1 },
        undefined,
        false,
      );
      assert.equal(late.code, Status.DEADLINE_EXCEEDED);
    }));

  it("status_code_and_message, special_status_message, unimplemented_method, unimplemented_service", () =>
    serving(async (client) => {
      for (const [name, message] of [
        ["UnaryCall", "test status message"],
        ["FullDuplexCall", "test status message"],
        ["UnaryCall", SPECIAL],
      ] as const) {
        const { code, details } = await client.call(method(name), [status(message)]);
        assert.deepEqual([code, details], [Status.UNKNOWN, message]);
      }
      for (const path of [method("UnimplementedCall"), "/grpc.testing.UnimplementedService/UnimplementedCall"])
        assert.equal((await client.call(path, [[]])).code, Status.UNIMPLEMENTED);
    }));

  it("custom_metadata", () =>
    serving(async (client) => {
      const metadata = new Metadata();
      metadata.set(INITIAL, "test_initial_metadata_value");
      metadata.set(TRAILING, Buffer.from("ababab", "hex"));
      for (const [name, request] of [
        ["UnaryCall", simple(314_159, 271_828)],
        ["FullDuplexCall", output(314_159)],
        ["UnaryCall", status("failed")],
      ] as const) {
        const { initial, trailing, code } = await client.call(method(name), [request], { metadata });
        assert.deepEqual(trailing.get(TRAILING), [Buffer.from("ababab", "hex")], name);
        // A call that fails at once has no other head than its trailers.
        const head = code === Status.OK ? initial : trailing;
        assert.deepEqual(head.get(INITIAL), ["test_initial_metadata_value"], name);
      }
    }));

  it("client_compressed and server_compressed, unary and streaming", () =>
    serving(async (client, port) => {
      const zipping = new JsClient(port, GZIP);
      try {
        const expects = simple(314_159, 271_828, [8, flag(true)], [6, flag(true)]);
        assert.equal((await client.call(method("UnaryCall"), [expects])).code, Status.INVALID_ARGUMENT);
        assert.deepEqual(sizes(await zipping.call(method("UnaryCall"), [expects])), [314_159]);
        const parts = [27_182, 45_904].map(
          (size): Fields => [
            [1, payload(size)],
            [2, flag(true)],
          ],
        );
        assert.equal((await client.call(method("StreamingInputCall"), parts)).code, Status.INVALID_ARGUMENT);
        const summed = await zipping.call(method("StreamingInputCall"), parts);
        assert.equal(new Decoded(summed.messages[0] as Buffer).number(1), 73_086);
        const zipped = [31_415, 92_653].map(
          (size, i) =>
            [
              2,
              encode([
                [1, size],
                [3, flag(i === 0)],
              ]),
            ] as const,
        );
        assert.deepEqual(sizes(await client.call(method("StreamingOutputCall"), [zipped])), [31_415, 92_653]);
      } finally {
        zipping.close();
      }
    }));
});

describe("what is compressed on the wire", () => {
  const request = framed(
    encode([
      [
        2,
        encode([
          [1, 40_000],
          [3, flag(true)],
        ]),
      ],
      [
        2,
        encode([
          [1, 50_000],
          [3, flag(false)],
        ]),
      ],
    ]),
  );
  for (const [accepted, encoding] of [
    ["identity,deflate, gzip", "gzip"],
    ["identity", undefined],
    [undefined, undefined],
  ] as const)
    it(`is ${encoding ? "what the handler says" : "nothing"} when the caller reads ${accepted ?? "whatever"}`, () =>
      withRawSession({ services: [interopService()] }, async (session) => {
        const stream = open(session, method("StreamingOutputCall"), { "grpc-accept-encoding": accepted });
        const raw: Buffer[] = [];
        stream.on("data", (bytes: Buffer) => raw.push(bytes));
        const answer = responseOf(stream);
        stream.end(request);
        const { headers, messages } = await answer;
        assert.equal(headers["grpc-encoding"], encoding);
        const flags = [Buffer.concat(raw)[0], Buffer.concat(raw)[5 + (messages[0]?.length ?? 0)]];
        assert.deepEqual(flags, encoding ? [1, 0] : [0, 0]);
        const first = messages[0] as Buffer;
        assert.equal(sizeOf(encoding ? gunzipSync(first) : first), 40_000);
        assert.equal(sizeOf(messages[1] as Buffer), 50_000);
      }));
});

describe("gRPC's interoperability cases with grpcio (Python)", () => {
  it("all of them", { timeout: 120_000 }, async (t: TestContext) => {
    const { testClients } = await import(pathToFileURL(join(ROOT, "scripts/setup.mjs")).href);
    let modules: string;
    try {
      modules = await testClients();
    } catch (error) {
      if (process.env.CI === "true") throw error;
      t.skip(`no grpcio: ${(error as Error).message}`);
      return;
    }
    await serving(async (_client, port) => {
      const child = spawn("python3", [join(import.meta.dirname, "interop_client.py"), `127.0.0.1:${port}`], {
        env: { ...process.env, PYTHONPATH: modules },
        stdio: ["ignore", "pipe", "pipe"],
      });
      t.after(() => child.kill("SIGKILL"));
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
      const results = out
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { case: string; error?: string });
      assert.deepEqual(
        results.filter((each) => each.error !== undefined),
        [],
        err,
      );
      assert.equal(results.length, 20, `${out}${err}`);
    });
  });
});
