import { createServer } from "node:net";
import { XebecError } from "@xebec/core-errors";
import { addressPlan, NATS_PORT } from "@xebec/platform-local";

/** What a mesh is to bind. */
export interface WantedPorts {
  readonly addressBlock: number;
  readonly ingressPort: number;
  readonly ingressHttpsPort?: number;
}

/**
 * Makes sure that a mesh can bind what it needs first: its ingress and its NATS.
 * @throws XebecError failed_precondition that says which port is taken and what to do
 */
export async function checkPorts({ addressBlock, ingressPort, ingressHttpsPort: https }: WantedPorts): Promise<void> {
  await demandFree("127.0.0.1", ingressPort, "end what listens there, or choose another port with --ingress-port");
  // One that nobody has named is used only when some Gateway wants it.
  if (https !== undefined)
    await demandFree("127.0.0.1", https, "end what listens there, or choose another port with --ingress-https-port");
  await demandFree(
    addressPlan(addressBlock).nats,
    NATS_PORT,
    `another mesh runs with address block ${addressBlock}; end it, or choose another block with --address-block`,
  );
}

function demandFree(host: string, port: number, advice: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new XebecError(
          "failed_precondition",
          error.code === "EADDRINUSE"
            ? `port ${port} on ${host} is taken: ${advice}`
            : `port ${port} on ${host} cannot be bound: ${error.message}`,
        ),
      ),
    );
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
