import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Socket } from "node:net";
import { type ConnectionLimits, ConnectionTable } from "@xebec/platform-grpc/connection-table";

/** Keeps an HTTP server reachable while somebody holds connections open. */
export function limitConnections(server: Server | SecureServer, limits: ConnectionLimits): void {
  const table = new ConnectionTable(limits);
  server.on("connection", (socket: Socket) => {
    if (!table.admit(socket)) socket.destroy();
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const held = table.of(request.socket);
    held?.begin();
    response.once("close", () => held?.end());
  });
}
