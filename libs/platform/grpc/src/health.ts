import { Health, HealthCheckResponse_ServingStatus as Status } from "@xebec/api-mesh/grpc/health/v1/health";
import { XebecError } from "@xebec/core-errors";
import { type Component, missingOf } from "@xebec/core-lifecycle";
import type { GrpcService } from "./method.ts";
import { service } from "./service.ts";

const WATCH_MS = 250;
/** Most bytes of a request: it has a name. */
const MOST_BYTES = 4_096;

/**
 * The standard health service (gRPC health checking protocol): SERVING when no component misses anything.
 * @param components asked on each check
 * @param services names that may be asked beside the empty one, for example `envoy.service.auth.v3.Authorization`
 */
export function grpcHealth(components: readonly Component[], services: readonly string[] = []): GrpcService {
  const known = new Set(["", ...services]);
  const status = (): Status => (missingOf(components).length === 0 ? Status.SERVING : Status.NOT_SERVING);
  return service(
    Health,
    {
      check(request) {
        if (!known.has(request.service))
          throw new XebecError("not_found", `no service "${request.service}" is served here`);
        return { status: status() };
      },
      list: () => ({ statuses: Object.fromEntries([...known].map((name) => [name, { status: status() }])) }),
      watch(request, stream) {
        let last: Status | undefined;
        const notify = (): void => {
          const now = known.has(request.service) ? status() : Status.SERVICE_UNKNOWN;
          if (now !== last) stream.write({ status: now });
          last = now;
        };
        const timer = setInterval(notify, WATCH_MS);
        stream.onClose(() => clearInterval(timer));
        notify();
      },
    },
    MOST_BYTES,
  );
}
