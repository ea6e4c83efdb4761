import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { logger } from "@xebec/core-log";
import { callUnary } from "@xebec/platform-grpc";

const log = logger("agent");
/** HealthCheckResponse.ServingStatus (grpc/health/v1/health.proto). */
const SERVING = 1;

/**
 * Asks an app by the gRPC health checking protocol, without TLS, as kubelet does.
 * @param service empty: the server as a whole
 * @returns whether it is SERVING; false also when it does not answer
 */
export async function isServing(host: string, port: number, service: string, timeoutMs: number): Promise<boolean> {
  const request = new BinaryWriter();
  if (service !== "") request.tag(1, WireType.LengthDelimited).string(service);
  try {
    const path = "/grpc.health.v1.Health/Check";
    return statusOf(await callUnary(request.finish(), { address: { host, port }, path, timeoutMs })) === SERVING;
  } catch (error) {
    log.debug({ err: error, port, service }, "a gRPC probe failed");
    return false;
  }
}

function statusOf(bytes: Uint8Array): number {
  let status = 0;
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) status = reader.int32();
    else reader.skip(type, field);
  }
  return status;
}
