import { Health, HealthCheckResponse_ServingStatus as Status } from "@xebec/api-mesh/grpc/health/v1/health";
import { logger } from "@xebec/core-log";
import { createGrpcClient } from "@xebec/platform-grpc";

const log = logger("agent");

/**
 * Asks an app by the gRPC health checking protocol, without TLS, as kubelet does.
 * @param service empty: the server as a whole
 * @returns whether it is SERVING; false also when it does not answer
 */
export async function isServing(host: string, port: number, service: string, timeoutMs: number): Promise<boolean> {
  const client = createGrpcClient({ descriptor: Health, address: { host, port } });
  try {
    return (await client.check({ service }, { timeoutMs })).status === Status.SERVING;
  } catch (error) {
    log.debug({ err: error, port, service }, "a gRPC probe failed");
    return false;
  } finally {
    client.close();
  }
}
