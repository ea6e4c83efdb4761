import { XebecError } from "@xebec/core-errors";

/** A port number. @throws XebecError invalid_argument that names where it stands */
export function portOf(value: unknown, what: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new XebecError("invalid_argument", `${what}: ${JSON.stringify(value)} is not a port`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
