import { XebecError } from "@xebec/core-errors";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Parses a listen or dial address as Go writes it: `:15010`, `127.0.0.1:15010`, `[::1]:15010`, `localhost:0`.
 * @returns the host (`0.0.0.0` when left out) and the port
 * @throws XebecError invalid_argument
 */
export function parseAddress(text: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new XebecError(
      "invalid_argument",
      `"${text}" is not an address; write HOST:PORT, for example 127.0.0.1:15010`,
    );
  return { host: match[1] || match[2] || "0.0.0.0", port };
}

/** Writes an address so that `parseAddress` reads it back. */
export function addressText({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A URL, or text with URLs, without the users and passwords in them, for logs. */
export function withoutUserinfo(text: string): string {
  return text.replace(/\/\/[^/\s@]*@/g, "//[redacted]@");
}
