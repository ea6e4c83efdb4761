import { statSync } from "node:fs";
import { isXebecError } from "@xebec/core-errors";
import { parseAddress } from "./address.ts";

/** Looks at the value of an option. @returns what is wrong, as the end of a sentence that begins with the option's name */
export type Check = (value: unknown) => string | undefined;

/** A listen or dial address, `HOST:PORT`. */
export const isAddress: Check = (value) => {
  try {
    parseAddress(String(value));
  } catch (error) {
    if (isXebecError(error)) return error.message;
    throw error;
  }
  return undefined;
};

/** An address, or nothing for a port that is not wanted. */
export const isAddressOrEmpty: Check = (value) => (value === "" ? undefined : isAddress(value));

/** A directory that is there: a service that reads it has nothing to do without. */
export const isDirectory: Check = (value) => {
  const path = String(value);
  try {
    return statSync(path).isDirectory() ? undefined : `"${path}" is not a directory`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT"
      ? `there is no directory "${path}"; make it, or name another`
      : `"${path}" cannot be read: ${message}`;
  }
};

/** NATS servers. One that has no address would be tried for ever. */
export const areServers: Check = (value) => {
  for (const each of value as readonly string[])
    if (!/^(?:nats|tls|wss?):\/\/[^\s/]+$/.test(each.replace(/\/$/, "")))
      return `"${each}" is not a server; write nats://HOST:PORT`;
  return undefined;
};
