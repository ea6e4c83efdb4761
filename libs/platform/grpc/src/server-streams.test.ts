import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type RawStream, rawClientStream, rawDuplex, rawServerStream } from "./index.ts";
import { failsWith, serving } from "./serving.testkit.ts";

test("a duplex stream carries messages both ways, ends with OK or with the error", async () => {
  const talk = rawDuplex("/t.T/Talk", (stream) => {
    stream.onMessage((bytes) => {
      if (bytes[0] === 13) throw new XebecError("invalid_argument", "thirteen is refused");
      stream.write(bytes);
    });
    stream.onEnd(() => stream.end());
  });
  await serving({ services: [talk] }, async (channel) => {
    const got: number[] = [];
    let end: unknown = "open";
    const stream = channel.duplex("/t.T/Talk");
    stream.onMessage((bytes) => got.push(...bytes));
    stream.onEnd((error) => {
      end = error;
    });
    stream.write(Uint8Array.of(1));
    stream.write(Uint8Array.of(2));
    stream.end();
    await waitFor("the end", 2_000, () => end !== "open");
    assert.deepEqual([got, end], [[1, 2], undefined]);

    let failure: XebecError | undefined;
    const second = channel.duplex("/t.T/Talk");
    second.onMessage(() => {});
    second.onEnd((error) => {
      failure = error;
    });
    second.write(Uint8Array.of(13));
    assert.ok(failsWith("invalid_argument", /thirteen/)(await waitFor("the error", 2_000, () => failure)));
  });
});

test("client and server streams", async () => {
  const sum = rawClientStream("/t.T/Sum", (stream) => {
    let total = 0;
    stream.onMessage((bytes) => {
      total += bytes[0] ?? 0;
    });
    stream.onEnd(() => {
      stream.write(Uint8Array.of(total));
      stream.end();
    });
  });
  const count = rawServerStream("/t.T/Count", (bytes, stream) => {
    for (let i = 0; i < (bytes[0] ?? 0); i++) stream.write(Uint8Array.of(i));
    stream.end();
  });
  await serving({ services: [sum, count] }, async (channel) => {
    const run = async (path: string, inputs: number[]): Promise<number[]> => {
      const got: number[] = [];
      let ended = false;
      const stream = channel.duplex(path);
      stream.onMessage((bytes) => got.push(...bytes));
      stream.onEnd((error) => {
        assert.equal(error, undefined);
        ended = true;
      });
      for (const each of inputs) stream.write(Uint8Array.of(each));
      stream.end();
      await waitFor("the end", 2_000, () => ended);
      return got;
    };
    assert.deepEqual(await run("/t.T/Sum", [1, 2, 3]), [6]);
    assert.deepEqual(await run("/t.T/Count", [3]), [0, 1, 2]);
  });
});

test("a reader that is slow makes write return false, and onDrain follows once it reads", async () => {
  let server: RawStream | undefined;
  let drained = 0;
  const flood = rawDuplex("/t.T/Flood", (stream) => {
    server = stream;
    stream.onDrain(() => {
      drained++;
    });
    const chunk = new Uint8Array(4 << 10);
    let written = 0;
    while (stream.write(chunk)) written++;
    assert.ok(written < 300, `${written} chunks were taken without a stop`);
  });
  await serving({ services: [flood] }, async (_channel, { port }) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const headers = { ":method": "POST", ":path": "/t.T/Flood", "content-type": "application/grpc", te: "trailers" };
    const reader = session.request(headers);
    reader.on("error", () => {});
    const stream = await waitFor("the flood", 2_000, () => server);
    await waitFor("the windows are full", 2_000, () => stream.queuedBytes < 1 << 20);
    assert.ok(stream.queuedBytes > 900_000, String(stream.queuedBytes));
    assert.equal(drained, 0);
    reader.resume();
    await waitFor("the drain", 5_000, () => drained === 1 && stream.queuedBytes === 0);
    reader.close(8);
    await waitFor("the server's stream is closed", 2_000, () => stream.closed);
    assert.equal(stream.write(Uint8Array.of(1)), false);
    session.destroy();
  });
});

test("abort ends a stream at once whose peer does not read", async () => {
  let server: RawStream | undefined;
  let ended = false;
  const flood = rawDuplex("/t.T/Flood", (stream) => {
    server = stream;
    stream.onClose(() => {
      ended = true;
    });
    stream.write(new Uint8Array(1 << 20));
  });
  await serving({ services: [flood] }, async (_channel, { port }) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    const headers = { ":method": "POST", ":path": "/t.T/Flood", "content-type": "application/grpc", te: "trailers" };
    const reader = session.request(headers);
    reader.on("error", () => {});
    const stream = await waitFor("the flood", 2_000, () => server);
    stream.abort();
    await waitFor("the end on both sides", 2_000, () => ended && stream.closed && reader.closed);
    assert.equal(reader.rstCode, 8);
    stream.abort();
    session.destroy();
  });
});

test("onEnd and onClose are each called once when the peer vanishes", async () => {
  const calls: string[] = [];
  let open = false;
  const talk = rawDuplex("/t.T/Talk", (stream, call) => {
    open = true;
    call.signal.addEventListener("abort", () => calls.push("abort"));
    stream.onMessage(() => {});
    stream.onEnd(() => calls.push("end"));
    stream.onClose(() => calls.push("close"));
  });
  await serving({ services: [talk] }, async (channel) => {
    const stream = channel.duplex("/t.T/Talk");
    stream.onEnd(() => {});
    await waitFor("the stream", 2_000, () => open);
    stream.cancel();
    await waitFor("the close", 2_000, () => calls.length >= 3);
    assert.deepEqual(calls.sort(), ["abort", "close", "end"]);
  });
});
