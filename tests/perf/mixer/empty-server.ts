// The yardstick of calls: a server of ours whose one method answers at once with nothing. Arguments: its address, and that of its page of health.
import { createServer } from "node:http";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcServer, rawUnary } from "@xebec/platform-grpc";

const [port = "", monitoring = ""] = process.argv.slice(2);
const nothing = Buffer.alloc(0);
const server = createGrpcServer({
  ...{ name: "empty", metrics: createMetrics(), address: { host: "127.0.0.1", port: Number(port) } },
  services: [rawUnary("/xebec.perf.Empty/Call", () => nothing)],
});
await server.start(new AbortController().signal);
createServer((_, response) => response.end("ok")).listen(Number(monitoring), "127.0.0.1");
