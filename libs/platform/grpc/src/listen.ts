import { lstat, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { addressText, type HostPort } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";

/** Where a server listens: an address, or a Unix socket (made with mode 0600). */
export type ListenAddress = HostPort | { readonly path: string };

/** A Unix socket's path holds at most this many bytes on Linux (unix(7), sun_path without its final zero). */
const SOCKET_PATH_BYTES = 107;

/** Writes an address for people and logs. */
export function listenText(address: ListenAddress): string {
  return "path" in address ? address.path : addressText(address);
}

/**
 * Binds exactly the given address: no other interface. A stale Unix socket is replaced, a live one is not.
 * @param name the server's name in the error
 * @param reusePort shares the port with processes that ask for the same (SO_REUSEPORT); else a port in use is refused
 * @returns the port that was bound, 0 for a Unix socket
 * @throws XebecError failed_precondition that names the address and says why it cannot be had
 */
export async function listenExactly(
  server: Server,
  address: ListenAddress,
  name: string,
  reusePort = false,
): Promise<number> {
  if ("path" in address) await clearStaleSocket(address.path, name);
  // A socket file is made with the mode of the umask at the time of bind(2), which happens inside this call.
  const umask = "path" in address ? process.umask(0o177) : undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      const listening = (): void => {
        server.off("error", reject);
        resolve();
      };
      if ("path" in address) server.listen(address.path, listening);
      else server.listen({ host: address.host, port: address.port, exclusive: true, reusePort }, listening);
      if (umask !== undefined) process.umask(umask);
    });
  } catch (error) {
    throw bindError(error, address, name);
  }
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : 0;
}

function bindError(error: unknown, address: ListenAddress, name: string): XebecError {
  const code = (error as NodeJS.ErrnoException).code;
  const what = "path" in address ? `socket ${address.path}` : `port ${address.port} on ${address.host}`;
  const why =
    code === "EADDRINUSE"
      ? "is in use; stop the other program or choose another address"
      : code === "EACCES"
        ? "is not allowed for this user; choose another address"
        : code === "EADDRNOTAVAIL" || code === "ENOTFOUND"
          ? "does not belong to this machine; choose another address"
          : `cannot be opened (${code ?? "unknown error"})`;
  return new XebecError("failed_precondition", `${name}: ${what} ${why}`, { cause: error });
}

async function clearStaleSocket(path: string, name: string): Promise<void> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES)
    throw new XebecError(
      "invalid_argument",
      `${name}: the socket path ${path} is longer than ${SOCKET_PATH_BYTES} bytes; choose a shorter one`,
    );
  try {
    if (!(await lstat(path)).isSocket())
      throw new XebecError("failed_precondition", `${name}: ${path} exists and is not a socket; remove it`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
  if (answered)
    throw new XebecError("failed_precondition", `${name}: socket ${path} is in use; stop the other program`);
  await unlink(path);
}
