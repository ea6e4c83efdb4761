import type { IncomingMessage } from "node:http";
import { XebecError } from "@xebec/core-errors";

/** HTTP has a status of its own for it. */
export class BodyTooLarge extends XebecError {
  constructor(limit: number) {
    super("resource_exhausted", `the body is larger than ${limit} bytes`);
  }
}

/**
 * Reads the body of a request: JSON or text, as its content type says.
 * @param limit largest body in bytes
 * @returns undefined when there is none
 * @throws XebecError resource_exhausted above the limit, invalid_argument for what cannot be read, cancelled when it breaks off
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<unknown> {
  const { "content-length": length, "transfer-encoding": transfer, "content-type": type = "" } = request.headers;
  if (length === "0" || (length === undefined && transfer === undefined)) return undefined;
  if (Number(length) > limit) throw new BodyTooLarge(limit);
  const text = (await bytesOf(request, limit)).toString();
  const kind = type.replace(/;.*/s, "").trim().toLowerCase();
  if (text === "") return undefined;
  if (kind === "application/json") return parse(text);
  if (kind === "text/plain") return text;
  throw new XebecError(
    "invalid_argument",
    `the content type "${type.slice(0, 100)}" is not taken; send application/json`,
  );
}

function bytesOf(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    request.on("data", (part: Buffer) => {
      size += part.length;
      if (size <= limit) parts.push(part);
      else {
        request.pause();
        reject(new BodyTooLarge(limit));
      }
    });
    request.on("end", () => resolve(Buffer.concat(parts)));
    const broken = (): void => reject(new XebecError("cancelled", "the request broke off"));
    request.on("error", broken);
    request.on("close", broken);
  });
}

function parse(text: string): unknown {
  try {
    // A key __proto__ would change the objects that it is copied to.
    return JSON.parse(text, /__proto__|\\u/i.test(text) ? withoutPrototypes : undefined);
  } catch (error) {
    throw new XebecError("invalid_argument", `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function withoutPrototypes(key: string, value: unknown): unknown {
  if (key === "__proto__") throw new SyntaxError("it has a key __proto__");
  return value;
}
