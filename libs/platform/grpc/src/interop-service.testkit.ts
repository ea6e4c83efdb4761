import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { CallContext } from "./call-context.ts";
import {
  type GrpcService,
  joinServices,
  type RawStream,
  rawClientStream,
  rawDuplex,
  rawServerStream,
  rawUnary,
} from "./index.ts";
import { Decoded, encode, payload } from "./interop-messages.testkit.ts";
import { codeOf } from "./status.ts";

const SERVICE = "/grpc.testing.TestService";
const INITIAL = "x-grpc-test-echo-initial";
const TRAILING = "x-grpc-test-echo-trailing-bin";

/**
 * The server's side of gRPC's interoperability tests (grpc/grpc, doc/interop-test-descriptions.md), on raw handlers: messages of
 * grpc/testing/messages.proto by their field numbers.
 */
export function interopService(): GrpcService {
  return joinServices([
    rawUnary(`${SERVICE}/EmptyCall`, (_bytes, call) => {
      echoMetadata(call);
      return new Uint8Array();
    }),
    rawUnary(`${SERVICE}/UnaryCall`, unaryCall),
    rawClientStream(`${SERVICE}/StreamingInputCall`, streamingInput),
    rawServerStream(`${SERVICE}/StreamingOutputCall`, (bytes, stream) => {
      const request = new Decoded(bytes);
      if (request.messages(2).some((each) => each.message(3).number(1) === 1)) stream.compress(true);
      void respond(stream, request).then(() => stream.end());
    }),
    rawDuplex(`${SERVICE}/FullDuplexCall`, fullDuplex),
  ]);
}

function unaryCall(bytes: Buffer, call: CallContext): Uint8Array {
  const request = new Decoded(bytes);
  echoMetadata(call);
  expectCompressed(request, 8, call.compressed);
  fail(request);
  if (request.message(6).number(1) === 1) call.compress();
  return encode([[1, payload(request.number(2))]]);
}

function streamingInput(stream: RawStream): void {
  let size = 0;
  stream.onMessage((bytes, compressed = false) => {
    const request = new Decoded(bytes);
    expectCompressed(request, 2, compressed);
    size += request.message(1).bytes(2).length;
  });
  stream.onEnd(() => {
    stream.write(encode([[1, size]]));
    stream.end();
  });
}

function fullDuplex(stream: RawStream, call: CallContext): void {
  echoMetadata(call);
  let answering = Promise.resolve();
  stream.onMessage((bytes) => {
    const request = new Decoded(bytes);
    fail(request);
    answering = answering.then(() => respond(stream, request));
  });
  stream.onEnd(() => void answering.then(() => stream.end()));
}

async function respond(stream: RawStream, request: Decoded): Promise<void> {
  for (const parameters of request.messages(2)) {
    await sleep(parameters.number(2) / 1_000);
    if (parameters.has(3)) stream.compress(parameters.message(3).number(1) === 1);
    if (!stream.write(encode([[1, payload(parameters.number(1))]])) && !stream.closed)
      await new Promise<void>((resolve) => {
        stream.onDrain(resolve);
        stream.onClose(resolve);
      });
  }
}

function echoMetadata(call: CallContext): void {
  const [initial, trailing] = [call.metadata(INITIAL), call.metadata(TRAILING)];
  if (initial !== undefined) call.respondWith({ initial: { [INITIAL]: initial } });
  if (trailing !== undefined) call.respondWith({ trailing: { [TRAILING]: trailing } });
}

function expectCompressed(request: Decoded, field: number, compressed: boolean): void {
  if (request.has(field) && (request.message(field).number(1) === 1) !== compressed)
    throw new XebecError("invalid_argument", "the message is not compressed as it says");
}

/** Fails as the request's EchoStatus says. */
function fail(request: Decoded): void {
  const status = request.message(7);
  if (status.number(1) !== 0) throw new XebecError(codeOf(status.number(1)), Buffer.from(status.bytes(2)).toString());
}
